"""`--export-keys DIR`: the keys of every SA as Wireshark's decryption tables.

Only on that explicit switch: whoever has these files can read the traffic. Files and the
directory are for their owner alone.
"""

from __future__ import annotations

import os
from pathlib import Path

from cygnet.boundary.effects import ExportKeys

#: our table -> the file's name in a Wireshark profile
FILES = {"ikev1": "ikev1_decryption_table", "ikev2": "ikev2_decryption_table", "esp": "esp_sa"}


class KeyTables:
    def __init__(self, directory: Path) -> None:
        """Raises OSError where the directory cannot be made or written."""
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._files = {table: directory / name for table, name in FILES.items()}
        for path in self._files.values():
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
            path.chmod(0o600)

    def add(self, effect: ExportKeys) -> None:
        with self._files[effect.table].open("a") as file:
            file.write(effect.line.rstrip("\n") + "\n")

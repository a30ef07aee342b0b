"""cygnet that writes the keys of its SAs as Wireshark's tables (`--export-keys`)."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.peers.cygnet import Cygnet

KEYS = "/run/keys"
TABLES = {"ikev1_decryption_table", "ikev2_decryption_table", "esp_sa"}


class Exporting(Cygnet):
    def start(self, *options: str) -> None:
        super().start("--export-keys", KEYS, *options)

    def hand_over_keys(self, directory: Path) -> Path:
        """Copy the tables to a directory that tshark takes as its profile."""
        shutil.copytree(self.host.path(KEYS), directory)
        assert {file.name for file in directory.iterdir()} == TABLES
        return directory

    def esp_keys(self) -> dict[str, tuple[str, str]]:
        """SPI -> (encryption key, integrity key) of every SA that it has installed so far, in hex."""
        rows = (line.split(",") for line in self.host.path(f"{KEYS}/esp_sa").read_text().splitlines())
        plain = ([column.strip('"').removeprefix("0x") for column in row] for row in rows)
        return {row[3]: (row[5], row[7]) for row in plain}

"""`--export-keys DIR`: the keys of every SA as Wireshark's decryption tables.

Only on that explicit switch: whoever has these files can read the traffic. Files and the
directory are for their owner alone.
"""

from __future__ import annotations

import os
from pathlib import Path

from cygnet.boundary.effects import ExportKeys
from cygnet.boundary.specs import Direction, SaSpec
from cygnet.values.iana import EncrId, IntegId

#: our table -> the file's name in a Wireshark profile
FILES = {"ikev1": "ikev1_decryption_table", "ikev2": "ikev2_decryption_table", "esp": "esp_sa"}

#: as Wireshark's esp_sa table spells them
_ENCR: dict[int, str] = {
    EncrId.TRIPLE_DES: "TripleDES-CBC [RFC2451]",
    EncrId.NULL: "NULL",
    EncrId.AES_CBC: "AES-CBC [RFC3602]",
    EncrId.AES_CTR: "AES-CTR [RFC3686]",
    EncrId.AES_GCM_8: "AES-GCM with 8 octet ICV [RFC4106]",
    EncrId.AES_GCM_12: "AES-GCM with 12 octet ICV [RFC4106]",
    EncrId.AES_GCM_16: "AES-GCM with 16 octet ICV [RFC4106]",
    EncrId.CHACHA20_POLY1305: "ChaCha20 with Poly1305 [RFC7634]",
}
_INTEG: dict[int, str] = {
    IntegId.HMAC_MD5_96: "HMAC-MD5-96 [RFC2403]",
    IntegId.HMAC_SHA1_96: "HMAC-SHA-1-96 [RFC2404]",
    IntegId.HMAC_SHA2_256_96: "HMAC-SHA-256-96 [draft-ietf-ipsec-ciph-sha-256-00]",
    IntegId.HMAC_SHA2_256_128: "HMAC-SHA-256-128 [RFC4868]",
    IntegId.HMAC_SHA2_384_192: "HMAC-SHA-384-192 [RFC4868]",
    IntegId.HMAC_SHA2_512_256: "HMAC-SHA-512-256 [RFC4868]",
}


def esp_keys(spec: SaSpec) -> ExportKeys:
    """One direction of a CHILD_SA as a row of esp_sa. What Wireshark has no name for is "NULL"."""
    inbound = spec.direction is Direction.IN
    source, destination = (spec.remote, spec.local) if inbound else (spec.local, spec.remote)
    integ = _INTEG.get(spec.integ.id, "NULL") if spec.integ is not None else "NULL"
    columns = (
        f"IPv{source.address.version}",
        str(source.address),
        str(destination.address),
        f"0x{spec.spi:08x}",
        _ENCR.get(spec.encr.id, "NULL"),
        f"0x{spec.encr_key.reveal().hex()}",
        integ,
        f"0x{spec.integ_key.reveal().hex()}",
    )
    return ExportKeys("esp", ",".join(f'"{column}"' for column in columns))


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

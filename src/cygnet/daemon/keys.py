"""`--export-keys DIR`: the keys of every SA as Wireshark's decryption tables.

Only on that explicit switch: whoever has these files can read the traffic. Files and the
directory are for their owner alone.
"""

from __future__ import annotations

import os
from pathlib import Path

from cygnet.boundary.effects import ExportKeys
from cygnet.boundary.specs import SaSpec
from cygnet.values.iana import EncrId, IntegId

#: our table -> the file's name in a Wireshark profile
FILES = {"ikev1": "ikev1_decryption_table", "ikev2": "ikev2_decryption_table", "esp": "esp_sa"}

#: as Wireshark's esp_sa table spells them; it has no name for AES-CCM, Camellia and NULL-AES-GMAC,
#: and 4.0 skips a row with ChaCha20, with a warning (later versions read it)
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
    IntegId.HMAC_MD5_128: "ANY 128 bit authentication [no checking]",
    IntegId.AES_XCBC_96: "ANY 96 bit authentication [no checking]",
    IntegId.AES_CMAC_96: "ANY 96 bit authentication [no checking]",
}
_NO_INTEG = "NULL"


def esp_keys(spec: SaSpec) -> ExportKeys | None:
    """One direction of a CHILD_SA as a row of esp_sa; None for what Wireshark cannot decrypt.

    The row is for any addresses: the SPI is enough, the capture may be from beyond a NAT, and
    with MOBIKE the addresses change.
    """
    encr = _ENCR.get(spec.encr.id)
    integ = _INTEG.get(spec.integ.id) if spec.integ is not None else _NO_INTEG
    if encr is None or integ is None:
        return None
    columns = (
        f"IPv{spec.remote.address.version}",
        "*",
        "*",
        f"0x{spec.spi:08x}",
        encr,
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

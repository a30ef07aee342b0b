"""Keys of IKE_SAs as rows of Wireshark's decryption tables.

Made only where the daemon was told so (``--export-keys``): whoever has a row can read the
traffic. ESP's rows are made by the daemon, from the SAs it installs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cygnet.boundary.effects import ExportKeys
from cygnet.values.iana import EncrId, IntegId
from cygnet.values.secret import Secret

if TYPE_CHECKING:
    from cygnet.engine.ikev1.keys import Phase1Keys
    from cygnet.engine.ikev2.keys import IkeKeys
    from cygnet.engine.sa import IkeSa

#: as Wireshark's ikev2_decryption_table spells them; {bits} is the key length
_ENCR: dict[int, str] = {
    EncrId.TRIPLE_DES: "3DES [RFC2451]",
    EncrId.AES_CBC: "AES-CBC-{bits} [RFC3602]",
    EncrId.AES_CTR: "AES-CTR-{bits} [RFC5930]",
    EncrId.AES_CCM_8: "AES-CCM-{bits} with 8 octet ICV [RFC5282]",
    EncrId.AES_CCM_12: "AES-CCM-{bits} with 12 octet ICV [RFC5282]",
    EncrId.AES_CCM_16: "AES-CCM-{bits} with 16 octet ICV [RFC5282]",
    EncrId.AES_GCM_8: "AES-GCM-{bits} with 8 octet ICV [RFC5282]",
    EncrId.AES_GCM_12: "AES-GCM-{bits} with 12 octet ICV [RFC5282]",
    EncrId.AES_GCM_16: "AES-GCM-{bits} with 16 octet ICV [RFC5282]",
}
_ANY_96 = "ANY 96-bits of Authentication [No Checking]"  #: and it refuses a row that has keys for it
_INTEG: dict[int, str] = {
    IntegId.HMAC_MD5_96: "HMAC_MD5_96 [RFC2403]",
    IntegId.HMAC_SHA1_96: "HMAC_SHA1_96 [RFC2404]",
    IntegId.HMAC_MD5_128: "HMAC_MD5_128 [RFC4595]",
    IntegId.HMAC_SHA1_160: "HMAC_SHA1_160 [RFC4595]",
    IntegId.HMAC_SHA2_256_96: "HMAC_SHA2_256_96 [draft-ietf-ipsec-ciph-sha-256-00]",
    IntegId.AES_XCBC_96: _ANY_96,
    IntegId.AES_CMAC_96: _ANY_96,
    IntegId.HMAC_SHA2_256_128: "HMAC_SHA2_256_128 [RFC4868]",
    IntegId.HMAC_SHA2_384_192: "HMAC_SHA2_384_192 [RFC4868]",
    IntegId.HMAC_SHA2_512_256: "HMAC_SHA2_512_256 [RFC4868]",
}
_NONE = "NONE [RFC4306]"


def export_phase_1(sa: IkeSa, keys: Phase1Keys) -> None:
    """ikev1_decryption_table: the initiator's cookie and the encryption key."""
    if sa.services.export_keys:
        sa.services.emit(ExportKeys("ikev1", f"{sa.spi_i.hex()},{_hex(keys.encryption_key)}"))


def export_ike(sa: IkeSa, keys: IkeKeys) -> None:
    """ikev2_decryption_table. Nothing for a cipher that Wireshark cannot decrypt."""
    if not sa.services.export_keys:
        return
    cipher, integ = keys.suite.cipher, keys.suite.integ
    encr_name = _ENCR.get(cipher.id)
    integ_name = _INTEG.get(integ.id) if integ is not None else _NONE
    if encr_name is None or integ_name is None:
        return
    a_i, a_r = ("", "") if integ_name == _ANY_96 else (_hex(keys.a_i), _hex(keys.a_r))
    columns = (
        sa.spi_i.hex(),
        sa.spi_r.hex(),
        _hex(keys.e_i),
        _hex(keys.e_r),
        f'"{encr_name.format(bits=cipher.key_bits)}"',
        a_i,
        a_r,
        f'"{integ_name}"',
    )
    sa.services.emit(ExportKeys("ikev2", ",".join(columns)))


def _hex(key: Secret) -> str:
    return key.reveal().hex()

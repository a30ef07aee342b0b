"""Exported keys: only when asked for, and the keys that the messages are really encrypted with."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

from cygnet.boundary.effects import ExportKeys
from cygnet.model.config import IkeVersion
from cygnet.testing.builders import oregon
from cygnet.testing.pair import Host, Pair


def established(version: IkeVersion, export: bool) -> Pair:
    pair = Pair(*oregon(version))
    for host in pair.hosts:
        host.engine._services.export_keys = export
    pair.left.up("oregon")
    pair.run(5)
    assert pair.left.established()
    return pair


def exported(host: Host) -> list[tuple[str, list[str]]]:
    return [(e.table, e.line.split(",")) for e in host.effects if isinstance(e, ExportKeys)]


@pytest.mark.parametrize("version", [IkeVersion.V1, IkeVersion.V2])
def test_nothing_is_exported_unasked(version: IkeVersion) -> None:
    pair = established(version, export=False)
    assert not exported(pair.left) and not exported(pair.right)


def test_both_ends_export_the_same_row_of_an_ikev1_sa() -> None:
    pair = established(IkeVersion.V1, export=True)
    assert exported(pair.left) == exported(pair.right)
    ((table, (cookie, key)),) = exported(pair.left)
    assert table == "ikev1"
    assert cookie == pair.left.ike_sas[0].spi_i.hex()
    assert len(bytes.fromhex(key)) == 16


def test_the_exported_keys_of_an_ikev2_sa_open_its_messages() -> None:
    pair = established(IkeVersion.V2, export=True)
    assert exported(pair.left) == exported(pair.right)
    ((table, row),) = exported(pair.left)
    assert table == "ikev2"
    spi_i, spi_r, sk_ei, _, encr, _, _, integ = row
    sa = pair.left.ike_sas[0]
    assert (spi_i, spi_r) == (sa.spi_i.hex(), sa.spi_r.hex())
    assert (encr, integ) == ('"AES-CBC-128 [RFC3602]"', '"HMAC_SHA2_256_128 [RFC4868]"')
    # --> IKE_AUTH {IDi, ...}: header 28, SK's header 4, IV 16, ciphertext, ICV 16
    request = next(d for d in pair.datagrams() if d[18] == 35 and d[19] & 0x08)
    iv, sealed = request[32:48], request[48:-16]
    opener = Cipher(AES(bytes.fromhex(sk_ei)), CBC(iv)).decryptor()
    inside = opener.update(sealed) + opener.finalize()
    assert bytes([10, 31, 1, 185]) in inside  # IDi is our address

"""Exported keys are for their owner alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from cygnet.boundary.effects import ExportKeys
from cygnet.boundary.specs import Direction, SaSpec
from cygnet.daemon.keys import KeyTables, esp_keys
from cygnet.values.endpoint import Endpoint
from cygnet.values.iana import EncrId, IntegId, TransformType
from cygnet.values.proposal import Transform
from cygnet.values.secret import Secret

SPEC = SaSpec(
    Direction.IN,
    0xC7CF7E98,
    1,
    Endpoint.of("10.31.1.185", 4500),
    Endpoint.of("198.51.100.77", 4500),
    Transform(TransformType.ENCR, EncrId.AES_CBC, 128),
    Secret(bytes(range(16))),
    Transform(TransformType.INTEG, IntegId.HMAC_SHA2_256_128),
    Secret(bytes(range(32))),
)


def test_tables_are_appended_with_mode_0600(tmp_path: Path) -> None:
    directory = tmp_path / "keys"
    for _ in range(2):
        KeyTables(directory).add(ExportKeys("ikev1", "0011,2233"))
    path = directory / "ikev1_decryption_table"
    assert path.read_text() == "0011,2233\n0011,2233\n"
    assert directory.stat().st_mode & 0o777 == 0o700
    assert {p.stat().st_mode & 0o777 for p in directory.iterdir()} == {0o600}


def test_an_esp_row_is_as_wireshark_reads_it() -> None:
    row = esp_keys(SPEC)
    assert row is not None and row.table == "esp"
    assert row.line == (
        '"IPv4","*","*","0xc7cf7e98","AES-CBC [RFC3602]",'
        f'"0x{bytes(range(16)).hex()}","HMAC-SHA-256-128 [RFC4868]","0x{bytes(range(32)).hex()}"'
    )
    assert bytes(range(16)).hex() not in repr(row)


def test_what_wireshark_cannot_decrypt_has_no_row() -> None:
    ccm = replace(SPEC, encr=Transform(TransformType.ENCR, EncrId.AES_CCM_16, 128), integ=None)
    assert esp_keys(ccm) is None

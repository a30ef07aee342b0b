"""load(): all three files together, its promises, and how long it takes."""

from __future__ import annotations

import time

from cygnet.config.files import MemoryFiles
from cygnet.config.load import load
from cygnet.model.config import SecretKind
from tests.config.reading import files, loaded


def test_everything_comes_together_in_one_configuration() -> None:
    found = loaded(
        "conn a\n  right=192.0.2.1\n  authby=psk\n  auto=add\n", ': PSK "x"\n', "charon { port = 501 }"
    )
    assert found.ok and not found.fatal and not found.warnings
    assert [c.name for c in found.config.connections] == ["a"]
    assert [s.kind for s in found.config.secrets] == [SecretKind.PSK]
    assert found.config.settings.port == 501


def test_paths_are_the_callers() -> None:
    fs = MemoryFiles(
        {"/x/conf": "conn a\n  right=192.0.2.1\n  authby=psk\n  auto=add\n", "/x/sec": ": PSK a\n"}
    )
    found = load(fs, ipsec_conf="/x/conf", ipsec_secrets="/x/sec", strongswan_conf="/x/none")
    assert found.ok and len(found.config.secrets) == 1


def test_a_missing_strongswan_conf_is_fine_missing_secrets_a_warning_a_missing_ipsec_conf_an_error() -> None:
    found = load(MemoryFiles({}))
    assert [(e.place.file, e.place.line) for e in found.errors] == [("/etc/ipsec.conf", 0)]
    assert [w.place.file for w in found.warnings] == ["/etc/ipsec.secrets"]
    assert found.fatal


class _Forbidden:
    def read(self, path: str) -> str:
        raise PermissionError(13, "Permission denied", path)

    def glob(self, pattern: str) -> list[str]:
        return []


def test_files_that_may_not_be_read_are_named() -> None:
    found = load(_Forbidden())
    assert {e.place.file for e in found.errors} == {
        "/etc/ipsec.conf",
        "/etc/ipsec.secrets",
        "/etc/strongswan.conf",
        "/etc/swanctl/swanctl.conf",
    }
    assert all("Permission denied" in e.reason for e in found.errors)


def test_the_errors_of_all_files_come_at_once_in_the_order_of_their_lines() -> None:
    found = loaded("conn a\n  lifetime=x\n  also=b\n  left\n", ": PSK\n", "charon { port = x }")
    assert [(e.place.file.rpartition("/")[2], e.place.line) for e in found.errors] == [
        ("ipsec.conf", 2),
        ("ipsec.conf", 3),
        ("ipsec.conf", 4),
        ("ipsec.secrets", 1),
        ("strongswan.conf", 1),
    ]


def test_the_same_files_always_make_an_equal_configuration() -> None:
    fs = files("conn a\n  right=192.0.2.1\n  authby=psk\n  auto=add\n", ': PSK "x"\n')
    assert load(fs) == load(fs)


def test_a_byte_order_mark_of_an_editor_does_not_matter() -> None:
    mark = "\N{ZERO WIDTH NO-BREAK SPACE}"
    texts = {"/etc/ipsec.conf": mark + "config setup\n", "/etc/ipsec.secrets": mark + ": PSK x\n",
             "/etc/strongswan.conf": mark + "charon { }\n"}  # fmt: skip
    found = load(MemoryFiles(texts))
    assert found.ok and not found.warnings


def test_two_thousand_conns_load() -> None:
    """Measured: 0.36 s (one core of 2026). The bound is against quadratic growth only."""
    conns = "".join(
        f"conn site{i}\n  also=base\n  right=198.51.{i // 250}.{i % 250 + 1}\n  rightid=@site{i}\n"
        f"  rightsubnet=10.{i // 250}.{i % 250}.0/24\n  ike=aes256-sha256-modp2048!\n  auto=add\n"
        for i in range(2000)
    )
    secrets = "".join(f'@hub @site{i} : PSK "s{i}"\n' for i in range(2000))
    started = time.monotonic()
    found = loaded("conn base\n  authby=psk\n  leftsubnet=10.0.0.0/8\n" + conns, secrets)
    assert time.monotonic() - started < 30
    assert len(found.config.connections) == 2000 and len(found.config.secrets) == 2000 and found.ok

"""rereadsecrets, rereadcacerts, ...: each takes over what it names and nothing else."""

from __future__ import annotations

import pytest

from cygnet.daemon.reloading import with_credentials
from cygnet.model.config import CertificateFile, CertificateUse, Config, OwnKey, SecretKind, SharedSecret
from cygnet.values.secret import Secret


def config(word: str) -> Config:
    return Config(
        secrets=(SharedSecret(SecretKind.PSK, (), Secret(word.encode())),),
        certificates=tuple(CertificateFile(word.encode(), word, use) for use in CertificateUse),
        keys=(OwnKey(word.encode(), word),),
        crls=(word.encode(),),
    )


def taken(config: Config) -> set[str]:
    found = {file.use.value for file in config.certificates if file.source == "new"}
    found |= {"secrets"} if config.secrets[0].secret.reveal() == b"new" else set()
    found |= {"keys"} if config.keys[0].source == "new" else set()
    return found | ({"crls"} if config.crls == (b"new",) else set())


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        (("secrets", "certs"), {"secrets", "keys", "certs"}),
        (("cacerts",), {"cacerts"}),
        (("aacerts",), {"aacerts"}),
        (("ocspcerts",), {"ocspcerts"}),
        (("acerts",), set()),
        (("crls",), {"crls"}),
        ((), {"secrets", "keys", "certs", "cacerts", "aacerts", "ocspcerts", "crls"}),
    ],
)
def test_what_is_named_is_taken_over(parts: tuple[str, ...], expected: set[str]) -> None:
    result = with_credentials(config("old"), config("new"), parts)
    assert taken(result) == expected
    assert len(result.certificates) == len(CertificateUse)

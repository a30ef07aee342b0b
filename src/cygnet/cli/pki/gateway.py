"""`cygnet pki gateway NAME...`: from nothing to certificates for gateways, and the conns that use them.

What exists is kept: the CA is made once, and a gateway that has a key has it for good (its
certificate, too, unless it is gone). So the command may be run again with more names.
"""

from __future__ import annotations

import argparse
import ipaddress
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from cygnet.cli import exits
from cygnet.cli.pki.files import UsageError, create, read_certificate, read_key
from cygnet.cli.pki.parser import whole
from cygnet.cli.pki.terms import distinguished, new_serial
from cygnet.cli.terminal import say
from cygnet.crypto.issuing.certificates import Terms, issue, pem, self_signed, utc
from cygnet.crypto.issuing.errors import IssuingError
from cygnet.crypto.issuing.extensions import Wishes
from cygnet.crypto.issuing.keys import PrivateKey, encode_private, generate, signing
from cygnet.crypto.publickey import KeyKind
from cygnet.crypto.x509 import Certificate
from cygnet.values import dn, dn_text

#: What every peer takes: RFC 7296's own methods and IKEv1 have no Ed25519, and Windows, old strongSwan and
#: most appliances refuse it; ECDSA with P-256 (RFC 4754) they know, and it costs the least.
KINDS: dict[str, tuple[str, int]] = {
    "ecdsa": ("ecdsa", 256), "rsa": ("rsa", 3072), "ed25519": ("ed25519", 0), "ed448": ("ed448", 0),
}  # fmt: skip
DEFAULT_KIND = "ecdsa"

CA_DAYS = 3650  #: ten years: changing a CA means a visit to every gateway
DAYS = 1095  #: strongSwan's default
CA_CERTIFICATE, CA_KEY = "cacerts/ca.pem", "private/ca.pem"


class Gateway(NamedTuple):
    name: str  #: a host name: subjectAltName and leftid
    address: str  #: where peers find it; the name where nothing else is said
    networks: tuple[str, ...]  #: behind it; none: it speaks for itself only

    @property
    def file(self) -> str:
        return self.name + ".pem"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "names",
        nargs="+",
        metavar="NAME[=ADDRESS[,NETWORK...]]",
        help="the gateways' host names; the address where peers find it if DNS does not know the name; "
        "the networks behind it",
    )
    parser.add_argument("--dir", "--out", default="pki", metavar="DIR",
                        help="where all of it goes (default: ./pki); what is there is kept")  # fmt: skip
    parser.add_argument("--type", "-t", choices=tuple(KINDS), default=DEFAULT_KIND,
        help="of the keys. The default is ecdsa (P-256) because every peer takes it, over IKEv1, too; "
        "ed25519 needs IKEv2 with RFC 8420 at both ends; rsa (3072 bits) is for very old peers")  # fmt: skip
    parser.add_argument("--ca-dn", default="CN=cygnet CA", metavar="DN", help="name of a new CA")
    parser.add_argument("--lifetime", "-l", type=whole, default=DAYS, metavar="DAYS",
                        help="of the certificates (default: %(default)s; a new CA: 3650)")  # fmt: skip
    parser.add_argument("--passphrase-file", metavar="FILE", help="passphrase of the CA's key, if it has one")


def run(options: argparse.Namespace) -> int:
    gateways = [_gateway(text) for text in options.names]
    if len({one.name for one in gateways}) < len(gateways):
        raise UsageError("a gateway is named twice")
    if options.lifetime == 0:
        raise UsageError("--lifetime is at least 1")
    home = Path(options.dir)
    for folder in ("cacerts", "certs", "private"):
        (home / folder).mkdir(parents=True, exist_ok=True, mode=0o700 if folder == "private" else 0o755)
    ca, ca_key = _authority(home, options)
    for one in gateways:
        _certify(home, one, ca, ca_key, options)
    for one in gateways:
        _write_conf(home, one, gateways, ca)
    _next_steps(home, gateways)
    return exits.OK


def _gateway(text: str) -> Gateway:
    name, _, rest = text.partition("=")
    address, *networks = rest.split(",")
    label = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
    if not re.fullmatch(rf"{label}(\.{label})*", name) or len(name) > 64 or name == "ca":
        raise UsageError(f"'{name}' cannot name a gateway; a host name of up to 64 characters can")
    if not re.fullmatch(r"[A-Za-z0-9.:_-]*", address):
        raise UsageError(f"'{address}' is neither an address nor a host name")
    try:
        behind = tuple(str(ipaddress.ip_network(network)) for network in networks)
    except ValueError as error:
        raise UsageError(f"{error} (a network is written 10.1.0.0/16)") from None
    return Gateway(name.lower(), address or name.lower(), behind)


# what is made --------------------------------------------------------------------------


def _authority(home: Path, options: argparse.Namespace) -> tuple[Certificate, PrivateKey]:
    certificate, key_file = home / CA_CERTIFICATE, home / CA_KEY
    if certificate.exists() != key_file.exists():
        there, gone = (certificate, key_file) if certificate.exists() else (key_file, certificate)
        raise IssuingError(f"{there} is there, but {gone} is not: bring it back, or use another --dir")
    if not certificate.exists():
        subject = distinguished(options.ca_dn)
        key = _key(key_file, options)
        begin = utc(datetime.now(UTC))
        made = Terms(subject=subject, serial=new_serial(), not_before=begin,
                     not_after=begin + timedelta(days=CA_DAYS),
                     wishes=Wishes(ca=True, path_length=0))  # fmt: skip
        create(certificate, pem("CERTIFICATE", self_signed(made, signing(key))), private=False)
        say(f"made the CA '{options.ca_dn}': {certificate}, {key_file}")
    return read_certificate(str(certificate)), read_key(str(key_file), options)


def _key(file: Path, options: argparse.Namespace) -> PrivateKey:
    key = generate(*KINDS[options.type])
    create(file, encode_private(key, pem=True), private=True)
    return key


def _certify(
    home: Path, one: Gateway, ca: Certificate, ca_key: PrivateKey, options: argparse.Namespace
) -> None:
    certificate, key_file = home / "certs" / one.file, home / "private" / one.file
    if certificate.exists():
        say(f"kept {certificate}")
        return
    key = read_key(str(key_file), options) if key_file.exists() else _key(key_file, options)
    begin = utc(datetime.now(UTC))
    end = min(begin + timedelta(days=options.lifetime), datetime.fromtimestamp(ca.not_after, UTC))
    wishes = Wishes(
        names=tuple(dict.fromkeys((one.name, *_addresses(one)))),
        signs=True,
        flags=("serverAuth", "clientAuth", "ikeIntermediate"),
    )
    terms = Terms(subject=_subject(ca, one), serial=new_serial(), not_before=begin, not_after=end,
                  wishes=wishes)  # fmt: skip
    made = issue(terms, key.public_key(), ca, signing(ca_key))
    create(certificate, pem("CERTIFICATE", made), private=False)
    say(f"made {certificate} for {one.name}, with its key in {key_file}")


def _subject(ca: Certificate, one: Gateway) -> bytes:
    """The CA's organization, where it has one, and the gateway's name."""
    organization = [part for part in ("C", "O") for part in _attribute(ca, part)]
    return dn_text.parse(", ".join((*organization, f"CN={one.name}")))


def _attribute(ca: Certificate, key: str) -> list[str]:
    oid = {"C": "2.5.4.6", "O": "2.5.4.10"}[key]
    return [f"{key}={text}" for text in dn.attributes(ca.subject.data, oid)[:1] if "," not in text]


def _addresses(one: Gateway) -> list[str]:
    try:
        return [str(ipaddress.ip_address(one.address))]
    except ValueError:
        return [one.address.lower()] if one.address != one.name else []


# what to configure ---------------------------------------------------------------------

_HEAD = """\
# {name}: made by `cygnet pki gateway`. These go to /etc/ipsec.d of {name}; its key to no other host:
#     {ca} -> cacerts/    certs/{file} -> certs/    private/{file} -> private/ (mode 0600)
# The CA's own key, {ca_key}, goes to none of them.
# Lines below: for ipsec.conf. For ipsec.secrets ({name}.secrets has it, too):
#     {secret}
"""

_CONN = """
conn {own}-{other}
    keyexchange=ikev2
    left=%defaultroute
    leftid=@{own}
    leftcert={file}
{behind_own}
    right={address}
    rightid=@{other}
    rightca="{ca}"
{behind_other}
    auto={auto}
"""

#: one end begins, so that there are not two tunnels where the other suite does not mind; it is also
#: the one that begins anew
_FIRST, _OTHER = "start\n    dpdaction=restart", "add"

#: how ipsec.secrets spells the type of a key
_SECRETS = {KeyKind.RSA: "RSA", KeyKind.ECDSA: "ECDSA"}


def _write_conf(home: Path, own: Gateway, gateways: list[Gateway], ca: Certificate) -> None:
    """Adds to the file what it lacks: what somebody changed in it stays."""
    kind = read_certificate(str(home / "certs" / own.file)).key.kind
    secret = f": {_SECRETS.get(kind, 'PKCS8')} {own.file}"
    conf, secrets = home / f"{own.name}.conf", home / f"{own.name}.secrets"
    before = conf.read_text() if conf.exists() else ""
    text = before or _HEAD.format(
        name=own.name, file=own.file, secret=secret, ca=CA_CERTIFICATE, ca_key=CA_KEY
    )
    for other in gateways:
        if other != own and not re.search(rf"(?m)^conn {re.escape(f'{own.name}-{other.name}')}$", text):
            text += _conn(own, other, ca, begins=gateways.index(own) < gateways.index(other))
    if text != before:
        create(conf, text.encode(), private=False)
        say(f"wrote {conf}")
    if not secrets.exists():
        create(secrets, f"{secret}\n".encode(), private=True)


def _conn(own: Gateway, other: Gateway, ca: Certificate, begins: bool) -> str:
    return _CONN.format(
        own=own.name,
        other=other.name,
        file=own.file,
        address=other.address,
        ca=dn.text(ca.subject.data),
        behind_own=_behind("leftsubnet", own),
        behind_other=_behind("rightsubnet", other),
        auto=_FIRST if begins else _OTHER,
    )


def _behind(keyword: str, end: Gateway) -> str:
    networks = ",".join(end.networks)
    return f"    {keyword}={networks}" if networks else f"    #{keyword}=  # the network behind {end.name}"


def _next_steps(home: Path, gateways: list[Gateway]) -> None:
    names = " and ".join([", ".join(one.name for one in gateways[:-1]), gateways[-1].name][-len(gateways) :])
    say(f"next: copy to {names} what the head of {home}/NAME.conf says; keep {home / CA_KEY} where it is")

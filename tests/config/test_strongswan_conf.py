"""strongswan.conf to Settings."""

from __future__ import annotations

import pytest

from cygnet.config.files import MemoryFiles
from cygnet.config.keywords.strongswan import CHARON
from cygnet.config.strongswan_conf import Daemon, parse
from cygnet.model.config import FileLog, Settings

PATH = "/etc/strongswan.conf"

#: A value that is not the default for each key, and what it becomes.
VALUES: dict[str, tuple[str, object]] = {
    "port": ("0x1f5", 501),
    "port_nat_t": ("4501", 4501),
    "retransmit_timeout": ("2.5", 2.5),
    "retransmit_base": ("1", 1.0),
    "retransmit_tries": ("7", 7),
    "retransmit_jitter": ("20", 20),
    "retransmit_limit": ("1m", 60.0),
    "keep_alive": ("0s", 0.0),
    "half_open_timeout": ("2m", 120.0),
    "init_limit_half_open": ("9", 9),
    "cookie_threshold": ("10", 10),
    "block_threshold": ("0", 0),
    "dos_protection": ("no", False),
    "fragment_size": ("1400", 1400),
    "max_packet": ("20000", 20000),
    "reuse_ikesa": ("false", False),
    "retry_initiate_interval": ("30", 30.0),
    "delete_rekeyed": ("1", True),
    "delete_rekeyed_delay": ("1h", 3600.0),
    "close_ike_on_child_failure": ("enabled", True),
    "make_before_break": ("0", False),
    "follow_redirects": ("disabled", False),
    "redirect": ("auto", "auto"),
    "redirect_to": ("198.51.100.9, gw2.example.com", ("198.51.100.9", "gw2.example.com")),
    "ticket_lifetime": ("600", 600),
    "crash_detection": ("no", False),
    "prefer_configured_proposals": ("No", False),
    "i_dont_care_about_security_and_use_aggressive_mode_psk": ("yes", True),
    "accept_unencrypted_mainmode_messages": ("TRUE", True),
    "cache_crls": ("yes", True),
    "rsa_pss": ("yes", True),
    "signature_authentication": ("no", False),
    "signature_authentication_constraints": ("no", False),
    "hash_and_url": ("yes", True),
    "plugins.revocation.enable_crl": ("no", False),
    "plugins.revocation.enable_ocsp": ("no", False),
    "plugins.revocation.timeout": ("3s", 3.0),
    "plugins.curl.redir": ("-1", -1),
    "replay_window": ("64", 64),
    "inactivity_close_ike": ("yes", True),
    "send_vendor_id": ("yes", True),
    "install_routes": ("no", False),
    "drop_unprotected": ("no", False),
    "routing_table": ("221", 221),
    "routing_table_prio": ("222", 222),
    "dns1": ("10.0.0.1", ("10.0.0.1",)),
    "dns2": ("2001:DB8::1", ("2001:db8::1",)),
    "nbns1": ("10.0.0.2", ("10.0.0.2",)),
    "nbns2": ("10.0.0.3", ("10.0.0.3",)),
}


def read(text: str) -> Daemon:
    return parse(MemoryFiles({PATH: text}), PATH)


def setting(name: str, value: str) -> str:
    """The file that has it, in as many sections as its name says."""
    *sections, key = ("charon." + name).split(".")
    return f"{''.join(f'{s} {{ ' for s in sections)}\n  {key} = {value}\n{'}' * len(sections)}\n"


@pytest.mark.parametrize("row", CHARON, ids=lambda r: r.name)
def test_every_key_is_read_into_its_field(row) -> None:  # type: ignore[no-untyped-def]
    written, meant = VALUES[row.name]
    daemon = read(setting(row.name, written))
    assert not daemon.errors
    assert getattr(daemon.settings, row.target) == meant


@pytest.mark.parametrize("row", [r for r in CHARON if r.default is not None], ids=lambda r: r.name)
def test_every_default_of_the_table_is_the_models(row) -> None:  # type: ignore[no-untyped-def]
    assert row.default_value() == getattr(Settings(), row.target)


@pytest.mark.parametrize("row", CHARON, ids=lambda r: r.name)
def test_a_value_that_a_key_does_not_take_is_an_error_and_the_default_stays(row) -> None:  # type: ignore[no-untyped-def]
    daemon = read(setting(row.name, "certainly not"))
    assert [e.keyword for e in daemon.errors] == [row.name.rpartition(".")[2]]
    assert daemon.settings == Settings(filelogs=())


@pytest.mark.parametrize("value", ["70000", "-1", "0x10000", "1e3", "9" * 5000])
def test_numbers_have_their_range(value: str) -> None:
    assert len(read(f"charon {{ port = {value} }}").errors) == 1


def test_what_is_not_known_is_left_alone() -> None:
    text = (
        "charon {\n threads = 16\n load_modular = yes\n plugins {\n include x/*.conf\n }\n}\nstarter {\n}\n"
    )
    daemon = read(text)
    assert daemon.settings == Settings() and not daemon.errors and not daemon.warnings


def test_an_empty_value_leaves_the_default() -> None:
    assert read("charon {\n port =\n}\n").settings == Settings()


def test_file_logs_have_a_level_for_each_group() -> None:
    daemon = read(
        "charon {\n filelog {\n  main {\n   path = /var/log/charon.log\n   time_format = %b %e %T\n"
        "   append = no\n   flush_line = yes\n   ike_name = yes\n   default = 0\n   ike = 2\n  }\n"
        "  /var/log/old.log {\n   enc = -1\n  }\n }\n}\n"
    )
    assert not daemon.errors
    assert daemon.settings.filelogs == (
        FileLog("/var/log/charon.log", (("default", 0), ("ike", 2)), False, True, True, "%b %e %T"),
        FileLog("/var/log/old.log", (("enc", -1), ("default", 1))),
    )


def test_a_level_out_of_range_is_an_error_and_left_out() -> None:
    daemon = read("charon {\n filelog {\n  /x {\n   ike = 9\n   chd = 2\n  }\n }\n}\n")
    assert [(e.keyword, e.place.line) for e in daemon.errors] == [("ike", 4)]
    assert daemon.settings.filelogs[0].levels == (("chd", 2), ("default", 1))


def test_settings_come_through_references() -> None:
    daemon = read("mine {\n port = 501\n keep_alive = 1m\n}\ncharon : mine {\n port = 502\n}\n")
    assert (daemon.settings.port, daemon.settings.keep_alive) == (502, 60.0)

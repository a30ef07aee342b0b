"""Cookies: good for one nonce, address and SPI, for one to two lifetimes of the secret."""

from __future__ import annotations

from cygnet.engine.ikev2.cookies import LIFETIME, Cookies
from cygnet.engine.services import Services
from cygnet.model.config import Config
from cygnet.testing.entropy import SeededEntropy
from cygnet.values.endpoint import Endpoint

HERE, THERE = Endpoint.of("192.0.2.1"), Endpoint.of("192.0.2.2")
NONCE, SPI = b"n" * 32, b"initiato"


def jar() -> Cookies:
    return Cookies(Services(Config(), SeededEntropy("cookies")))


def test_a_cookie_is_good_for_what_it_was_made_for_and_for_nothing_else() -> None:
    cookies = jar()
    cookie = cookies.make(NONCE, HERE, SPI)
    assert 1 <= len(cookie) <= 64
    assert cookies.is_valid(cookie, NONCE, HERE, SPI)
    assert not cookies.is_valid(cookie, b"m" * 32, HERE, SPI)
    assert not cookies.is_valid(cookie, NONCE, THERE, SPI)
    assert not cookies.is_valid(cookie, NONCE, HERE.with_port(4500), SPI)
    assert not cookies.is_valid(cookie, NONCE, HERE, b"somebody")
    for broken in (b"", cookie[:-1], cookie[:4], b"\0\0\0\0" + cookie[4:], bytes(36)):
        assert not cookies.is_valid(broken, NONCE, HERE, SPI)


def test_a_cookie_outlives_one_change_of_the_secret_and_not_two() -> None:
    cookies = jar()
    cookie = cookies.make(NONCE, HERE, SPI)
    cookies.services.now = LIFETIME + 1
    assert cookies.is_valid(cookie, NONCE, HERE, SPI)
    assert cookies.make(NONCE, HERE, SPI) != cookie
    cookies.services.now = 2 * LIFETIME + 2
    assert not cookies.is_valid(cookie, NONCE, HERE, SPI)


def test_a_cookie_from_before_a_long_silence_is_void() -> None:
    cookies = jar()
    cookie = cookies.make(NONCE, HERE, SPI)
    cookies.services.now = 10 * LIFETIME
    assert not cookies.is_valid(cookie, NONCE, HERE, SPI)


def test_two_engines_do_not_take_each_others_cookies() -> None:
    other = Cookies(Services(Config(), SeededEntropy("another one")))
    assert not other.is_valid(jar().make(NONCE, HERE, SPI), NONCE, HERE, SPI)

"""sd_notify against a socket of our own."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from cygnet.daemon import notify


def test_systemd_is_told_that_we_are_ready_reload_and_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        notify.ready("2 connections loaded")
        notify.reloading()
        notify.stopping()
        assert systemd.recv(100) == b"READY=1\nSTATUS=2 connections loaded"
        reloading = systemd.recv(100).decode()
        assert reloading.startswith("RELOADING=1\nMONOTONIC_USEC=") and reloading[-1].isdigit()
        assert systemd.recv(100) == b"STOPPING=1"


def test_without_systemd_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    notify.ready("")
    monkeypatch.setenv("NOTIFY_SOCKET", "/no/such/socket")
    notify.ready("")

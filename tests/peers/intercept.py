"""Run a program unchanged that wants of the kernel what this one has not.

A seccomp filter over the program and all that it starts hands its socket(2) calls for one address
family to a supervisor, which gives it one end of a socket pair (seccomp_unotify(2); Linux 5.14),
and lets it believe that its sockets are exempt from IPsec: nothing here is subject to it. Before it
waits at a single descriptor (poll(2)) the supervisor is asked as well, and may first do what the
program waits for: a kernel would have done it already when the program's message was written.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import platform
import socket
import struct
from collections.abc import Callable, Sequence
from pathlib import Path

#: machine -> (its name for seccomp, the numbers of socket(2), setsockopt(2), poll(2) or ppoll(2), seccomp(2))
SYSCALLS = {"x86_64": (0xC000003E, 41, 54, 7, 317), "aarch64": (0xC00000B7, 198, 208, 73, 277)}

LOAD, JUMP_EQUAL, RETURN = 0x20, 0x15, 0x06
OFFSET_NUMBER, OFFSET_MACHINE, OFFSET_ARGUMENTS = 0, 4, 16  #: in struct seccomp_data
ALLOW, ASK, SUCCEED = 0x7FFF0000, 0x7FC00000, 0x00050000  #: the last is errno 0, and nothing done

IP_IPSEC_POLICY = (socket.IPPROTO_IP, 16)
IPV6_IPSEC_POLICY = (socket.IPPROTO_IPV6, 34)

PR_SET_NO_NEW_PRIVS = 38
SET_MODE_FILTER, NEW_LISTENER = 1, 1 << 3
RECEIVE, SEND, ADD_FD = 0xC0502100, 0xC0182101, 0x40182103
ANSWER_WITH_IT, CONTINUE = 1 << 1, 1
NOTIFICATION = 80  #: bytes of struct seccomp_notif: the call's id, who calls, then struct seccomp_data


def missing() -> str:
    """Why this does not work here; empty where it does."""
    if platform.machine() not in SYSCALLS:
        return f"no system call numbers for {platform.machine()}"
    actions = Path("/proc/sys/kernel/seccomp/actions_avail")
    if not actions.exists() or "user_notif" not in actions.read_text().split():
        return "this kernel cannot hand system calls to a supervisor (seccomp user_notif)"
    return ""


def _filter(family: int) -> bytes:
    """What is done with which call: rows of (its number, {argument: value}, action)."""
    machine, new_socket, set_option, wait, _ = SYSCALLS[platform.machine()]
    rows = [(new_socket, {0: family}, ASK), (wait, {1: 1}, ASK)]
    for level, option in (IP_IPSEC_POLICY, IPV6_IPSEC_POLICY):
        rows.append((set_option, {1: level, 2: option}, SUCCEED))
    program = [(LOAD, 0, 0, OFFSET_MACHINE), (JUMP_EQUAL, 1, 0, machine), (RETURN, 0, 0, ALLOW)]
    for number, arguments, action in rows:
        tests = [(OFFSET_NUMBER, number), *((OFFSET_ARGUMENTS + 8 * n, v) for n, v in arguments.items())]
        for n, (offset, value) in enumerate(tests):
            to_next_row = 2 * (len(tests) - n) - 1
            program += [(LOAD, 0, 0, offset), (JUMP_EQUAL, 0, to_next_row, value)]
        program.append((RETURN, 0, 0, action))
    program.append((RETURN, 0, 0, ALLOW))
    return b"".join(struct.pack("HBBI", *instruction) for instruction in program)


def _intercepted(family: int) -> int:
    """From now on this process and its children are asked about; the supervisor's descriptor."""
    libc = ctypes.CDLL(None, use_errno=True)
    code = ctypes.create_string_buffer(_filter(family))
    program = struct.pack("HxxxxxxP", len(code) // 8, ctypes.addressof(code))
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    seccomp = SYSCALLS[platform.machine()][-1]
    listener = int(libc.syscall(seccomp, SET_MODE_FILTER, NEW_LISTENER, program))
    if listener < 0:
        raise OSError(ctypes.get_errno(), "seccomp")
    return listener


def start(argv: Sequence[str], family: int) -> tuple[int, int]:
    """Run a program: (its pid, the descriptor to listen at)."""
    ours, theirs = socket.socketpair()
    pid = os.fork()
    if pid == 0:
        listener = _intercepted(family)
        socket.send_fds(theirs, [b"."], [listener])
        os.execvp(argv[0], list(argv))
    theirs.close()
    with ours:
        _, descriptors, _, _ = socket.recv_fds(ours, 1, 1)
    return pid, descriptors[0]


def answer(listener: int, accept: Callable[[socket.socket], None], catch_up: Callable[[], None]) -> None:
    """One call: the caller gets a socket, ``accept`` the other end of it; or it goes on to wait, after
    ``catch_up``."""
    notification = bytearray(NOTIFICATION)
    fcntl.ioctl(listener, RECEIVE, notification)
    call, number = struct.unpack_from("Q8xI", notification)
    if number == SYSCALLS[platform.machine()][3]:
        catch_up()
        with contextlib.suppress(FileNotFoundError):  # it was interrupted meanwhile
            fcntl.ioctl(listener, SEND, struct.pack("QqiI", call, 0, 0, CONTINUE))
        return
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        fcntl.ioctl(listener, ADD_FD, struct.pack("QIIII", call, ANSWER_WITH_IT, theirs.fileno(), 0, 0))
    accept(ours)

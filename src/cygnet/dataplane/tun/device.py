"""The TUN device: opening it, and what a read or write of it looks like.

With IFF_VNET_HDR each packet has a virtio-net header before it (linux/virtio_net.h, 10 bytes):
it says whether a checksum is still to be completed and how a packet larger than the MTU is to
be cut (TSO). The device lives as long as somebody holds its descriptor.
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct
import time

from cygnet.values.errors import DataPlaneError

VNET_HEADER = 10  #: flags, gso_type (bytes); hdr_len, gso_size, csum_start, csum_offset (16 bits)
NEEDS_CSUM = 1
PLAIN = bytes(VNET_HEADER)  #: the header of an ordinary packet

_TUNSETIFF = 0x400454CA
_TUNSETOFFLOAD = 0x400454D0
_IFF_TUN, _IFF_NO_PI, _IFF_VNET_HDR = 0x0001, 0x1000, 0x4000
_OFFLOADS = 0x01 | 0x02 | 0x04  #: TUN_F_CSUM, TUN_F_TSO4, TUN_F_TSO6
_USO = 0x20 | 0x40  #: TUN_F_USO4, TUN_F_USO6: only both together
_PATIENCE = 3.0  #: seconds that a predecessor's worker may need to notice that its daemon died
_PAUSE = 0.02


def open_device(name: str, offloads: int = _OFFLOADS) -> int:
    """The descriptor of a new TUN device, non-blocking. Raises DataPlaneError."""
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            return _open(name, offloads)
        except OSError as error:
            if error.errno == errno.EBUSY and time.monotonic() < until:
                time.sleep(_PAUSE)
                continue
            raise DataPlaneError(f"open TUN device {name}", error.errno or 0, _reason(error)) from error


def take_udp_gso(fd: int) -> bool:
    """Have the device take and give UDP GSO packets (many datagrams of a size in one); False: Linux < 6.2."""
    try:
        fcntl.ioctl(fd, _TUNSETOFFLOAD, _OFFLOADS | _USO)
    except OSError:
        return False
    return True


def _open(name: str, offloads: int) -> int:
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        flags = _IFF_TUN | _IFF_NO_PI | _IFF_VNET_HDR
        fcntl.ioctl(fd, _TUNSETIFF, struct.pack("16sH22x", name.encode(), flags))
        fcntl.ioctl(fd, _TUNSETOFFLOAD, offloads)
    except BaseException:
        os.close(fd)
        raise
    return fd


def _reason(error: OSError) -> str:
    hints = {
        errno.ENOENT: "/dev/net/tun is missing (modprobe tun; in a container: --device /dev/net/tun)",
        errno.EACCES: "/dev/net/tun may not be opened by this user",
        errno.EPERM: "creating it needs CAP_NET_ADMIN",
        errno.EBUSY: "another process has a device of this name",
    }
    return hints.get(error.errno or 0, error.strerror or str(error))

"""
Who is at the other end of a UNIX socket, as the kernel knows it.
"""

from __future__ import annotations

import socket
import struct
from typing import Any

from twisted.internet.address import UNIXAddress

#: struct ucred: process, user, group.
_CREDENTIALS = struct.Struct("iII")


def local_user(transport: Any) -> str:
    """
    The user of a program, as ``uid1000``; empty if it came by the network.

    :param transport: Twisted has no one interface for what is asked of it.
    """
    if not isinstance(transport.getPeer(), UNIXAddress):
        return ""
    octets = transport.getHandle().getsockopt(
        socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size
    )
    _, uid, _ = _CREDENTIALS.unpack(octets)
    return f"uid{uid}"

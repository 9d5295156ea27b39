"""
The PROXY protocol's header, versions 1 and 2: who the client really is.

Implementation notes

- HAProxy's specification of the protocol; section numbers below are its own.
- A header may arrive in any number of pieces; what follows it is the client's.
- LOCAL and UNKNOWN keep the connection's own addresses (a health check).
"""

from __future__ import annotations

import ipaddress
import struct
from dataclasses import dataclass

from mailsuite.wire.buffer import NEED_DATA, NeedData

_V2_SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
_V1_SIGNATURE = b"PROXY "

#: Section 2.1: the most octets of a version 1 header, CR LF counted.
_V1_MOST = 107

#: Addresses of section 2.2, and TLVs that nobody here reads.
_V2_MOST = 4096


class ProxyHeaderBroken(Exception):
    """
    What arrived is no PROXY header.
    """


@dataclass(frozen=True, slots=True)
class Proxied:
    """
    A header that has been read.

    :param source: the client's IP address; None to keep the connection's own.
    :param rest: octets of the client's that came behind it.
    """

    source: str | None
    source_port: int
    rest: bytes


def read_header(octets: bytes) -> Proxied | NeedData:
    """
    The header at the beginning of a connection.

    :param octets: all that arrived so far.
    :raises ProxyHeaderBroken: it can become none.
    """
    if octets.startswith(_V2_SIGNATURE[: len(octets)]):
        return _version_2(octets)
    if octets.startswith(_V1_SIGNATURE[: len(octets)]):
        return _version_1(octets)
    raise ProxyHeaderBroken


def _version_1(octets: bytes) -> Proxied | NeedData:
    line, end, rest = octets.partition(b"\r\n")
    if not end:
        if len(octets) >= _V1_MOST:
            raise ProxyHeaderBroken
        return NEED_DATA
    words = line.split(b" ")
    if len(words) < 2 or len(line) + 2 > _V1_MOST:
        raise ProxyHeaderBroken
    if words[1] == b"UNKNOWN":
        return Proxied(None, 0, rest)
    if len(words) != 6 or words[1] not in (b"TCP4", b"TCP6"):
        raise ProxyHeaderBroken
    try:
        address = ipaddress.ip_address(words[2].decode("ascii"))
        port = int(words[4])
    except ValueError as error:
        raise ProxyHeaderBroken from error
    return Proxied(str(address), port, rest)


def _version_2(octets: bytes) -> Proxied | NeedData:
    if len(octets) < 16:
        return NEED_DATA
    version_command, family, length = struct.unpack_from("!BBH", octets, 12)
    if version_command >> 4 != 2 or length > _V2_MOST:
        raise ProxyHeaderBroken
    if len(octets) < 16 + length:
        return NEED_DATA
    body, rest = octets[16 : 16 + length], octets[16 + length :]
    command = version_command & 15
    if command == 0:
        return Proxied(None, 0, rest)
    if command != 1:
        raise ProxyHeaderBroken
    # Section 2.2: the high half is the family, the low half the transport.
    size = {1: 4, 2: 16}.get(family >> 4)
    if size is None:
        return Proxied(None, 0, rest)
    if len(body) < 2 * size + 4:
        raise ProxyHeaderBroken
    address = ipaddress.ip_address(body[:size])
    (port,) = struct.unpack_from("!H", body, 2 * size)
    return Proxied(str(address), port, rest)

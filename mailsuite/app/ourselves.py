"""
The addresses of this machine at which our own server answers: mail that the
DNS sends there would come back.
"""

from __future__ import annotations

import fcntl
import ipaddress
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

from mailsuite.app.config import Configuration
from mailsuite.transfer.mx import Ourselves

_SIOCGIFADDR = 0x8915
_IPV6_ADDRESSES = Path("/proc/net/if_inet6")


def ourselves(configuration: Configuration) -> Ourselves:
    """
    Our names, and the addresses where we take other servers' mail.
    """
    addresses: set[str] = set()
    for one in configuration.listen:
        if one.protocol != "smtp" or one.port != configuration.sending.port:
            continue
        if ipaddress.ip_address(one.address).is_unspecified:
            addresses.update(_interface_addresses())
        else:
            addresses.add(str(ipaddress.ip_address(one.address)))
    return Ourselves(
        names=frozenset({configuration.host_name.lower()}),
        addresses=frozenset(addresses),
    )


def _interface_addresses() -> Iterator[str]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        for _, name in socket.if_nameindex():
            request = struct.pack("256s", name.encode()[:15])
            try:
                answer = fcntl.ioctl(asking, _SIOCGIFADDR, request)
            except OSError:
                # It has no IPv4 address.
                continue
            yield socket.inet_ntoa(answer[20:24])
    try:
        lines = _IPV6_ADDRESSES.read_text(encoding="ascii").splitlines()
    except OSError:
        return
    for line in lines:
        yield str(ipaddress.IPv6Address(bytes.fromhex(line[:32])))

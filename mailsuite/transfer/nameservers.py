"""
The servers that are asked what the DNS says, as an operator or the system
names them.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Server:
    """
    A recursive server.
    """

    address: str
    port: int = 53

    @property
    def is_local(self) -> bool:
        """
        Whether nobody stands on the way to it.
        """
        return ipaddress.ip_address(self.address).is_loopback


def parse_server(text: str) -> Server:
    """
    A server as the operator writes it: ``127.0.0.1``, ``127.0.0.1:5353``,
    ``::1``, ``[::1]:5353``.

    :raises ValueError: it is none.
    """
    host, port = text.strip(), "53"
    if host.startswith("["):
        host, bracket, rest = host[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise ValueError(f"not an address: {text!r}")
        port = rest[1:] or port
    elif host.count(":") == 1:
        host, _, port = host.partition(":")
    number = int(port) if port.isascii() and port.isdigit() else 0
    if not 0 < number < 65536:
        raise ValueError(f"not a port: {text!r}")
    return Server(str(ipaddress.ip_address(host)), number)


def system_servers(resolv_conf: str) -> tuple[Server, ...]:
    """
    The servers that a ``resolv.conf`` names, at most three; without any, the
    one on this machine (resolv.conf(5)).
    """
    servers = []
    for line in resolv_conf.splitlines():
        match line.split():
            case ["nameserver", address, *_]:
                try:
                    servers.append(Server(str(ipaddress.ip_address(address))))
                except ValueError:
                    continue
    return tuple(servers[:3]) or (Server("127.0.0.1"),)

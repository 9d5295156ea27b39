"""
Peers that are known by their address.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)


class Networks:
    """
    A set of IP addresses.
    """

    def __init__(
        self, networks: Iterable[IPv4Network | IPv6Network] = ()
    ) -> None:
        self._networks = tuple(networks)

    @classmethod
    def parse(cls, texts: Iterable[str]) -> Networks:
        """
        Read addresses, and networks as ``192.0.2.0/24``.

        :raises ValueError: one is neither, or has bits beyond its prefix.
        """
        return cls(ip_network(text) for text in texts)

    def __contains__(self, peer: str) -> bool:
        """
        Whether an address lies in one; what is no address lies in none.
        """
        if not self._networks:
            return False
        try:
            address: IPv4Address | IPv6Address = ip_address(peer)
        except ValueError:
            return False
        if isinstance(address, IPv6Address):
            # An IPv4 peer, as a socket for both families names it.
            address = address.ipv4_mapped or address
        return any(address in network for network in self._networks)

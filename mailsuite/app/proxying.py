"""
Connections that come through a proxy: the client is who its header says.

Implementation notes

- Only proxies on the listener's list are believed; another peer's connection
  is ended, since whoever may choose an address is trusted as that address.
- The header comes before everything else, TLS too.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Sequence
from typing import Any

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.interfaces import (
    IAddress,
    IDelayedCall,
    IReactorTime,
)
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure

from mailsuite.wire.buffer import NeedData
from mailsuite.wire.proxyheader import ProxyHeaderBroken, read_header

#: Seconds that a proxy has to send its header.
_HEADER_SECONDS = 10.0


class ProxiedFactory(Factory):
    """
    Takes the header off, and hands the connection on.
    """

    noisy = False
    _log = Logger()

    def __init__(
        self, inner: Factory, networks: Sequence[str], clock: IReactorTime
    ) -> None:
        """
        :param networks: addresses and networks of proxies that are believed.
        """
        self._inner = inner
        self._networks = [ipaddress.ip_network(one) for one in networks]
        self.clock = clock

    def buildProtocol(self, addr: IAddress | None) -> Protocol | None:
        """
        (Name and case are Twisted's.)
        """
        host = getattr(addr, "host", "")
        try:
            known = any(
                ipaddress.ip_address(host) in network
                for network in self._networks
            )
        except ValueError:
            known = False
        if not known:
            self._log.warn(
                "Refused {peer}: not on the list of proxies", peer=host
            )
            return None
        return _HeaderFirst(self._inner.buildProtocol, addr, self.clock)


class _HeaderFirst(Protocol):
    """
    Reads the header, then becomes the transport of the real protocol.
    """

    transport: Any  # Twisted's annotation lacks what TCP transports can do.

    def __init__(
        self,
        build: Callable[[Any], Any],
        addr: IAddress | None,
        clock: IReactorTime,
    ) -> None:
        self._build = build
        self._addr = addr
        self._clock = clock
        self._timer: IDelayedCall | None = None
        self._waiting = b""

    def connectionMade(self) -> None:
        """
        Wait for the header.
        """
        self._timer = self._clock.callLater(
            _HEADER_SECONDS, self.transport.abortConnection
        )

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """
        There was no header.
        """
        self._stop_timer()

    def dataReceived(self, data: bytes) -> None:
        """
        A piece of the header, and perhaps more.
        """
        self._waiting += data
        try:
            header = read_header(self._waiting)
        except ProxyHeaderBroken:
            self.transport.abortConnection()
            return
        if isinstance(header, NeedData):
            return
        self._stop_timer()
        peer = self._addr
        if header.source is not None:
            kind = IPv6Address if ":" in header.source else IPv4Address
            peer = kind("TCP", header.source, header.source_port)
        protocol = self._build(peer)
        if protocol is None:
            self.transport.loseConnection()
            return
        # From here on the transport talks to the protocol itself; only its
        # answer to "who is there" is another.
        self.transport.getPeer = lambda: peer
        self.transport.protocol = protocol
        protocol.makeConnection(self.transport)
        if header.rest:
            protocol.dataReceived(header.rest)

    def _stop_timer(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()

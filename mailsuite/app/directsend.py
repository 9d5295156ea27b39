"""
Connections that send at once what the network takes at once.

Implementation notes

- Twisted puts what is written aside, asks the kernel when the connection may be
  written to, and is told in the next round: two calls of the kernel and a round
  more for each answer, and a client that waits for it.
- So much in a round, no more: then others have their turn, and what is written
  goes Twisted's way, which pauses the producer of a long answer.
- Under TLS that STARTTLS began, what is written here is not yet encrypted: it
  goes Twisted's way too.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.interfaces import (
    IListeningPort,
    IReactorTCP,
    IReactorTime,
)
from twisted.internet.tcp import Client, Connection, Connector, Port, Server
from zope.interface import implementer

#: Octets that a connection sends at once in one round of the reactor.
_IN_A_ROUND = 256 << 10


class _Direct(Connection):
    """
    A TCP connection of either end.
    """

    # For writing what waits, the reactor calls these two; so what they are
    # told is whether something waits.
    _waits = False

    _left = _IN_A_ROUND

    def doRead(self) -> Any:
        """
        Its round has come.
        """
        self._left = _IN_A_ROUND
        return super().doRead()

    def doWrite(self) -> Any:  # noqa: N802 - the name is Twisted's
        """
        The same.
        """
        self._left = _IN_A_ROUND
        return super().doWrite()  # type: ignore[no-untyped-call]

    def startWriting(self) -> None:  # noqa: N802 - the name is Twisted's
        """
        Something waits to be sent.
        """
        self._waits = True
        super().startWriting()  # type: ignore[no-untyped-call]

    def stopWriting(self) -> None:  # noqa: N802 - the name is Twisted's
        """
        Nothing waits any longer.
        """
        self._waits = False
        super().stopWriting()  # type: ignore[no-untyped-call]

    def write(self, data: bytes) -> None:
        """
        Send, or have the rest sent when that is possible.
        """
        while (
            0 < len(data) <= self._left
            and not self._waits
            and self.connected
            and not self.TLS
        ):
            try:
                sent = self.socket.send(data)
            except OSError:
                # It takes nothing now; of a connection that is lost the
                # reactor tells in its turn.
                break
            self._left -= sent
            data = data[sent:]
        if data:
            super().write(data)  # type: ignore[no-untyped-call]


class DirectServer(_Direct, Server):
    """
    A server's end.
    """


class DirectClient(_Direct, Client):
    """
    A client's end.
    """


class _DirectConnector(Connector):
    def _makeTransport(self) -> DirectClient:  # noqa: N802 - Twisted's
        return DirectClient(  # type: ignore[no-untyped-call]
            self.host, self.port, self.bindAddress, self, self.reactor
        )


@implementer(IReactorTCP, IReactorTime)
class DirectReactor:
    """
    A reactor whose clients' connections are of this kind.
    """

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor

    def __getattr__(self, name: str) -> Any:
        """
        All else is the reactor's own.
        """
        return getattr(self._reactor, name)

    def connectTCP(  # noqa: N802 - the name is Twisted's
        self,
        host: str,
        port: int,
        factory: Any,
        timeout: float = 30,
        bindAddress: tuple[str, int] | None = None,  # noqa: N803 - Twisted's
    ) -> Connector:
        """
        As ``IReactorTCP.connectTCP``.
        """
        connector = _DirectConnector(
            host, port, factory, timeout, bindAddress, self._reactor
        )
        connector.connect()
        return connector


def send_directly(port: IListeningPort) -> None:
    """
    Have a port's connections, from here on, be of this kind.

    Of a port that is no TCP port of Twisted's own nothing is changed.
    """
    if isinstance(port, Port):
        # Twisted's documented place for it.
        kind: Any = DirectServer
        port.transport = kind

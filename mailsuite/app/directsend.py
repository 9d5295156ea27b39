"""
A connection that sends at once what the network takes at once.

Implementation notes

- Twisted puts what is written aside, asks the kernel when the connection may be
  written to, and is told in the next round: two calls of the kernel and a round
  more for each short answer, and a client that waits for it.
- Long answers go Twisted's way: their producer has to be paused, and others
  have to have their turn.
- Under TLS that STARTTLS began, what is written here is not yet encrypted: it
  goes Twisted's way too.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.interfaces import IListeningPort
from twisted.internet.tcp import Port, Server

#: Octets of an answer that is short.
_SHORT = 48 << 10


class DirectServer(Server):
    """
    A TCP connection of a server.
    """

    # For writing what waits, the reactor calls these two; so what they are
    # told is whether something waits.
    _waits = False

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
        if (
            not self._waits
            and self.connected
            and not self.TLS
            and 0 < len(data) < _SHORT
        ):
            sent = self.writeSomeData(data)
            # Of a connection that is lost the reactor tells in its turn.
            if isinstance(sent, int):
                data = data[sent:]
        if data:
            super().write(data)  # type: ignore[no-untyped-call]


def send_directly(port: IListeningPort) -> None:
    """
    Have a port's connections, from here on, be of this kind.

    Of a port that is no TCP port of Twisted's own nothing is changed.
    """
    if isinstance(port, Port):
        # Twisted's documented place for it.
        kind: Any = DirectServer
        port.transport = kind

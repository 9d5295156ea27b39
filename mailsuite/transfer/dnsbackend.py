"""
Sockets of the reactor for dnspython, which thinks and lets others wait.

Implementation notes

- A question by UDP has a socket of its own, so that its source port is as hard
  to guess as its id (RFC 5452 4.5).  The socket is connected: the kernel drops
  what others send, and a refusal comes back at once.
- dnspython takes every exception for a server's fault and asks on, so nothing
  here is cancelled from without.
"""

from __future__ import annotations

import socket
from collections import deque
from typing import Any, TypeVar

import dns.exception

# It gives them away without saying so.
from dns.asyncbackend import (  # type: ignore[attr-defined]
    Backend,
    DatagramSocket,
    Socket,
    StreamSocket,
)
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import (
    TCP4ClientEndpoint,
    TCP6ClientEndpoint,
    connectProtocol,
)
from twisted.internet.error import ConnectError
from twisted.internet.interfaces import (
    IReactorFDSet,
    IReactorTime,
    IReadDescriptor,
)
from twisted.internet.protocol import Protocol
from twisted.internet.task import deferLater
from twisted.python.failure import Failure
from zope.interface import implementer

_T = TypeVar("_T")

#: Datagrams that may wait to be read; a question needs one.
_MOST_DATAGRAMS = 8

#: Octets of a datagram.
_LONGEST = 65535


def _within(
    waiting: Deferred[_T], seconds: float | None, clock: IReactorTime
) -> Deferred[_T]:
    """
    The same, which fails with dnspython's ``Timeout`` when time is up.
    """
    if seconds is not None:

        def too_late(_: object, timeout: float) -> Failure:
            return Failure(dns.exception.Timeout(timeout=timeout))

        waiting.addTimeout(seconds, clock, too_late)
    return waiting


@implementer(IReadDescriptor)
class _Datagrams:
    """
    One UDP socket, connected to one server.

    Not one of Twisted's UDP ports: each of these has two lines in the log.
    """

    def __init__(
        self, reactor: IReactorFDSet, family: int, server: tuple[Any, ...]
    ) -> None:
        self._reactor = reactor
        self._arrived: deque[bytes] = deque(maxlen=_MOST_DATAGRAMS)
        self._refused = False
        self._reader: Deferred[bytes] | None = None
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        try:
            self._socket.connect(server[:2])
        except OSError:
            self._socket.close()
            raise
        reactor.addReader(self)

    # What the reactor calls

    def fileno(self) -> int:
        """
        The socket's descriptor.
        """
        return self._socket.fileno()

    def doRead(self) -> None:
        """
        A datagram arrived, or the news that nobody listens there.
        """
        try:
            datagram = self._socket.recv(_LONGEST)
        except BlockingIOError:
            return
        except OSError:
            self._refuse()
            return
        if self._reader is not None:
            reader, self._reader = self._reader, None
            reader.callback(datagram)
        else:
            self._arrived.append(datagram)

    def connectionLost(self, reason: Failure) -> None:
        """
        The reactor has given the socket up.
        """
        self._refuse()

    def logPrefix(self) -> str:
        """
        What bugs are logged under.
        """
        return "DNS"

    # What dnspython's socket calls

    def send(self, datagram: bytes) -> None:
        """
        Send to the server.

        :raises OSError: it cannot be.
        """
        self._socket.send(datagram)

    def next(self) -> Deferred[bytes]:
        """
        The next datagram.
        """
        waiting: Deferred[bytes] = Deferred(self._forget)
        if self._arrived:
            waiting.callback(self._arrived.popleft())
        elif self._refused:
            waiting.errback(ConnectionRefusedError())
        else:
            self._reader = waiting
        return waiting

    def close(self) -> None:
        """
        Done with it.
        """
        self._reactor.removeReader(self)
        self._socket.close()
        self._refuse()

    def _refuse(self) -> None:
        self._refused = True
        if self._reader is not None:
            reader, self._reader = self._reader, None
            reader.errback(ConnectionRefusedError())

    def _forget(self, _: Deferred[bytes]) -> None:
        self._reader = None


class _DatagramSocket(DatagramSocket):
    """
    The same for dnspython.
    """

    # A reactor offers descriptors, TCP and time; no one interface says so.
    def __init__(self, reactor: Any, family: int, server: tuple[Any, ...]):
        super().__init__(family, socket.SOCK_DGRAM)
        self._reactor = reactor
        self._server = server
        self._datagrams = _Datagrams(reactor, family, server)

    async def sendto(self, what: bytes, destination: Any, timeout: Any) -> int:
        """
        Send to the server.

        :param destination: it again, as dnspython compares it with what
            ``recvfrom`` gives.
        """
        self._server = destination
        self._datagrams.send(what)
        return len(what)

    async def recvfrom(
        self, size: int, timeout: float | None
    ) -> tuple[bytes, tuple[Any, ...]]:
        """
        The next datagram, and the server's address.
        """
        datagram = _within(self._datagrams.next(), timeout, self._reactor)
        return await datagram, self._server

    async def close(self) -> None:
        """
        Done with it.
        """
        self._datagrams.close()


class _Stream(Protocol):
    """
    What a server sends over TCP.
    """

    def __init__(self) -> None:
        self._arrived = bytearray()
        self._ended = False
        self._reader: Deferred[None] | None = None

    def dataReceived(self, octets: bytes) -> None:
        """
        Octets arrived.
        """
        self._arrived += octets
        self._wake()

    def connectionLost(self, reason: Failure | None = None) -> None:
        """
        Nothing more arrives.
        """
        self._ended = True
        self._wake()

    def arrived(self) -> Deferred[None]:
        """
        Fires when there is something to take, or the end.
        """
        waiting: Deferred[None] = Deferred(self._forget)
        self._reader = waiting
        if self._arrived or self._ended:
            self._wake()
        return waiting

    def take(self, most: int) -> bytes:
        """
        Octets that have arrived, up to ``most``.
        """
        octets = bytes(self._arrived[:most])
        del self._arrived[:most]
        return octets

    def _wake(self) -> None:
        if self._reader is not None:
            reader, self._reader = self._reader, None
            reader.callback(None)

    def _forget(self, _: Deferred[None]) -> None:
        self._reader = None


class _StreamSocket(StreamSocket):
    """
    One TCP connection to a server.
    """

    def __init__(self, reactor: Any, family: int, stream: _Stream):
        super().__init__(family, socket.SOCK_STREAM)
        self._reactor = reactor
        self._stream = stream

    async def sendall(self, what: bytes, timeout: float | None) -> None:
        """
        Send it all.
        """
        assert self._stream.transport is not None
        self._stream.transport.write(what)

    async def recv(self, size: int, timeout: float | None) -> bytes:
        """
        What has arrived, at least one octet; none at the end.
        """
        await _within(self._stream.arrived(), timeout, self._reactor)
        return self._stream.take(size)

    async def close(self) -> None:
        """
        Done with it.
        """
        assert self._stream.transport is not None
        self._stream.transport.loseConnection()


class ReactorBackend(Backend):
    """
    dnspython's input, output and time by a reactor.
    """

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor

    def name(self) -> str:
        """
        What dnspython calls it.
        """
        return "twisted"

    def datagram_connection_required(self) -> bool:
        """
        Whether ``make_socket`` is told the server for UDP too: it is.
        """
        return True

    # dnspython's signature.
    async def make_socket(
        self,
        af: int,
        socktype: int,
        proto: int = 0,
        source: Any = None,
        destination: Any = None,
        timeout: float | None = None,
        ssl_context: Any = None,
        server_hostname: str | None = None,
    ) -> Socket:
        """
        A socket that speaks with ``destination`` alone.

        :raises OSError: the server takes no connection.
        """
        if socktype == socket.SOCK_DGRAM:
            return _DatagramSocket(self._reactor, af, destination)
        six = af == socket.AF_INET6
        endpoint = (TCP6ClientEndpoint if six else TCP4ClientEndpoint)(
            self._reactor, *destination[:2]
        )
        connecting = connectProtocol(endpoint, _Stream())
        try:
            stream = await _within(connecting, timeout, self._reactor)
        except ConnectError as error:
            raise ConnectionRefusedError from error
        return _StreamSocket(self._reactor, af, stream)

    async def sleep(self, interval: float) -> None:
        """
        Wait so many seconds.
        """
        await deferLater(self._reactor, interval)

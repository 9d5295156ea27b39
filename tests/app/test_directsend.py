"""
Tests for ``mailsuite.app.directsend``.
"""

from __future__ import annotations

import socket
import struct
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.internet.error import ConnectionRefusedError as Refused
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from mailsuite.app.directsend import (
    DirectClient,
    DirectReactor,
    DirectServer,
    send_directly,
)


class _Server(Protocol):
    transport: Any

    def __init__(self) -> None:
        self.connected_: Deferred[None] = Deferred()
        self.lost: Deferred[None] = Deferred()
        self.heard: Deferred[None] | None = None

    def connectionMade(self) -> None:
        self.connected_.callback(None)

    def dataReceived(self, data: bytes) -> None:
        if self.heard is not None:
            self.heard.callback(None)

    def connectionLost(self, reason: object = None) -> None:
        self.lost.callback(None)

    @property
    def waits(self) -> bool:
        writers: list[object] = reactor.getWriters()  # type: ignore[attr-defined]
        return self.transport in writers


class DirectServerTests(TestCase):
    """
    Tests for ``DirectServer``, over a real connection.
    """

    async def setUp(self) -> None:
        """
        Connect a client.
        """
        self.server = _Server()
        factory = Factory.forProtocol(lambda: self.server)
        factory.noisy = False
        port: Any = reactor.listenTCP(  # type: ignore[attr-defined]
            0, factory, interface="127.0.0.1"
        )
        self.addCleanup(port.stopListening)
        send_directly(port)
        self.client = socket.create_connection(
            ("127.0.0.1", port.getHost().port), 10.0
        )
        await self.server.connected_

    async def tearDown(self) -> None:
        """
        End the connection.
        """
        self.client.close()
        if not self.server.lost.called:
            self.server.transport.abortConnection()
        await self.server.lost

    async def received(self, count: int) -> bytes:
        """
        So many octets, as the client gets them.
        """

        def receive() -> bytes:
            got = bytearray()
            while len(got) < count:
                got += self.client.recv(1 << 20)
            return bytes(got)

        octets: bytes = await deferToThread(receive)
        return octets

    async def test_a_short_answer_is_sent_at_once(self) -> None:
        """
        Nothing is left for the reactor's next round.
        """
        self.server.transport.write(b"+OK\r\n")

        self.assertIsInstance(self.server.transport, DirectServer)
        self.assertFalse(self.server.waits)
        self.assertEqual(await self.received(5), b"+OK\r\n")

    async def test_so_much_in_a_round(self) -> None:
        """
        What is more goes the reactor's way: others have their turn, and the
        producer of a long answer may have to be paused.
        """
        octets = bytes(range(256)) * 400
        for _ in range(2):
            self.server.transport.write(octets)
            self.assertFalse(self.server.waits)
        self.server.transport.write(octets)

        self.assertTrue(self.server.waits)
        self.assertEqual(await self.received(len(octets) * 3), octets * 3)

    async def test_the_next_round(self) -> None:
        """
        When the client has been heard, as much is sent at once again.
        """
        octets = bytes(range(256)) * 800
        self.server.transport.write(octets)
        heard: Deferred[None] = Deferred()
        self.server.heard = heard
        self.client.send(b"more\r\n")
        await heard
        self.server.transport.write(octets)

        self.assertFalse(self.server.waits)
        self.assertEqual(await self.received(len(octets) * 2), octets * 2)

    async def test_what_the_network_does_not_take_stays_in_order(self) -> None:
        """
        A client that does not read gets all of it when it does.
        """
        pieces = [b"%06d" % n * 5000 for n in range(400)]
        for piece in pieces:
            self.server.transport.write(piece)

        self.assertTrue(self.server.waits)
        octets = b"".join(pieces)
        self.assertEqual(await self.received(len(octets)), octets)
        self.server.transport.write(b"more")
        self.assertFalse(self.server.waits)
        self.assertEqual(await self.received(4), b"more")

    async def test_a_connection_that_was_reset_is_lost(self) -> None:
        """
        The reactor tells of it, whatever is written first.
        """
        linger = struct.pack("ii", 1, 0)
        self.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.client.close()
        self.server.transport.write(b"nobody hears this")
        await self.server.lost

    async def test_last_words_are_sent_before_the_end(self) -> None:
        """
        The end comes behind what was written.
        """
        self.server.transport.write(b"bye")
        self.server.transport.loseConnection()
        await self.server.lost
        self.assertEqual(await self.received(3), b"bye")
        self.assertEqual(self.client.recv(1), b"")


class DirectReactorTests(TestCase):
    """
    Tests for ``DirectReactor``, over a real connection.
    """

    def endpoint(self, port: int) -> TCP4ClientEndpoint:
        """
        What connects to a port here.
        """
        direct: Any = DirectReactor(reactor)
        return TCP4ClientEndpoint(direct, "127.0.0.1", port, timeout=10)

    async def test_a_client_sends_at_once(self) -> None:
        """
        Nothing is left for the reactor's next round.
        """
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)
        client = _Server()
        factory = Factory.forProtocol(lambda: client)
        factory.noisy = False
        port = listener.getsockname()[1]
        await self.endpoint(port).connect(factory)
        server, _ = listener.accept()
        self.addCleanup(server.close)
        client.transport.write(b"EHLO x\r\n")

        self.assertIsInstance(client.transport, DirectClient)
        self.assertFalse(client.waits)
        self.assertEqual(server.recv(100), b"EHLO x\r\n")
        client.transport.loseConnection()
        await client.lost

    async def test_nobody_there(self) -> None:
        """
        A refused connection fails as ever.
        """
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        factory = Factory.forProtocol(_Server)
        with self.assertRaises(Refused):
            await self.endpoint(port).connect(factory)

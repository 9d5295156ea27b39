"""
Tests for ``mailsuite.conversation``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.conversation import (
    Answer,
    Close,
    Conversation,
    ConversationFactory,
    Settings,
    StartTLS,
)
from mailsuite.wire.buffer import InputBuffer


class Lines:
    """
    A wire whose events are lines.
    """

    def __init__(self) -> None:
        self._buffer = InputBuffer()

    def receive_data(self, octets: bytes) -> None:
        """
        Octets arrived.
        """
        self._buffer.feed(octets)

    def next_event(self) -> object:
        """
        A line, or NEED_DATA.
        """
        return self._buffer.line(1000)

    def pending(self) -> int:
        """
        Octets that wait.
        """
        return len(self._buffer)


class Scripted:
    """
    A session that does what the line says.
    """

    idle_seconds = 60.0

    def __init__(self) -> None:
        self.waiting: Deferred[None] | None = None
        self.is_lost = False
        self.is_secured = False
        self.holds_pieces = False

    def greet(self) -> Answer:
        """
        The greeting.
        """
        return b"hello\r\n"

    async def answer(self, event: object) -> Answer:
        """
        Whatever the line asks for.
        """
        match event:
            case b"wait":
                self.waiting = Deferred()
                await self.waiting
                return b"waited\r\n"
            case b"quit":
                return Close(b"bye\r\n")
            case b"tls":
                return StartTLS(b"go\r\n", b"no\r\n")
            case b"bug":
                raise ValueError("of the test")
            case b"pieces":
                return self._pieces()
            case bytes():
                return b"<" + event + b">\r\n"
        return None

    async def _pieces(self) -> AsyncIterator[bytes]:
        self.holds_pieces = True
        try:
            for piece in (b"1", b"2", b"3\r\n"):
                yield piece
        finally:
            self.holds_pieces = False

    def secured(self) -> None:
        """
        TLS began.
        """
        self.is_secured = True

    def timed_out(self) -> bytes:
        """
        Last words.
        """
        return b"too slow\r\n"

    def stopping(self) -> bytes:
        """
        Last words.
        """
        return b"stopping\r\n"

    def broken(self) -> bytes:
        """
        Last words.
        """
        return b"our fault\r\n"

    def lost(self) -> None:
        """
        The end.
        """
        self.is_lost = True


class Transport(StringTransport):
    """
    Remembers each write and what became of the connection.
    """

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self.tls: object = None
        self.aborted = False

    def write(self, data: bytes) -> None:
        """
        One write.
        """
        self.writes.append(data)
        super().write(data)

    def startTLS(self, context: object) -> None:
        """
        (Name and case are Twisted's.)
        """
        self.tls = context

    def abortConnection(self) -> None:
        """
        (Name and case are Twisted's.)
        """
        self.aborted = True


class ConversationTests(SynchronousTestCase):
    """
    Tests for ``Conversation``.
    """

    def setUp(self) -> None:
        """
        A connection that has been greeted.
        """
        self.clock = Clock()
        self.settings = Settings(self.clock, tls="context")  # type: ignore[arg-type]
        self.session = Scripted()
        self.conversation = Conversation(
            self.settings, lambda conversation: (Lines(), self.session)
        )
        self.transport = Transport()
        self.conversation.makeConnection(self.transport)
        self.transport.writes.clear()

    def test_answers_to_pipelined_commands_leave_in_one_write(self) -> None:
        """
        What needs no waiting is joined.
        """
        self.conversation.dataReceived(b"a\r\nb\r\npart")

        self.assertEqual(self.transport.writes, [b"<a>\r\n<b>\r\n"])

    def test_commands_behind_one_that_waits_are_answered_in_order(self) -> None:
        """
        One command at a time; what is ready goes out before the wait.
        """
        self.conversation.dataReceived(b"a\r\nwait\r\nb\r\n")
        self.assertEqual(self.transport.writes, [b"<a>\r\n"])

        assert self.session.waiting is not None
        self.session.waiting.callback(None)

        self.assertEqual(self.transport.writes[1:], [b"waited\r\n<b>\r\n"])

    def test_reading_pauses_when_too_much_waits(self) -> None:
        """
        A client that sends on while we work is held back, then let go.
        """
        self.conversation.dataReceived(b"wait\r\n")
        self.conversation.dataReceived(b"x\r\n" * 30000)
        self.assertEqual(self.transport.producerState, "paused")

        assert self.session.waiting is not None
        self.session.waiting.callback(None)

        self.assertEqual(self.transport.producerState, "producing")
        self.assertEqual(self.transport.value().count(b"<x>"), 30000)

    def test_a_long_answer_waits_for_the_transport(self) -> None:
        """
        The next piece is asked for when the last was taken.
        """
        self.conversation.pauseProducing()
        self.conversation.dataReceived(b"pieces\r\n")
        self.assertEqual(self.transport.writes, [b"1"])

        self.conversation.resumeProducing()

        self.assertEqual(b"".join(self.transport.writes), b"123\r\n")

    def test_a_long_answer_that_is_cut_off_gives_back_what_it_holds(
        self,
    ) -> None:
        """
        When the connection goes, the iterator ends at once, not whenever it is
        collected.
        """
        self.conversation.pauseProducing()
        self.conversation.dataReceived(b"pieces\r\n")
        self.assertTrue(self.session.holds_pieces)

        self.conversation.connectionLost()

        self.assertFalse(self.session.holds_pieces)

    def test_nothing_after_the_last_words_is_answered(self) -> None:
        """
        Closing is the end, whatever was pipelined.
        """
        self.conversation.dataReceived(b"quit\r\na\r\n")
        self.conversation.dataReceived(b"b\r\n")

        self.assertEqual(self.transport.writes, [b"bye\r\n"])
        self.assertTrue(self.transport.disconnecting)

    def test_starts_tls(self) -> None:
        """
        The answer leaves in clear; the session forgets what came before.
        """
        self.conversation.dataReceived(b"tls\r\n")

        self.assertEqual(self.transport.writes, [b"go\r\n"])
        self.assertEqual(self.transport.tls, "context")
        self.assertTrue(self.session.is_secured)

    def test_octets_behind_the_start_of_tls_end_the_connection(self) -> None:
        """
        What was injected in clear is never acted on.
        """
        self.conversation.dataReceived(b"tls\r\ninjected\r\n")

        self.assertEqual(self.transport.writes, [b"no\r\n"])
        self.assertIsNone(self.transport.tls)
        self.assertTrue(self.transport.disconnecting)

    def test_a_bug_is_logged_and_answered_with_a_constant(self) -> None:
        """
        No inner detail reaches the wire.
        """
        self.conversation.dataReceived(b"bug\r\n")

        self.assertEqual(self.transport.writes, [b"our fault\r\n"])
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)

    def test_answers_before_a_bug_are_not_lost(self) -> None:
        """
        A client that was answered must not do it all again.
        """
        self.conversation.dataReceived(b"a\r\nbug\r\n")

        self.assertEqual(self.transport.value()[7:], b"<a>\r\nour fault\r\n")
        self.flushLoggedErrors(ValueError)

    def test_a_silent_client_is_ended(self) -> None:
        """
        Silence counts from the last octet.
        """
        self.clock.advance(50)
        self.conversation.dataReceived(b"a")
        self.clock.advance(50)
        self.assertFalse(self.transport.disconnecting)

        self.clock.advance(11)

        self.assertEqual(self.transport.writes, [b"too slow\r\n"])
        self.assertTrue(self.transport.disconnecting)

    def test_a_client_that_takes_nothing_is_ended_too(self) -> None:
        """
        A full transport is silence.
        """
        self.conversation.pauseProducing()
        self.conversation.dataReceived(b"pieces\r\n")

        self.clock.advance(61)

        self.assertTrue(self.transport.disconnecting)

    def test_last_words_that_are_not_taken_do_not_hold_it(self) -> None:
        """
        A peer that never takes them is cut off.
        """
        self.conversation.stop()
        self.assertEqual(self.transport.writes, [b"stopping\r\n"])

        self.clock.advance(31)

        self.assertTrue(self.transport.aborted)

    def test_work_under_way_is_cancelled_with_the_connection(self) -> None:
        """
        Nothing goes on for a client that is gone, and nothing is logged.
        """
        self.conversation.dataReceived(b"wait\r\n")
        assert self.session.waiting is not None

        self.conversation.connectionLost()

        self.assertTrue(self.session.waiting.called)
        self.assertTrue(self.session.is_lost)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_half_a_close_lets_commands_end(self) -> None:
        """
        A client that only closed its sending side still gets its answers.
        """
        self.conversation.dataReceived(b"wait\r\na\r\n")
        self.conversation.readConnectionLost()
        self.assertFalse(self.transport.disconnecting)

        assert self.session.waiting is not None
        self.session.waiting.callback(None)

        self.assertEqual(
            self.transport.value()[-13:], b"waited\r\n<a>\r\n"[-13:]
        )
        self.assertTrue(self.transport.disconnecting)


class ConversationFactoryTests(SynchronousTestCase):
    """
    Tests for ``ConversationFactory``.
    """

    def _connect(self, factory: ConversationFactory, host: str) -> Transport:
        protocol = factory.buildProtocol(IPv4Address("TCP", host, 1))
        transport = Transport()
        protocol.makeConnection(transport)
        self.protocols.append(protocol)
        return transport

    def setUp(self) -> None:
        """
        Room for three, two of them from one address.
        """
        self.protocols: list[object] = []
        self.factory = ConversationFactory(
            Settings(Clock()),
            lambda conversation: (Lines(), Scripted()),
            refusal=b"full\r\n",
            most=3,
            most_per_address=2,
        )

    def test_one_address_has_its_share(self) -> None:
        """
        The third connection of one address is refused; another's is not.
        """
        values = [
            self._connect(self.factory, host).value()
            for host in ("192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.2")
        ]

        self.assertEqual(
            values, [b"hello\r\n", b"hello\r\n", b"full\r\n", b"hello\r\n"]
        )

    def test_there_is_a_limit_in_all(self) -> None:
        """
        The fourth is refused, and welcome when one has gone.
        """
        for host in ("192.0.2.1", "192.0.2.2", "192.0.2.3"):
            self._connect(self.factory, host)
        refused = self._connect(self.factory, "192.0.2.4")
        self.assertEqual(refused.value(), b"full\r\n")
        self.assertTrue(refused.disconnecting)

        self.protocols[0].connectionLost()  # type: ignore[attr-defined]

        taken = self._connect(self.factory, "192.0.2.4")
        self.assertEqual(taken.value(), b"hello\r\n")

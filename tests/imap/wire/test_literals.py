"""
Tests for literals and APPEND in ``mailsuite.imap.wire.connection``.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from mailsuite.imap.wire import commands
from mailsuite.imap.wire.connection import Connection, Limits
from mailsuite.imap.wire.events import (
    AppendAborted,
    AppendBegin,
    AppendEnd,
    AppendOctets,
    Event,
    LiteralWanted,
    Rejected,
)
from mailsuite.wire.buffer import NEED_DATA
from tests.support.imap_commands import append
from tests.support.imap_connection import Conversation, bad, events, noop


class LiteralTests(SynchronousTestCase):
    """
    Tests for literals and their limits.
    """

    def wanted(self, octets: bytes, *, authenticated: bool = True) -> Event:
        connection = Connection(Limits())
        connection.authenticated = authenticated
        connection.receive_data(octets)
        event = connection.next_event()
        assert not isinstance(event, type(NEED_DATA))
        return event

    def test_wanted(self) -> None:
        """
        A client that waits is asked for its literal.
        """
        self.assertEqual(self.wanted(b"a LOGIN {5}\r\n"), LiteralWanted())

    def test_limits(self) -> None:
        """
        4 kB before the login, 8 kB after it; what is over is refused before it
        is asked for.
        """
        refused = Rejected(b"a", b"BAD", b"TOOBIG", b"Literal is too large")

        for size, authenticated, expected in (
            (4096, False, LiteralWanted()),
            (4097, False, refused),
            (8192, True, LiteralWanted()),
            (8193, True, refused),
            (4294967296, True, refused),
            (10**30, True, refused),
        ):
            self.assertEqual(
                self.wanted(
                    b"a LOGIN {%d}\r\n" % size, authenticated=authenticated
                ),
                expected,
            )

    def test_refused_before_it_came(self) -> None:
        """
        The next line of a client that was refused is a command.
        """
        self.assertEqual(
            events(b"a LOGIN {4000000000}\r\nb NOOP\r\n")[1], noop(b"b")
        )

    def test_swallowed_to_the_octet(self) -> None:
        """
        The octets of a client that does not wait are no commands, however many
        they are; and none of them are kept.
        """
        conversation = Conversation(Limits())
        line = b"x NOOP\r\n" * 1250

        conversation.hear(b"a LOGIN bob {20000000+}\r\n")
        for _ in range(2000):
            conversation.hear(line)
            self.assertEqual(conversation.connection.pending(), 0)
        conversation.hear(b" {3+}\r\nxyz\r\nb NOOP\r\n")

        self.assertEqual(
            conversation.events,
            [
                Rejected(b"a", b"BAD", b"TOOBIG", b"Literal is too large"),
                noop(b"b"),
            ],
        )

    def test_all_of_a_command(self) -> None:
        """
        Many small literals are together no more than a command may be.
        """
        (event,) = events(
            b"a SEARCH " + b"TEXT {90+}\r\n%b " % (b"x" * 90) * 30 + b"ALL\r\n"
        )

        assert isinstance(event, Rejected)
        self.assertEqual((event.tag, event.condition), (b"a", b"BAD"))

    def test_nul(self) -> None:
        """
        A literal has no NUL, unless it says that it may (RFC 9051 4.3.1), and
        no argument of a command may.
        """
        self.assertEqual(
            events(b"a LOGIN {3+}\r\na\0b x\r\n"),
            [bad(b"a", b"NUL in a literal")],
        )
        (event,) = events(b"a LOGIN ~{3+}\r\na\0b x\r\n")
        assert isinstance(event, Rejected)
        self.assertEqual((event.tag, event.condition), (b"a", b"BAD"))

    def test_not_a_literal(self) -> None:
        """
        What announces no literal is BAD and takes no octets with it.
        """
        for end in (b"{-5}", b"{1_0}", b"{5", b"{+}", b"{ 5}", b"{5-}", b"{x}"):
            first, second = events(b"a LOGIN " + end + b"\r\nb NOOP\r\n")

            assert isinstance(first, Rejected)
            self.assertEqual((first.tag, second), (b"a", noop(b"b")))

    def test_without_a_command(self) -> None:
        """
        A literal that nothing takes is swallowed.
        """
        self.assertEqual(
            events(b"{3+}\r\nabc\r\nb NOOP\r\n"),
            [bad(None, b"Expected a tag"), noop(b"b")],
        )
        self.assertEqual(
            events(b"a{3}\r\nb NOOP\r\n"),
            [bad(b"a", b"Missing argument or space"), noop(b"b")],
        )

    def test_in_the_wrong_place(self) -> None:
        """
        An announcement in the middle of a line, or inside a string, is BAD.
        """
        for octets in (
            b"a LOGIN {3+} x\r\n",
            b'a LOGIN "{3+}\r\nabc" x\r\n',
            b"a NOOP{3+}\r\nabc\r\n",
            b"a UID{3+}\r\nabc\r\n",
        ):
            first, second = events(octets + b"b NOOP\r\n")

            assert isinstance(first, Rejected)
            self.assertEqual((first.tag, second), (b"a", noop(b"b")))


class AppendTests(SynchronousTestCase):
    """
    Tests for APPEND.
    """

    def test_whole(self) -> None:
        """
        Mailbox, flags, date and size come before the message; nothing is said
        to a client that does not wait.
        """
        command = commands.Append("台北", 5, ("\\Seen", "$Junk"), 837596665.0)
        waiting, other = Conversation(), Conversation()

        waiting.hear(append(b"a", command, b"hello", waits=True))
        other.hear(append(b"a", command, b"hello", waits=False))

        self.assertEqual(
            waiting.events,
            [
                AppendBegin(b"a", command),
                AppendOctets(b"hello"),
                AppendEnd(b"a"),
            ],
        )
        self.assertEqual(other.events, waiting.events)
        self.assertEqual((waiting.said, other.said), ([b"+ OK\r\n"], [b""]))

    def test_mailbox_in_a_literal(self) -> None:
        """
        The first literal is the mailbox if none stands before it.
        """
        self.assertEqual(
            events(b"a APPEND {5+}\r\ninbox {2+}\r\nhi\r\n"),
            [
                AppendBegin(b"a", commands.Append("INBOX", 2)),
                AppendOctets(b"hi"),
                AppendEnd(b"a"),
            ],
        )

    def test_in_utf8(self) -> None:
        """
        ``UTF8 (~{n}`` has a parenthesis behind the message (RFC 6855 4).
        """
        expected = [
            AppendBegin(b"a", commands.Append("Sent", 2, ("\\Seen",))),
            AppendOctets(b"hi"),
            AppendEnd(b"a"),
        ]

        self.assertEqual(
            events(b'a append "Sent" (\\Seen) UTF8 (~{2+}\r\nhi)\r\n'), expected
        )
        self.assertEqual(
            events(b'a append "Sent" (\\Seen) UTF8 (~{2+}\r\nhi\r\n')[:2],
            expected[:2],
        )

    def test_binary(self) -> None:
        """
        A literal8 may have NULs; in any other the message is void.
        """
        begin = AppendBegin(b"a", commands.Append("x", 3))

        self.assertEqual(
            events(b"a APPEND x ~{3+}\r\na\0b\r\n"),
            [begin, AppendOctets(b"a\0b"), AppendEnd(b"a")],
        )
        self.assertEqual(
            events(b"a APPEND x {3+}\r\na\0b\r\nb NOOP\r\n"),
            [begin, AppendAborted(b"a", b"NUL in a literal"), noop(b"b")],
        )

    def test_too_large(self) -> None:
        """
        A message over the limit is NO [TOOBIG], before it is asked for; one
        that comes all the same is swallowed.
        """
        refused = Rejected(b"a", b"NO", b"TOOBIG", b"Message is too large")

        self.assertEqual(
            events(b"a APPEND x {1001}\r\nb NOOP\r\n"), [refused, noop(b"b")]
        )
        self.assertEqual(
            events(b"a APPEND x {1001+}\r\n", b"y" * 1001, b"\r\nb NOOP\r\n"),
            [refused, noop(b"b")],
        )

    def test_refused_by_the_session(self) -> None:
        """
        The session answers, and the rest of the command is not heard of.
        """
        begin = AppendBegin(b"a", commands.Append("x", 4))

        self.assertEqual(
            events(b"a APPEND x {4}\r\nb NOOP\r\n", takes_messages=False),
            [begin, noop(b"b")],
        )
        self.assertEqual(
            events(
                b"a APPEND x {4+}\r\n\r\n\r\n {1+}\r\nx\r\nb NOOP\r\n",
                takes_messages=False,
            ),
            [begin, noop(b"b")],
        )

    def test_more_behind_the_message(self) -> None:
        """
        One message an APPEND; whatever else follows it makes it void.
        """
        long = b"x" * 3000
        for rest in (b" ", b")", b" {4+}\r\nmore", b" (\\Seen) {1}", long):
            *_, last, next_command = events(
                b"a APPEND x {4+}\r\nbody" + rest + b"\r\nb NOOP\r\n"
            )

            assert isinstance(last, AppendAborted)
            self.assertEqual((last.tag, next_command), (b"a", noop(b"b")))

    def test_bad_arguments(self) -> None:
        """
        What is wrong before the message is said before it is asked for.
        """
        for arguments in (
            b"x (\\Frob)", b"x (", b'x "yesterday"', b"x (\\Seen) (\\Seen)",
            b'x "32-Jan-2000 00:00:00 +0000"', b"x FROB", b"x UTF8", b"",
            b'x "01-Jan-2000 25:00:00 +0000"', b'"x', b"x\0",
        ):  # fmt: skip
            first, second = events(
                b"a APPEND " + arguments + b" {4}\r\nb NOOP\r\n"
            )

            assert isinstance(first, Rejected)
            self.assertEqual((first.tag, second), (b"a", noop(b"b")))

    def test_name_that_cannot_be(self) -> None:
        """
        Nor is a message asked for that could go nowhere.
        """
        self.assertEqual(
            events(b"a APPEND &AGE- {4}\r\nb NOOP\r\n"),
            [
                Rejected(
                    b"a", b"NO", b"CANNOT", b"Mailbox name is badly encoded"
                ),
                noop(b"b"),
            ],
        )

    def test_empty_message(self) -> None:
        """
        A message of no octets begins and ends.
        """
        self.assertEqual(
            events(b"a APPEND x {0+}\r\n\r\n"),
            [AppendBegin(b"a", commands.Append("x", 0)), AppendEnd(b"a")],
        )

    def test_a_hopeless_literal_ends_the_connection(self) -> None:
        """
        Four gigabytes are not read to their end only to be refused.
        """
        for command in (b"a LOGIN {4294967296+}", b"a APPEND x {4294967296+}"):
            conversation = Conversation()
            conversation.hear(command + b"\r\n")

            [event] = conversation.events
            assert isinstance(event, Rejected)
            self.assertEqual(event.code, b"TOOBIG")
            self.assertTrue(event.ends)

    def test_memory(self) -> None:
        """
        A large message passes through in pieces; none of it is kept.
        """
        connection = Connection(Limits())
        connection.receive_data(b"a APPEND x {10000000+}\r\n")
        connection.next_event()
        connection.accept_literal()
        received = 0

        for _ in range(100):
            connection.receive_data(b"x" * 100_000)
            while isinstance(event := connection.next_event(), AppendOctets):
                self.assertLessEqual(len(event.octets), 65536)
                received += len(event.octets)
            self.assertEqual(connection.pending(), 0)

        self.assertEqual(received, 10_000_000)

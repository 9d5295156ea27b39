"""
Tests for ``mailsuite.imap.wire.connection``.
"""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.imap.wire import commands
from mailsuite.imap.wire.events import (
    AppendBegin,
    AppendEnd,
    AppendOctets,
    CommandReceived,
    Event,
    IdleDone,
    Rejected,
    SASLCancelled,
    SASLResponse,
)
from tests.support.imap_commands import append, quoted
from tests.support.imap_connection import Conversation, bad, events, noop
from tests.support.slicing import every_slicing


class SlicingTests(SynchronousTestCase):
    """
    Tests that it makes no difference where the network cuts.
    """

    def assert_alike(self, octets: bytes, expected: list[Event]) -> None:
        for pieces in every_slicing(octets):
            self.assertEqual(events(*pieces), expected)

    def test_commands(self) -> None:
        """
        Commands behind one another.
        """
        self.assert_alike(b"a NOOP\r\nb NOOP\r\n", [noop(b"a"), noop(b"b")])

    def test_literals(self) -> None:
        """
        A command with literals of both kinds.
        """
        self.assert_alike(
            b"a LOGIN {3}\r\nb\r\n {2+}\r\n{}\r\nb NOOP\r\n",
            [
                CommandReceived(b"a", commands.Login("b\r\n", "{}")),
                noop(b"b"),
            ],
        )

    def test_messages(self) -> None:
        """
        A message, empty lines and announcements of literals in it.
        """
        content = b"\r\nb NOOP {3}\r\n"

        self.assert_alike(
            append(b"a", commands.Append("x", 0), content, waits=False)
            + b"c NOOP\r\n",
            [
                AppendBegin(b"a", commands.Append("x", len(content))),
                AppendOctets(content),
                AppendEnd(b"a"),
                noop(b"c"),
            ],
        )

    def test_refused(self) -> None:
        """
        A command that is refused, and its literals with it.
        """
        self.assert_alike(
            b"a FROB {4+}\r\nb N\n {2+}\r\n\r\n\r\nc NOOP\r\n",
            [bad(b"a", b"Unknown command"), noop(b"c")],
        )

    def test_idle(self) -> None:
        """
        DONE in any case.
        """
        self.assert_alike(
            b"a IDLE\r\ndOnE\r\nb NOOP\r\n",
            [
                CommandReceived(b"a", commands.Idle()),
                IdleDone(b"a"),
                noop(b"b"),
            ],
        )

    def test_sasl(self) -> None:
        """
        The lines of an exchange.
        """
        self.assert_alike(
            b"a AUTHENTICATE X\r\naA==\r\nb NOOP\r\n",
            [
                CommandReceived(b"a", commands.Authenticate("X")),
                SASLResponse(b"h"),
                noop(b"b"),
            ],
        )

    def test_too_long(self) -> None:
        """
        A line over the limit, with a literal at its end.
        """
        octets = b"a " + b"x" * 2000 + b"{4+}\r\nb N\n\r\nc NOOP\r\n"
        expected = [bad(b"a", b"Command line is too long"), noop(b"c")]

        for cut in range(1995, len(octets)):
            self.assertEqual(events(octets[:cut], octets[cut:]), expected)
        self.assertEqual(
            events(*(octets[n : n + 1] for n in range(len(octets)))), expected
        )


class LineTests(SynchronousTestCase):
    """
    Tests for lines that are no commands, or bad ones.
    """

    def test_bare_line_ends(self) -> None:
        """
        Only CR LF ends a line; a bare one is BAD and starts no command.
        """
        for octets in (b"a NOOP\nb NOOP\r\n", b"a NOOP\rb NOOP\r\n"):
            (event,) = events(octets)

            assert isinstance(event, Rejected)
            self.assertEqual(event.tag, b"a")

    def test_nul_in_a_line(self) -> None:
        """
        A line with a NUL in it is BAD.
        """
        for octets in (b"a NOOP\0\r\n", b'a LOGIN "\0" x\r\n'):
            (event,) = events(octets)

            assert isinstance(event, Rejected)
            self.assertEqual((event.tag, event.condition), (b"a", b"BAD"))

    def test_too_long_without_a_tag(self) -> None:
        """
        A long line whose tag cannot be found is BAD without one.
        """
        self.assertEqual(
            events(b"x" * 3000 + b"\r\nb NOOP\r\n"),
            [bad(None, b"Command line is too long"), noop(b"b")],
        )

    def test_too_long_behind_a_literal(self) -> None:
        """
        A command is measured whole.
        """
        self.assertEqual(
            events(b"a LOGIN {1+}\r\nb " + b"x" * 2000 + b"\r\nb NOOP\r\n"),
            [bad(b"a", b"Command line is too long"), noop(b"b")],
        )

    def test_idle_left_by_a_command(self) -> None:
        """
        Something else than DONE ends the IDLE, and is obeyed.
        """
        self.assertEqual(
            events(b"a IDLE\r\nb NOOP\r\nc IDLE\r\nd LOGIN {1+}\r\nx y\r\n"),
            [
                CommandReceived(b"a", commands.Idle()),
                bad(b"a", b"Expected DONE"),
                noop(b"b"),
                CommandReceived(b"c", commands.Idle()),
                bad(b"c", b"Expected DONE"),
                CommandReceived(b"d", commands.Login("x", "y")),
            ],
        )

    def test_idle_left_by_a_long_line(self) -> None:
        """
        Nor is what stands behind it lost.
        """
        self.assertEqual(
            events(b"a IDLE\r\nb " + b"x" * 3000 + b"\r\nc NOOP\r\n")[1:],
            [
                bad(b"a", b"Expected DONE"),
                bad(b"b", b"Command line is too long"),
                noop(b"c"),
            ],
        )

    def test_sasl_cancelled(self) -> None:
        """
        ``*`` ends an exchange (RFC 9051 6.2.2).
        """
        self.assertEqual(
            events(b"a AUTHENTICATE X\r\n*\r\nb NOOP\r\n")[1:],
            [SASLCancelled(b"a"), noop(b"b")],
        )

    def test_sasl_empty(self) -> None:
        """
        An empty line is an empty response.
        """
        self.assertEqual(
            events(b"a AUTHENTICATE X\r\n\r\n")[1:], [SASLResponse(b"")]
        )

    def test_sasl_not_base64(self) -> None:
        """
        What is not base64 ends the exchange.
        """
        for line in (b"!!!!", b"aA", b"aA==aA==", b"=", b"\0"):
            self.assertEqual(
                events(b"a AUTHENTICATE X\r\n" + line + b"\r\nb NOOP\r\n")[1:],
                [bad(b"a", b"Response is not base64"), noop(b"b")],
            )

    def test_sasl_left_by_a_command(self) -> None:
        """
        A client that goes on with its next command is understood.
        """
        self.assertEqual(
            events(b"a AUTHENTICATE X\r\nb LOGIN {1+}\r\nx y\r\n")[1:],
            [
                bad(b"a", b"Response is not base64"),
                CommandReceived(b"b", commands.Login("x", "y")),
            ],
        )

    def test_sasl_too_long(self) -> None:
        """
        A response has its own limit.
        """
        self.assertEqual(
            events(b"a AUTHENTICATE X\r\n" + b"a" * 20_000 + b"\r\nb NOOP\r\n")[
                1:
            ],
            [bad(b"a", b"Response is too long"), noop(b"b")],
        )

    def test_secrets_are_not_shown(self) -> None:
        """
        A SASL response is not in the event's text.
        """
        self.assertNotIn("hungry", repr(SASLResponse(b"hungry")))

    def test_reset(self) -> None:
        """
        Behind a TLS handshake nothing counts of what came in clear.
        """
        conversation = Conversation()
        conversation.connection.utf8 = True
        conversation.hear(b"a IDLE\r\nb LOGIN {10}\r\nxyz")

        conversation.connection.reset()
        conversation.events.clear()
        conversation.hear(b"c SELECT &AOk-\r\n")

        self.assertFalse(conversation.connection.authenticated)
        self.assertEqual(
            conversation.events,
            [CommandReceived(b"c", commands.Select("é"))],
        )


#: Pieces that IMAP is made of, and that break it.
PIECES = st.sampled_from(
    [
        b"a ", b"b1 ", b"*", b"+", b" ", b"\r\n", b"\n", b"\r", b"\0", b'"',
        b"\\", b"(", b")", b"[", b"]", b"<0.1>", b"{", b"}", b"{3}\r\n",
        b"{3+}\r\n", b"~{2+}\r\n", b"{99999999999999999999999+}\r\n",
        b"{0}\r\n",
        b"NOOP", b"LOGIN", b"APPEND x ", b"UID ", b"FETCH ", b"BODY", b".PEEK",
        b"HEADER.FIELDS", b"SEARCH ", b"OR ", b"NOT ", b"CHARSET utf-7 ",
        b"RETURN (", b"1:*,5", b"$", b"STORE ", b"FLAGS", b"\\Seen", b"LIST ",
        b"IDLE\r\n", b"DONE\r\n", b"AUTHENTICATE X\r\n", b"aA==", b"%", b"&",
        b"&AOk-", b"\xc3\xa9", b"\xff", b"1-Feb-1994", b"NIL", b"ID (",
        b"9" * 30,
        b'"17-Jul-1996 02:44:25 -0700"', b"UTF8 (", b"x" * 3000,
    ]
)  # fmt: skip


class AnyOctetsTests(SynchronousTestCase):
    """
    Tests that no octets make it raise, and that it comes back to its senses.
    """

    def check(self, pieces: list[bytes], *, takes_messages: bool) -> None:
        conversation = Conversation(takes_messages=takes_messages)
        for piece in pieces:
            conversation.hear(piece)
        # A literal may still be under way, unless none was so large.
        whole = b"".join(pieces)
        if b"9" * 20 in whole:
            return
        conversation.hear(b"\r\n" * 50 + b"DONE\r\n\r\nlast NOOP\r\n")
        self.assertEqual(conversation.events[-1], noop(b"last"))

    @settings(max_examples=300, deadline=None)
    @given(st.lists(PIECES, max_size=30), st.booleans())
    def test_pieces_of_imap(
        self, pieces: list[bytes], takes_messages: bool
    ) -> None:
        """
        What IMAP is made of, in any order.
        """
        self.check(pieces, takes_messages=takes_messages)

    @settings(max_examples=200, deadline=None)
    @given(st.lists(st.binary(max_size=50), max_size=10))
    def test_binary(self, pieces: list[bytes]) -> None:
        """
        Any octets at all.
        """
        self.check(pieces, takes_messages=True)

    def test_quoted_names(self) -> None:
        """
        A quoted string with everything that must be escaped.
        """
        self.assertEqual(
            events(b"a SELECT " + quoted(b'a"\\b') + b"\r\n"),
            [CommandReceived(b"a", commands.Select('a"\\b'))],
        )

"""
Tests for ``mailsuite.pop3.wire``.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.pop3 import wire
from mailsuite.pop3.wire import BadSyntax, POP3Connection, Response, Unknown
from mailsuite.wire.buffer import NEED_DATA
from tests.support.slicing import every_slicing


def _events(pieces: list[bytes]) -> list[object]:
    connection = POP3Connection()
    events: list[object] = []
    for piece in pieces:
        connection.receive_data(piece)
        while (event := connection.next_event()) is not NEED_DATA:
            events.append(event)
    return events


class ParseCommandTests(SynchronousTestCase):
    """
    Tests for ``parse_command``.
    """

    def test_commands(self) -> None:
        """
        Every command is read, in any case.
        """
        for line, command in (
            (b"USER bob", wire.User("bob")),
            (b"user bob@localhost ", wire.User("bob@localhost")),
            (b"PASS two  words ", wire.Pass("two  words ")),
            (b"pass \xc3\xa4", wire.Pass("\xe4")),
            (b"AUTH", wire.Auth(None, None)),
            (b"AUTH PLAIN", wire.Auth("PLAIN", None)),
            (b"AUTH PLAIN =", wire.Auth("PLAIN", "=")),
            (b"STLS", wire.Stls()),
            (b"CAPA", wire.Capa()),
            (b"STAT ", wire.Stat()),
            (b"LIST", wire.List(None)),
            (b"LIST 7", wire.List(7)),
            (b"UIDL", wire.Uidl(None)),
            (b"uidl 007", wire.Uidl(7)),
            (b"RETR 1", wire.Retr(1)),
            (b"TOP 1 0", wire.Top(1, 0)),
            (b"DELE 0", wire.Dele(0)),
            (b"NOOP", wire.Noop()),
            (b"RSET", wire.Rset()),
            (b"QUIT", wire.Quit()),
            (b"UTF8", wire.Utf8()),
            (b"LANG", wire.Lang(None)),
            (b"LANG de", wire.Lang("de")),
        ):
            self.assertEqual(wire.parse_command(line), command)

    def test_bad_arguments(self) -> None:
        """
        What is missing, superfluous or no number is told apart from what is
        unknown.
        """
        for line in (
            b"USER", b"USER  ", b"PASS", b"RETR", b"RETR x", b"RETR 1 2",
            b"RETR +1", b"RETR 1.0", "RETR \u0661".encode(), b"DELE -1",
            b"TOP 1", b"TOP", b"TOP 1 2 3", b"LIST x", b"NOOP x", b"QUIT x",
            b"AUTH a b c", b"LANG a b", b"", b" STAT", b"ST\xc3\xa4T",
            b"USER \xff", b"USER a\x00b", b"USER a\rb", b"USER a\x7fb",
        ):  # fmt: skip
            self.assertIsInstance(wire.parse_command(line), BadSyntax)

    def test_unknown(self) -> None:
        """
        A command that is none of ours, as APOP.
        """
        self.assertEqual(wire.parse_command(b"APOP a b"), Unknown())
        self.assertEqual(wire.parse_command(b"XTND"), Unknown())

    @given(st.binary())
    def test_any_octets(self, line: bytes) -> None:
        """
        No line makes it raise.
        """
        wire.parse_command(line)


class ConnectionTests(SynchronousTestCase):
    """
    Tests for ``POP3Connection``.
    """

    def test_any_slicing_reads_alike(self) -> None:
        """
        Where the network cuts the octets makes no difference.
        """
        octets = b"RETR 1\r\nX\nY\r\nPASS a \r\nQUIT\r\nrest"
        for pieces in every_slicing(octets):
            self.assertEqual(
                _events(pieces),
                [
                    wire.Retr(1),
                    BadSyntax("Control characters are not allowed"),
                    wire.Pass("a "),
                    wire.Quit(),
                ],
            )

    def test_long_lines(self) -> None:
        """
        A line that is too long is one mistake, whatever is in it; AUTH may
        be longer.
        """
        too_long = BadSyntax("Line is too long")

        self.assertEqual(
            _events([b"USER " + b"a" * 1018 + b"\r\nNOOP\r\n"]),
            [too_long, wire.Noop()],
        )
        self.assertEqual(
            _events([b"USER " + b"a" * 1017 + b"\r\n"]),
            [wire.User("a" * 1017)],
        )
        self.assertEqual(
            _events([b"AUTH X " + b"a" * 5000 + b"\r\n"]),
            [wire.Auth("X", "a" * 5000)],
        )
        self.assertEqual(
            _events([b"AUTH X " + b"a" * 15000, b"QUIT\r\nNOOP\r\n"]),
            [too_long, wire.Noop()],
        )

    def test_response(self) -> None:
        """
        After a challenge the next line is no command, and only that.
        """
        connection = POP3Connection()
        connection.receive_data(b"QUIT\r\nQUIT\r\n")

        connection.expect_response()

        self.assertEqual(connection.next_event(), Response(b"QUIT"))
        self.assertEqual(connection.next_event(), wire.Quit())
        self.assertEqual(connection.pending(), 0)

    def test_response_too_long(self) -> None:
        """
        A response that is too long is gone whole.
        """
        connection = POP3Connection()
        connection.receive_data(b"a" * 13000 + b"\r\nQUIT\r\n")

        connection.expect_response()

        self.assertEqual(connection.next_event(), Response(None))
        self.assertEqual(connection.next_event(), wire.Quit())

"""
Tests for the octets of a connection.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.mail.address import Address
from mailsuite.smtp.wire import commands
from mailsuite.smtp.wire.connection import (
    Content,
    Event,
    Response,
    ResponseTooLong,
    SMTPConnection,
)
from mailsuite.wire.buffer import NEED_DATA
from tests.support.slicing import every_slicing

BOB = Address("bob", "hamburger.edu")


def events(pieces: list[bytes]) -> list[Event]:
    """
    What a session would see that says yes to everything; pieces of content
    that follow one another are joined.
    """
    connection = SMTPConnection()
    seen: list[Event] = []
    for piece in pieces:
        connection.receive_data(piece)
        while (event := connection.next_event()) is not NEED_DATA:
            match event:
                case commands.Mail():
                    connection.expect_message()
                case commands.Data():
                    connection.expect_data()
                case commands.Auth():
                    connection.expect_response()
                case commands.Unfollowable():
                    return [*seen, event]
            last = seen[-1] if seen else None
            if (
                isinstance(event, Content)
                and isinstance(last, Content)
                and not last.complete
            ):
                seen[-1] = Content(
                    last.octets + event.octets, event.complete, event.broken
                )
            else:
                assert not isinstance(event, type(NEED_DATA))
                seen.append(event)
    return seen


def alike(octets: bytes) -> list[Event]:
    """
    The events of these octets, which are the same in every slicing.
    """
    first, *others = (events(pieces) for pieces in every_slicing(octets))
    for other in others:
        assert other == first, (other, first)
    return first


class SMTPConnectionTests(SynchronousTestCase):
    """
    Tests for ``SMTPConnection``.
    """

    def test_a_session_in_one_piece_or_in_many(self) -> None:
        """
        Commands and content come out alike wherever the octets are cut.
        """
        octets = (
            b"EHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<bob@hamburger.edu>\r\n"
            b"DATA\r\n..a\r\n.\r\nMAIL FROM:<>\r\nBDAT 3\r\n\r\n."
            b"BDAT 5 LAST\r\nx\r\n.\rNOOP\r\n"
        )

        seen = alike(octets)

        self.assertEqual(
            seen,
            [
                commands.Helo("EHLO", "a"),
                commands.Mail(None),
                commands.Rcpt(BOB),
                commands.Data(),
                Content(b".a\r\n", complete=True, broken=False),
                commands.Mail(None),
                commands.Bdat(3),
                Content(b"\r\n.", complete=True, broken=False),
                commands.Bdat(5, last=True),
                Content(b"x\r\n.\r", complete=True, broken=True),
                commands.Noop(),
            ],
        )

    def test_an_empty_last_chunk(self) -> None:
        """
        ``BDAT 0 LAST`` ends the message (RFC 3030 2).
        """
        seen = alike(b"BDAT 2\r\n\r\nBDAT 0 LAST\r\nRSET\r\n")

        self.assertEqual(
            seen[2:],
            [
                commands.Bdat(0, last=True),
                Content(b"", complete=True, broken=False),
                commands.Rset(),
            ],
        )

    def test_a_line_end_across_chunks(self) -> None:
        """
        A CR and its LF may lie in two chunks; a lone one is broken.
        """
        right = alike(b"BDAT 1\r\n\rBDAT 1 LAST\r\n\n")
        wrong = alike(b"BDAT 1\r\n\rBDAT 2 LAST\r\n\r\n")

        self.assertEqual(right[-1], Content(b"\n", True, broken=False))
        self.assertEqual(wrong[-1], Content(b"\r\n", True, broken=True))

    def test_each_message_is_judged_alone(self) -> None:
        """
        What was wrong with one message is no fault of the next.
        """
        seen = events(
            [b"MAIL FROM:<>\r\nDATA\r\na\nb\r\n.\r\n"]
            + [b"MAIL FROM:<>\r\nDATA\r\na\r\n.\r\n"]
        )

        contents = [e for e in seen if isinstance(e, Content)]
        self.assertEqual([c.broken for c in contents], [True, False])

    def test_auth(self) -> None:
        """
        After a challenge the next line is no command, whatever it says.
        """
        seen = alike(b"AUTH PLAIN\r\nQUIT\r\nNOOP\r\n")

        self.assertEqual(
            seen,
            [commands.Auth("PLAIN"), Response(b"QUIT"), commands.Noop()],
        )

    def test_lines_that_end_with_lf(self) -> None:
        """
        A line that ends with LF alone is told of at once, in commands and in
        AUTH.
        """
        for octets in (b"NOOP\n", b"NOOP\nQUIT\r\n", b"\xff\nQUIT\r\n"):
            self.assertEqual(alike(octets), [commands.BARE_LINE_FEED])
        self.assertEqual(
            events([b"AUTH PLAIN\r\n", b"AGFsaWNl\n"]),
            [commands.Auth("PLAIN"), commands.BARE_LINE_FEED],
        )

    def test_long_lines(self) -> None:
        """
        A command that is too long is gone whole, and answered once.
        """
        for length, wanted in (
            (2046, commands.Noop()),
            (2047, commands.LINE_TOO_LONG),
            (100000, commands.LINE_TOO_LONG),
        ):
            line = b"NOOP " + b"x" * (length - 5) + b"\r\n"
            seen = events([line[:1000], line[1000:], b"NOOP\r\n"])
            self.assertEqual(seen, [wanted, commands.Noop()], length)

    def test_long_bdat(self) -> None:
        """
        What follows a BDAT that is too long is no command.
        """
        for length in (3000, 100000):
            line = b"BDAT " + b" " * length + b"6\r\n"
            seen = events([line[:1000], line[1000:], b"QUIT\r\n"])
            self.assertEqual(seen, [commands.UNREADABLE_BDAT])

    def test_long_auth(self) -> None:
        """
        AUTH and its responses may have 12,288 octets (RFC 4954 4).
        """
        response = "x" * (12288 - 2 - len("AUTH PLAIN "))

        seen = events(
            [f"AUTH PLAIN {response}\r\n".encode()]
            + [b"x" * 12286 + b"\r\nAUTH PLAIN\r\n" + b"x" * 12287 + b"\r\n"]
        )

        self.assertEqual(
            seen,
            [
                commands.Auth("PLAIN", response),
                Response(b"x" * 12286),
                commands.Auth("PLAIN"),
                ResponseTooLong(),
            ],
        )

    def test_an_endless_line_takes_no_memory(self) -> None:
        """
        What cannot become a command is not kept.
        """
        connection = SMTPConnection()

        for _ in range(100):
            connection.receive_data(b"x" * 10000)
            self.assertIs(connection.next_event(), NEED_DATA)
            self.assertLess(connection.pending(), 12290)

    def test_content_is_given_on_at_once(self) -> None:
        """
        Nothing but a beginning of the end of data waits.
        """
        connection = SMTPConnection()
        connection.expect_data()

        connection.receive_data(b"x" * 100000 + b"\r\n.")
        event = connection.next_event()

        self.assertEqual(event, Content(b"x" * 100000, False, False))
        self.assertEqual(connection.pending(), 0)

    @given(
        st.lists(
            st.sampled_from(
                [b"MAIL FROM:<>", b"DATA", b"BDAT 3", b"BDAT 2 LAST", b"AUTH X"]
                + [b"\r\n", b"\r", b"\n", b".", b"\r\n.\r\n", b"\0\xff", b"a"]
            )
        ),
        st.data(),
    )
    def test_any_octets_in_any_pieces(
        self, parts: list[bytes], data: st.DataObject
    ) -> None:
        """
        Nothing makes it raise, and cuts make no difference.
        """
        octets = b"".join(parts)
        cuts = data.draw(st.lists(st.integers(0, len(octets)), max_size=5))
        places = [0, *sorted(cuts), len(octets)]
        pieces = [
            octets[start:end]
            for start, end in zip(places, places[1:], strict=False)
        ]

        whole, cut = events([octets]), events(pieces)

        self.assertEqual(
            [e for e in cut if not isinstance(e, Content) or e.octets],
            [e for e in whole if not isinstance(e, Content) or e.octets],
        )

    @given(st.binary(max_size=200))
    def test_random_octets(self, octets: bytes) -> None:
        """
        Nor do octets by chance.
        """
        self.assertIsInstance(events([octets]), list)

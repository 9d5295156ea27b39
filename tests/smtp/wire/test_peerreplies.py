"""
Tests for ``mailsuite.smtp.wire.peerreplies``.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.smtp.wire.failures import BadReply
from mailsuite.smtp.wire.peerreplies import (
    MOST_LINES,
    MOST_OCTETS,
    PeerReply,
    ReplyReader,
)
from mailsuite.smtp.wire.replies import Reply
from tests.support.slicing import every_slicing


def read(*pieces: bytes) -> list[PeerReply]:
    """
    All replies in the pieces.
    """
    reader = ReplyReader()
    return [reply for piece in pieces for reply in reader.feed(piece)]


class ReplyReaderTests(SynchronousTestCase):
    """
    Tests for ``ReplyReader``.
    """

    def test_any_slicing(self) -> None:
        """
        Where the network cuts the octets makes no difference.
        """
        octets = b"250-2.1.0 a\r\n250 2.1.0 b\r\n354\r\n550 no\r\n"
        for pieces in every_slicing(octets):
            self.assertEqual(
                read(*pieces),
                [
                    PeerReply(250, "2.1.0", ("a", "b")),
                    PeerReply(354, "3.0.0", ("",)),
                    PeerReply(550, "5.0.0", ("no",)),
                ],
            )

    def test_last_code_decides(self) -> None:
        """
        Of codes that differ the last line's counts (RFC 5321 4.2.1).
        """
        (reply,) = read(b"250-2.0.0 well\r\n451 4.3.0 or not\r\n")

        self.assertEqual((reply.code, reply.enhanced), (451, "4.3.0"))
        self.assertTrue(reply.temporary and reply.refuses)

    def test_class_is_rewritten(self) -> None:
        """
        An enhanced code of another class is given the reply's.
        """
        (reply,) = read(b"550 4.7.1 greylisted for ever\r\n")

        self.assertEqual(str(reply), "550 5.7.1 greylisted for ever")

    def test_bare_line_feed(self) -> None:
        """
        A line may end in LF alone.
        """
        self.assertEqual(read(b"250 ok\n"), [PeerReply(250, "2.0.0", ("ok",))])

    def test_control_characters(self) -> None:
        """
        Nothing that a terminal would act on gets through.
        """
        (reply,) = read(b"550 \x1b[2Jno\x00\xff\r\n")

        self.assertTrue(reply.text.isprintable())

    def test_long_text_is_cut(self) -> None:
        """
        What is shown of a reply is short.
        """
        (reply,) = read((b"550-" + b"x" * 500 + b"\r\n") * 5 + b"550 y\r\n")

        self.assertEqual(len(reply.text), 1000)

    def test_no_replies(self) -> None:
        """
        What has no reply's form is no reply.
        """
        for octets in (
            b"\r\n",
            b"25 ok\r\n",
            b"250+ok\r\n",
            b"150 wait\r\n",
            b"650 what\r\n",
            b"SSH-2.0-x\r\n",
            b"250ok\r\n",
        ):
            self.assertRaises(BadReply, read, octets)

    def test_too_many_lines(self) -> None:
        """
        A reply of too many lines is refused, one of just so many is not.
        """
        last = b"250 x\r\n"
        (reply,) = read(b"250-x\r\n" * (MOST_LINES - 1) + last)
        self.assertEqual(len(reply.lines), MOST_LINES)
        self.assertRaises(BadReply, read, b"250-x\r\n" * MOST_LINES + last)

    def test_too_long(self) -> None:
        """
        A line without an end is not gathered for ever.
        """
        reader = ReplyReader()
        reader.feed(b"250 " + b"x" * (MOST_OCTETS - 4))

        self.assertRaises(BadReply, reader.feed, b"x")

    def test_begun(self) -> None:
        """
        It tells of the half of a reply.
        """
        reader = ReplyReader()
        self.assertFalse(reader.begun)
        reader.feed(b"250-a\r\n")
        self.assertTrue(reader.begun)
        reader.feed(b"250 b\r\n")
        self.assertFalse(reader.begun)

    @given(st.lists(st.binary(max_size=40), max_size=6))
    def test_nothing_else_is_raised(self, pieces: list[bytes]) -> None:
        """
        No octets make it raise anything but ``BadReply``.
        """
        try:
            read(*pieces)
        except BadReply as bad:
            self.assertTrue(str(bad).isprintable())

    @given(
        st.sampled_from([250, 421, 550]),
        st.lists(
            st.text(st.characters(min_codepoint=33, max_codepoint=126)),
            min_size=1,
            max_size=5,
        ),
    )
    def test_reads_what_ours_prints(self, code: int, texts: list[str]) -> None:
        """
        What the server's side prints is what the client's side reads.
        """
        enhanced = f"{code // 100}.1.2"
        printed = Reply(code, enhanced, "\n".join(texts)).octets(enhanced=True)

        self.assertEqual(
            read(printed), [PeerReply(code, enhanced, tuple(texts))]
        )

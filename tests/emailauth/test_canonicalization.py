"""
Tests for ``mailsuite.emailauth.canonicalization``.
"""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.emailauth.canonicalization import (
    RelaxedBody,
    SimpleBody,
    relaxed_field,
    simple_field,
)
from tests.support.slicing import every_slicing

_LETTERS = st.lists(
    st.sampled_from([b"a", b" ", b"\t", b"\r", b"\n", b"\r\n"]), max_size=12
).map(b"".join)


def plainly_relaxed(body: bytes) -> bytes:
    """
    RFC 6376 3.4.4 a, as it is written.
    """
    return re.sub(rb" (\r\n|\Z)", rb"\1", re.sub(rb"[ \t]+", b" ", body))


def streamed(
    kind: type[SimpleBody | RelaxedBody], pieces: list[bytes]
) -> bytes:
    """
    What the pieces come to.
    """
    body = kind()
    return b"".join([*map(body.feed, pieces), body.end()])


class FieldTests(SynchronousTestCase):
    """
    Tests for ``simple_field`` and ``relaxed_field``.
    """

    def test_simple_changes_nothing(self) -> None:
        """
        A field is signed as it stands.
        """
        field = b"SubJect :  a\r\n\t b \r\n"

        self.assertEqual(simple_field(field), field)
        self.assertEqual(simple_field(b"A: b"), b"A: b\r\n")

    def test_relaxed(self) -> None:
        """
        The example of RFC 6376 3.4.5.
        """
        self.assertEqual(relaxed_field(b"A: X\r\n"), b"a:X\r\n")
        self.assertEqual(relaxed_field(b"B : Y\t\r\n\tZ  \r\n"), b"b:Y Z\r\n")

    def test_relaxed_keeps_what_is_no_blank(self) -> None:
        """
        Case of the value, colons and octets beyond ASCII stay.
        """
        self.assertEqual(
            relaxed_field("SUBJECT:  Grüße:  x\r\n".encode()),
            "subject:Grüße: x\r\n".encode(),
        )

    def test_relaxed_empty_values(self) -> None:
        """
        Blanks alone are nothing.
        """
        self.assertEqual(relaxed_field(b"X:\r\n"), b"x:\r\n")
        self.assertEqual(relaxed_field(b"X: \r\n \r\n\t\r\n"), b"x:\r\n")


class BodyTests(SynchronousTestCase):
    """
    Tests for ``SimpleBody`` and ``RelaxedBody``.
    """

    def test_relaxed(self) -> None:
        """
        The body of RFC 6376 3.4.5; its last lines are for the digest.
        """
        self.assertEqual(
            streamed(RelaxedBody, [b" C \r\nD \t E\r\n\r\n\r\n"]),
            b" C\r\nD E\r\n\r\n\r\n",
        )

    def test_any_slicing(self) -> None:
        """
        Where the network cuts makes no difference.
        """
        body = b"a \t\r\n \rb\t\r\r\n\n  "

        for pieces in every_slicing(body):
            self.assertEqual(streamed(SimpleBody, pieces), body)
            self.assertEqual(
                streamed(RelaxedBody, pieces), b"a\r\n \rb \r\r\n\n"
            )

    def test_no_cut_within_a_line_end(self) -> None:
        """
        CR waits for what follows.
        """
        for body in (SimpleBody(), RelaxedBody()):
            self.assertEqual(body.feed(b"a\r"), b"a")
            self.assertEqual(body.feed(b"\nb"), b"\r\nb")

    def test_blanks_that_never_end(self) -> None:
        """
        However many are kept back, they are one space.
        """
        body = RelaxedBody()

        for _ in range(100):
            self.assertEqual(body.feed(b" " * 1_000), b"")
        self.assertEqual(body.feed(b"x"), b" x")

    @given(_LETTERS, st.integers(0, 12), st.integers(0, 12))
    def test_as_the_rfc_says(self, body: bytes, one: int, two: int) -> None:
        """
        In three pieces as in one, by the letter of RFC 6376 3.4.4.
        """
        cuts = sorted((one, two))
        pieces = [body[: cuts[0]], body[cuts[0] : cuts[1]], body[cuts[1] :]]

        self.assertEqual(streamed(RelaxedBody, pieces), plainly_relaxed(body))

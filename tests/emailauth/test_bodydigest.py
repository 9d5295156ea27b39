"""
Tests for ``mailsuite.emailauth.bodydigest``.
"""

from __future__ import annotations

import hashlib
import tracemalloc
from time import process_time

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.emailauth.bodydigest import BodyDigest, BodyDigests
from mailsuite.emailauth.canonicalization import Canonicalization
from tests.emailauth.signatures import digest
from tests.emailauth.test_canonicalization import plainly_relaxed
from tests.support.slicing import every_slicing

SIMPLE, RELAXED = Canonicalization

_LETTERS = st.lists(
    st.sampled_from([b"a", b" ", b"\r", b"\n", b"\r\n", b"\r\n\r\n"]),
    max_size=10,
).map(b"".join)


def of(canonical: bytes) -> BodyDigest:
    """
    The digest of octets that are canonical already.
    """
    return BodyDigest(hashlib.sha256(canonical).digest(), len(canonical))


def plainly_ended(body: bytes) -> bytes:
    """
    RFC 6376 3.4.3: no empty lines at the end, but the end of the last line.
    """
    while body.endswith(b"\r\n"):
        body = body.removesuffix(b"\r\n")
    return body + b"\r\n"


class BodyDigestsTests(SynchronousTestCase):
    """
    Tests for ``BodyDigests``.
    """

    def test_an_empty_body(self) -> None:
        """
        Simple, it is a line end; relaxed, it is nothing (RFC 6376 3.4.3-4).
        """
        for body in (b"", b"\r\n", b"\r\n\r\n\r\n"):
            self.assertEqual(digest(body, SIMPLE), of(b"\r\n"))
            self.assertEqual(digest(body, RELAXED), of(b""))
        self.assertEqual(digest(b" \r\n\t\r\n", RELAXED), of(b""))

    def test_the_last_line_ends(self) -> None:
        """
        A body that does not end in CR LF is hashed as if it did.
        """
        self.assertEqual(digest(b"a", SIMPLE), of(b"a\r\n"))
        self.assertEqual(digest(b"a ", RELAXED), of(b"a\r\n"))
        self.assertEqual(digest(b"a\r", SIMPLE), of(b"a\r\r\n"))

    def test_empty_lines_at_the_end(self) -> None:
        """
        They do not count; those in between do.
        """
        self.assertEqual(
            digest(b"\r\na\r\n\r\nb\r\n\r\n\r\n", SIMPLE),
            of(b"\r\na\r\n\r\nb\r\n"),
        )
        self.assertEqual(digest(b"a\r\n \r\n\t\r\n\r\n", RELAXED), of(b"a\r\n"))

    def test_bare_line_feeds_are_no_lines(self) -> None:
        """
        Only CR LF pairs go.
        """
        self.assertEqual(digest(b"a\n\r\n\n", SIMPLE), of(b"a\n\r\n\n\r\n"))
        self.assertEqual(digest(b"a\n\r\n\r\n", SIMPLE), of(b"a\n\r\n"))

    def test_any_slicing(self) -> None:
        """
        Where the network cuts makes no difference.
        """
        body = b"\r\na \r\n\r\nb\t\r\n \r\n\r\n"

        for pieces in every_slicing(body):
            self.assertEqual(
                digest(pieces, SIMPLE), of(b"\r\na \r\n\r\nb\t\r\n \r\n")
            )
            self.assertEqual(digest(pieces, RELAXED), of(b"\r\na\r\n\r\nb\r\n"))

    def test_both_at_once(self) -> None:
        """
        One pass gives what two would.
        """
        both = BodyDigests(Canonicalization)
        both.update(b"a  b\r\n")

        self.assertEqual(both.digest(SIMPLE), of(b"a  b\r\n"))
        self.assertEqual(both.digest(RELAXED), of(b"a b\r\n"))

    def test_what_was_not_asked_for(self) -> None:
        """
        Is not there.
        """
        self.assertRaises(KeyError, BodyDigests([]).digest, SIMPLE)

    def test_a_digest_in_between(self) -> None:
        """
        Asking changes nothing: the body may go on.
        """
        body = BodyDigests([SIMPLE])
        body.update(b"a\r\n\r")

        self.assertEqual(body.digest(SIMPLE), of(b"a\r\n\r\r\n"))
        body.update(b"\nb\r\n")
        self.assertEqual(body.digest(SIMPLE), of(b"a\r\n\r\nb\r\n"))

    @given(st.lists(_LETTERS, max_size=4))
    def test_as_the_rfc_says(self, pieces: list[bytes]) -> None:
        """
        By the letter of RFC 6376 3.4.3 and 3.4.4.
        """
        body = b"".join(pieces)
        relaxed = plainly_ended(plainly_relaxed(body))

        self.assertEqual(digest(pieces, SIMPLE), of(plainly_ended(body)))
        self.assertEqual(
            digest(pieces, RELAXED), of(b"" if relaxed == b"\r\n" else relaxed)
        )


class CostTests(SynchronousTestCase):
    """
    What a peer can make us pay.
    """

    def worst(self, piece: bytes) -> float:
        """
        The CPU time of the slowest of some pieces, all alike, in seconds.
        """
        body = BodyDigests(Canonicalization)
        times = []
        for _ in range(20):
            start = process_time()
            body.update(piece)
            times.append(process_time() - start)
        return sorted(times)[-3]

    def test_no_piece_takes_long(self) -> None:
        """
        64 KiB of whatever is worst take less than 5 ms.
        """
        for pattern in (
            b"\r\n",
            b" ",
            b"\t",
            b"a  ",
            b" \r\n",
            b"\r",
            b"\n\r\n",
        ):
            piece = (pattern * 65_536)[:65_536]
            self.assertLess(self.worst(piece), 0.005, pattern)

    def test_what_ends_a_megabyte_of_empty_lines(self) -> None:
        """
        Was paid for as they came.
        """
        body = BodyDigests([SIMPLE])
        for _ in range(400):
            body.update(b"\r\n" * 32_768)

        start = process_time()
        body.update(b"x")

        self.assertLess(process_time() - start, 0.005)

    def test_memory(self) -> None:
        """
        No state grows with the body.
        """
        body = BodyDigests(Canonicalization)
        piece = b" \r\n" * 20_000
        body.update(piece)
        tracemalloc.start()
        self.addCleanup(tracemalloc.stop)

        for _ in range(50):
            body.update(piece)

        self.assertLess(tracemalloc.get_traced_memory()[0], 20_000)

"""
Tests for ``mailsuite.store.keywords``.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.store.keywords import parse, printed


class KeywordsTests(SynchronousTestCase):
    """
    Tests for ``parse`` and ``printed``.
    """

    def test_dovecot(self) -> None:
        """
        A file of Dovecot's is read, and printed as it was.
        """
        octets = b"0 $Forwarded\n1 Privat\n"

        self.assertEqual(parse(octets), ("$Forwarded", "Privat"))
        self.assertEqual(printed(parse(octets)), octets)

    def test_free_places(self) -> None:
        """
        Places that no keyword has stay free.
        """
        self.assertEqual(parse(b"2 c\n0 a\n"), ("a", "", "c"))
        self.assertEqual(printed(("a", "", "c")), b"0 a\n2 c\n")

    def test_nonsense_is_passed_over(self) -> None:
        """
        Bad lines, and a second line for a place or a name, do not count.
        """
        octets = b"x y\n-1 z\n0 a\n0 b\n1 a\n\n3\n99999999999 q\n2 \n1 \xff\n"

        self.assertEqual(parse(octets), ("a", "\udcff"))
        self.assertEqual(parse(b""), ())

    @given(st.lists(st.text("ab$\xe4", max_size=3), max_size=30))
    def test_round_trip(self, names: list[str]) -> None:
        """
        What is printed is read again.
        """
        keywords = tuple(
            name if name not in names[:place] else ""
            for place, name in enumerate(names)
        )
        while keywords and not keywords[-1]:
            keywords = keywords[:-1]

        self.assertEqual(parse(printed(keywords)), keywords)

"""
Tests for ``mailsuite.mail.uids``.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.mail.uids import UIDSet

_NUMBERS = st.lists(st.integers(1, 40))


class UIDSetTests(SynchronousTestCase):
    """
    Tests for ``UIDSet``.
    """

    def test_nothing_has_no_ranges(self) -> None:
        """
        The set of no numbers is the empty one.
        """
        self.assertEqual(UIDSet.of([]), UIDSet())

    def test_neighbours_are_one_range(self) -> None:
        """
        In whatever order they come, and however often.
        """
        self.assertEqual(
            UIDSet.of([7, 2, 1, 3, 2, 9]).ranges, ((1, 3), (7, 7), (9, 9))
        )

    @given(_NUMBERS)
    def test_has_what_it_was_made_of(self, numbers: list[int]) -> None:
        """
        All of the numbers are in its ranges, and nothing else.
        """
        inside = [
            number
            for first, last in UIDSet.of(numbers).ranges
            for number in range(first, last + 1)
        ]
        self.assertEqual(inside, sorted(set(numbers)))

    @given(_NUMBERS)
    def test_ranges_do_not_touch(self, numbers: list[int]) -> None:
        """
        Between two ranges something is missing, so that equal sets are equal.
        """
        ranges = UIDSet.of(numbers).ranges
        for (_, last), (first, _) in zip(ranges, ranges[1:], strict=False):
            self.assertGreater(first, last + 1)

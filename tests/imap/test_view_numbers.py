"""
Tests for the numbers of ``mailsuite.imap.view``.
"""

from __future__ import annotations

from time import perf_counter

from twisted.trial.unittest import SynchronousTestCase

from mailsuite.imap.view import NoSuchSequence
from mailsuite.mail.uids import MAXIMUM, UIDSet
from tests.support.imap_parsing import numbers
from tests.support.view_mailbox import Mailbox, ranges


class ResolveTests(SynchronousTestCase):
    """
    Tests for ``View.resolve`` and its kin.
    """

    def test_numbers(self) -> None:
        """
        Numbers are places; gaps between UIDs stay gaps.
        """
        view = Mailbox(10, 20, 21, 30).view()

        found = view.resolve(numbers((2, 4)), by_uid=False)

        self.assertEqual(found, ranges((20, 21), (30, 30)))

    def test_star(self) -> None:
        """
        ``*`` is the last message, ``n:*`` all from the nth on.
        """
        view = Mailbox(10, 20, 30).view()

        last = view.resolve(numbers(to_last=MAXIMUM), by_uid=False)
        from_second = view.resolve(numbers(to_last=2), by_uid=False)

        self.assertEqual(last, ranges((30, 30)))
        self.assertEqual(from_second, ranges((20, 20), (30, 30)))

    def test_too_high(self) -> None:
        """
        A number above the last is refused, also if others are right.
        """
        view = Mailbox(10, 20).view()

        with self.assertRaises(NoSuchSequence):
            view.resolve(numbers((1, 1), (3, 3), to_last=1), by_uid=False)

    def test_star_of_nothing(self) -> None:
        """
        An empty mailbox has no last message (RFC 9051 9, seq-number).
        """
        view = Mailbox().view()

        with self.assertRaises(NoSuchSequence):
            view.resolve(numbers(to_last=1), by_uid=False)

    def test_range_to_the_last_from_beyond(self) -> None:
        """
        ``n:*`` with n too high is the last message, as clients that look for
        new mail expect.
        """
        view = Mailbox(10, 20).view()

        found = view.resolve(numbers(to_last=3), by_uid=False)

        self.assertEqual(found, ranges((20, 20)))

    def test_uids(self) -> None:
        """
        UIDs that no message has are passed over (RFC 9051 6.4.9).
        """
        view = Mailbox(10, 20, 30).view()

        found = view.resolve(numbers((1, 20), (25, 25)), by_uid=True)

        self.assertEqual(found, ranges((10, 10), (20, 20)))

    def test_uid_star(self) -> None:
        """
        ``n:*`` always includes the last message, wherever n lies.
        """
        view = Mailbox(10, 20, 30).view()

        above = view.resolve(numbers(to_last=559), by_uid=True)
        middle = view.resolve(numbers(to_last=15), by_uid=True)

        self.assertEqual(above, ranges((30, 30)))
        self.assertEqual(middle, ranges((20, 20), (30, 30)))

    def test_uids_of_nothing(self) -> None:
        """
        In an empty mailbox every set of UIDs is empty.
        """
        view = Mailbox().view()

        found = view.resolve(numbers((1, 5), to_last=1), by_uid=True)

        self.assertEqual(found, UIDSet())

    def test_saved(self) -> None:
        """
        ``$`` is the saved result, less what the client was told is gone
        (RFC 9051 6.4.4.1).
        """
        mailbox = Mailbox(1, 2, 3)
        view = mailbox.view()
        view.saved = ranges((1, 2))

        mailbox.expunge(1)
        before = view.resolve(numbers(saved=True), by_uid=False)
        view.take(expunges=True)

        self.assertEqual(before, ranges((1, 2)))
        self.assertEqual(
            view.resolve(numbers(saved=True), by_uid=True), ranges((2, 2))
        )

    def test_not_what_is_untold(self) -> None:
        """
        A message that the client does not know is in no set.
        """
        mailbox = Mailbox(1)
        view = mailbox.view()

        mailbox.add()

        self.assertEqual(
            view.resolve(numbers(to_last=1), by_uid=True), ranges((1, 1))
        )
        self.assertIsNone(view.seq(2))
        self.assertEqual(view.seqs(ranges((1, 2))), ranges((1, 1)))

    def test_one_message(self) -> None:
        """
        Number and UID of one message lead to one another.
        """
        view = Mailbox(10, 20).view()

        self.assertEqual((view.seq(20), view.uid(2)), (2, 20))
        self.assertIsNone(view.seq(15))
        for absent in (0, 3):
            self.assertRaises(NoSuchSequence, view.uid, absent)

    def test_large_mailboxes_are_quick(self) -> None:
        """
        100,000 messages without gaps are one range, found at once; with a gap
        behind each they are found within the twentieth of a second.
        """
        dense = Mailbox(*range(1, 100_001)).view()
        sparse = Mailbox(*range(2, 200_002, 2)).view()

        start = perf_counter()
        found = dense.resolve(numbers(to_last=1), by_uid=False)
        middle = perf_counter()
        self.assertEqual(
            len(sparse.resolve(numbers(to_last=1), by_uid=False)), 100_000
        )
        end = perf_counter()

        self.assertEqual(found, ranges((1, 100_000)))
        self.assertLess(middle - start, 0.001)
        self.assertLess(end - middle, 0.5)

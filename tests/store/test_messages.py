"""
Tests for the arrays of a mailbox in memory.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.store.messages import (
    as_rows,
    loaded,
    merge,
    parsed,
    printed,
    without,
)
from mailsuite.store.rows import MessageRow


def row(uid: int, flags: int = 0) -> MessageRow:
    """
    A message.
    """
    return uid, flags, uid + 1000, uid * 10, uid * 100


mailboxes = st.dictionaries(
    st.integers(1, 40), st.integers(0, 0x7FFFFFFF), max_size=20
)


class MessagesTests(SynchronousTestCase):
    """
    Tests for what changes the arrays.
    """

    def test_new_messages_are_appended(self) -> None:
        """
        Messages above all others go to the end of the same object.
        """
        messages = loaded([row(1), row(3)])

        after, added, flagged = merge(messages, [row(4), row(7)])

        self.assertIs(after, messages)
        self.assertEqual(added, [4, 7])
        self.assertEqual(flagged, [])
        self.assertEqual(list(messages.uids), [1, 3, 4, 7])

    def test_flags_of_neighbours(self) -> None:
        """
        Flags of messages side by side are set as a slice.
        """
        messages = loaded([row(1), row(3), row(4), row(9)])

        _, added, flagged = merge(messages, [row(3, 8), row(4, 2)])

        self.assertEqual((added, flagged), ([], [3, 4]))
        self.assertEqual(list(messages.flags), [0, 8, 2, 0])

    def test_a_message_in_between(self) -> None:
        """
        A message below others is put where it belongs, in another object.
        """
        messages = loaded([row(1), row(9)])

        after, added, _ = merge(messages, [row(5)])

        self.assertIsNot(after, messages)
        self.assertEqual(added, [5])
        self.assertEqual(list(after.uids), [1, 5, 9])

    @given(mailboxes, mailboxes)
    def test_merge_is_a_union(
        self, before: dict[int, int], changes: dict[int, int]
    ) -> None:
        """
        Whatever changes, the arrays are as a table would be.
        """
        messages = loaded([row(*x) for x in sorted(before.items())])

        after, added, flagged = merge(
            messages, [row(*x) for x in sorted(changes.items())]
        )

        expected = [row(*x) for x in sorted({**before, **changes}.items())]
        self.assertEqual(as_rows(after), expected)
        self.assertEqual(set(added), changes.keys() - before.keys())
        self.assertEqual(set(flagged), changes.keys() & before.keys())

    @given(mailboxes, st.sets(st.integers(1, 40)))
    def test_without_is_a_difference(
        self, before: dict[int, int], gone: set[int]
    ) -> None:
        """
        What is left keeps its order and numbers; the old object stays.
        """
        rows = [row(*x) for x in sorted(before.items())]
        messages = loaded(rows)

        after = without(messages, sorted(gone))

        self.assertEqual(as_rows(after), [x for x in rows if x[0] not in gone])
        self.assertEqual(as_rows(messages), rows)

    @given(mailboxes)
    def test_printed_and_parsed(self, before: dict[int, int]) -> None:
        """
        A snapshot gives what went into it.
        """
        rows = [row(*x) for x in sorted(before.items())]

        messages = parsed(printed(loaded(rows)))

        assert messages is not None
        self.assertEqual(as_rows(messages), rows)

    def test_no_snapshot(self) -> None:
        """
        Octets of another length are no snapshot.
        """
        self.assertIsNone(parsed(b"x" * 33))

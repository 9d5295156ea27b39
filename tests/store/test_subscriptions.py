"""
Tests for ``mailsuite.store.subscriptions``.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.errors import InvalidMailboxName
from mailsuite.store.subscriptions import Subscriptions

#: Written by Dovecot 2.3.19.
_SECOND = b"V\t2\n\nSent\nW&AOQ-sche &- Co\nEltern\tKind\nINBOX\n"
_FIRST = b"Sent\nW&AOQ-sche &- Co\nEltern.Kind\nINBOX\n"
_NAMES = ("Sent", "Wäsche & Co", "Eltern/Kind", "INBOX")


class SubscriptionsTests(SynchronousTestCase):
    """
    Tests for ``Subscriptions``.
    """

    def test_second_form(self) -> None:
        """
        Dovecot's newer form is read and printed.
        """
        found = Subscriptions.parse(_SECOND)

        self.assertEqual(found, Subscriptions(_NAMES))
        self.assertEqual(found.printed(), _SECOND)

    def test_first_form_stays(self) -> None:
        """
        A file in the older form is changed in that form.
        """
        found = Subscriptions.parse(_FIRST)

        self.assertEqual(found.names, _NAMES)
        self.assertEqual(found.printed(), _FIRST)
        self.assertEqual(
            found.adding("a/b").without("INBOX").printed(),
            _FIRST.replace(b"INBOX\n", b"a.b\n"),
        )

    def test_dot_needs_the_second_form(self) -> None:
        """
        A level with a dot inside stays one level.
        """
        found = Subscriptions.parse(_FIRST).adding("a.b")

        self.assertEqual(
            Subscriptions.parse(found.printed()).names, (*_NAMES, "a.b")
        )

    def test_new_file(self) -> None:
        """
        A list that begins with us is in the newer form.
        """
        self.assertEqual(
            Subscriptions().adding("a/b").printed(), b"V\t2\n\na\tb\n"
        )

    def test_once(self) -> None:
        """
        A name stands there once, and taking off one that is not there is
        nothing.
        """
        found = Subscriptions.parse(b"V\t2\n\na\na\n").adding("a").without("b")

        self.assertEqual(found.names, ("a",))

    def test_unreadable_lines_stay(self) -> None:
        """
        What is no name to us is kept for who wrote it.
        """
        found = Subscriptions.parse(b"V\t2\n\na\n&broken\n\xff\nx\x01ty\n")

        self.assertEqual(found.names, ("a",))
        self.assertEqual(
            found.adding("b").printed(),
            b"V\t2\n\na\nb\n&broken\n\xff\nx\x01ty\n",
        )

    def test_impossible_name(self) -> None:
        """
        A name that cannot be written is refused.
        """
        self.assertRaises(InvalidMailboxName, Subscriptions().adding, "\ud800")

    def test_empty(self) -> None:
        """
        An empty file subscribes to nothing.
        """
        self.assertEqual(Subscriptions.parse(b"").names, ())

    @given(
        st.lists(
            st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
            unique=True,
        )
    )
    def test_round_trip(self, names: list[str]) -> None:
        """
        What is printed is read again.
        """
        wanted = Subscriptions(tuple(names))

        self.assertEqual(Subscriptions.parse(wanted.printed()), wanted)

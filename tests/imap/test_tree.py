"""
Tests for ``mailsuite.imap.tree``.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from mailsuite.imap.tree import Listed, listed
from mailsuite.mail.mailboxes import MailboxEntry


class ListedTests(SynchronousTestCase):
    """
    Tests for ``listed``.
    """

    def tree(self, *entries: MailboxEntry) -> dict[str, Listed]:
        """
        The nodes by name.
        """
        return {node.entry.name: node for node in listed(entries)}

    def test_tells_who_has_children(self) -> None:
        """
        A mailbox has children if one is below it, at whatever depth.
        """
        nodes = self.tree(
            MailboxEntry("a"),
            MailboxEntry("a/b"),
            MailboxEntry("a/b/c", subscribed=True, special_use="\\Sent"),
        )

        self.assertTrue(nodes["a"].has_children)
        self.assertTrue(nodes["a"].subscribed_below)
        self.assertTrue(nodes["a"].special_use_below)
        self.assertTrue(nodes["a/b"].has_children)
        self.assertFalse(nodes["a/b/c"].has_children)
        self.assertFalse(nodes["a/b/c"].subscribed_below)

    def test_levels_of_what_is_only_subscribed_to(self) -> None:
        """
        They are listed behind the entries, and do not exist.
        """
        entries = (
            MailboxEntry("x/y/z", exists=False, subscribed=True),
            MailboxEntry("zz"),
        )

        names = [node.entry.name for node in listed(entries)]
        nodes = self.tree(*entries)

        self.assertEqual(names, ["x/y/z", "zz", "x/y", "x"])
        self.assertFalse(nodes["x"].entry.exists)
        self.assertTrue(nodes["x"].subscribed_below)
        self.assertFalse(nodes["x"].has_children)

    def test_a_name_that_begins_alike_is_no_child(self) -> None:
        """
        Only the separator makes a level.
        """
        nodes = self.tree(MailboxEntry("a"), MailboxEntry("ab"))

        self.assertFalse(nodes["a"].has_children)

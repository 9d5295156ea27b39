"""
Tests for the news of ``mailsuite.imap.view``.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from mailsuite.imap.news import (
    Exists,
    Expunge,
    FlagNews,
    KeywordsChanged,
    RecentCount,
)
from mailsuite.mail.changes import MailboxDeleted, MailboxRenamed, Overflowed
from mailsuite.mail.mailboxes import ChangesSince
from mailsuite.mail.uids import ModSeq
from tests.support.view_mailbox import Mailbox, ranges


class TakeTests(SynchronousTestCase):
    """
    Tests for what ``View.take`` tells, and when.
    """

    def test_nothing_new(self) -> None:
        """
        Where nothing happened, nothing is told.
        """
        view = Mailbox(1, 2).view()

        self.assertFalse(view.has_news)
        self.assertEqual(view.take(expunges=True), ())

    def test_arrival(self) -> None:
        """
        EXISTS counts what was added, once.
        """
        mailbox = Mailbox(1, 2)
        view = mailbox.view()

        mailbox.add(3)

        self.assertTrue(view.has_news)
        self.assertEqual(view.exists, 2)
        self.assertEqual(view.take(expunges=False), (Exists(5),))
        self.assertEqual(view.take(expunges=True), ())

    def test_recent_arrival(self) -> None:
        r"""
        What came in as ``\Recent`` of this session is counted behind EXISTS.
        """
        mailbox = Mailbox(1, 2)
        view = mailbox.view((2, 2))

        mailbox.add()
        view.add_recent(ranges((3, 3)))

        self.assertEqual(view.take(expunges=False), (Exists(3), RecentCount(2)))

    def test_recent_and_never_known(self) -> None:
        r"""
        A message that went before the client knew it is not counted.
        """
        mailbox = Mailbox(1)
        view = mailbox.view()

        mailbox.add(2)
        view.add_recent(ranges((2, 3)))
        mailbox.expunge(2)

        self.assertEqual(view.take(expunges=True), (Exists(2), RecentCount(1)))

    def test_expunges_right_one_by_one(self) -> None:
        """
        Each EXPUNGE names the number that the message has at that point.
        """
        mailbox = Mailbox(1, 3, 5, 7)
        view = mailbox.view()

        mailbox.expunge(3)
        mailbox.expunge(5)

        self.assertEqual(view.take(expunges=True), (Expunge(3), Expunge(2)))
        self.assertEqual(view.numbered(ranges((1, 9))), [(1, 1), (2, 7)])

    def test_expunge_is_held_back(self) -> None:
        """
        Where numbers may not change, the gone message keeps its number, and
        those above keep theirs (RFC 9051 7.5.1).
        """
        mailbox = Mailbox(1, 2, 3)
        view = mailbox.view()

        mailbox.expunge(2)
        mailbox.flag(3)

        self.assertEqual(view.take(expunges=False), (FlagNews(3, 3),))
        self.assertTrue(view.has_news)
        self.assertEqual(view.seq(2), 2)
        self.assertEqual(view.take(expunges=True), (Expunge(2),))
        self.assertEqual(view.seq(3), 2)

    def test_arrival_behind_a_held_expunge(self) -> None:
        """
        What was added after an expunge that is held back is told with it.
        """
        mailbox = Mailbox(1, 2)
        view = mailbox.view()

        mailbox.add()
        mailbox.expunge(1)
        mailbox.add()

        self.assertEqual(view.take(expunges=False), (Exists(3),))
        self.assertEqual(view.take(expunges=True), (Expunge(1), Exists(3)))

    def test_never_known(self) -> None:
        """
        A message that came and went between two commands was never there.
        """
        mailbox = Mailbox(1)
        view = mailbox.view()

        mailbox.add()
        mailbox.flag(2)
        mailbox.expunge(2)

        self.assertEqual(view.take(expunges=True), ())
        self.assertEqual(view.exists, 1)

    def test_no_flags_of_the_gone(self) -> None:
        """
        No flags are told of a message whose EXPUNGE is held back.
        """
        mailbox = Mailbox(1, 2)
        view = mailbox.view()

        mailbox.flag(1)
        mailbox.expunge(1)

        self.assertEqual(view.take(expunges=False), ())

    def test_no_flags_of_the_new(self) -> None:
        """
        A message that is just being told of needs no flag news: the client asks
        for its flags.
        """
        mailbox = Mailbox(1)
        view = mailbox.view()

        mailbox.add()
        mailbox.flag(1, 2)

        self.assertEqual(view.take(expunges=False), (Exists(2), FlagNews(1, 1)))

    def test_flags_are_told_once(self) -> None:
        """
        Several changes of one message are one piece of news.
        """
        mailbox = Mailbox(1, 2)
        view = mailbox.view()

        mailbox.flag(2)
        mailbox.flag(2)

        self.assertEqual(view.take(expunges=False), (FlagNews(2, 2),))

    def test_keywords_before_flags(self) -> None:
        """
        A keyword is announced before a message has it.
        """
        mailbox = Mailbox(1)
        view = mailbox.view()

        mailbox.flag(1, keywords=True)

        self.assertEqual(
            view.take(expunges=True), (KeywordsChanged(), FlagNews(1, 1))
        )

    def test_own_silent_store(self) -> None:
        """
        What the client did itself, silently, it is not told.
        """
        mailbox = Mailbox(1, 2, 3)
        view, other = mailbox.view(), mailbox.view()

        modseq = mailbox.flag(1, 2)
        view.silence(ranges((1, 2)), modseq)

        self.assertEqual(view.take(expunges=False), ())
        self.assertEqual(
            other.take(expunges=False), (FlagNews(1, 1), FlagNews(2, 2))
        )

    def test_own_silent_store_before_its_change(self) -> None:
        """
        It makes no difference whether the change is noticed before or after.
        """
        mailbox = Mailbox(1, 2)
        view = mailbox.view()

        modseq = mailbox.flag(1, tell=False)
        view.silence(ranges((1, 1)), modseq)
        early = view.take(expunges=False)
        mailbox.tell()

        self.assertEqual(early, ())
        self.assertEqual(view.take(expunges=False), ())

    def test_others_among_own(self) -> None:
        """
        Silence about our own change hides nobody else's.
        """
        mailbox = Mailbox(1, 2)
        view = mailbox.view()

        mailbox.flag(1)
        modseq = mailbox.flag(1, 2)
        view.silence(ranges((1, 2)), modseq)

        self.assertEqual(view.take(expunges=False), (FlagNews(1, 1),))

    def test_array_ahead_of_what_is_told(self) -> None:
        """
        The array of a batch shows an expunge before it is told: news taken
        just then still count right.
        """
        mailbox = Mailbox(1, 2, 3)
        view = mailbox.view()
        mailbox.add(tell=False)
        mailbox.expunge(1, tell=False)
        added, expunged = mailbox.untold

        view.changed(added, mailbox.uids)
        early = view.take(expunges=False)
        view.changed(expunged, mailbox.uids)

        self.assertEqual(early, (Exists(4),))
        self.assertEqual(view.take(expunges=True), (Expunge(1),))

    def test_array_ahead_and_numbers_may_change(self) -> None:
        """
        Nor is the same expunge told twice.
        """
        mailbox = Mailbox(1, 2, 3)
        view = mailbox.view()
        mailbox.flag(3, tell=False)
        mailbox.expunge(1, tell=False)
        flagged, expunged = mailbox.untold

        view.changed(flagged, mailbox.uids)
        early = view.take(expunges=True)
        view.changed(expunged, mailbox.uids)

        self.assertEqual(early, (Expunge(1), FlagNews(2, 3)))
        self.assertEqual(view.take(expunges=True), ())

    def test_another_array_without_an_expunge(self) -> None:
        """
        A mailbox that was read again has another array and the same messages.
        """
        mailbox = Mailbox(1, 2)
        view = mailbox.view()

        mailbox.uids = mailbox.uids[:]
        mailbox.add()

        self.assertEqual(view.take(expunges=False), (Exists(3),))

    def test_deleted(self) -> None:
        """
        The end of the mailbox is no news of its messages.
        """
        mailbox = Mailbox(1)
        view = mailbox.view()

        view.changed(MailboxRenamed("other", ModSeq(2)), mailbox.uids)
        view.changed(MailboxDeleted(ModSeq(3)), mailbox.uids)

        self.assertTrue(view.deleted)
        self.assertEqual(view.take(expunges=True), ())


class ModSeqTests(SynchronousTestCase):
    """
    Tests for ``View.highestmodseq`` (RFC 7162).
    """

    def test_follows_what_is_told(self) -> None:
        """
        It rises when a change is told, not when it happens.
        """
        mailbox = Mailbox(1)
        view = mailbox.view()

        mailbox.flag(1)
        before = view.highestmodseq
        view.take(expunges=False)

        self.assertEqual((before, view.highestmodseq), (1, 2))

    def test_below_a_held_expunge(self) -> None:
        """
        A client that asks for what happened since is told of the expunge.
        """
        mailbox = Mailbox(1, 2)
        view = mailbox.view()

        mailbox.flag(2)
        mailbox.expunge(1)
        mailbox.flag(2)
        view.take(expunges=False)
        held = view.highestmodseq
        view.take(expunges=True)

        self.assertEqual((held, view.highestmodseq), (2, 4))


class ManyChangesTests(SynchronousTestCase):
    """
    Tests for a view that is not asked for its news for long.
    """

    def test_waiting_changes_are_bounded(self) -> None:
        """
        Ten thousand changes are kept as few, and are told as they are.
        """
        mailbox = Mailbox(*range(1, 4))
        view = mailbox.view()

        for _ in range(5000):
            mailbox.flag(2)
            mailbox.add()
        mailbox.expunge(1)
        waiting = len(view._waiting)
        news = view.take(expunges=True)

        self.assertLessEqual(waiting, 512)
        self.assertEqual(news, (Expunge(1), Exists(5002), FlagNews(1, 2)))

    def test_merged_changes_hide_nothing(self) -> None:
        """
        What others did to our own messages is told though it was merged.
        """
        mailbox = Mailbox(1, 2)
        view = mailbox.view()

        mailbox.flag(1, keywords=True)
        modseq = mailbox.flag(1)
        view.silence(ranges((1, 1)), modseq)
        mailbox.expunge(2)
        for _ in range(600):
            mailbox.add()

        self.assertEqual(
            view.take(expunges=False), (KeywordsChanged(), FlagNews(1, 1))
        )
        self.assertEqual(view.highestmodseq, 3)

    def test_overflow(self) -> None:
        """
        A view that missed changes finds them by comparing.
        """
        mailbox = Mailbox(1, 2, 3)
        view = mailbox.view()
        mailbox.flag(3, tell=False)
        mailbox.expunge(2, tell=False)
        mailbox.add(tell=False)

        view.changed(Overflowed(ModSeq(1)), mailbox.uids)
        view.changed(Overflowed(ModSeq(3)), mailbox.uids)
        since = view.overflowed
        changes = ChangesSince(ranges((3, 4)), ranges((2, 2)), complete=True)
        view.refresh(mailbox.uids, changes, ModSeq(mailbox.modseq))
        held = view.take(expunges=False)
        modseq = view.highestmodseq

        self.assertEqual(since, 1)
        self.assertIsNone(view.overflowed)
        self.assertEqual(held, (KeywordsChanged(), FlagNews(3, 3)))
        self.assertEqual(modseq, 1)
        self.assertEqual(view.take(expunges=True), (Expunge(2), Exists(3)))
        self.assertEqual(view.highestmodseq, 4)

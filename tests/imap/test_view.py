"""
Tests for ``mailsuite.imap.view``.
"""

from __future__ import annotations

from array import array
from time import perf_counter

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.imap.news import (
    Exists,
    Expunge,
    FlagNews,
    KeywordsChanged,
    News,
    RecentCount,
)
from mailsuite.imap.view import NoSuchSequence, View
from mailsuite.imap.wire.sequences import SequenceSet
from mailsuite.mail.changes import (
    Added,
    Change,
    Expunged,
    FlagsChanged,
    MailboxDeleted,
    MailboxRenamed,
    Overflowed,
)
from mailsuite.mail.mailboxes import ChangesSince
from mailsuite.mail.uids import MAXIMUM, ModSeq, UIDSet


def ranges(*pairs: tuple[int, int]) -> UIDSet:
    return UIDSet.spanning(pairs)


def numbers(
    *pairs: tuple[int, int], to_last: int | None = None, saved: bool = False
) -> SequenceSet:
    return SequenceSet(ranges(*pairs), to_last, saved)


class Mailbox:
    """
    A mailbox as its promises have it: what it does to its array, and whom it
    tells.
    """

    def __init__(self, *uids: int) -> None:
        self.uids = array("I", uids)
        self.next = max(uids, default=0) + 1
        self.modseq = 1
        self.flags = {uid: 1 for uid in uids}
        self.views: list[View] = []
        self.untold: list[Change] = []

    def view(self, *recent: tuple[int, int]) -> View:
        view = View(self.uids, ModSeq(self.modseq), ranges(*recent))
        self.views.append(view)
        return view

    def tell(self) -> None:
        """
        Tell what has happened since the last time, as a batch does.
        """
        untold, self.untold = self.untold, []
        for change in untold:
            for view in self.views:
                view.changed(change, self.uids)

    def _next_modseq(self) -> ModSeq:
        self.modseq += 1
        return ModSeq(self.modseq)

    def add(self, count: int = 1, *, tell: bool = True) -> None:
        new = range(self.next, self.next + count)
        modseq = self._next_modseq()
        self.next += count
        self.uids.extend(new)
        self.flags.update((uid, modseq) for uid in new)
        self.untold.append(Added(UIDSet.of(new), modseq))
        if tell:
            self.tell()

    def expunge(self, *uids: int, tell: bool = True) -> None:
        self.uids = array("I", [uid for uid in self.uids if uid not in uids])
        for uid in uids:
            del self.flags[uid]
        self.untold.append(Expunged(UIDSet.of(uids), self._next_modseq()))
        if tell:
            self.tell()

    def flag(
        self, *uids: int, keywords: bool = False, tell: bool = True
    ) -> ModSeq:
        modseq = self._next_modseq()
        self.flags.update((uid, modseq) for uid in uids)
        change = FlagsChanged(UIDSet.of(uids), modseq, keywords)
        self.untold.append(change)
        if tell:
            self.tell()
        return modseq


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


class Client:
    """
    What a client makes of the news, knowing nothing else.
    """

    def __init__(self, mailbox: Mailbox, view: View) -> None:
        self._mailbox = mailbox
        self._view = view
        self.uids = list(mailbox.uids)
        self.flags = dict(mailbox.flags)
        self._modseq = view.highestmodseq

    def hear(self, news: tuple[News, ...], *, expunges: bool) -> None:
        for item in news:
            match item:
                case Expunge(seq):
                    assert expunges
                    self.flags.pop(self.uids.pop(seq - 1))
                case Exists(count):
                    assert count > len(self.uids)
                    self._fetch_from(len(self.uids) + 1, count)
                case FlagNews(seq, uid):
                    assert self.uids[seq - 1] == uid
                    # Nothing is printed of a message that is gone by then.
                    if uid in self._mailbox.flags:
                        self.flags[uid] = self._mailbox.flags[uid]
        assert self._view.highestmodseq >= self._modseq
        self._modseq = self._view.highestmodseq

    def _fetch_from(self, first: int, last: int) -> None:
        for seq in range(first, last + 1):
            uid = self._view.uid(seq)
            self.uids.append(uid)
            self.flags[uid] = self._mailbox.flags.get(uid, 0)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.integers(1, 3)),
        st.tuples(st.just("expunge"), st.sets(st.integers(0, 30), min_size=1)),
        st.tuples(st.just("flag"), st.sets(st.integers(0, 30), min_size=1)),
        st.tuples(st.just("own"), st.sets(st.integers(0, 30), min_size=1)),
        st.tuples(st.just("tell"), st.none()),
        st.tuples(st.just("take"), st.booleans()),
    ),
    max_size=40,
)


class TruthTests(SynchronousTestCase):
    """
    Tests that a client which believes what it is told ends with the truth.
    """

    @settings(max_examples=400, deadline=None)
    @given(st.integers(0, 6), STEPS)
    def test_whatever_happens(
        self, size: int, steps: list[tuple[str, object]]
    ) -> None:
        """
        Whatever others do, in whatever batches it is told, and whenever the
        client asks: in the end it knows each message and its flags, and at no
        moment a modseq that would hide an expunge from it.
        """
        mailbox = Mailbox(*range(1, size + 1))
        view = mailbox.view()
        client = Client(mailbox, view)
        expunged: list[tuple[int, int]] = []

        for step, argument in steps:
            match step, argument:
                case "add", int():
                    mailbox.add(argument, tell=False)
                case "expunge", set():
                    uids = sorted(argument & set(mailbox.uids))
                    if uids:
                        mailbox.expunge(*uids, tell=False)
                        expunged += [(mailbox.modseq, uid) for uid in uids]
                case "flag", set():
                    uids = sorted(argument & set(mailbox.uids))
                    if uids:
                        mailbox.flag(*uids, tell=False)
                case "own", set():
                    mailbox.tell()
                    uids = sorted(
                        argument & set(mailbox.uids) & set(client.uids)
                    )
                    before = {uid: mailbox.flags[uid] for uid in uids}
                    current = [u for u in uids if client.flags[u] == before[u]]
                    if uids:
                        modseq = mailbox.flag(*uids, tell=False)
                        view.silence(UIDSet.of(uids), modseq)
                        client.flags.update((u, modseq) for u in current)
                case "tell", _:
                    mailbox.tell()
                case "take", bool():
                    client.hear(view.take(expunges=argument), expunges=argument)
            for modseq, uid in expunged:
                if modseq <= view.highestmodseq:
                    self.assertNotIn(uid, client.uids)
        mailbox.tell()
        client.hear(view.take(expunges=True), expunges=True)

        self.assertEqual(client.uids, list(mailbox.uids))
        self.assertEqual(client.flags, mailbox.flags)
        self.assertFalse(view.has_news)
        self.assertEqual(view.highestmodseq, mailbox.modseq)

"""
Tests that the news of ``mailsuite.imap.view`` end in the truth.
"""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.imap.news import (
    Exists,
    Expunge,
    FlagNews,
    News,
)
from mailsuite.imap.view import View
from mailsuite.mail.uids import UIDSet
from tests.support.view_mailbox import Mailbox


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
        st.tuples(st.just("lose"), st.none()),
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
        moment a modseq that would hide anything from it (RFC 7162 3.1).
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
                case "lose", _:
                    mailbox.lose()
                case "take", bool():
                    mailbox.catch_up(view)
                    client.hear(view.take(expunges=argument), expunges=argument)
            for modseq, uid in expunged:
                if modseq <= view.highestmodseq:
                    self.assertNotIn(uid, client.uids)
            for uid, modseq in mailbox.flags.items():
                if modseq <= view.highestmodseq:
                    self.assertEqual(client.flags.get(uid), modseq)
        mailbox.tell()
        mailbox.catch_up(view)
        client.hear(view.take(expunges=True), expunges=True)

        self.assertEqual(client.uids, list(mailbox.uids))
        self.assertEqual(client.flags, mailbox.flags)
        self.assertFalse(view.has_news)
        self.assertEqual(view.highestmodseq, mailbox.modseq)

r"""
What one session has been told of its mailbox, and what it has yet to be told.

Implementation notes

- A sequence number is a place in the array of UIDs.  The array is the
  mailbox's own: it only grows while nobody expunges, and an expunge gives the
  mailbox another one, so a thousand idle sessions share it.  A session that
  may not yet be told of an expunge goes on counting in the old one (RFC 9051
  7.5.1); what was added since then is told with the expunge.
- News are the changes themselves, unread until they are told: most are shared
  with all other sessions of the mailbox, and cost this one a reference.
- ``highestmodseq`` never passes an expunge that was held back: a client that
  loses its connection asks for what happened since then (RFC 7162 3.1.2.2).
- Pure: the mailbox's array comes with each change.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable

from mailsuite.imap.news import (
    Exists,
    Expunge,
    FlagNews,
    KeywordsChanged,
    News,
    RecentCount,
)
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
from mailsuite.mail.uids import UID, ModSeq, Seq, UIDSet

#: In a slice of so many places, gaps between UIDs are looked for one by one.
_SHORT = 32

#: Changes that may wait; more are made one.
_MOST_WAITING = 512


class NoSuchSequence(Exception):
    """
    A sequence number is above that of the last message the client knows.
    """


class View:
    r"""
    One session's picture of a selected mailbox.

    :param uids: the mailbox's array, at this moment.
    :param modseq: the last change that the array shows.
    :param recent: the messages that are ``\Recent`` in this session.
    """

    __slots__ = (
        "deleted",
        "exists",
        "highestmodseq",
        "overflowed",
        "recent",
        "saved",
        "_latest",
        "_own",
        "_recent_told",
        "_seen",
        "_uids",
        "_waiting",
    )

    def __init__(
        self, uids: array[int], modseq: ModSeq, recent: UIDSet
    ) -> None:
        #: How many messages the client knows.
        self.exists = len(uids)
        #: The last change of which the client knows all.
        self.highestmodseq = modseq
        #: ``\Recent`` in this session.
        self.recent = recent
        #: The result of the last SEARCH with SAVE.
        self.saved = UIDSet()
        #: The mailbox is no more.
        self.deleted = False
        #: The changes after this modseq are not known: see ``refresh``.
        self.overflowed: ModSeq | None = None
        # The array in which the client counts, and the mailbox's present one.
        self._uids = uids
        self._latest = uids
        self._waiting: list[Added | Expunged | FlagsChanged] = []
        # Changes of flags of which the client knows, as they are its own.
        self._own: list[tuple[ModSeq, UIDSet]] = []
        self._seen = modseq
        self._recent_told = len(recent)

    # --- What happens ---------------------------------------------------------

    def changed(self, change: Change, uids: array[int]) -> None:
        """
        Take notice of a change.

        :param uids: the mailbox's array, with the change in it.
        """
        self._latest = uids
        match change:
            case Added() | Expunged() | FlagsChanged():
                self._wait(change)
            case Overflowed(modseq):
                if self.overflowed is None:
                    self.overflowed = modseq
            case MailboxDeleted():
                self.deleted = True
            case MailboxRenamed():
                pass

    def refresh(
        self, uids: array[int], changes: ChangesSince, modseq: ModSeq
    ) -> None:
        """
        Take notice of what ``overflowed`` left out.

        :param uids: the mailbox's array at this moment.
        :param changes: what happened after ``overflowed``.
        :param modseq: the last change that the array shows.
        """
        since = self.overflowed or self.highestmodseq
        self.overflowed = None
        self._latest = uids
        gone = UIDSet.of(set(self._uids) - set(uids))
        if gone:
            # None of them is told before: the oldest is right after ``since``.
            self._wait(Expunged(gone, ModSeq(since + 1)))
        # Without its modseq, as what others did among it must be told.
        self._wait(FlagsChanged(changes.changed, ModSeq(0), keywords=True))
        self._seen = max(self._seen, modseq)

    def silence(self, uids: UIDSet, modseq: ModSeq) -> None:
        """
        The client knows the flags that these messages got by that change, which
        may have been noticed already or not.
        """
        if uids:
            self._own.append((modseq, uids))

    def add_recent(self, uids: UIDSet) -> None:
        r"""
        These too are ``\Recent`` in this session.
        """
        self.recent |= uids

    def _wait(self, change: Added | Expunged | FlagsChanged) -> None:
        self._seen = max(self._seen, change.modseq)
        self._waiting.append(change)
        if len(self._waiting) > _MOST_WAITING:
            self._waiting = _merged(self._waiting)

    # --- What is told ---------------------------------------------------------

    @property
    def has_news(self) -> bool:
        """
        Whether ``take`` may have something to tell.
        """
        return bool(self._waiting)

    def take(self, *, expunges: bool) -> tuple[News, ...]:
        """
        All that may be told, in the order to tell it; it counts as told.

        :param expunges: whether numbers may change.
        """
        waiting, self._waiting = self._waiting, []
        held = [it for it in waiting if isinstance(it, Expunged)]
        known = self._span()
        gone = self._missing(held)
        news: list[News] = []
        if gone and not expunges:
            self._waiting.extend(held)
        else:
            news += self._renumber(gone)
            held = []
        # In the old array there may be a message that came before the expunge.
        if len(self._uids) > self.exists:
            self.exists = len(self._uids)
            news.append(Exists(self.exists))
        recent = len(self.known(self.recent))
        if recent != self._recent_told:
            self._recent_told = recent
            news.append(RecentCount(recent))
        news += self._flag_news(waiting, known, gone)
        if held:
            self.highestmodseq = max(
                self.highestmodseq, ModSeq(min(it.modseq for it in held) - 1)
            )
        else:
            self.highestmodseq = max(self.highestmodseq, self._seen)
        return tuple(news)

    def _missing(self, expunged: Iterable[Expunged]) -> UIDSet:
        """
        The messages that the client knows and the mailbox no longer has.

        :param expunged: what was said of them.
        """
        if self._latest is self._uids or not self.exists:
            return UIDSet()
        gone = self.known(_union(expunged))
        last = self._uids[self.exists - 1]
        if self.exists - len(gone) == bisect_right(self._latest, last):
            return gone
        # The array shows an expunge that is about to be said.
        return UIDSet.of(set(self._uids[: self.exists]) - set(self._latest))

    def _renumber(self, gone: UIDSet) -> list[News]:
        """
        Count in the mailbox's present array from here on.

        :param gone: the messages that are not in it.
        """
        places = [
            place
            for start, end in self._places(gone)
            for place in range(start, end)
        ]
        self._uids = self._latest
        self.exists -= len(places)
        self.recent -= gone
        self.saved -= gone
        # From the last to the first, no number changes before it is told.
        return [Expunge(Seq(place + 1)) for place in reversed(places)]

    def _flag_news(
        self,
        waiting: Iterable[Added | Expunged | FlagsChanged],
        known: UIDSet,
        gone: UIDSet,
    ) -> list[News]:
        """
        Flags that others have changed.

        :param known: where the UIDs lie of which the client knew before.
        :param gone: messages that have no flags any more.
        """
        changes = [it for it in waiting if isinstance(it, FlagsChanged)]
        news: list[News] = []
        if any(change.keywords for change in changes):
            news.append(KeywordsChanged())
        ranges: list[tuple[int, int]] = []
        for change in changes:
            uids = change.uids
            for modseq, own in self._own:
                if modseq == change.modseq:
                    uids -= own
            ranges += uids.ranges
        self._own = [it for it in self._own if it[0] > self._seen]
        if ranges:
            uids = (UIDSet.spanning(ranges) & known) - gone
            news += [
                FlagNews(Seq(seq), UID(uid)) for seq, uid in self.numbered(uids)
            ]
        return news

    # --- Numbers --------------------------------------------------------------

    def resolve(self, numbers: SequenceSet, by_uid: bool) -> UIDSet:
        """
        The messages of the view that a set means; those that are expunged and
        not told yet are among them.

        :raises NoSuchSequence: it names a number that no message has.  ``n:*``
            with ``n`` too high means the last message, as for UIDs.
        """
        if by_uid:
            uids = self.known(numbers.numbers)
            start = self.exists
            if numbers.to_last is not None and self.exists:
                start = bisect_left(
                    self._uids, numbers.to_last, 0, self.exists - 1
                )
            uids |= UIDSet(tuple(self._runs(start, self.exists)))
        else:
            uids = self._by_number(numbers)
        return uids | self.known(self.saved) if numbers.saved else uids

    def _by_number(self, numbers: SequenceSet) -> UIDSet:
        ranges = list(numbers.numbers.ranges)
        if ranges and ranges[-1][1] > self.exists:
            raise NoSuchSequence
        if numbers.to_last is not None:
            if not self.exists:
                raise NoSuchSequence
            ranges.append((min(numbers.to_last, self.exists), self.exists))
        found: list[tuple[int, int]] = []
        for first, last in UIDSet.spanning(ranges).ranges:
            found += self._runs(first - 1, last)
        return UIDSet(tuple(found))

    def known(self, uids: UIDSet) -> UIDSet:
        """
        Those of the UIDs that are in the view.
        """
        found: list[tuple[int, int]] = []
        for start, end in self._places(uids):
            found += self._runs(start, end)
        return UIDSet(tuple(found))

    def numbered(self, uids: UIDSet) -> list[tuple[int, int]]:
        """
        Those of the messages that are in the view: number and UID of each, in
        order.
        """
        found: list[tuple[int, int]] = []
        for first, last in self._places(uids):
            found += zip(
                range(first + 1, last + 1), self._uids[first:last], strict=True
            )
        return found

    def seqs(self, uids: UIDSet) -> UIDSet:
        """
        The numbers of those of the messages that are in the view.
        """
        found: list[tuple[int, int]] = []
        for start, end in self._places(uids):
            _add_range(found, start + 1, end)
        return UIDSet(tuple(found))

    def seq(self, uid: int) -> Seq | None:
        """
        The message's number, None if it is not in the view.
        """
        at = bisect_left(self._uids, uid, 0, self.exists)
        if at < self.exists and self._uids[at] == uid:
            return Seq(at + 1)
        return None

    def uid(self, seq: int) -> UID:
        """
        The UID of the message with that number.

        :raises NoSuchSequence: there is none.
        """
        if not 0 < seq <= self.exists:
            raise NoSuchSequence
        return UID(self._uids[seq - 1])

    def between(self, first: int, last: int) -> array[int]:
        """
        The UIDs of the messages with the numbers from ``first`` to ``last``,
        both of which there are.
        """
        return self._uids[first - 1 : last]

    def _span(self) -> UIDSet:
        """
        The range in which all UIDs of the view lie.
        """
        if not self.exists:
            return UIDSet()
        return UIDSet(((1, self._uids[self.exists - 1]),))

    def _places(self, uids: UIDSet) -> list[tuple[int, int]]:
        """
        Where the messages stand: slices that are not empty, in order.

        Most often a range begins where the last one ended, and has no gap.
        """
        known, exists = self._uids, self.exists
        found: list[tuple[int, int]] = []
        at = 0
        for first, last in uids.ranges:
            if at < exists and known[at] < first:
                at = bisect_left(known, first, at, exists)
            end = at + last - first + 1
            if end > exists or known[end - 1] != last:
                end = bisect_right(known, last, at, exists)
            if at < end:
                found.append((at, end))
            at = end
        return found

    def _runs(self, start: int, end: int) -> list[tuple[int, int]]:
        """
        The UIDs of a slice as ranges.

        A slice without a gap is known by its ends; others are halved.
        """
        found: list[tuple[int, int]] = []
        slices = [(start, end)] if start < end else []
        while slices:
            start, end = slices.pop()
            first, last = self._uids[start], self._uids[end - 1]
            if last - first == end - 1 - start:
                _add_range(found, first, last)
            elif end - start > _SHORT:
                middle = (start + end) // 2
                slices += [(middle, end), (start, middle)]
            else:
                for uid in self._uids[start:end]:
                    _add_range(found, uid, uid)
        return found


def _add_range(ranges: list[tuple[int, int]], first: int, last: int) -> None:
    """
    Add a range behind all others, joined to the last one if they touch.
    """
    if ranges and ranges[-1][1] + 1 == first:
        ranges[-1] = (ranges[-1][0], last)
    else:
        ranges.append((first, last))


def _union(expunged: Iterable[Expunged]) -> UIDSet:
    return UIDSet.spanning(it for each in expunged for it in each.uids.ranges)


def _merged(
    waiting: Iterable[Added | Expunged | FlagsChanged],
) -> list[Added | Expunged | FlagsChanged]:
    """
    Changes that say the same of all, in one of each kind.

    An expunge bears the first modseq, for ``highestmodseq``; a change of flags
    bears none, since what others did among it must be told.
    """
    expunged = [it for it in waiting if isinstance(it, Expunged)]
    changed = [it for it in waiting if isinstance(it, FlagsChanged)]
    merged: list[Added | Expunged | FlagsChanged] = []
    if expunged:
        merged.append(
            Expunged(_union(expunged), min(it.modseq for it in expunged))
        )
    uids = UIDSet.spanning(it for each in changed for it in each.uids.ranges)
    merged.append(
        FlagsChanged(uids, ModSeq(0), any(it.keywords for it in changed))
    )
    return merged

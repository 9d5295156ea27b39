"""
One mailbox in memory: ``IMailbox`` for tests.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from typing import Protocol

from zope.interface import implementer

from mailsuite.errors import (
    NoSuchMailbox,
    NoSuchMessage,
    OverQuota,
    TooManyKeywords,
)
from mailsuite.interfaces import IMailbox, IMailboxListener, IRenderer
from mailsuite.mail.changes import (
    Added,
    Change,
    Expunged,
    FlagsChanged,
    MailboxDeleted,
    MailboxRenamed,
)
from mailsuite.mail.flags import (
    DELETED_BIT,
    MOST_KEYWORDS,
    SEEN_BIT,
    FlagMode,
    FlagNames,
)
from mailsuite.mail.mailboxes import (
    Appended,
    ChangesSince,
    Copied,
    FlagsStored,
    MailboxStatus,
    Messages,
)
from mailsuite.mail.query import Key
from mailsuite.mail.uids import UID, ModSeq, UIDSet
from tests.support.memory_content import MemoryContent, MemoryIncoming
from tests.support.memory_search import Candidate, matches


class Surroundings(Protocol):
    """
    What a mailbox needs of its account.
    """

    renderers: dict[str, IRenderer]

    def now(self) -> float:
        """
        Seconds since 1970.
        """

    def next_modseq(self) -> ModSeq:
        """
        One above all before.
        """

    def has_room_for(self, octets: int, messages: int) -> bool:
        """
        Whether the quota allows as much more.
        """

    def found(self, name: str) -> MemoryMailbox:
        """
        A mailbox by its name.
        """


@implementer(IMailbox)
class MemoryMailbox:
    """
    One mailbox.
    """

    def __init__(
        self,
        account: Surroundings,
        name: str,
        mailbox_id: str,
        uidvalidity: int,
    ) -> None:
        self._account = account
        self.name = name
        self.mailbox_id = mailbox_id
        self.uidvalidity = uidvalidity
        self.uidnext = UID(1)
        self.highestmodseq = account.next_modseq()
        self.messages = Messages()
        self.flag_names = FlagNames()
        self.users = 0
        self.deleted = False
        self._contents: dict[int, bytes] = {}
        self._saved: dict[int, int] = {}
        self.listeners: list[IMailboxListener] = []
        self._told_recent = 0
        self._vanished: list[tuple[int, int]] = []

    @property
    def takes_keywords(self) -> bool:
        """
        Whether a client may add keywords.
        """
        return len(self.flag_names.keywords) < MOST_KEYWORDS

    # -- Who is here ---------------------------------------------------------

    def release(self) -> None:
        """
        The caller is done with this mailbox.
        """
        self.users -= 1

    def listen(self, listener: IMailboxListener) -> ModSeq:
        """
        Tell ``listener`` of every change.
        """
        self.listeners.append(listener)
        return self.highestmodseq

    def unlisten(self, listener: IMailboxListener) -> None:
        """
        Tell it nothing more.
        """
        self.listeners.remove(listener)

    async def look(self) -> None:
        """
        Nobody else can change what is in memory.
        """

    def claim_recent(self) -> UIDSet:
        """
        The messages that no session has been told of as recent.
        """
        fresh = UIDSet.of(
            u for u in self.messages.uids if u > self._told_recent
        )
        self._told_recent = self.uidnext - 1
        return fresh

    def status(self) -> MailboxStatus:
        """
        The mailbox in numbers.
        """
        them = self.messages
        return MailboxStatus(
            messages=len(them),
            recent=sum(1 for uid in them.uids if uid > self._told_recent),
            unseen=sum(1 for bits in them.flags if not bits & SEEN_BIT),
            deleted=sum(1 for bits in them.flags if bits & DELETED_BIT),
            size=sum(them.sizes),
            deleted_size=sum(
                size
                for size, bits in zip(them.sizes, them.flags, strict=True)
                if bits & DELETED_BIT
            ),
            uidnext=self.uidnext,
            uidvalidity=self.uidvalidity,
            highestmodseq=self.highestmodseq,
            mailbox_id=self.mailbox_id,
        )

    # -- Changes -------------------------------------------------------------

    async def append(
        self,
        content: MemoryIncoming,
        flags: Iterable[str] = (),
        internal_date: float | None = None,
    ) -> Appended:
        """
        Add one message.
        """
        self._must_live()
        if not self._account.has_room_for(content.size, 1):
            raise OverQuota
        wanted = tuple(flags)
        learned = self._learn(wanted)
        date = self._account.now() if internal_date is None else internal_date
        uid = self._add(
            bytes(content.octets), self.flag_names.bits(wanted), int(date)
        )
        self._tell_added([uid], keywords=learned)
        return Appended(self.uidvalidity, (uid,))

    async def store(
        self,
        uids: UIDSet,
        mode: FlagMode,
        flags: Iterable[str],
        unchanged_since: ModSeq | None = None,
    ) -> FlagsStored:
        """
        Change flags.
        """
        self._must_live()
        wanted = tuple(flags)
        known = len(self.flag_names.keywords)
        if mode is not FlagMode.REMOVE:
            self._learn(wanted)
        named = self.flag_names.bits(wanted)
        places = self.messages.within(uids)
        refused = [
            place
            for place in places
            if unchanged_since is not None
            and self.messages.modseqs[place] > unchanged_since
        ]
        changed: list[int] = []
        for place in sorted(set(places) - set(refused)):
            before = self.messages.flags[place]
            after = _changed(before, mode, named)
            if after != before:
                self.messages.flags[place] = after
                changed.append(place)
        there = UIDSet.of(self.messages.uids[p] for p in places)
        went = UIDSet.of(self.messages.uids[p] for p in changed)
        if changed:
            modseq = self._account.next_modseq()
            for place in changed:
                self.messages.modseqs[place] = modseq
            keywords = len(self.flag_names.keywords) > known
            self._tell(FlagsChanged(went, modseq, keywords))
        return FlagsStored(
            changed=went,
            refused=UIDSet.of(self.messages.uids[p] for p in refused),
            gone=(uids & UIDSet(((1, self.uidnext - 1),))) - there
            if self.uidnext > 1
            else UIDSet(),
            modseq=self.highestmodseq,
        )

    async def expunge(self, uids: UIDSet | None = None) -> UIDSet:
        r"""
        Remove messages with \Deleted.
        """
        self._must_live()
        them = self.messages
        gone = UIDSet.of(
            uid
            for uid, bits in zip(them.uids, them.flags, strict=True)
            if bits & DELETED_BIT and (uids is None or uid in uids)
        )
        self._remove(gone)
        return gone

    async def copy(self, uids: UIDSet, destination: str) -> Copied:
        """
        Copy into another mailbox, all or none.
        """
        self._must_live()
        target = self._account.found(destination)
        places = self.messages.within(uids)
        octets = sum(self.messages.sizes[place] for place in places)
        if not self._account.has_room_for(octets, len(places)):
            raise OverQuota
        return self._copy(places, target)

    async def move(self, uids: UIDSet, destination: str) -> Copied:
        """
        As ``copy``, and they leave this mailbox.
        """
        self._must_live()
        target = self._account.found(destination)
        copied = self._copy(self.messages.within(uids), target)
        self._remove(UIDSet.of(copied.source))
        return copied

    def take_all(self, source: MemoryMailbox) -> None:
        """
        Everything of ``source`` moves here (RENAME of INBOX).
        """
        places = list(range(len(source.messages)))
        copied = source._copy(places, self)
        source._remove(UIDSet.of(copied.source))

    def rename(self, name: str) -> None:
        """
        It is known by another name.
        """
        self.name = name
        self._tell(MailboxRenamed(name, self._account.next_modseq()))

    def delete(self) -> None:
        """
        It is no more.
        """
        self.deleted = True
        self._tell(MailboxDeleted(self._account.next_modseq()))

    # -- Reading -------------------------------------------------------------

    async def open(self, uid: UID) -> MemoryContent:
        """
        A message's octets.
        """
        try:
            return MemoryContent(self._contents[uid])
        except KeyError:
            raise NoSuchMessage from None

    async def renderings(
        self, name: str, uids: Sequence[int]
    ) -> list[bytes | None]:
        """
        What the renderer makes of each message.
        """
        renderer = self._account.renderers[name]
        found: list[bytes | None] = []
        for uid in uids:
            content = self._contents.get(uid)
            found.append(
                None
                if content is None
                else renderer.render(content, len(content))
            )
        return found

    async def search(self, key: Key) -> UIDSet:
        """
        The messages that match.
        """
        self._must_live()
        them = self.messages
        return UIDSet.of(
            uid
            for place, uid in enumerate(them.uids)
            if matches(
                key,
                Candidate(
                    uid=uid,
                    flags=them.flags[place],
                    names=self.flag_names,
                    modseq=them.modseqs[place],
                    size=them.sizes[place],
                    internal_date=them.dates[place],
                    saved=self._saved[uid],
                    content=self._contents[uid],
                ),
            )
        )

    async def changes_since(self, modseq: ModSeq) -> ChangesSince:
        """
        What happened after ``modseq``.
        """
        them = self.messages
        return ChangesSince(
            changed=UIDSet.of(
                uid
                for uid, its in zip(them.uids, them.modseqs, strict=True)
                if its > modseq
            ),
            vanished=UIDSet.of(u for m, u in self._vanished if m > modseq),
            complete=True,
        )

    async def save_dates(self, uids: Sequence[int]) -> list[int]:
        """
        When each message came here.
        """
        return [self._saved[uid] for uid in uids]

    # -- Inside --------------------------------------------------------------

    def _must_live(self) -> None:
        if self.deleted:
            raise NoSuchMailbox

    def _learn(self, flags: Iterable[str]) -> bool:
        """
        Have these keywords from here on.

        :return: whether any of them is new.
        """
        missing = self.flag_names.missing(flags)
        keywords = self.flag_names.keywords + missing
        if len(keywords) > MOST_KEYWORDS:
            raise TooManyKeywords
        self.flag_names = FlagNames(keywords)
        return bool(missing)

    def _add(self, octets: bytes, bits: int, date: int) -> UID:
        uid = self.uidnext
        self.uidnext = UID(uid + 1)
        them = self.messages
        them.uids.append(uid)
        them.flags.append(bits)
        them.modseqs.append(0)
        them.sizes.append(len(octets))
        them.dates.append(date)
        self._contents[uid] = octets
        self._saved[uid] = int(self._account.now())
        return uid

    def _tell_added(self, uids: Sequence[int], *, keywords: bool) -> None:
        modseq = self._account.next_modseq()
        for place in range(len(self.messages) - len(uids), len(self.messages)):
            self.messages.modseqs[place] = modseq
        self._tell(Added(UIDSet.of(uids), modseq))
        if keywords:
            self._tell(FlagsChanged(UIDSet(), modseq, keywords=True))

    def _copy(self, places: Sequence[int], target: MemoryMailbox) -> Copied:
        them, names = self.messages, self.flag_names
        source = tuple(UID(them.uids[place]) for place in places)
        flags = [names.names(them.flags[place]) for place in places]
        dates = [them.dates[place] for place in places]
        learned = target._learn({name: None for its in flags for name in its})
        destination = tuple(
            target._add(self._contents[uid], target.flag_names.bits(its), date)
            for uid, its, date in zip(source, flags, dates, strict=True)
        )
        if destination:
            target._tell_added(destination, keywords=learned)
        return Copied(target.uidvalidity, source, destination)

    def _remove(self, gone: UIDSet) -> None:
        if not gone:
            return
        old = self.messages
        kept = [p for p, uid in enumerate(old.uids) if uid not in gone]
        self.messages = Messages(
            array("I", [old.uids[p] for p in kept]),
            array("I", [old.flags[p] for p in kept]),
            array("Q", [old.modseqs[p] for p in kept]),
            array("Q", [old.sizes[p] for p in kept]),
            array("q", [old.dates[p] for p in kept]),
        )
        modseq = self._account.next_modseq()
        for uid in gone:
            del self._contents[uid], self._saved[uid]
            self._vanished.append((modseq, uid))
        self._tell(Expunged(gone, modseq))

    def _tell(self, change: Change) -> None:
        self.highestmodseq = change.modseq
        for listener in tuple(self.listeners):
            listener.changed(change)


def _changed(before: int, mode: FlagMode, named: int) -> int:
    match mode:
        case FlagMode.ADD:
            return before | named
        case FlagMode.REMOVE:
            return before & ~named
        case FlagMode.REPLACE:
            return named

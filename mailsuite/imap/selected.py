"""
A mailbox that a session has selected: what the client knows of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import assert_never

from zope.interface import implementer

from mailsuite.imap.news import (
    Exists,
    Expunge,
    FlagNews,
    KeywordsChanged,
    RecentCount,
)
from mailsuite.imap.view import View
from mailsuite.imap.wire import responses
from mailsuite.imap.wire.responses import FlagLists
from mailsuite.interfaces import IMailbox, IMailboxListener
from mailsuite.mail.changes import Added, Change
from mailsuite.mail.flags import SYSTEM_FLAGS, FlagNames
from mailsuite.mail.uids import UIDSet


@implementer(IMailboxListener)
class Selected:
    """
    The mailbox, this session's view of it, and how its news are printed.

    :param woken: called at each change, to be told later.
    """

    __slots__ = ("_arrived", "_woken", "mailbox", "read_only", "view")

    def __init__(
        self, mailbox: IMailbox, *, read_only: bool, woken: Callable[[], None]
    ) -> None:
        self.mailbox = mailbox
        self.read_only = read_only
        self._woken = woken
        self._arrived = False
        modseq = mailbox.listen(self)
        recent = UIDSet() if read_only else mailbox.claim_recent()
        self.view = View(mailbox.messages.uids, modseq, recent)

    def leave(self) -> None:
        """
        The session is done with the mailbox.
        """
        self.mailbox.unlisten(self)
        self.mailbox.release()

    def changed(self, change: Change) -> None:
        """
        Something is committed.
        """
        self.view.changed(change, self.mailbox.messages.uids)
        self._arrived |= isinstance(change, Added)
        self._woken()

    @property
    def flag_lists(self) -> FlagLists:
        """
        Prints this mailbox's flags.
        """
        return _lists_of(self.mailbox.flag_names)

    async def catch_up(self) -> None:
        """
        If the changes came too fast for us, read them now.
        """
        while (since := self.view.overflowed) is not None:
            changes = await self.mailbox.changes_since(since)
            self._arrived = True
            self.view.refresh(
                self.mailbox.messages.uids, changes, self.mailbox.highestmodseq
            )

    def flags_are(self) -> bytes:
        """
        FLAGS, and OK PERMANENTFLAGS (RFC 9051 7.3.5, 7.1).
        """
        keywords = [name for name in self.mailbox.flag_names.keywords if name]
        names = [*SYSTEM_FLAGS, *keywords]
        code = responses.permanent_flags_code(
            () if self.read_only else names,
            more=self.mailbox.takes_keywords and not self.read_only,
        )
        text = b"Read-only mailbox" if self.read_only else b"Flags permitted"
        return responses.flags(names) + responses.untagged(
            responses.OK, text, code
        )

    def news(
        self, *, expunges: bool, uids: bool, rev2: bool, modseqs: bool
    ) -> bytes:
        """
        What the client has not been told yet.

        :param expunges: whether EXPUNGE may be among it.
        :param uids: put the UID into each FETCH.
        :param rev2: IMAP4rev2 is enabled: nothing is recent.
        :param modseqs: put MODSEQ into each FETCH.
        """
        if not self.view.has_news:
            return b""
        if self._arrived and not self.read_only:
            self._arrived = False
            self.view.add_recent(self.mailbox.claim_recent())
        printed: list[bytes] = []
        flagged: list[tuple[int, int]] = []
        for item in self.view.take(expunges=expunges):
            match item:
                case FlagNews(seq, uid):
                    flagged.append((seq, uid))
                case RecentCount() if rev2:
                    pass
                case _:
                    printed.append(self._printed(item))
        # They are last in any case, and may be many.
        printed.append(
            self.flags_rows(flagged, uids=uids, rev2=rev2, modseqs=modseqs)
        )
        return b"".join(printed)

    def flags_rows(
        self,
        numbered: Iterable[tuple[int, int]],
        *,
        uids: bool,
        rev2: bool,
        modseqs: bool,
        flags: bool = True,
    ) -> bytes:
        """
        FETCH of some messages' flags as they are, less those that are gone.

        :param numbered: number and UID of each.
        :param flags: whether the flags themselves are asked for.
        """
        messages, lists = self.mailbox.messages, self.flag_lists
        recent = UIDSet() if rev2 else self.view.recent
        there: list[tuple[int, int, int]] = [
            (seq, uid, place)
            for seq, uid in numbered
            if (place := messages.place(uid)) is not None
        ]
        columns: list[Sequence[object]] = [[seq for seq, _, _ in there]]
        forms: list[bytes] = []
        if uids:
            forms.append(b"UID %d")
            columns.append([uid for _, uid, _ in there])
        if flags:
            forms.append(b"FLAGS %b")
            columns.append(
                [
                    lists.of(messages.flags[place], recent=uid in recent)
                    for _, uid, place in there
                ]
            )
        if modseqs:
            forms.append(b"MODSEQ (%d)")
            columns.append([messages.modseqs[place] for _, _, place in there])
        template = b"* %d FETCH (" + b" ".join(forms) + b")\r\n"
        return b"".join(map(template.__mod__, zip(*columns, strict=True)))

    def flags_of(self, bits: int, uid: int, *, rev2: bool) -> bytes:
        """
        One message's flags in parentheses.
        """
        recent = not rev2 and uid in self.view.recent
        return self.flag_lists.of(bits, recent=recent)

    def _printed(
        self, item: Expunge | Exists | RecentCount | KeywordsChanged
    ) -> bytes:
        match item:
            case Expunge(seq):
                return responses.expunge(seq)
            case Exists(count):
                return responses.exists(count)
            case RecentCount(count):
                return responses.recent(count)
            case KeywordsChanged():
                return self.flags_are()
            case _:
                assert_never(item)


@lru_cache(1024)
def _lists_of(names: FlagNames) -> FlagLists:
    """
    One printer for all sessions whose mailboxes have the same keywords.
    """
    return FlagLists(names)

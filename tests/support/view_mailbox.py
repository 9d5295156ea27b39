"""
A mailbox as its promises have it, for views: what it does to its array of
UIDs, and whom it tells.
"""

from __future__ import annotations

from array import array

from mailsuite.imap.view import View
from mailsuite.mail.changes import (
    Added,
    Change,
    Expunged,
    FlagsChanged,
    Overflowed,
)
from mailsuite.mail.mailboxes import ChangesSince
from mailsuite.mail.uids import ModSeq, UIDSet


def ranges(*pairs: tuple[int, int]) -> UIDSet:
    """
    The set of these ranges.
    """
    return UIDSet.spanning(pairs)


class Mailbox:
    """
    The mailbox.

    :ivar flags: of each message the modseq of its last change.
    :ivar untold: changes that no view has heard of.
    """

    def __init__(self, *uids: int) -> None:
        self.uids = array("I", uids)
        self.next = max(uids, default=0) + 1
        self.modseq = 1
        self.flags = {uid: 1 for uid in uids}
        self.views: list[View] = []
        self.untold: list[Change] = []
        self._told = 1

    def view(self, *recent: tuple[int, int]) -> View:
        """
        A session that selects it.
        """
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
        self._told = self.modseq

    def lose(self) -> None:
        """
        Tell only that more has happened than can be told.
        """
        if self.untold:
            self.untold.clear()
            for view in self.views:
                view.changed(Overflowed(ModSeq(self._told)), self.uids)
            self._told = self.modseq

    def catch_up(self, view: View) -> None:
        """
        Let a view read what it was not told.
        """
        if (since := view.overflowed) is not None:
            changed = [uid for uid in self.uids if self.flags[uid] > since]
            view.refresh(
                self.uids,
                ChangesSince(UIDSet.of(changed), UIDSet(), complete=False),
                ModSeq(self.modseq),
            )

    def _next_modseq(self) -> ModSeq:
        self.modseq += 1
        return ModSeq(self.modseq)

    def add(self, count: int = 1, *, tell: bool = True) -> None:
        """
        Messages come in.
        """
        new = range(self.next, self.next + count)
        modseq = self._next_modseq()
        self.next += count
        self.uids.extend(new)
        self.flags.update((uid, modseq) for uid in new)
        self.untold.append(Added(UIDSet.of(new), modseq))
        if tell:
            self.tell()

    def expunge(self, *uids: int, tell: bool = True) -> None:
        """
        Messages go.
        """
        self.uids = array("I", [uid for uid in self.uids if uid not in uids])
        for uid in uids:
            del self.flags[uid]
        self.untold.append(Expunged(UIDSet.of(uids), self._next_modseq()))
        if tell:
            self.tell()

    def flag(
        self, *uids: int, keywords: bool = False, tell: bool = True
    ) -> ModSeq:
        """
        Messages get other flags.
        """
        modseq = self._next_modseq()
        self.flags.update((uid, modseq) for uid in uids)
        change = FlagsChanged(UIDSet.of(uids), modseq, keywords)
        self.untold.append(change)
        if tell:
            self.tell()
        return modseq

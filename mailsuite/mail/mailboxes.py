"""
What an account holds, in mail's words: mailboxes, their numbers, messages.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from dataclasses import dataclass, field

from mailsuite.mail.uids import UID, ModSeq, UIDSet

#: Hierarchy levels are joined by this in every name the floors exchange; what
#: a client sees may differ by configuration.
SEPARATOR = "/"
INBOX = "INBOX"

#: RFC 6154 and RFC 8457, in the RFC's spelling.
SPECIAL_USES = (
    "\\All",
    "\\Archive",
    "\\Drafts",
    "\\Flagged",
    "\\Junk",
    "\\Sent",
    "\\Trash",
)


@dataclass(frozen=True, slots=True)
class MailboxEntry:
    """
    One name in an account's list.

    :param name: Unicode, levels joined by ``/``; INBOX in capitals.
    :param exists: False for a name that is only subscribed to.
    :param selectable: False for a level that has children and no messages.
    """

    name: str
    exists: bool = True
    selectable: bool = True
    subscribed: bool = False
    special_use: str | None = None


@dataclass(frozen=True, slots=True)
class MailboxStatus:
    """
    A mailbox in numbers (RFC 9051 6.3.11).

    :param size: octets of all its messages, as sent on the wire.
    :param deleted_size: octets of those that are flagged \\Deleted.
    :param mailbox_id: RFC 8474's; never another mailbox's.
    """

    messages: int
    recent: int
    unseen: int
    deleted: int
    size: int
    deleted_size: int
    uidnext: UID
    uidvalidity: int
    highestmodseq: ModSeq
    mailbox_id: str


@dataclass(frozen=True, slots=True)
class Quota:
    """
    What an account uses and may use; a limit of None is none.
    """

    octets: int
    messages: int
    octets_limit: int | None = None
    messages_limit: int | None = None


@dataclass(frozen=True, slots=True)
class Appended:
    """
    Where messages went: durable, with their UIDs in the order given.
    """

    uidvalidity: int
    uids: tuple[UID, ...]


@dataclass(frozen=True, slots=True)
class Copied:
    """
    Which message went where; the two tuples run side by side.
    """

    uidvalidity: int
    source: tuple[UID, ...]
    destination: tuple[UID, ...]


@dataclass(frozen=True, slots=True)
class FlagsStored:
    """
    What a change of flags did.

    :param changed: messages whose flags are other than before.
    :param refused: messages changed by somebody since ``unchanged_since``.
    :param gone: messages that no longer exist.
    :param modseq: of this change; that of the mailbox if nothing changed.
    """

    changed: UIDSet
    refused: UIDSet
    gone: UIDSet
    modseq: ModSeq


@dataclass(frozen=True, slots=True)
class ChangesSince:
    """
    What happened in a mailbox after a modseq.

    :param changed: messages added or with other flags, still there.
    :param vanished: messages expunged.
    :param complete: False if the expunges are not known back to that modseq:
        then any absent UID may have been expunged since.
    """

    changed: UIDSet
    vanished: UIDSet
    complete: bool


@dataclass(slots=True)
class Messages:
    """
    A mailbox's messages as parallel arrays, in the order of their UIDs.

    Belongs to the reactor's thread.  New messages are appended to the arrays
    and flags are changed in them; an expunge replaces the whole object, so
    that who counted in the old one can go on doing so.  Valid between two
    awaits.

    :param flags: numbers whose bits ``names`` explains (mail.flags).
    :param sizes: octets on the wire.
    :param dates: internal dates, seconds since 1970.
    """

    uids: array[int] = field(default_factory=lambda: array("I"))
    flags: array[int] = field(default_factory=lambda: array("I"))
    modseqs: array[int] = field(default_factory=lambda: array("Q"))
    sizes: array[int] = field(default_factory=lambda: array("Q"))
    dates: array[int] = field(default_factory=lambda: array("q"))

    def __len__(self) -> int:
        return len(self.uids)

    def place(self, uid: int) -> int | None:
        """
        Where in the arrays the message stands, None if it is not there.
        """
        at = bisect_left(self.uids, uid)
        if at < len(self.uids) and self.uids[at] == uid:
            return at
        return None

    def within(self, wanted: UIDSet) -> list[int]:
        """
        The places of those of ``wanted`` that exist, in order.
        """
        found: list[int] = []
        for first, last in wanted.ranges:
            start = bisect_left(self.uids, first)
            found.extend(range(start, bisect_left(self.uids, last + 1)))
        return found

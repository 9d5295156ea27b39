"""
What listeners are told: committed facts, each with its modseq.

One numbered stream of them an account; IDLE, CONDSTORE, POP3 and whatever
comes later are readers of it.
"""

from __future__ import annotations

from dataclasses import dataclass

from mailsuite.mail.uids import ModSeq, UIDSet


@dataclass(frozen=True, slots=True)
class Added:
    """
    Messages have come into a mailbox; their UIDs are above all before.
    """

    uids: UIDSet
    modseq: ModSeq


@dataclass(frozen=True, slots=True)
class Expunged:
    """
    Messages have left a mailbox for good.
    """

    uids: UIDSet
    modseq: ModSeq


@dataclass(frozen=True, slots=True)
class FlagsChanged:
    """
    Messages have other flags than before; the mailbox knows which.

    :param keywords: True if the mailbox has a keyword that it had not.
    """

    uids: UIDSet
    modseq: ModSeq
    keywords: bool = False


@dataclass(frozen=True, slots=True)
class MailboxRenamed:
    """
    The mailbox is known by another name.
    """

    name: str
    modseq: ModSeq


@dataclass(frozen=True, slots=True)
class MailboxDeleted:
    """
    The mailbox is no more; nothing follows.
    """

    modseq: ModSeq


@dataclass(frozen=True, slots=True)
class Overflowed:
    """
    The listener was too slow: read the changes since ``modseq`` again.
    """

    modseq: ModSeq


Change = (
    Added
    | Expunged
    | FlagsChanged
    | MailboxRenamed
    | MailboxDeleted
    | Overflowed
)

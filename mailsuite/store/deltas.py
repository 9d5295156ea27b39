"""
What a lane's step committed, on its way to those who have the mailbox in
memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mailsuite.store.rows import MessageRow


@dataclass(frozen=True, slots=True)
class Delta:
    """
    Messages that came, changed or went in one mailbox.

    :param mailbox_id: RFC 8474's, kept over a rename and a lost index.
    :param modseq: the mailbox's, after this.
    :param uidvalidity: where it changed, all earlier messages are void.
    :param rows: messages that are new or have other flags, by rising UIDs.
    :param expunged: UIDs, rising.
    :param whole: the rows are all messages that there are.
    """

    mailbox_id: str
    modseq: int
    uidvalidity: int
    uidnext: int
    keywords: tuple[str, ...]
    rows: list[MessageRow]
    expunged: list[int]
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Renamed:
    """
    A mailbox has another name.
    """

    mailbox_id: str
    modseq: int
    name: str


@dataclass(frozen=True, slots=True)
class Deleted:
    """
    A mailbox is no more.
    """

    mailbox_id: str
    modseq: int


News = Delta | Renamed | Deleted

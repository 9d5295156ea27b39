"""
What a session tells its client of the selected mailbox, as values.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from mailsuite.mail.uids import UID, Seq


@dataclass(frozen=True, slots=True)
class Expunge:
    """
    The message with this number is gone, and those above count one less.
    """

    seq: Seq


@dataclass(frozen=True, slots=True)
class Exists:
    """
    So many messages are in the mailbox.
    """

    count: int


@dataclass(frozen=True, slots=True)
class RecentCount:
    r"""
    So many of them are ``\Recent`` in this session.
    """

    count: int


@dataclass(frozen=True, slots=True)
class KeywordsChanged:
    """
    The mailbox has other keywords than before.
    """


class FlagNews(NamedTuple):
    """
    This message has other flags than the client knows.

    A tuple, since there may be 100,000 at once.
    """

    seq: Seq
    uid: UID


News = Expunge | Exists | RecentCount | KeywordsChanged | FlagNews

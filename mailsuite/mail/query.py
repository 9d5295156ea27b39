"""
What can be asked of a mailbox, in mail's words: the keys of a search.

A key is a value; ``All`` and ``Not`` and so on nest.  Sequence numbers are
resolved to UIDs before a key is made, since only a session knows them.  Text is
``str``, decoded from the client's charset; comparison folds case as
i;unicode-casemap does.  Dates are calendar dates, without a zone (RFC 9051
6.4.4).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import Enum

from mailsuite.mail.uids import ModSeq, UIDSet


class DateOf(Enum):
    """
    Which date of a message is meant.
    """

    INTERNAL = "internal"
    SENT = "sent"
    SAVED = "saved"


@dataclass(frozen=True, slots=True)
class Everything:
    """
    Every message.
    """


@dataclass(frozen=True, slots=True)
class And:
    """
    Messages that all of the keys match.
    """

    keys: tuple[Key, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """
    Messages that one of the keys matches.
    """

    keys: tuple[Key, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """
    Messages that the key does not match.
    """

    key: Key


@dataclass(frozen=True, slots=True)
class InSet:
    """
    Messages with these UIDs.
    """

    uids: UIDSet


@dataclass(frozen=True, slots=True)
class HasFlag:
    """
    Messages with this flag or keyword.
    """

    flag: str


@dataclass(frozen=True, slots=True)
class HeaderContains:
    """
    Messages with a header field of this name whose value, unfolded and
    decoded, contains the text; the empty text asks for the field alone.
    """

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class BodyContains:
    """
    Messages with the text in the decoded text of their body.
    """

    text: str


@dataclass(frozen=True, slots=True)
class TextContains:
    """
    Messages with the text in a header field or in their body.
    """

    text: str


@dataclass(frozen=True, slots=True)
class Before:
    """
    Messages whose date is earlier than ``day``.
    """

    of: DateOf
    day: date


@dataclass(frozen=True, slots=True)
class On:
    """
    Messages whose date is ``day``.
    """

    of: DateOf
    day: date


@dataclass(frozen=True, slots=True)
class Since:
    """
    Messages whose date is ``day`` or later.
    """

    of: DateOf
    day: date


@dataclass(frozen=True, slots=True)
class Larger:
    """
    Messages of more than so many octets.
    """

    octets: int


@dataclass(frozen=True, slots=True)
class Smaller:
    """
    Messages of fewer than so many octets.
    """

    octets: int


@dataclass(frozen=True, slots=True)
class ChangedSince:
    """
    Messages whose modseq is this or more (RFC 7162 3.1.5).
    """

    modseq: ModSeq


Key = (
    Everything
    | And
    | Or
    | Not
    | InSet
    | HasFlag
    | HeaderContains
    | BodyContains
    | TextContains
    | Before
    | On
    | Since
    | Larger
    | Smaller
    | ChangedSince
)

"""
Search keys tried on a mailbox's messages: first on all at once by what is in
memory, then on single messages by what is in their files.

Implementation notes

- What is known before any file is read is a pair of planes: which messages
  match for certain, and which may.  A plane is one number with an octet a
  message, so that keys are joined by the ``&`` and ``|`` of numbers.
- Within AND and OR the cheap keys come first, and what they decide is final:
  a text is looked for only where all else leaves it open.
- Internal dates and save dates are days in UTC, as INTERNALDATE is printed.
- A message without a readable Date field has no sent date: no SENT key
  matches it.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from mailsuite.mail.flags import FlagNames
from mailsuite.mail.folding import folded
from mailsuite.mail.query import (
    And,
    Before,
    BodyContains,
    ChangedSince,
    DateOf,
    Everything,
    HasFlag,
    HeaderContains,
    InSet,
    Key,
    Larger,
    Not,
    On,
    Or,
    Since,
    Smaller,
    TextContains,
)
from mailsuite.mail.searchtext import SearchableText
from mailsuite.mail.uids import UIDSet

_EPOCH = date(1970, 1, 1)
_DAY = 86400


@dataclass(frozen=True, slots=True)
class Facts:
    """
    What is known of a mailbox's messages without their files, side by side.

    :param dates: internal dates, seconds since 1970.
    :param saved: save dates, likewise; empty if no key asks for them.
    """

    uids: array[int]
    flags: array[int]
    modseqs: array[int]
    sizes: array[int]
    dates: array[int]
    names: FlagNames
    saved: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class _Planes:
    """
    Which messages match; one octet a message, 0 or 1.
    """

    certain: int
    possible: int


# --- Keys as they are tried --------------------------------------------------


def prepared(key: Key) -> Key:
    """
    The same key with its texts folded, and in the order of cost.
    """
    match key:
        case And(keys) | Or(keys):
            return replace(
                key, keys=tuple(sorted(map(prepared, keys), key=_cost))
            )
        case Not(inner):
            return Not(prepared(inner))
        case HeaderContains() | BodyContains() | TextContains():
            # The text of messages has LF at the end of each line.
            return replace(key, text=folded(key.text.replace("\r\n", "\n")))
        case _:
            return key


def asks_for_save_dates(key: Key) -> bool:
    """
    Whether the key can only be tried with save dates.
    """
    match key:
        case And(keys) | Or(keys):
            return any(map(asks_for_save_dates, keys))
        case Not(inner):
            return asks_for_save_dates(inner)
        case Before(of=DateOf.SAVED) | On(of=DateOf.SAVED):
            return True
        case Since(of=DateOf.SAVED):
            return True
        case _:
            return False


def _cost(key: Key) -> int:
    """
    0: nothing is read; 1: a header section; 2: a whole message.
    """
    match key:
        case And(keys) | Or(keys):
            return max(map(_cost, keys), default=0)
        case Not(inner):
            return _cost(inner)
        case BodyContains() | TextContains():
            return 2
        case HeaderContains():
            return 1
        case Before(of=DateOf.SENT) | On(of=DateOf.SENT):
            return 1
        case Since(of=DateOf.SENT):
            return 1
        case _:
            return 0


# --- All messages at once ----------------------------------------------------


def sift(key: Key, facts: Facts) -> tuple[list[int], list[int]]:
    """
    The places of the messages that match for certain, and of those whose
    files must be read.

    :param key: prepared.
    """
    planes = _planes(key, facts)
    size = len(facts.uids)
    certain = planes.certain.to_bytes(size, "big")
    open_ = (planes.possible & ~planes.certain).to_bytes(size, "big")
    return _places(certain), _places(open_)


def _planes(key: Key, facts: Facts) -> _Planes:
    every = int.from_bytes(b"\1" * len(facts.uids), "big")
    match key:
        case And(keys):
            certain = possible = every
            for inner in keys:
                planes = _planes(inner, facts)
                certain &= planes.certain
                possible &= planes.possible
            return _Planes(certain, possible)
        case Or(keys):
            certain = possible = 0
            for inner in keys:
                planes = _planes(inner, facts)
                certain |= planes.certain
                possible |= planes.possible
            return _Planes(certain, possible)
        case Not(inner):
            planes = _planes(inner, facts)
            return _Planes(every ^ planes.possible, every ^ planes.certain)
        case _ if _cost(key):
            return _Planes(0, every)
        case _:
            plane = int.from_bytes(_plane(key, facts), "big")
            return _Planes(plane, plane)


def _plane(key: Key, facts: Facts) -> bytes:
    """
    1 for each message that a key matches which needs no file.
    """
    match key:
        case InSet(uids):
            return _within(facts.uids, uids)
        case HasFlag(flag):
            bit = facts.names.bit(flag) or 0
            return bytes([bit & flags != 0 for flags in facts.flags])
        case Larger(octets):
            return bytes([size > octets for size in facts.sizes])
        case Smaller(octets):
            return bytes([size < octets for size in facts.sizes])
        case ChangedSince(modseq):
            return bytes([found >= modseq for found in facts.modseqs])
        case Before(of, day):
            end = _seconds(day)
            return bytes([when < end for when in _dates(of, facts)])
        case On(of, day):
            start = _seconds(day)
            end = start + _DAY
            return bytes([start <= when < end for when in _dates(of, facts)])
        case Since(of, day):
            start = _seconds(day)
            return bytes([when >= start for when in _dates(of, facts)])
        case _:
            assert isinstance(key, Everything)
            return b"\1" * len(facts.uids)


def _within(uids: array[int], wanted: UIDSet) -> bytes:
    plane = bytearray(len(uids))
    for first, last in wanted.ranges:
        start, end = bisect_left(uids, first), bisect_left(uids, last + 1)
        plane[start:end] = b"\1" * (end - start)
    return bytes(plane)


def _dates(of: DateOf, facts: Facts) -> Iterable[int]:
    return facts.dates if of is DateOf.INTERNAL else facts.saved


def _seconds(day: date) -> int:
    return (day - _EPOCH).days * _DAY


def _places(plane: bytes) -> list[int]:
    found: list[int] = []
    place = plane.find(1)
    while place >= 0:
        found.append(place)
        place = plane.find(1, place + 1)
    return found


# --- One message -------------------------------------------------------------


def matches(key: Key, facts: Facts, place: int, text: SearchableText) -> bool:
    """
    Whether the message at a place matches.

    :param key: prepared.
    """
    match key:
        case And(keys):
            return all(matches(inner, facts, place, text) for inner in keys)
        case Or(keys):
            return any(matches(inner, facts, place, text) for inner in keys)
        case Not(inner):
            return not matches(inner, facts, place, text)
        case HeaderContains(name, wanted):
            return text.field_contains(name, wanted)
        case BodyContains(wanted):
            return text.body_contains(wanted)
        case TextContains(wanted):
            return text.contains(wanted)
        case Before(of=DateOf.SENT, day=day):
            sent = text.sent_date()
            return sent is not None and sent < day
        case On(of=DateOf.SENT, day=day):
            return text.sent_date() == day
        case Since(of=DateOf.SENT, day=day):
            sent = text.sent_date()
            return sent is not None and sent >= day
        case _:
            return bool(_plane(key, _alone(facts, place))[0])


def _alone(facts: Facts, place: int) -> Facts:
    """
    The facts of one message.
    """
    here = slice(place, place + 1)
    return Facts(
        facts.uids[here],
        facts.flags[here],
        facts.modseqs[here],
        facts.sizes[here],
        facts.dates[here],
        facts.names,
        facts.saved[here],
    )

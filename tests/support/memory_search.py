"""
Search keys tried on one message in memory, the slow and plain way.
"""

from __future__ import annotations

import email
import email.header
import email.message
import email.utils
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import assert_never

from mailsuite.mail.flags import FlagNames
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


@dataclass(frozen=True, slots=True)
class Candidate:
    """
    What a key may look at.
    """

    uid: int
    flags: int
    names: FlagNames
    modseq: int
    size: int
    internal_date: int
    saved: int
    content: bytes


def fold(text: str) -> str:
    """
    As i;unicode-casemap does for what the tests use (RFC 5051).
    """
    return unicodedata.normalize("NFKD", text.title())


def matches(key: Key, it: Candidate) -> bool:
    """
    Whether the message matches.
    """
    match key:
        case Everything():
            return True
        case And(keys):
            return all(matches(k, it) for k in keys)
        case Or(keys):
            return any(matches(k, it) for k in keys)
        case Not(inner):
            return not matches(inner, it)
        case InSet(uids):
            return it.uid in uids
        case HasFlag(flag):
            bit = it.names.bit(flag)
            return bit is not None and bool(it.flags & bit)
        case Larger(octets):
            return it.size > octets
        case Smaller(octets):
            return it.size < octets
        case ChangedSince(modseq):
            return it.modseq >= modseq
        case _:
            return _matches_content(key, it)


def _matches_content(
    key: HeaderContains | BodyContains | TextContains | Before | On | Since,
    it: Candidate,
) -> bool:
    match key:
        case HeaderContains(name, text):
            return any(
                fold(text) in fold(value)
                for field, value in _fields(it.content)
                if field.lower() == name.lower()
            )
        case BodyContains(text):
            return fold(text) in fold(_body(it.content))
        case TextContains(text):
            return fold(text) in fold(_body(it.content)) or any(
                fold(text) in fold(f"{field}: {value}")
                for field, value in _fields(it.content)
            )
        case Before(of, day):
            return _dated(it, of, lambda found: found < day)
        case On(of, day):
            return _dated(it, of, lambda found: found == day)
        case Since(of, day):
            return _dated(it, of, lambda found: found >= day)
        case _:
            assert_never(key)


def _dated(it: Candidate, of: DateOf, holds: Callable[[date], bool]) -> bool:
    if of is DateOf.SENT:
        value = email.message_from_bytes(it.content)["Date"]
        try:
            found = email.utils.parsedate_to_datetime(value).date()
        except (TypeError, ValueError):
            return False
        return holds(found)
    seconds = it.internal_date if of is DateOf.INTERNAL else it.saved
    return holds(datetime.fromtimestamp(seconds, UTC).date())


def _fields(content: bytes) -> list[tuple[str, str]]:
    parsed = email.message_from_bytes(content)
    return [
        (name, str(email.header.make_header(email.header.decode_header(value))))
        for name, value in parsed.items()
    ]


def _body(content: bytes) -> str:
    texts: list[str] = []
    for part in email.message_from_bytes(content).walk():
        payload = part.get_payload(decode=True)
        if part.get_content_maintype() == "text" and isinstance(payload, bytes):
            charset = part.get_content_charset("utf-8")
            texts.append(payload.decode(charset, "replace"))
    return "\n".join(texts).replace("\r\n", "\n")

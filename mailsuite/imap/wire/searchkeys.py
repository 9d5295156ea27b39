r"""
What SEARCH can be asked for (RFC 9051 6.4.4, RFC 3501 6.4.4, RFC 7162 3.1.5).

Implementation notes

- A key that needs the session's view (numbers, ``\Recent``) stays apart until
  ``resolve``; all others are made as ``mail.query`` has them at once.
- ``OR a OR b c``, which clients write for long lists, nests to the right; it is
  read as one flat ``AnyOf``, so that it does not count as nesting.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from mailsuite.imap.wire.datetimes import DATE, parsed_day
from mailsuite.imap.wire.lexer import BadSyntax, Cursor
from mailsuite.imap.wire.sequences import SequenceSet
from mailsuite.mail import charsets, query
from mailsuite.mail.flags import ANSWERED, DELETED, DRAFT, FLAGGED, SEEN
from mailsuite.mail.query import DateOf
from mailsuite.mail.uids import ModSeq, UIDSet


@dataclass(frozen=True, slots=True)
class Numbered:
    """
    Messages with these sequence numbers, or UIDs.
    """

    numbers: SequenceSet
    by_uid: bool


@dataclass(frozen=True, slots=True)
class Recent:
    r"""
    Messages that are ``\Recent`` in this session.
    """


@dataclass(frozen=True, slots=True)
class AllOf:
    """
    Messages that all of the keys match.
    """

    keys: tuple[SearchKey, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """
    Messages that one of the keys matches.
    """

    keys: tuple[SearchKey, ...]


@dataclass(frozen=True, slots=True)
class NoneOf:
    """
    Messages that the key does not match.
    """

    key: SearchKey


SearchKey = query.Key | Numbered | Recent | AllOf | AnyOf | NoneOf


def resolve(
    key: SearchKey, uids: Callable[[Numbered | Recent], UIDSet]
) -> query.Key:
    """
    The key in mail's words.

    :param uids: tells which messages a key means that only a session
        understands; what it raises is not caught.
    """
    match key:
        case Numbered() | Recent():
            return query.InSet(uids(key))
        case AllOf(keys):
            return query.And(tuple(resolve(each, uids) for each in keys))
        case AnyOf(keys):
            return query.Or(tuple(resolve(each, uids) for each in keys))
        case NoneOf(inner):
            return query.Not(resolve(inner, uids))
        case _:
            return key


# --- Parsing -----------------------------------------------------------------

#: How deep NOT, OR and parentheses may nest.
_DEEPEST = 50

_WORD = re.compile(rb"[A-Za-z]+")

_FLAG_KEYS = {
    b"ANSWERED": ANSWERED,
    b"DELETED": DELETED,
    b"DRAFT": DRAFT,
    b"FLAGGED": FLAGGED,
    b"SEEN": SEEN,
}
_FIELD_KEYS = (b"BCC", b"CC", b"FROM", b"SUBJECT", b"TO")
_DATE_KEYS: dict[bytes, tuple[Callable[[DateOf, date], query.Key], DateOf]] = {
    b"BEFORE": (query.Before, DateOf.INTERNAL),
    b"ON": (query.On, DateOf.INTERNAL),
    b"SINCE": (query.Since, DateOf.INTERNAL),
    b"SENTBEFORE": (query.Before, DateOf.SENT),
    b"SENTON": (query.On, DateOf.SENT),
    b"SENTSINCE": (query.Since, DateOf.SENT),
}


@dataclass(frozen=True, slots=True)
class Program:
    """
    What stands behind SEARCH and its options.

    :param uses_modseq: MODSEQ is among the keys.
    :param charset_known: False if the text of the keys could not be read.
    """

    key: SearchKey
    uses_modseq: bool
    charset_known: bool


def parse_program(cursor: Cursor) -> Program:
    """
    ``[CHARSET charset SP] key *(SP key)``.

    :raises BadSyntax: it is not that.
    """
    charset: str | None = None
    known = True
    start = cursor.at
    if (cursor.perhaps(_WORD) or b"").upper() == b"CHARSET":
        cursor.space()
        charset = cursor.astring().decode("latin-1")
        known = charsets.is_known(charset)
        cursor.space()
    else:
        cursor.at = start
    keys = _Keys(cursor, charset)
    return Program(keys.all(), keys.uses_modseq, known)


class _Keys:
    """
    The keys of one search.

    :param charset: of their text; None if the client gave none.
    """

    def __init__(self, cursor: Cursor, charset: str | None) -> None:
        self._cursor = cursor
        self._charset = charset
        self.uses_modseq = False

    def all(self) -> SearchKey:
        """
        All keys to the end, as one.
        """
        keys = [self._key(0)]
        while self._cursor.took(b" "):
            keys.append(self._key(0))
        return keys[0] if len(keys) == 1 else AllOf(tuple(keys))

    def _key(self, depth: int) -> SearchKey:
        if depth > _DEEPEST:
            raise BadSyntax("Search keys are nested too deep")
        cursor = self._cursor
        if cursor.looking_at(b"("):
            keys = cursor.listed(lambda: self._key(depth + 1))
            if not keys:
                raise BadSyntax("No search key in parentheses")
            return keys[0] if len(keys) == 1 else AllOf(tuple(keys))
        name = cursor.perhaps(_WORD)
        if name is None:
            return Numbered(cursor.sequence_set(), by_uid=False)
        return self._named(name.upper(), depth)

    def _named(self, name: bytes, depth: int) -> SearchKey:
        match name:
            case b"ALL":
                return query.Everything()
            case b"NEW":
                return AllOf((Recent(), query.Not(query.HasFlag(SEEN))))
            case b"OLD":
                return NoneOf(Recent())
            case b"RECENT":
                return Recent()
            case b"NOT":
                self._cursor.space()
                return NoneOf(self._key(depth + 1))
            case b"OR":
                return self._either(depth)
            case b"UID":
                self._cursor.space()
                return Numbered(self._cursor.sequence_set(), by_uid=True)
            case b"KEYWORD" | b"UNKEYWORD":
                self._cursor.space()
                has = query.HasFlag(self._cursor.atom().decode("ascii"))
                return has if name == b"KEYWORD" else query.Not(has)
        if name in _FLAG_KEYS:
            return query.HasFlag(_FLAG_KEYS[name])
        if name[:2] == b"UN" and name[2:] in _FLAG_KEYS:
            return query.Not(query.HasFlag(_FLAG_KEYS[name[2:]]))
        return self._with_argument(name)

    def _with_argument(self, name: bytes) -> SearchKey:
        cursor = self._cursor
        match name:
            case b"BODY":
                return query.BodyContains(self._text())
            case b"TEXT":
                return query.TextContains(self._text())
            case b"HEADER":
                cursor.space()
                field = cursor.astring().decode("latin-1")
                return query.HeaderContains(field, self._text())
            case b"LARGER":
                cursor.space()
                return query.Larger(cursor.number())
            case b"SMALLER":
                cursor.space()
                return query.Smaller(cursor.number())
            case b"MODSEQ":
                return self._modseq()
        if name in _FIELD_KEYS:
            return query.HeaderContains(name.decode("ascii"), self._text())
        if name in _DATE_KEYS:
            key, of = _DATE_KEYS[name]
            return key(of, self._day())
        raise BadSyntax("Unknown search key")

    def _either(self, depth: int) -> SearchKey:
        """
        OR's two keys; if the second is an OR, its keys too, and so on.
        """
        cursor = self._cursor
        keys: list[SearchKey] = []
        while True:
            cursor.space()
            keys.append(self._key(depth + 1))
            cursor.space()
            start = cursor.at
            if (cursor.perhaps(_WORD) or b"").upper() != b"OR":
                cursor.at = start
                keys.append(self._key(depth + 1))
                return AnyOf(tuple(keys))

    def _text(self) -> str:
        self._cursor.space()
        return charsets.decode(self._cursor.astring(), self._charset)

    def _day(self) -> date:
        cursor = self._cursor
        cursor.space()
        quoted = cursor.took(b'"')
        day = parsed_day(cursor.matched(DATE, "a date"))
        if quoted:
            cursor.take(b'"')
        if day is None:
            raise BadSyntax("No such date")
        return day

    def _modseq(self) -> SearchKey:
        """
        MODSEQ, whose entry name and type change nothing: all flags share one
        modseq (RFC 7162 3.1.5).
        """
        cursor = self._cursor
        cursor.space()
        if cursor.looking_at(b'"'):
            cursor.string()
            cursor.space()
            if cursor.word() not in (b"ALL", b"PRIV", b"SHARED"):
                raise BadSyntax("Bad type of a metadata entry")
            cursor.space()
        self.uses_modseq = True
        return query.ChangedSince(ModSeq(cursor.number()))

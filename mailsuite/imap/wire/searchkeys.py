r"""
What SEARCH can be asked for (RFC 9051 6.4.4, RFC 3501 6.4.4, RFC 7162 3.1.5).

Implementation notes

- A key that needs the session's view (numbers, ``\Recent``) stays apart until
  ``resolve``; all others are made as ``mail.query`` has them at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mailsuite.imap.wire.sequences import SequenceSet
from mailsuite.mail import query
from mailsuite.mail.uids import UIDSet


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

"""
The arguments of LIST, LSUB and STATUS (RFC 9051 6.3.9, 6.3.11, RFC 3501 6.3.9).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeVar

from mailsuite.imap.wire.commands import (
    Command,
    List,
    ListReturn,
    ListSelection,
    Lsub,
    Status,
    StatusItem,
)
from mailsuite.imap.wire.lexer import BadSyntax, Cursor
from mailsuite.mail.mailboxes import SPECIAL_USES

_E = TypeVar("_E", bound=Enum)

_USES = {use.lower(): use for use in SPECIAL_USES}


def special_use(cursor: Cursor) -> str:
    r"""
    One special use, spelled as RFC 6154 does; ``\Unheard-of`` as it came.
    """
    cursor.take(b"\\")
    use = "\\" + cursor.atom().decode("ascii")
    return _USES.get(use.lower(), use)


def parse_status(cursor: Cursor) -> Command:
    """
    STATUS, behind its name.
    """
    cursor.space()
    mailbox = cursor.mailbox()
    cursor.space()
    return Status(mailbox, _status_items(cursor))


def parse_lsub(cursor: Cursor) -> Command:
    """
    LSUB, behind its name.
    """
    cursor.space()
    reference = cursor.reference()
    cursor.space()
    return Lsub(reference, cursor.pattern())


def parse_list(cursor: Cursor) -> Command:
    """
    LIST, behind its name.
    """
    cursor.space()
    extended = cursor.looking_at(b"(")
    selection: frozenset[ListSelection] = frozenset()
    if extended:
        selection = _selection(cursor)
        cursor.space()
    reference = cursor.reference()
    cursor.space()
    if cursor.looking_at(b"("):
        extended = True
        patterns = tuple(cursor.listed(cursor.pattern))
        if not patterns:
            raise BadSyntax("No patterns")
    else:
        patterns = (cursor.pattern(),)
    returns = _Returns()
    if cursor.took(b" "):
        extended = True
        if cursor.word() != b"RETURN":
            raise BadSyntax("Unexpected argument")
        cursor.space()
        cursor.listed(lambda: _return_option(cursor, returns))
    return List(
        reference,
        patterns,
        extended,
        selection,
        frozenset(returns.options),
        returns.status,
    )


@dataclass(slots=True)
class _Returns:
    options: list[ListReturn] = field(default_factory=list)
    status: tuple[StatusItem, ...] = ()


def _selection(cursor: Cursor) -> frozenset[ListSelection]:
    selection = frozenset(cursor.listed(_one_of(cursor, ListSelection)))
    # RFC 9051 6.3.9.1: it modifies another option, which REMOTE is not.
    if ListSelection.RECURSIVEMATCH in selection and not (
        selection & {ListSelection.SUBSCRIBED, ListSelection.SPECIAL_USE}
    ):
        raise BadSyntax("RECURSIVEMATCH needs another selection option")
    return selection


def _return_option(cursor: Cursor, returns: _Returns) -> None:
    name = cursor.word()
    if name == b"STATUS":
        cursor.space()
        returns.status = _status_items(cursor)
        return
    try:
        returns.options.append(ListReturn(name))
    except ValueError:
        raise BadSyntax("Unknown return option") from None


def _status_items(cursor: Cursor) -> tuple[StatusItem, ...]:
    items = cursor.listed(_one_of(cursor, StatusItem))
    if not items:
        raise BadSyntax("No status items")
    return tuple(dict.fromkeys(items))


def _one_of(cursor: Cursor, family: type[_E]) -> Callable[[], _E]:
    """
    Takes one keyword of a family of keywords.
    """

    def take() -> _E:
        try:
            return family(cursor.word())
        except ValueError:
            raise BadSyntax("Unknown item or option") from None

    return take

"""
The commands that name messages, behind their names (RFC 9051 6.4).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from mailsuite.imap.wire import commands, fetchitems, searchkeys
from mailsuite.imap.wire.commands import Command
from mailsuite.imap.wire.lexer import (
    MAXIMUM_64,
    BadSyntax,
    Cursor,
    unrepeated,
)
from mailsuite.imap.wire.sequences import SequenceSet
from mailsuite.mail.flags import FlagMode
from mailsuite.mail.uids import ModSeq


def _expunge_uids(cursor: Cursor, by_uid: bool) -> Command:
    return commands.Expunge(cursor.sequence_set())


def _search(cursor: Cursor, by_uid: bool) -> Command:
    returns: frozenset[commands.SearchReturn] | None = None
    start = cursor.at
    if cursor.text[start : start + 8].upper() == b"RETURN (":
        cursor.at += 7
        named = cursor.listed(lambda: _search_return(cursor))
        returns = frozenset(named or [commands.SearchReturn.ALL])
        cursor.space()
    program = searchkeys.parse_program(cursor)
    return commands.Search(
        program.key,
        by_uid,
        returns,
        program.uses_modseq,
        program.charset_known,
    )


def _search_return(cursor: Cursor) -> commands.SearchReturn:
    try:
        return commands.SearchReturn(cursor.word())
    except ValueError:
        raise BadSyntax("Unknown return option") from None


def _fetch(cursor: Cursor, by_uid: bool) -> Command:
    numbers = cursor.sequence_set()
    cursor.space()
    items = fetchitems.parse_items(cursor)
    changed_since: ModSeq | None = None
    if cursor.took(b" "):
        changed_since = _modifier(cursor, b"CHANGEDSINCE", least=1)
        # RFC 7162 3.1.4.1
        items = fetchitems.with_item(items, fetchitems.MessageItem.MODSEQ)
    if by_uid:
        items = fetchitems.with_item(items, fetchitems.MessageItem.UID)
    return commands.Fetch(numbers, items, by_uid, changed_since)


def _modifier(cursor: Cursor, name: bytes, *, least: int) -> ModSeq:
    """
    ``(name modseq)``.
    """
    cursor.take(b"(")
    if cursor.word() != name:
        raise BadSyntax("Unknown modifier")
    cursor.space()
    modseq = cursor.number(MAXIMUM_64)
    if modseq < least:
        raise BadSyntax("Modseq is 0")
    cursor.take(b")")
    return ModSeq(modseq)


_MODES = {
    b"FLAGS": FlagMode.REPLACE,
    b"+FLAGS": FlagMode.ADD,
    b"-FLAGS": FlagMode.REMOVE,
}


def _store(cursor: Cursor, by_uid: bool) -> Command:
    numbers = cursor.sequence_set()
    cursor.space()
    unchanged_since: ModSeq | None = None
    if cursor.looking_at(b"("):
        unchanged_since = _modifier(cursor, b"UNCHANGEDSINCE", least=0)
        cursor.space()
    name = cursor.word()
    silent = name.endswith(b".SILENT")
    mode = _MODES.get(name.removesuffix(b".SILENT"))
    if mode is None:
        raise BadSyntax("Unknown item to store")
    cursor.space()
    return commands.Store(
        numbers, mode, _stored_flags(cursor), by_uid, silent, unchanged_since
    )


def _stored_flags(cursor: Cursor) -> tuple[str, ...]:
    """
    Flags in parentheses, or without.
    """
    if cursor.looking_at(b"("):
        return cursor.flags()
    flags = [cursor.flag()]
    while cursor.took(b" "):
        flags.append(cursor.flag())
    return unrepeated(flags)


def _copy(cursor: Cursor, by_uid: bool) -> Command:
    numbers, mailbox = _destination(cursor)
    return commands.Copy(numbers, mailbox, by_uid)


def _move(cursor: Cursor, by_uid: bool) -> Command:
    numbers, mailbox = _destination(cursor)
    return commands.Move(numbers, mailbox, by_uid)


def _destination(cursor: Cursor) -> tuple[SequenceSet, str]:
    numbers = cursor.sequence_set()
    cursor.space()
    return numbers, cursor.mailbox()


#: Commands that take message numbers; behind UID they are UIDs.
BY_UID: Final[dict[bytes, Callable[[Cursor, bool], Command]]] = {
    b"COPY": _copy,
    b"EXPUNGE": _expunge_uids,
    b"FETCH": _fetch,
    b"MOVE": _move,
    b"SEARCH": _search,
    b"STORE": _store,
}

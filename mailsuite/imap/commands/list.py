"""
LIST and LSUB (RFC 9051 6.3.9, RFC 3501 6.3.9, RFC 5258, RFC 5819, RFC 6154).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mailsuite.errors import NoSuchMailbox
from mailsuite.imap.answers import Done
from mailsuite.imap.commands.enable import aware_of_modseqs
from mailsuite.imap.commands.status import status_of
from mailsuite.imap.names import to_client
from mailsuite.imap.patterns import Pattern
from mailsuite.imap.session import Session
from mailsuite.imap.tree import Listed, listed
from mailsuite.imap.wire import responses
from mailsuite.imap.wire.commands import (
    List,
    ListReturn,
    ListSelection,
    Lsub,
    StatusItem,
)

#: Patterns of one command: each is tried on each name.
_MOST_PATTERNS = 100


async def list_(session: Session, command: List) -> Done:
    """
    Tell the names that match, and what they are.
    """
    if not command.extended and command.patterns == ("",):
        return Done(b"LIST completed", untagged=_separator(session))
    if len(command.patterns) > _MOST_PATTERNS:
        return Done(b"Too many patterns", b"LIMIT", condition=responses.NO)
    printed: list[bytes] = []
    if StatusItem.HIGHESTMODSEQ in command.status:
        printed.append(aware_of_modseqs(session))
    found = await _matching(session, command.reference, command.patterns)
    for one in found:
        if not _wanted(one, command.selection):
            continue
        printed.append(_row(session, one, command))
        if command.status and one.entry.selectable and one.entry.exists:
            printed.append(await _status(session, one, command.status))
    return Done(b"LIST completed", untagged=b"".join(printed))


async def lsub(session: Session, command: Lsub) -> Done:
    """
    Tell the subscribed names that match; of ``%``, also the levels above such
    a name (RFC 3501 6.3.9).
    """
    found = await _matching(session, command.reference, (command.pattern,))
    separator = session.service.separator.encode("ascii")
    printed: list[bytes] = []
    for one in found:
        if one.entry.subscribed:
            gone = not (one.entry.exists and one.entry.selectable)
            attributes = (b"\\Noselect",) if gone else ()
        elif one.subscribed_below and command.pattern.endswith("%"):
            attributes = (b"\\Noselect",)
        else:
            continue
        name = session.to_client(one.entry.name)
        printed.append(responses.lsub_row(name, separator, attributes))
    return Done(b"LSUB completed", untagged=b"".join(printed))


def _separator(session: Session) -> bytes:
    """
    The answer to LIST "" "" (RFC 9051 6.3.9).
    """
    separator = session.service.separator.encode("ascii")
    return responses.list_row(b'""', separator, (b"\\Noselect",))


async def _matching(
    session: Session, reference: str, patterns: Sequence[str]
) -> Iterable[Listed]:
    separator = session.service.separator
    tried = [Pattern(reference + text, separator) for text in patterns]
    return [
        one
        for one in listed(await session.own_account().entries())
        if any(
            pattern.matches(to_client(one.entry.name, separator))
            for pattern in tried
        )
    ]


def _wanted(one: Listed, selection: frozenset[ListSelection]) -> bool:
    """
    Whether the selection options let the name pass (RFC 5258 3.1).
    """
    recursive = ListSelection.RECURSIVEMATCH in selection
    if ListSelection.SUBSCRIBED in selection:
        if not one.entry.subscribed and not (
            recursive and one.subscribed_below
        ):
            return False
    elif not one.entry.exists:
        return False
    if ListSelection.SPECIAL_USE in selection:
        special = one.entry.special_use is not None
        return special or (recursive and one.special_use_below)
    return True


def _row(session: Session, one: Listed, command: List) -> bytes:
    selection, returns = command.selection, command.returns
    attributes: list[bytes] = []
    if not one.entry.exists:
        attributes.append(b"\\NonExistent")
    elif not one.entry.selectable:
        attributes.append(b"\\Noselect")
    if one.entry.subscribed and (
        ListReturn.SUBSCRIBED in returns
        or ListSelection.SUBSCRIBED in selection
    ):
        attributes.append(b"\\Subscribed")
    if one.entry.exists:
        attributes.append(
            b"\\HasChildren" if one.has_children else b"\\HasNoChildren"
        )
    if one.entry.special_use is not None:
        attributes.append(one.entry.special_use.encode("ascii"))
    return responses.list_row(
        session.to_client(one.entry.name),
        session.service.separator.encode("ascii"),
        attributes,
        child_info=ListSelection.RECURSIVEMATCH in selection
        and ListSelection.SUBSCRIBED in selection
        and one.subscribed_below,
    )


async def _status(
    session: Session, one: Listed, items: Iterable[StatusItem]
) -> bytes:
    """
    Its STATUS; empty if it was deleted this moment (RFC 5819 2).
    """
    try:
        return await status_of(session, one.entry.name, items)
    except NoSuchMailbox:
        return b""

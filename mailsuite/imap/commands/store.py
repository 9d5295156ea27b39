r"""
STORE and UID STORE (RFC 9051 6.4.6, RFC 7162 3.1.3).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import replace

from mailsuite.errors import MailboxReadOnly, NoSuchMessage
from mailsuite.imap.answers import Done, Pieces
from mailsuite.imap.commands.enable import aware_of_modseqs
from mailsuite.imap.pacing import Pace
from mailsuite.imap.refusals import refusal
from mailsuite.imap.selected import Selected
from mailsuite.imap.session import Session
from mailsuite.imap.wire import responses
from mailsuite.imap.wire.commands import Store
from mailsuite.mail.mailboxes import FlagsStored
from mailsuite.mail.uids import UIDSet

#: Messages that are told of without giving others their turn.
_AT_ONCE = 1000


async def store(session: Session, command: Store) -> Done | Pieces:
    """
    Change flags, and tell what they are.
    """
    selected = session.own_mailbox()
    if selected.read_only:
        raise MailboxReadOnly
    uids = selected.view.resolve(command.numbers, command.by_uid)
    first = b""
    if command.unchanged_since is not None:
        first = aware_of_modseqs(session)
    stored = await selected.mailbox.store(
        uids, command.mode, command.flags, command.unchanged_since
    )
    selected.view.silence(stored.changed, stored.modseq)
    # What others did comes first, and a new keyword before it is used.
    first += await session.news(expunges=False, uids=command.by_uid)
    told = selected.view.numbered(_told(session, command, uids, stored))
    done = _result(selected, command, stored)
    if len(told) <= _AT_ONCE:
        return replace(done, untagged=first + _rows(session, command, told))
    return Pieces(
        _in_turn(session, command, first, told),
        done.text,
        done.code,
        done.condition,
    )


def _told(
    session: Session, command: Store, uids: UIDSet, stored: FlagsStored
) -> UIDSet:
    """
    The messages of which something is told: unless silent, all that are named;
    with CONDSTORE, those that were changed (RFC 7162 3.1.3).
    """
    if not command.silent:
        return uids - stored.refused
    return stored.changed if session.condstore else UIDSet()


def _rows(
    session: Session, command: Store, told: Iterable[tuple[int, int]]
) -> bytes:
    """
    The flags, or only the modseq, of each message.
    """
    return session.own_mailbox().flags_rows(
        told,
        uids=command.by_uid or session.rev2,
        rev2=session.rev2,
        modseqs=session.condstore,
        flags=not command.silent,
    )


async def _in_turn(
    session: Session,
    command: Store,
    first: bytes,
    told: Sequence[tuple[int, int]],
) -> AsyncIterator[bytes]:
    """
    The same in pieces, others' work between them.
    """
    yield first
    pace = Pace(session.service.clock)
    for start in range(0, len(told), _AT_ONCE):
        yield _rows(session, command, told[start : start + _AT_ONCE])
        await pace.breathe()


def _result(selected: Selected, command: Store, stored: FlagsStored) -> Done:
    missing = bool(stored.gone) and not command.by_uid
    if stored.refused:
        numbers = stored.refused
        if not command.by_uid:
            numbers = selected.view.seqs(numbers)
        return Done(
            b"Some messages were changed by another session",
            responses.modified_code(numbers),
            condition=responses.NO if missing else responses.OK,
        )
    if missing:
        return refusal(NoSuchMessage())
    return Done(b"STORE completed")

"""
COPY and MOVE, by number and by UID (RFC 9051 6.4.7, 6.4.8).
"""

from __future__ import annotations

from mailsuite.errors import MailboxReadOnly, NoSuchMailbox, NoSuchMessage
from mailsuite.imap.answers import Done
from mailsuite.imap.refusals import refusal
from mailsuite.imap.selected import Selected
from mailsuite.imap.session import Session
from mailsuite.imap.wire import responses
from mailsuite.imap.wire.commands import Copy, Move
from mailsuite.mail.mailboxes import Copied
from mailsuite.mail.uids import UIDSet


async def copy(session: Session, command: Copy) -> Done:
    """
    Copy messages into another mailbox, all or none.
    """
    selected = session.own_mailbox()
    uids = _named(selected, command)
    if not uids:
        return Done(b"COPY completed, there was nothing to copy")
    destination = session.from_client(command.mailbox)
    try:
        copied = await selected.mailbox.copy(uids, destination)
    except NoSuchMailbox as failure:
        return refusal(failure, b"TRYCREATE")
    return Done(b"COPY completed", code=_code(copied))


async def move(session: Session, command: Move) -> Done:
    """
    Copy messages into another mailbox and remove them here, in one step.
    """
    selected = session.own_mailbox()
    if selected.read_only:
        raise MailboxReadOnly
    uids = _named(selected, command)
    if not uids:
        return Done(b"MOVE completed, there was nothing to move")
    destination = session.from_client(command.mailbox)
    try:
        copied = await selected.mailbox.move(uids, destination)
    except NoSuchMailbox as failure:
        return refusal(failure, b"TRYCREATE")
    code = _code(copied)
    if code is None:
        return Done(b"MOVE completed, there was nothing to move")
    # RFC 9051 6.4.8: COPYUID comes before the EXPUNGEs.
    return Done(
        b"MOVE completed",
        untagged=responses.untagged(responses.OK, b"Moved", code),
    )


def _named(selected: Selected, command: Copy | Move) -> UIDSet:
    """
    The messages that the command means, those that are there.

    :raises NoSuchMessage: one of them is gone, and the command names messages
        by number (RFC 2180 4.4.1): then none is taken.
    """
    uids = selected.view.resolve(command.numbers, command.by_uid)
    messages = selected.mailbox.messages
    places = messages.within(uids)
    if len(places) == len(uids):
        return uids
    if not command.by_uid:
        raise NoSuchMessage
    return UIDSet.of(messages.uids[place] for place in places)


def _code(copied: Copied) -> bytes | None:
    return responses.copy_uid_code(copied) if copied.source else None

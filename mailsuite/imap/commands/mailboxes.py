"""
CREATE, DELETE, RENAME, SUBSCRIBE and UNSUBSCRIBE (RFC 9051 6.3.4 to 6.3.8).
"""

from __future__ import annotations

from mailsuite.errors import MailboxNotRemovable, UnknownSpecialUse
from mailsuite.imap.answers import Done
from mailsuite.imap.refusals import refusal
from mailsuite.imap.session import Session
from mailsuite.imap.wire import responses
from mailsuite.imap.wire.commands import (
    Create,
    Delete,
    Rename,
    Subscribe,
    Unsubscribe,
)
from mailsuite.mail.mailboxes import INBOX


async def create(session: Session, command: Create) -> Done:
    """
    Make a mailbox; a separator at the end of its name means nothing here.
    """
    # RFC 9051 6.3.4
    written = command.mailbox.removesuffix(session.service.separator)
    if len(command.special_uses) > 1:
        return refusal(UnknownSpecialUse("A mailbox has one special use here"))
    use = command.special_uses[0] if command.special_uses else None
    await session.own_account().create(session.from_client(written), use)
    return Done(b"CREATE completed")


async def delete(session: Session, command: Delete) -> Done:
    """
    Remove a mailbox; if it is the selected one, none is selected then.
    """
    name = session.from_client(command.mailbox)
    try:
        await session.own_account().delete(name)
    except MailboxNotRemovable as failure:
        return refusal(failure, None if name == INBOX else b"HASCHILDREN")
    untagged = b""
    if session.selected is not None and session.selected.mailbox.name == name:
        session.unselect()
        untagged = responses.untagged(
            responses.OK, b"The selected mailbox is no more", b"CLOSED"
        )
    return Done(b"DELETE completed", untagged=untagged)


async def rename(session: Session, command: Rename) -> Done:
    """
    Rename a mailbox with all below it.
    """
    new = command.new.removesuffix(session.service.separator)
    await session.own_account().rename(
        session.from_client(command.mailbox), session.from_client(new)
    )
    return Done(b"RENAME completed")


async def subscribe(session: Session, command: Subscribe) -> Done:
    """
    Put a name on the list of subscriptions.
    """
    name = session.from_client(command.mailbox)
    await session.own_account().subscribe(name)
    return Done(b"SUBSCRIBE completed")


async def unsubscribe(session: Session, command: Unsubscribe) -> Done:
    """
    Take a name off the list.
    """
    name = session.from_client(command.mailbox)
    await session.own_account().unsubscribe(name)
    return Done(b"UNSUBSCRIBE completed")

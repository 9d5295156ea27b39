"""
APPEND (RFC 9051 6.3.12, UIDPLUS, RFC 7889).
"""

from __future__ import annotations

from mailsuite.errors import MailError, NoSuchMailbox, OverQuota
from mailsuite.imap.answers import Done, Unfinished
from mailsuite.imap.appending import Appending
from mailsuite.imap.refusals import refusal
from mailsuite.imap.session import Session
from mailsuite.imap.wire import responses
from mailsuite.imap.wire.commands import Append
from mailsuite.interfaces import IAccount, IMailbox

#: A message of so many octets is not asked for if it would not fit; of a
#: smaller one the store says so when it has come.
_LARGE_OCTETS = 65536


async def append(session: Session, command: Append) -> Done | Unfinished:
    """
    See whether the message can be kept, and ask for it, before it is sent.
    """
    try:
        session.appending = await _begin(session, command)
    except NoSuchMailbox as failure:
        session.wire.refuse_literal()
        return refusal(failure, b"TRYCREATE")
    except MailError as failure:
        session.wire.refuse_literal()
        return refusal(failure)
    return Unfinished(session.wire.accept_literal())


async def appended(session: Session) -> Done:
    """
    The message has come in whole: keep it.
    """
    appending, session.appending = session.appending, None
    assert appending is not None
    try:
        where = await appending.finish()
    except NoSuchMailbox as failure:
        return refusal(failure, b"TRYCREATE")
    return Done(b"APPEND completed", code=responses.append_uid_code(where))


async def _begin(session: Session, command: Append) -> Appending:
    account = session.own_account()
    limit = session.service.append_limit
    mailbox: IMailbox = await account.mailbox(
        session.from_client(command.mailbox)
    )
    try:
        if command.size >= _LARGE_OCTETS:
            await _must_fit(account, command.size)
        incoming = await session.service.mailboxes.incoming(command.size)
    except BaseException:
        mailbox.release()
        raise
    return Appending(command, mailbox, incoming, limit)


async def _must_fit(account: IAccount, size: int) -> None:
    """
    :raises OverQuota: so many octets more are over the limit.
    """
    quota = await account.quota()
    limit = quota.octets_limit
    if limit is not None and quota.octets + size > limit:
        raise OverQuota

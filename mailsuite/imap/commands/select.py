"""
SELECT and EXAMINE (RFC 9051 6.3.2, 6.3.3, RFC 3501 6.3.1, RFC 7162 3.1).
"""

from __future__ import annotations

from mailsuite.errors import MailError
from mailsuite.imap.answers import Done
from mailsuite.imap.commands.enable import aware_of_modseqs
from mailsuite.imap.refusals import refusal
from mailsuite.imap.selected import Selected
from mailsuite.imap.session import Session
from mailsuite.imap.wire import responses
from mailsuite.imap.wire.commands import Select
from mailsuite.interfaces import IAccount
from mailsuite.mail.flags import SEEN_BIT
from mailsuite.mail.uids import UIDSet


async def select(session: Session, command: Select) -> Done:
    """
    Have another mailbox selected, or none if that fails.
    """
    closed = b""
    if session.selected is not None:
        session.unselect()
        closed = responses.untagged(
            responses.OK, b"Previous mailbox is closed", b"CLOSED"
        )
    try:
        selected = await _open(session, command)
    except MailError as failure:
        refused = refusal(failure)
        return Done(
            refused.text, refused.code, closed, condition=refused.condition
        )
    session.select(selected)
    if command.condstore:
        aware_of_modseqs(session)
    read_only = selected.read_only
    return Done(
        b"EXAMINE completed" if read_only else b"SELECT completed",
        code=b"READ-ONLY" if read_only else b"READ-WRITE",
        untagged=closed + _described(session, selected),
    )


async def _open(session: Session, command: Select) -> Selected:
    account = session.own_account()
    name = session.from_client(command.mailbox)
    mailbox = await account.mailbox(name)
    selected = Selected(
        mailbox, read_only=command.read_only, woken=session.woken
    )
    if command.read_only:
        try:
            await _see_recent(account, selected)
        except BaseException:
            selected.leave()
            raise
    return selected


async def _see_recent(account: IAccount, selected: Selected) -> None:
    r"""
    See which messages are \Recent without taking that from them
    (RFC 3501 6.3.2): they are always the newest.
    """
    count = (await account.status(selected.mailbox.name)).recent
    if count:
        uids = selected.mailbox.messages.uids
        selected.view.add_recent(UIDSet.of(uids[-count:]))


def _described(session: Session, selected: Selected) -> bytes:
    """
    What SELECT tells of a mailbox.
    """
    mailbox, view = selected.mailbox, selected.view
    parts = [selected.flags_are(), responses.exists(view.exists)]
    if not session.rev2:
        parts.append(responses.recent(len(view.recent)))
        parts.append(_first_unseen(selected))
    parts += [
        _number(b"UIDVALIDITY", mailbox.uidvalidity, b"UIDs valid"),
        _number(b"UIDNEXT", mailbox.uidnext, b"Predicted next UID"),
        _number(b"HIGHESTMODSEQ", view.highestmodseq, b"Highest"),
    ]
    if session.rev2:
        name = session.to_client(mailbox.name)
        separator = session.service.separator.encode("ascii")
        parts.append(responses.list_row(name, separator, ()))
    return b"".join(parts)


def _first_unseen(selected: Selected) -> bytes:
    """
    OK UNSEEN, if there is an unseen message.

    The few distinct values are looked at, not each of 100,000 messages.
    """
    flags = selected.mailbox.messages.flags
    unseen = [bits for bits in set(flags) if not bits & SEEN_BIT]
    if not unseen:
        return b""
    first = 1 + min(flags.index(bits) for bits in unseen)
    return _number(b"UNSEEN", first, b"First unseen")


def _number(name: bytes, number: int, text: bytes) -> bytes:
    code = responses.number_code(name, number)
    return responses.untagged(responses.OK, text, code)

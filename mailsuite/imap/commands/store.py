r"""
STORE and UID STORE (RFC 9051 6.4.6, RFC 7162 3.1.3).
"""

from __future__ import annotations

from mailsuite.errors import MailboxReadOnly, NoSuchMessage
from mailsuite.imap.answers import Done
from mailsuite.imap.commands.enable import aware_of_modseqs
from mailsuite.imap.refusals import refusal
from mailsuite.imap.selected import Selected
from mailsuite.imap.session import Session
from mailsuite.imap.wire import responses
from mailsuite.imap.wire.commands import Store
from mailsuite.mail.mailboxes import FlagsStored
from mailsuite.mail.uids import UIDSet


async def store(session: Session, command: Store) -> Done:
    """
    Change flags, and tell what they are.
    """
    selected = session.own_mailbox()
    if selected.read_only:
        raise MailboxReadOnly
    uids = selected.view.resolve(command.numbers, command.by_uid)
    untagged = b""
    if command.unchanged_since is not None:
        untagged = aware_of_modseqs(session)
    stored = await selected.mailbox.store(
        uids, command.mode, command.flags, command.unchanged_since
    )
    selected.view.silence(stored.changed, stored.modseq)
    # What others did comes first, and a new keyword before it is used.
    untagged += await session.news(expunges=False, uids=command.by_uid)
    untagged += _told(session, selected, command, uids, stored)
    return _result(selected, command, stored, untagged)


def _told(
    session: Session,
    selected: Selected,
    command: Store,
    uids: UIDSet,
    stored: FlagsStored,
) -> bytes:
    """
    The untagged responses: unless silent, the flags of each message named;
    with CONDSTORE, the modseq of each message changed (RFC 7162 3.1.3).
    """
    if command.silent:
        if not session.condstore:
            return b""
        uids = stored.changed
    return b"".join(
        selected.flags_row(
            seq,
            uid,
            uids=command.by_uid or session.rev2,
            rev2=session.rev2,
            modseqs=session.condstore,
            flags=not command.silent,
        )
        for seq, uid in selected.view.numbered(uids - stored.refused)
    )


def _result(
    selected: Selected, command: Store, stored: FlagsStored, untagged: bytes
) -> Done:
    missing = bool(stored.gone) and not command.by_uid
    if stored.refused:
        numbers = stored.refused
        if not command.by_uid:
            numbers = selected.view.seqs(numbers)
        return Done(
            b"Some messages were changed by another session",
            responses.modified_code(numbers),
            untagged,
            responses.NO if missing else responses.OK,
        )
    if missing:
        refused = refusal(NoSuchMessage())
        return Done(refused.text, refused.code, untagged, refused.condition)
    return Done(b"STORE completed", untagged=untagged)

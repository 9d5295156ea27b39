"""
SEARCH and UID SEARCH (RFC 9051 6.4.4, RFC 4731, RFC 5182, RFC 7162 3.1.5).
"""

from __future__ import annotations

from mailsuite.errors import MailError
from mailsuite.imap.answers import Done
from mailsuite.imap.commands.enable import aware_of_modseqs
from mailsuite.imap.refusals import refusal
from mailsuite.imap.selected import Selected
from mailsuite.imap.session import Session
from mailsuite.imap.wire import responses
from mailsuite.imap.wire.commands import Search, SearchReturn
from mailsuite.imap.wire.searchkeys import Numbered, Recent, resolve
from mailsuite.mail.uids import UIDSet

_BADCHARSET = Done(
    b"Charset is not known here",
    code=b"BADCHARSET (UTF-8)",
    condition=responses.NO,
)

_ONE_END = frozenset({SearchReturn.MIN, SearchReturn.MAX})


async def search(session: Session, command: Search, tag: bytes) -> Done:
    """
    Tell which messages of the client's view match.
    """
    selected = session.own_mailbox()
    returns = command.returns
    if not command.charset_known:
        return _failed(selected, command, _BADCHARSET)
    untagged = aware_of_modseqs(session) if command.uses_modseq else b""
    key = resolve(command.key, lambda it: _resolved(selected, it))
    try:
        matching = await selected.mailbox.search(key)
    except MailError as failure:
        return _failed(selected, command, refusal(failure))
    found = selected.view.known(matching)
    if returns is not None and SearchReturn.SAVE in returns:
        selected.view.saved = _of_interest(found, returns)
    if returns is None and not session.rev2:
        untagged += _search(selected, command, found)
    else:
        asked = frozenset({SearchReturn.ALL}) if returns is None else returns
        untagged += _esearch(selected, command, tag, found, asked)
    return Done(b"SEARCH completed", untagged=untagged)


def _failed(selected: Selected, command: Search, done: Done) -> Done:
    """
    NO; a result that was to be saved is empty (RFC 9051 6.4.4.1).
    """
    if command.returns is not None and SearchReturn.SAVE in command.returns:
        selected.view.saved = UIDSet()
    return done


def _resolved(selected: Selected, it: Numbered | Recent) -> UIDSet:
    match it:
        case Numbered(numbers, by_uid):
            return selected.view.resolve(numbers, by_uid)
        case Recent():
            return selected.view.recent


def _of_interest(found: UIDSet, returns: frozenset[SearchReturn]) -> UIDSet:
    """
    The messages that the answer is about: with MIN or MAX, and neither ALL nor
    COUNT, these alone (RFC 9051 6.4.4.2, RFC 7162 3.1.10).
    """
    ends = returns & _ONE_END
    if (
        not found
        or not ends
        or returns & {SearchReturn.ALL, SearchReturn.COUNT}
    ):
        return found
    wanted = []
    if SearchReturn.MIN in ends:
        wanted.append(found.ranges[0][0])
    if SearchReturn.MAX in ends:
        wanted.append(found.ranges[-1][1])
    return UIDSet.of(wanted)


def _numbers(selected: Selected, command: Search, uids: UIDSet) -> UIDSet:
    return uids if command.by_uid else selected.view.seqs(uids)


def _modseq(selected: Selected, command: Search, uids: UIDSet) -> int | None:
    """
    The highest modseq among the messages, if MODSEQ was searched for.
    """
    if not command.uses_modseq:
        return None
    messages = selected.mailbox.messages
    return max(
        (messages.modseqs[at] for at in messages.within(uids)), default=None
    )


def _search(selected: Selected, command: Search, found: UIDSet) -> bytes:
    return responses.search(
        _numbers(selected, command, found), _modseq(selected, command, found)
    )


def _esearch(
    selected: Selected,
    command: Search,
    tag: bytes,
    found: UIDSet,
    asked: frozenset[SearchReturn],
) -> bytes:
    if asked == {SearchReturn.SAVE}:
        # RFC 9051 6.4.4.1
        return b""
    numbers = _numbers(selected, command, found)
    items: list[tuple[bytes, bytes]] = []
    if numbers:
        if SearchReturn.MIN in asked:
            items.append((b"MIN", b"%d" % numbers.ranges[0][0]))
        if SearchReturn.MAX in asked:
            items.append((b"MAX", b"%d" % numbers.ranges[-1][1]))
        if SearchReturn.ALL in asked:
            items.append((b"ALL", bytes(numbers)))
    if SearchReturn.COUNT in asked:
        items.append((b"COUNT", b"%d" % len(numbers)))
    modseq = _modseq(selected, command, _of_interest(found, asked))
    if modseq is not None:
        items.append((b"MODSEQ", b"%d" % modseq))
    return responses.esearch(tag, by_uid=command.by_uid, items=items)

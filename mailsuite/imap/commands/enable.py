"""
ENABLE (RFC 9051 6.3.1, RFC 5161).
"""

from __future__ import annotations

from mailsuite.imap.answers import Done
from mailsuite.imap.capabilities import ENABLES
from mailsuite.imap.session import Session
from mailsuite.imap.wire import responses
from mailsuite.imap.wire.commands import Enable


async def enable(session: Session, command: Enable) -> Done:
    """
    Enable what is known of what the client names; the rest is passed over.
    """
    before = _enabled(session)
    session.rev2 |= "IMAP4REV2" in command.capabilities
    session.wire.utf8 = session.rev2
    untagged = b""
    if "CONDSTORE" in command.capabilities:
        untagged = aware_of_modseqs(session)
    fresh = [ENABLES[name] for name in _enabled(session) - before]
    return Done(
        b"ENABLE completed",
        untagged=responses.enabled(sorted(fresh)) + untagged,
    )


def aware_of_modseqs(session: Session) -> bytes:
    """
    The client shows that it knows CONDSTORE (RFC 7162 3.1).

    :return: HIGHESTMODSEQ of the selected mailbox, if this is the first time.
    """
    if session.condstore:
        return b""
    session.condstore = True
    if session.selected is None:
        return b""
    code = responses.number_code(
        b"HIGHESTMODSEQ", session.selected.view.highestmodseq
    )
    return responses.untagged(responses.OK, b"Highest", code)


def _enabled(session: Session) -> set[str]:
    facts = {"IMAP4REV2": session.rev2, "CONDSTORE": session.condstore}
    return {name for name, holds in facts.items() if holds}

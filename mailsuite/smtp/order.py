"""
Which command may come when (RFC 5321 4.1.4).
"""

from __future__ import annotations

from enum import IntEnum

from mailsuite.smtp.wire.commands import Auth, Bdat, Data, Mail, Rcpt, StartTLS
from mailsuite.smtp.wire.replies import Reply


class Stage(IntEnum):
    """
    How far a connection, and its transaction, have come.
    """

    CONNECTED = 0
    GREETED = 1
    SENDER = 2
    RECIPIENTS = 3
    CHUNKS = 4


#: The first and the last stage at which a command may come; those that are
#: not here may come at any.
_STAGES: dict[type, tuple[Stage, Stage]] = {
    Mail: (Stage.GREETED, Stage.GREETED),
    Rcpt: (Stage.SENDER, Stage.RECIPIENTS),
    Data: (Stage.RECIPIENTS, Stage.RECIPIENTS),
    Bdat: (Stage.RECIPIENTS, Stage.CHUNKS),
    StartTLS: (Stage.GREETED, Stage.GREETED),
    Auth: (Stage.GREETED, Stage.GREETED),
}
_ALWAYS = (Stage.CONNECTED, Stage.CHUNKS)

_MISSING = {
    Stage.CONNECTED: Reply(503, "5.5.1", "Say hello first"),
    Stage.GREETED: Reply(503, "5.5.1", "No mail transaction has begun"),
    Stage.SENDER: Reply(503, "5.5.1", "No valid recipients"),
}
_UNDER_WAY = Reply(503, "5.5.1", "A mail transaction is under way")


def out_of_order(command: type, stage: Stage) -> Reply | None:
    """
    The refusal of a command that may not come at this stage.
    """
    first, last = _STAGES.get(command, _ALWAYS)
    if stage < first:
        return _MISSING[stage]
    if stage > last:
        return _UNDER_WAY
    return None

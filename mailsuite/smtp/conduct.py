"""
How a client behaves, and when that is enough.
"""

from __future__ import annotations

from mailsuite.smtp.listener import Limits
from mailsuite.smtp.wire import commands
from mailsuite.smtp.wire.connection import Content
from mailsuite.smtp.wire.replies import Reply

#: Replies to what a correct client does not send.
_ERRORS = frozenset({500, 501, 502, 503, 504, 555})

#: Commands that move no mail.
_IDLE = frozenset(
    {
        commands.Helo,
        commands.Noop,
        commands.Rset,
        commands.Help,
        commands.Vrfy,
        commands.Expn,
    }
)

#: What a pipelining client has sent already when an earlier command is
#: refused (RFC 2920): its refusals are no errors of its own.
_FOLLOWING = frozenset({commands.Rcpt, commands.Data, Content})

#: Times the limit of recipients that such a client may be refused.
_FOLLOWERS = 10

#: Times the size limit that a connection may send for nothing.
_SWALLOWED = 4


class Conduct:
    """
    Counts what one connection asks of us beside its mail.

    Each method returns why the connection ends now, as an enhanced status
    code and a text; or None.
    """

    def __init__(self, limits: Limits, size_limit: int) -> None:
        self._limits = limits
        self._most_swallowed = _SWALLOWED * size_limit
        self._transactions = 0
        self._errors = 0
        self._refused_recipients = 0
        self._refused_followers = 0
        self._idle_commands = 0
        self._failed_logins = 0
        self._swallowed = 0

    def answered(self, kind: type, reply: Reply) -> tuple[str, str] | None:
        """
        An event of that kind got that reply.
        """
        limits = self._limits
        if reply.code == 535:
            self._failed_logins += 1
            if self._failed_logins >= limits.failed_logins:
                return "4.7.0", "Too many failed logins"
        elif kind in _FOLLOWING and (reply.code == 503 or reply.code < 500):
            self._refused_followers += reply.is_refusal
            if self._refused_followers > _FOLLOWERS * limits.recipients:
                return "4.7.0", "Too many commands without mail"
        elif kind is commands.Rcpt and 550 <= reply.code < 555:
            self._refused_recipients += 1
            if self._refused_recipients > limits.refused_recipients:
                return "4.7.0", "Too many bad recipients"
        elif reply.code in _ERRORS:
            self._errors += 1
            if self._errors >= limits.errors:
                return "4.7.0", "Too many errors"
        elif kind in _IDLE or reply.is_refusal:
            self._idle_commands += 1
            if self._idle_commands > limits.idle_commands:
                return "4.7.0", "Too many commands without mail"
        return None

    def transaction_begun(self) -> tuple[str, str] | None:
        """
        A MAIL was taken (RFC 9422 4.1).
        """
        self._transactions += 1
        if self._transactions > self._limits.transactions:
            return "4.7.0", "Too many messages on one connection"
        return None

    def message_accepted(self) -> None:
        """
        What was asked led to mail.
        """
        self._idle_commands = 0
        self._refused_followers = 0

    def swallowed(self, octets: int) -> tuple[str, str] | None:
        """
        So much came, or is announced, that is not kept.
        """
        self._swallowed += octets
        if self._swallowed > self._most_swallowed:
            return "4.7.0", "Too much was sent that is refused"
        return None

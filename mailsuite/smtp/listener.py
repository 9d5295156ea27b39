"""
What a listener is for, and how much it bears.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from mailsuite.smtp.networks import Networks


class Purpose(Enum):
    """
    Whom a listener serves; the value is ``Origin.listener``.
    """

    #: Other hosts, with mail for our domains (RFC 5321).
    MX = "mx"
    #: Our users, with mail for anybody (RFC 6409).
    SUBMISSION = "submission"
    #: Our own programs, one reply a recipient (RFC 2033).
    LMTP = "lmtp"
    #: Any local user's programs, over a UNIX socket, with mail for anybody.
    LOCAL = "local"


@dataclass(frozen=True, slots=True)
class Limits:
    """
    What one connection may ask of us.

    :param recipients: of one transaction (LIMITS' RCPTMAX).
    :param transactions: of one connection (LIMITS' MAILMAX).
    :param errors: commands that cannot be read, are not known or come out of
        order, and parameters that cannot be.
    :param refused_recipients: of one connection.
    :param idle_commands: commands that move no mail, and refusals, between
        two messages.
    :param failed_logins: of one connection.
    :param silence_seconds: how long a client may say nothing; RFC 5321
        4.5.3.2.7 has 5 minutes at least.
    :param hold_seconds: how long a submitted message may be held (RFC 4865),
        at most nine digits; 0 if not at all.
    """

    recipients: int = 1000
    transactions: int = 1000
    errors: int = 20
    refused_recipients: int = 100
    idle_commands: int = 100
    failed_logins: int = 3
    silence_seconds: float = 300.0
    hold_seconds: int = 30 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Listener:
    """
    What all connections to one listener have in common.

    :param our_name: the host name that we greet with.
    :param clear_passwords: passwords may cross the network in clear.
    :param trusted: peers that may relay without a login.
    """

    purpose: Purpose
    our_name: str
    clear_passwords: bool = False
    limits: Limits = field(default=Limits())
    trusted: Networks = field(default=Networks())

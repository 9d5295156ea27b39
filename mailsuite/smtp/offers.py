"""
Which extensions with parameters for MAIL and RCPT are offered to a client.
"""

from __future__ import annotations

from dataclasses import dataclass

from mailsuite.smtp.listener import Listener, Purpose


@dataclass(frozen=True, slots=True)
class Offers:
    """
    What a client may use at this moment.

    :param dsn: RFC 3461's parameters.
    :param requiretls: RFC 8689.
    :param hold_seconds: how long a message may be held (RFC 4865); 0 if not
        at all.
    """

    dsn: bool
    requiretls: bool
    hold_seconds: int


def offers(listener: Listener, *, trusted: bool, tls: bool) -> Offers:
    """
    What is offered to a client of this listener.

    A stranger could have the success of mail told to somebody else, so that
    DSN is for those whom we know.

    :param tls: the connection is encrypted; RFC 8689 2 wants it.
    """
    submission = listener.purpose in (Purpose.SUBMISSION, Purpose.LOCAL)
    return Offers(
        dsn=trusted or listener.purpose is not Purpose.MX,
        requiretls=tls,
        hold_seconds=listener.limits.hold_seconds if submission else 0,
    )

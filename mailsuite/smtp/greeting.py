"""
Who we are and what we offer: the answers to HELO, EHLO and LHLO, and HELP.
"""

from __future__ import annotations

from mailsuite.smtp.listener import Listener, Purpose
from mailsuite.smtp.offers import Offers
from mailsuite.smtp.parameters import print_date_time
from mailsuite.smtp.wire.replies import Reply

_COMMANDS = "STARTTLS MAIL RCPT DATA BDAT RSET NOOP VRFY HELP QUIT"


def banner(listener: Listener) -> Reply:
    """
    The greeting (RFC 5321 4.2).
    """
    return Reply(220, None, listener.our_name)


def hello(name: str) -> Reply:
    """
    The answer to HELO.
    """
    return Reply(250, None, f"Hello {name}, pleased to meet you")


def extended_hello(
    listener: Listener,
    name: str,
    offers: Offers,
    *,
    size_limit: int,
    starttls: bool,
    mechanisms: tuple[str, ...],
    now: float,
) -> Reply:
    """
    The answer to EHLO or LHLO: our name, and a keyword a line.

    :param starttls: whether STARTTLS can be had at this moment.
    :param mechanisms: what AUTH takes at this moment.
    :param now: seconds since 1970.
    """
    # RFC 5321 4.1.1.1: our own name comes first.
    lines = [
        f"{listener.our_name} Hello {name}, pleased to meet you",
        f"SIZE {size_limit}",
        "PIPELINING",
        "8BITMIME",
        "SMTPUTF8",
        "CHUNKING",
        "ENHANCEDSTATUSCODES",
    ]
    if starttls:
        lines.append("STARTTLS")
    if mechanisms:
        lines.append(f"AUTH {' '.join(mechanisms)}")
    lines += _offered(offers, now)
    limits = listener.limits
    # RFC 9422 3
    lines.append(
        f"LIMITS MAILMAX={limits.transactions} RCPTMAX={limits.recipients}"
    )
    lines.append("VRFY")
    if listener.purpose is Purpose.SUBMISSION:
        lines.append("EXPN")
    lines.append("HELP")
    return Reply(250, None, "\n".join(lines))


def _offered(offers: Offers, now: float) -> list[str]:
    lines = []
    if offers.dsn:
        lines.append("DSN")
    if offers.requiretls:
        lines.append("REQUIRETLS")
    if offers.hold_seconds:
        # RFC 4865 3
        last = print_date_time(now + offers.hold_seconds)
        lines.append(f"FUTURERELEASE {offers.hold_seconds} {last}")
    return lines


def help_text(listener: Listener) -> Reply:
    """
    The answer to HELP.
    """
    match listener.purpose:
        case Purpose.LMTP:
            own = "LHLO"
        case Purpose.MX | Purpose.LOCAL:
            own = "HELO EHLO"
        case Purpose.SUBMISSION:
            own = "HELO EHLO AUTH EXPN"
    return Reply(214, "2.0.0", f"Commands: {own} {_COMMANDS}")


def word_for_received(
    purpose: Purpose, *, extended: bool, tls: bool, login: bool, utf8: bool
) -> str:
    """
    The protocol as Received's WITH names it (RFC 3848, RFC 6531 4.3).

    :param extended: the client said EHLO or LHLO.
    """
    if not extended:
        return "SMTP"
    if purpose is Purpose.LMTP:
        word = "UTF8LMTP" if utf8 else "LMTP"
    else:
        word = "UTF8SMTP" if utf8 else "ESMTP"
    return word + ("S" if tls else "") + ("A" if login else "")

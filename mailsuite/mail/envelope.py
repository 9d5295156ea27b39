"""
What SMTP says about a message, as against what its header says.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from mailsuite.mail.address import Address


@dataclass(frozen=True, slots=True)
class Origin:
    """
    Where a message came in, for its trace fields and for policy.

    :param protocol: RFC 3848's word for Received's WITH: ``SMTP``, ``ESMTP``,
        ``ESMTPS``, ``ESMTPSA``, ``LMTP``, ``UTF8SMTP`` ...
    :param listener: ``mx``, ``submission`` or ``lmtp``: what the listener is
        for.
    :param peer: the client's IP address, without brackets; empty if it came
        by no network.
    :param helo: what the client called itself.
    :param user: the login's address, or None if the client did not log in.
    :param our_name: the host name that the listener greeted with.
    :param tls: protocol and cipher, for Received's comment; None in clear.
    :param trusted: the peer's address is one of those that may relay without
        a login.
    """

    protocol: str
    listener: str
    peer: str = ""
    helo: str = ""
    user: str | None = None
    our_name: str = "localhost"
    tls: str | None = None
    trusted: bool = False


@dataclass(frozen=True, slots=True)
class Sender:
    """
    MAIL FROM, with the parameters that count further on.

    :param reverse_path: None is the null reverse-path.
    :param size: octets as declared (RFC 1870), None if not.
    :param body: ``7BIT``, ``8BITMIME`` or ``BINARYMIME``.
    :param smtputf8: whether SMTPUTF8 was asked for (RFC 6531).
    :param returned: RET, ``FULL`` or ``HDRS`` (RFC 3461 4.3), None if absent.
    :param envelope_id: ENVID, decoded (RFC 3461 4.4).
    :param requiretls: whether REQUIRETLS was asked for (RFC 8689).
    :param hold_until: not to be sent before, seconds since 1970 (RFC 4865).
    :param tls_optional: its header says ``TLS-Required: No`` (RFC 8689 5): it
        is to arrive whatever policies say.
    """

    reverse_path: Address | None
    size: int | None = None
    body: str = "7BIT"
    smtputf8: bool = False
    parameters: tuple[tuple[str, str | None], ...] = ()
    returned: str | None = None
    envelope_id: str | None = None
    requiretls: bool = False
    hold_until: float | None = None
    tls_optional: bool = False


@dataclass(frozen=True, slots=True)
class Recipient:
    """
    RCPT TO, with its parameters.

    :param notify: NOTIFY (RFC 3461 4.1): of ``NEVER``, ``SUCCESS``,
        ``FAILURE``, ``DELAY``; None if it is absent, which is not the same as
        any of them.
    :param original: ORCPT (RFC 3461 4.2): address type and decoded address.
    """

    forward_path: Address
    parameters: tuple[tuple[str, str | None], ...] = ()
    notify: frozenset[str] | None = None
    original: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Envelope:
    """
    One transaction's sender and accepted recipients.
    """

    origin: Origin
    sender: Sender
    recipients: tuple[Recipient, ...] = field(default=())

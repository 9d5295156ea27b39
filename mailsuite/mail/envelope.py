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
    """

    protocol: str
    listener: str
    peer: str = ""
    helo: str = ""
    user: str | None = None
    our_name: str = "localhost"
    tls: str | None = None


@dataclass(frozen=True, slots=True)
class Sender:
    """
    MAIL FROM, with the parameters that count further on.

    :param reverse_path: None is the null reverse-path.
    :param size: octets as declared (RFC 1870), None if not.
    :param body: ``7BIT``, ``8BITMIME`` or ``BINARYMIME``.
    :param smtputf8: whether SMTPUTF8 was asked for (RFC 6531).
    """

    reverse_path: Address | None
    size: int | None = None
    body: str = "7BIT"
    smtputf8: bool = False
    parameters: tuple[tuple[str, str | None], ...] = ()


@dataclass(frozen=True, slots=True)
class Recipient:
    """
    RCPT TO, with its parameters.
    """

    forward_path: Address
    parameters: tuple[tuple[str, str | None], ...] = ()


@dataclass(frozen=True, slots=True)
class Envelope:
    """
    One transaction's sender and accepted recipients.
    """

    origin: Origin
    sender: Sender
    recipients: tuple[Recipient, ...] = field(default=())

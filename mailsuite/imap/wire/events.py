"""
What arrives on an IMAP connection, as values.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from mailsuite.imap.wire.commands import Append, Command

NO: Final = b"NO"
BAD: Final = b"BAD"


@dataclass(frozen=True, slots=True)
class CommandReceived:
    """
    The client asks for something; APPEND comes as ``AppendBegin`` instead.
    """

    tag: bytes
    command: Command


@dataclass(frozen=True, slots=True)
class Rejected:
    """
    What the client sent cannot be acted on; say so and go on.

    :param tag: None if there was none: then the answer is untagged.
    :param condition: ``NO`` or ``BAD``.
    :param code: the response code, without its brackets.
    :param ends: the connection cannot go on: what comes is not worth reading
        to its end.
    """

    tag: bytes | None
    condition: bytes
    code: bytes | None
    text: bytes
    ends: bool = False


@dataclass(frozen=True, slots=True)
class AppendBegin:
    """
    A message is announced: call ``accept_literal`` or ``refuse_literal``.
    """

    tag: bytes
    append: Append


@dataclass(frozen=True, slots=True)
class AppendOctets:
    """
    The next piece of the message.
    """

    octets: bytes


@dataclass(frozen=True, slots=True)
class AppendEnd:
    """
    The message is complete, and the command too.
    """

    tag: bytes


@dataclass(frozen=True, slots=True)
class AppendAborted:
    """
    The message cannot be taken: forget it, answer BAD.

    :param text: why.
    """

    tag: bytes
    text: bytes


@dataclass(frozen=True, slots=True)
class LiteralWanted:
    """
    The client waits for ``+`` before it goes on.
    """


@dataclass(frozen=True, slots=True)
class IdleDone:
    """
    DONE came.
    """

    tag: bytes


@dataclass(frozen=True, slots=True)
class SASLResponse:
    """
    The client's next part of the exchange, decoded.
    """

    octets: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class SASLCancelled:
    """
    The client gave the exchange up: answer BAD.
    """

    tag: bytes


Event = (
    CommandReceived
    | Rejected
    | AppendBegin
    | AppendOctets
    | AppendEnd
    | AppendAborted
    | LiteralWanted
    | IdleDone
    | SASLResponse
    | SASLCancelled
)

"""
What a command answers.

A command returns one of these and writes nothing itself: news of the mailbox
go between its untagged responses and the tagged one, which only the protocol
knows to do.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from mailsuite.conversation import Close, StartTLS
from mailsuite.imap.wire.responses import OK


@dataclass(frozen=True, slots=True)
class Done:
    """
    The command is carried out, or refused.

    :param text: of the tagged response.
    :param code: its response code, without brackets.
    :param untagged: whole responses that come before it.
    """

    text: bytes
    code: bytes | None = None
    untagged: bytes = b""
    condition: bytes = OK


@dataclass(frozen=True, slots=True)
class Pieces:
    """
    A long answer: untagged responses as the client takes them.

    A ``MailError`` that the iterator raises makes the tagged response NO, after
    the pieces that came before.

    :param text: of the tagged response.
    :param code: its response code, without brackets.
    """

    pieces: AsyncIterator[bytes]
    text: bytes
    code: bytes | None = None
    condition: bytes = OK


@dataclass(frozen=True, slots=True)
class Unfinished:
    """
    The command goes on: this is said, and the tagged response comes later.
    """

    octets: bytes


Answer = Done | Pieces | Unfinished | Close | StartTLS

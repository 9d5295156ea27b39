"""
A message that comes into the queue.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mailsuite.interfaces import IIncoming
from mailsuite.mail.envelope import Origin, Recipient, Sender
from mailsuite.transfer.entry import About, Route
from mailsuite.transfer.outcome import Outcome


@dataclass(frozen=True, slots=True)
class Arriving:
    """
    One copy that is to be delivered.

    :param outcome: what an attempt has come to already.
    :param confidential: the sender must not learn the address.
    """

    recipient: Recipient
    route: Route
    outcome: Outcome | None = None
    confidential: bool = False


@dataclass(frozen=True, slots=True)
class Arrival:
    """
    A message that the queue is to keep.

    :param content: all of it; or where it was written, for who discards it.
    :param skip: octets at its start, its Return-Path, that are not sent.
    :param prefix: header fields that go in front of the rest.
    :param about: what it tells of, if it is a notification.
    """

    queue_id: str
    origin: Origin
    sender: Sender
    recipients: Sequence[Arriving]
    content: bytes | IIncoming
    skip: int = 0
    prefix: bytes = b""
    about: About | None = None

"""
A queue entry as lines: what was accepted, and what has happened since.

Implementation notes

- A line is ``crc32 SP JSON LF``.  The first tells of the message; each that
  follows is an event.  What is the case is the fold of the lines.
- Lines are only ever added.  A last line that is torn was never acted upon
  and counts as absent; a bad one before it means that the file is damaged.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from mailsuite.mail.address import Address
from mailsuite.mail.envelope import Origin, Recipient, Sender

_VERSION = 1

_Parameters = tuple[tuple[str, str | None], ...]


class DamagedEntry(Exception):
    """
    A line is damaged that others follow: what was accepted is not known whole.
    """


class HalfWritten(Exception):
    """
    The entry was never complete, so nobody was told that it was.
    """


@dataclass(frozen=True, slots=True)
class QueuedRecipient:
    """
    One copy that is to be delivered to an account here.

    :param number: of this recipient in its entry, from 1.
    :param account: the account's number.
    :param address: the account's address when it was queued.
    """

    number: int
    recipient: Recipient
    account: int
    address: str


@dataclass(frozen=True, slots=True)
class Entry:
    """
    What was accepted.

    :param arrival: seconds since 1970.
    :param expiry: when trying ends, seconds since 1970.
    :param size: octets of the content.
    :param crc32: of the content.
    """

    queue_id: str
    origin: Origin
    sender: Sender
    arrival: float
    expiry: float
    size: int
    crc32: int
    recipients: tuple[QueuedRecipient, ...]


@dataclass(frozen=True, slots=True)
class Delivered:
    """
    These recipients have their copy.

    :param time: seconds since 1970.
    """

    time: float
    recipients: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Deferred:
    """
    These recipients could not take it; there will be another attempt.

    :param text: why.
    :param next: when, seconds since 1970.
    """

    time: float
    recipients: tuple[int, ...]
    text: str
    next: float


Event = Delivered | Deferred


@dataclass(frozen=True, slots=True)
class Standing:
    """
    What the lines come to.

    :param waiting: the recipients that have no copy yet.
    :param attempts: made so far for them.
    :param next: when the next is due, seconds since 1970.
    """

    entry: Entry
    waiting: tuple[QueuedRecipient, ...]
    attempts: int
    next: float

    def after(self, event: Event) -> Standing:
        """
        What is the case once ``event`` has happened.
        """
        match event:
            case Delivered(recipients=numbers):
                return replace(
                    self,
                    waiting=tuple(
                        queued
                        for queued in self.waiting
                        if queued.number not in numbers
                    ),
                )
            case Deferred(next=due):
                return replace(self, attempts=self.attempts + 1, next=due)


def standing(entry: Entry) -> Standing:
    """
    What is the case before anything has happened.
    """
    return Standing(entry, entry.recipients, 0, entry.arrival)


def first_line(entry: Entry) -> bytes:
    """
    The line that tells of the message.
    """
    origin, sender = entry.origin, entry.sender
    return _line(
        {
            "version": _VERSION,
            "id": entry.queue_id,
            "origin": {
                "protocol": origin.protocol,
                "listener": origin.listener,
                "peer": origin.peer,
                "helo": origin.helo,
                "account": origin.user,
                "our_name": origin.our_name,
                "tls": origin.tls,
            },
            "arrival": entry.arrival,
            "expiry": entry.expiry,
            "reverse_path": _printed(sender.reverse_path),
            "declared_size": sender.size,
            "body": sender.body,
            "smtputf8": sender.smtputf8,
            "parameters": sender.parameters,
            "content": {
                "size": entry.size,
                "crc32": entry.crc32,
                "skip": 0,
                "prefix": "",
            },
            "recipients": [_recipient(queued) for queued in entry.recipients],
        }
    )


def event_line(event: Event) -> bytes:
    """
    The line that tells of an event.
    """
    facts: dict[str, object] = {
        "time": event.time,
        "recipients": event.recipients,
    }
    match event:
        case Delivered():
            facts["kind"] = "delivered"
        case Deferred():
            facts |= {
                "kind": "deferred",
                "text": event.text,
                "next": event.next,
            }
    return _line(facts)


def read_entry(octets: bytes) -> tuple[Standing, int]:
    """
    What the lines of a file come to.

    :return: that, and how many octets of the file are good: fewer than it
        has if its last line is torn.
    :raises DamagedEntry, HalfWritten: it cannot be relied on.
    """
    *lines, torn = octets.split(b"\n")
    facts = [_facts(line) for line in lines]
    if facts and facts[-1] is None:
        torn = lines[-1] + b"\n" + torn
        facts.pop()
    if not facts:
        raise HalfWritten("its first line is not whole")
    whole = [fact for fact in facts if fact is not None]
    if len(whole) < len(facts):
        raise DamagedEntry("a line is damaged")
    try:
        found = _fold(_entry(whole[0]), map(_event, whole[1:]))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise DamagedEntry(f"a line lacks {error}") from error
    return found, len(octets) - len(torn)


def _fold(entry: Entry, events: Iterable[Event]) -> Standing:
    found = standing(entry)
    for event in events:
        found = found.after(event)
    return found


# --- Lines -------------------------------------------------------------------


def _line(facts: dict[str, object]) -> bytes:
    octets = json.dumps(facts, separators=(",", ":")).encode()
    return b"%08x %b\n" % (zlib.crc32(octets), octets)


# Any: what JSON holds; a wrong type is a damaged line.
def _facts(line: bytes) -> dict[str, Any] | None:
    """
    What a line says; None if it is damaged.
    """
    crc32, _, octets = line.partition(b" ")
    if crc32 != b"%08x" % zlib.crc32(octets):
        return None
    try:
        facts = json.loads(octets)
    except ValueError:
        return None
    return facts if isinstance(facts, dict) else None


# --- Values in JSON ----------------------------------------------------------


def _printed(address: Address | None) -> str | None:
    return None if address is None else str(address)


def _recipient(queued: QueuedRecipient) -> dict[str, object]:
    return {
        "number": queued.number,
        "to": str(queued.recipient.forward_path),
        "parameters": queued.recipient.parameters,
        "route": {"account": queued.account, "address": queued.address},
    }


def _entry(facts: dict[str, Any]) -> Entry:
    if facts["version"] != _VERSION:
        raise ValueError("a known version")
    path = facts["reverse_path"]
    origin = dict(facts["origin"])
    origin["user"] = origin.pop("account")
    return Entry(
        queue_id=facts["id"],
        origin=Origin(**origin),
        sender=Sender(
            None if path is None else _address(path),
            size=facts["declared_size"],
            body=facts["body"],
            smtputf8=facts["smtputf8"],
            parameters=_parameters(facts["parameters"]),
        ),
        arrival=facts["arrival"],
        expiry=facts["expiry"],
        size=facts["content"]["size"],
        crc32=facts["content"]["crc32"],
        recipients=tuple(
            QueuedRecipient(
                number=one["number"],
                recipient=Recipient(
                    _address(one["to"]), _parameters(one["parameters"])
                ),
                account=one["route"]["account"],
                address=one["route"]["address"],
            )
            for one in facts["recipients"]
        ),
    )


def _event(facts: dict[str, Any]) -> Event:
    time, numbers = facts["time"], tuple(facts["recipients"])
    match facts["kind"]:
        case "delivered":
            return Delivered(time, numbers)
        case "deferred":
            return Deferred(time, numbers, facts["text"], facts["next"])
        case kind:
            raise ValueError(f"a known kind instead of {kind}")


def _address(text: str) -> Address:
    """
    An address as ``str`` printed it; a bare ``postmaster`` has no domain.
    """
    return Address.parse(text) if "@" in text else Address(text, "")


def _parameters(pairs: list[list[str | None]]) -> _Parameters:
    return tuple((str(name), value) for name, value in pairs)

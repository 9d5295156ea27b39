"""
A queue entry as the lines of its file.

Implementation notes

- A line is ``crc32 SP JSON LF``.  The first tells of the message; each that
  follows is an event.  What is the case is the fold of the lines.
- Lines are only ever added.  A last line that is torn was never acted upon
  and counts as absent; a bad one before it means that the file is damaged.
- What is absent or as usual is left out of a line, and read as such.
"""

from __future__ import annotations

import json
import zlib
from typing import Any

from mailsuite.mail.address import Address
from mailsuite.mail.envelope import Origin, Recipient, Sender
from mailsuite.transfer.entry import (
    About,
    Attempted,
    Dropped,
    Entry,
    Event,
    Held,
    Local,
    Notice,
    QueuedRecipient,
    Released,
    Remade,
    Remote,
    Route,
    Standing,
    Stored,
    Told,
)
from mailsuite.transfer.outcome import Kind, Outcome

_VERSION = 1

_encode = json.JSONEncoder(separators=(",", ":")).encode

#: What JSON holds; a wrong type is a damaged line.
_Facts = dict[str, Any]

_Parameters = tuple[tuple[str, str | None], ...]


class DamagedEntry(Exception):
    """
    A line is damaged that others follow: what was accepted is not known whole.
    """


class HalfWritten(Exception):
    """
    The entry was never complete, so nobody was told that it was.
    """


def first_line(entry: Entry) -> bytes:
    """
    The line that tells of the message.
    """
    facts: _Facts = {
        "version": _VERSION,
        "id": entry.queue_id,
        "origin": _origin_facts(entry.origin),
        "arrival": entry.arrival,
        "expiry": entry.expiry,
        "content": _stored_facts(entry.content),
        "recipients": [_recipient_facts(x) for x in entry.recipients],
    } | _sender_facts(entry.sender)
    if entry.about is not None:
        facts["about"] = {
            "id": entry.about.queue_id,
            "recipients": entry.about.recipients,
            "notice": entry.about.notice.value,
        }
    return _line(facts)


def event_line(event: Event) -> bytes:
    """
    The line that tells of an event.
    """
    facts: _Facts = {"time": event.time}
    match event:
        case Attempted(
            recipients=numbers, outcome=outcome, next=due, attempts=attempts
        ):
            facts |= {"kind": outcome.kind.value, "recipients": numbers}
            facts |= _outcome_facts(outcome)
            if due is not None:
                facts["next"] = due
            if attempts != 1:
                facts["attempts"] = attempts
        case Told(recipients=numbers, notice=notice, queue_id=queue_id):
            facts |= {"kind": "told", "recipients": numbers}
            facts |= {"notice": notice.value, "bounce": queue_id}
        case Held(reason=reason):
            facts |= {"kind": "held", "reason": reason}
        case Released():
            facts["kind"] = "released"
        case Dropped(recipients=numbers, reason=reason):
            facts |= {"kind": "dropped", "recipients": numbers}
            facts["reason"] = reason
        case Remade(file=file, content=content):
            facts |= {"kind": "remade", "file": file}
            facts["content"] = _stored_facts(content)
    return _line(facts)


def lines(standing: Standing) -> bytes:
    """
    All lines of an entry.
    """
    return first_line(standing.entry) + b"".join(
        map(event_line, standing.events)
    )


def read_entry(octets: bytes) -> tuple[Standing, int]:
    """
    What the lines of a file come to.

    :return: that, and how many octets of the file are good: fewer than it
        has if its last line is torn.
    :raises DamagedEntry, HalfWritten: it cannot be relied on.
    """
    *whole, torn = octets.split(b"\n")
    found = [_facts(line) for line in whole]
    if found and found[-1] is None:
        torn = whole[-1] + b"\n" + torn
        found.pop()
    if not found:
        raise HalfWritten("its first line is not whole")
    facts = [one for one in found if one is not None]
    if len(facts) < len(found):
        raise DamagedEntry("a line is damaged")
    try:
        standing = Standing(_entry(facts[0]))
        standing.take_all(map(_event, facts[1:]))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise DamagedEntry(f"a line lacks {error}") from error
    return standing, len(octets) - len(torn)


# --- Lines -------------------------------------------------------------------


def _line(facts: _Facts) -> bytes:
    octets = _encode(facts).encode()
    return b"%08x %b\n" % (zlib.crc32(octets), octets)


def _facts(line: bytes) -> _Facts | None:
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


# --- The first line ----------------------------------------------------------


def _origin_facts(origin: Origin) -> _Facts:
    return {
        "protocol": origin.protocol,
        "listener": origin.listener,
        "peer": origin.peer,
        "helo": origin.helo,
        "account": origin.user,
        "our_name": origin.our_name,
        "tls": origin.tls,
    }


def _sender_facts(sender: Sender) -> _Facts:
    path = sender.reverse_path
    facts: _Facts = {
        "reverse_path": None if path is None else str(path),
        "body": sender.body,
    }
    optional: _Facts = {
        "declared_size": sender.size,
        "smtputf8": sender.smtputf8,
        "parameters": sender.parameters,
        "ret": sender.returned,
        "envid": sender.envelope_id,
        "requiretls": sender.requiretls,
        "hold_until": sender.hold_until,
        "tls_optional": sender.tls_optional,
    }
    return facts | {name: x for name, x in optional.items() if x}


def _stored_facts(stored: Stored) -> _Facts:
    return {
        "size": stored.size,
        "crc32": stored.crc32,
        "skip": stored.skip,
        "prefix": stored.prefix.decode("latin-1"),
    }


def _recipient_facts(queued: QueuedRecipient) -> _Facts:
    recipient = queued.recipient
    facts: _Facts = {
        "number": queued.number,
        "to": str(recipient.forward_path),
    }
    match queued.route:
        case Local(account, address, junk):
            facts["route"] = {"account": account, "address": address}
            if junk:
                facts["route"]["junk"] = True
        case Remote(domain, reverse_path):
            facts["route"] = {"domain": domain}
            if reverse_path is not None:
                facts["route"]["reverse_path"] = str(reverse_path)
    if recipient.parameters:
        facts["parameters"] = recipient.parameters
    if recipient.notify is not None:
        facts["notify"] = sorted(recipient.notify)
    if recipient.original is not None:
        facts["orcpt"] = recipient.original
    if queued.confidential:
        facts["confidential"] = True
    return facts


def _entry(facts: _Facts) -> Entry:
    if facts["version"] != _VERSION:
        raise ValueError("a known version")
    origin = dict(facts["origin"])
    origin["user"] = origin.pop("account")
    about = facts.get("about")
    return Entry(
        queue_id=facts["id"],
        origin=Origin(**origin),
        sender=_sender(facts),
        arrival=facts["arrival"],
        expiry=facts["expiry"],
        content=Stored(**_stored(facts["content"])),
        recipients=tuple(map(_recipient, facts["recipients"])),
        about=None if about is None else _about(about),
    )


def _about(facts: _Facts) -> About:
    return About(
        facts["id"], tuple(facts["recipients"]), Notice(facts["notice"])
    )


def _sender(facts: _Facts) -> Sender:
    path = facts["reverse_path"]
    return Sender(
        None if path is None else _address(path),
        size=facts.get("declared_size"),
        body=facts["body"],
        smtputf8=facts.get("smtputf8", False),
        parameters=_parameters(facts.get("parameters", [])),
        returned=facts.get("ret"),
        envelope_id=facts.get("envid"),
        requiretls=facts.get("requiretls", False),
        hold_until=facts.get("hold_until"),
        tls_optional=facts.get("tls_optional", False),
    )


def _stored(facts: _Facts) -> _Facts:
    return facts | {"prefix": facts["prefix"].encode("latin-1")}


def _recipient(facts: _Facts) -> QueuedRecipient:
    notify, original = facts.get("notify"), facts.get("orcpt")
    return QueuedRecipient(
        number=facts["number"],
        recipient=Recipient(
            _address(facts["to"]),
            _parameters(facts.get("parameters", [])),
            notify=None if notify is None else frozenset(notify),
            original=None if original is None else (original[0], original[1]),
        ),
        route=_route(facts["route"]),
        confidential=facts.get("confidential", False),
    )


def _route(facts: _Facts) -> Route:
    if "account" in facts:
        return Local(
            facts["account"], facts["address"], facts.get("junk", False)
        )
    path = facts.get("reverse_path")
    return Remote(facts["domain"], None if path is None else _address(path))


def _address(text: str) -> Address:
    """
    An address as ``str`` printed it; a bare ``postmaster`` has no domain.
    """
    return Address.parse(text) if "@" in text else Address(text, "")


def _parameters(pairs: list[list[str | None]]) -> _Parameters:
    return tuple((str(name), value) for name, value in pairs)


# --- Events ------------------------------------------------------------------


def _outcome_facts(outcome: Outcome) -> _Facts:
    optional: _Facts = {
        "enhanced": outcome.enhanced,
        "text": outcome.text,
        "code": outcome.code,
        "peer": outcome.peer,
        "takes_dsn": outcome.takes_dsn,
        "for_postmaster": outcome.for_postmaster,
    }
    return {name: x for name, x in optional.items() if x}


def _outcome(facts: _Facts) -> Outcome:
    return Outcome(
        Kind(facts["kind"]),
        facts.get("enhanced", ""),
        facts.get("text", ""),
        code=facts.get("code"),
        peer=facts.get("peer", ""),
        takes_dsn=facts.get("takes_dsn", False),
        for_postmaster=facts.get("for_postmaster", False),
    )


def _event(facts: _Facts) -> Event:
    time, numbers = facts["time"], tuple(facts.get("recipients", ()))
    match facts["kind"]:
        case "delivered" | "sent" | "expanded" | "deferred" | "failed":
            return Attempted(
                time,
                numbers,
                _outcome(facts),
                facts.get("next"),
                facts.get("attempts", 1),
            )
        case "told":
            notice = Notice(facts["notice"])
            return Told(time, numbers, notice, facts["bounce"])
        case "held":
            return Held(time, facts["reason"])
        case "released":
            return Released(time)
        case "dropped":
            return Dropped(time, numbers, facts["reason"])
        case "remade":
            return Remade(
                time, facts["file"], Stored(**_stored(facts["content"]))
            )
        case kind:
            raise ValueError(f"a known kind instead of {kind}")

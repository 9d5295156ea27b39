"""
The configuration's tables about mail that goes out, and about whom mail that
comes in is believed.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from pathlib import Path
from typing import Literal

import msgspec

from mailsuite.app import values

RouteTLS = Literal["opportunistic", "none", "verified", "implicit"]
Policy = Literal["note", "junk", "reject"]

#: A key, what was found there, and what is expected instead.
Finding = tuple[str, str, str]

#: What a route is for: what is expected of it, and its one spelling.
_SPELLINGS = (
    ("to", values.expected_recipients, values.recipients_key),
    ("sender", values.expected_sender, values.sender_key),
)

#: The longest that the queue may be told to wait for anything.
_DAYS_OF_A_YEAR = 365


class Relay(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """
    Who may send through us without a login.
    """

    networks: list[str] = []


class DNS(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """
    Whom names are asked of.

    :param servers: addresses, ``192.0.2.1`` or ``192.0.2.1:5353``; none means
        the system's.
    :param trust_ad: servers elsewhere than on loopback are believed that they
        validated.
    """

    servers: list[str] = []
    trust_ad: bool = False


class QueueTimes(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """
    When the queue tries again, and when it gives up.
    """

    retry_minutes: list[float] = msgspec.field(
        default_factory=lambda: [5, 10, 15, 30, 60, 120]
    )
    later_minutes: float = 240
    warn_hours: float = 4
    days: float = 5
    bounce_days: float = 2

    def following_days(self, given: Container[str]) -> QueueTimes:
        """
        The same, with times that were not given no longer than ``days``.
        """
        if not self.days > 0:
            return self
        return msgspec.structs.replace(
            self,
            **{
                name: min(getattr(self, name), most)
                for name, most in (
                    ("warn_hours", 24 * self.days),
                    ("bounce_days", self.days),
                )
                if name not in given
            },
        )


class Sending(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """
    How mail goes out.

    :param sources: our addresses to send from, at most one of each family;
        none means what the system chooses.
    :param authorities: a PEM file of the authorities that are believed; none
        means the system's.
    """

    port: int = 25
    connections: int = 100
    connections_per_destination: int = 20
    sources: list[str] = []
    authorities: str = ""


class Route(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """
    A way that is not the DNS's: for recipients ``to`` or senders ``sender``.

    :param via: a host or ``host:port``; empty means by MX, for a route that
        only chooses sources.
    :param password_file: its first line is the password.
    """

    to: str = ""
    sender: str = ""
    via: str = ""
    tls: RouteTLS = "opportunistic"
    user: str = ""
    password_file: str = ""
    sources: list[str] = []


class Checks(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """
    What is done about mail from elsewhere that is not what it says.

    :param exempt: addresses and networks whose mail is not looked at.
    :param trusted_sealers: domains whose ARC seals are believed.
    """

    exempt: list[str] = msgspec.field(
        default_factory=lambda: ["127.0.0.0/8", "::1"]
    )
    trusted_sealers: list[str] = []
    spf_fail: Policy = "note"
    spf_never: Policy = "reject"
    dkim_fail: Policy = "note"
    dmarc_quarantine: Policy = "junk"
    dmarc_reject: Policy = "junk"


class Reports(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """
    Reports to other domains' owners about mail that came in or went out.
    """

    dmarc: bool = False
    tls: bool = False


def password_in(path: str) -> str:
    """
    The password that a route's file holds.

    :raises OSError: it cannot be read.
    :raises ValueError: its first line is empty, or no UTF-8.
    """
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    if not lines or not lines[0]:
        raise ValueError("its first line is empty")
    return lines[0]


def networks_faults(key: str, networks: list[str]) -> Iterator[Finding]:
    """
    What is wrong with a list of addresses and networks.
    """
    for place, network in enumerate(networks):
        if expected := values.expected_network(network):
            yield f"{key}[{place}]", repr(network), expected


def sending_faults(
    relay: Relay,
    dns: DNS,
    queue: QueueTimes,
    sending: Sending,
    routes: list[Route],
    checks: Checks,
) -> Iterator[Finding]:
    """
    What is wrong with values that are each well formed.
    """
    yield from networks_faults("relay.networks", relay.networks)
    yield from networks_faults("checks.exempt", checks.exempt)
    for place, server in enumerate(dns.servers):
        if expected := values.expected_server(server):
            yield f"dns.servers[{place}]", repr(server), expected
    yield from _times(queue)
    for name, most in (
        ("port", 65535),
        ("connections", 10000),
        ("connections_per_destination", 1000),
    ):
        number = getattr(sending, name)
        if expected := values.expected_number(number, 1, most):
            yield f"sending.{name}", str(number), expected
    yield from _sources("sending.sources", sending.sources)
    for place, sealer in enumerate(checks.trusted_sealers):
        if expected := values.expected_domain(sealer):
            yield f"checks.trusted_sealers[{place}]", repr(sealer), expected
    for place, route in enumerate(routes):
        if route is not None:  # else not well formed: it has its fault
            yield from _route(f"route[{place}]", route)
    yield from _repeated(routes)


def _times(queue: QueueTimes) -> Iterator[Finding]:
    if not queue.retry_minutes:
        yield "queue.retry_minutes", "[]", "one number or more: [5, 10, 15]"
    days = queue.days if 0 < queue.days <= _DAYS_OF_A_YEAR else _DAYS_OF_A_YEAR
    minutes = _DAYS_OF_A_YEAR * 24 * 60
    until = f", as days is {days:g}"
    checked: list[tuple[str, float, float, str]] = [
        (f"retry_minutes[{place}]", number, minutes, "")
        for place, number in enumerate(queue.retry_minutes)
    ]
    checked += [
        ("later_minutes", queue.later_minutes, minutes, ""),
        ("warn_hours", queue.warn_hours, 24 * days, until),
        ("days", queue.days, _DAYS_OF_A_YEAR, ""),
        ("bounce_days", queue.bounce_days, days, until),
    ]
    for name, number, most, why in checked:
        if not 0 < number <= most:
            yield (
                f"queue.{name}",
                f"{number:g}",
                f"a number above 0, {most:.10g} at most{why}",
            )


def _sources(key: str, sources: list[str]) -> Iterator[Finding]:
    families = set()
    for place, source in enumerate(sources):
        if expected := values.expected_ip_address(source):
            yield f"{key}[{place}]", repr(source), expected
        family = ":" in source
        if family in families:
            yield (
                f"{key}[{place}]",
                repr(source),
                "at most one IPv4 and one IPv6 address",
            )
        families.add(family)


def _route(key: str, route: Route) -> Iterator[Finding]:
    if bool(route.to) == bool(route.sender):
        found = "both to and sender" if route.to else "neither to nor sender"
        yield key, found, "one of them"
    if route.to and (expected := values.expected_recipients(route.to)):
        yield f"{key}.to", repr(route.to), expected
    if route.sender and (expected := values.expected_sender(route.sender)):
        yield f"{key}.sender", repr(route.sender), expected
    if route.via:
        if expected := values.expected_hop(route.via):
            yield f"{key}.via", repr(route.via), expected
    elif not route.sources:
        yield f"{key}.via", "''", "a host such as 'smtp.example.net:587'"
    yield from _sources(f"{key}.sources", route.sources)
    if bool(route.user) != bool(route.password_file):
        yield key, "a user or a password_file alone", "both, or neither"
    if route.user and route.tls in ("none", "opportunistic"):
        yield (
            f"{key}.tls",
            repr(route.tls),
            "'verified' or 'implicit', as a password is sent",
        )


def _repeated(routes: list[Route]) -> Iterator[Finding]:
    """
    Routes for what an earlier one is for already, in whatever spelling.
    """
    places: dict[tuple[str, str], str] = {}
    for place, route in enumerate(routes):
        if route is None:
            continue
        for name, expected, spelling in _SPELLINGS:
            text = getattr(route, name)
            if not text or expected(text):
                continue
            key = f"route[{place}]"
            other = places.setdefault((name, spelling(text)), key)
            if other != key:
                yield (
                    f"{key}.{name}",
                    f"{text!r}, as in {other}",
                    "one route for each",
                )

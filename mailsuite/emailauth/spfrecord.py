"""
An SPF record as a value (RFC 7208 4.5, 4.6, 5, 6 and 12).

Implementation notes

- The whole record is read before any of it is acted on: an error in its last
  term counts as much as one in its first (RFC 7208 4.6).
- Terms are separated by spaces, and by nothing else: no tab, no line end.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network

from mailsuite.emailauth.spfmacros import (
    MacroString,
    parse_domain_spec,
    parse_macros,
)
from mailsuite.emailauth.verdict import Verdict

#: Octets of a record that are looked at; RFC 7208 3.4 wishes for 450.
LONGEST_RECORD = 8192
_MOST_TERMS = 512

_VERSION = b"v=spf1"
_QUALIFIERS = {
    "+": Verdict.PASS,
    "-": Verdict.FAIL,
    "~": Verdict.SOFTFAIL,
    "?": Verdict.NEUTRAL,
}
_MODIFIER = re.compile(r"([A-Za-z][A-Za-z0-9._-]*)=(.*)", re.DOTALL)
_MECHANISM = re.compile(r"([+?~-]?)([A-Za-z0-9]+)(?:([:/])(.*))?", re.DOTALL)
_CIDR_LENGTHS = re.compile(r"(?:/(0|[1-9]\d?))?(?://(0|[1-9]\d{0,2}))?\Z")


@dataclass(frozen=True, slots=True)
class All:
    """
    ``all`` (RFC 7208 5.1).
    """


@dataclass(frozen=True, slots=True)
class Include:
    """
    ``include`` (RFC 7208 5.2).
    """

    domain: MacroString


@dataclass(frozen=True, slots=True)
class Hosts:
    """
    ``a`` and ``mx`` (RFC 7208 5.3 and 5.4).

    :param exchangers: it is ``mx``.
    :param domain: None: the domain whose record this is.
    """

    exchangers: bool
    domain: MacroString | None
    prefix4: int
    prefix6: int


@dataclass(frozen=True, slots=True)
class Pointer:
    """
    ``ptr`` (RFC 7208 5.5).
    """

    domain: MacroString | None


@dataclass(frozen=True, slots=True)
class Network:
    """
    ``ip4`` and ``ip6`` (RFC 7208 5.6).
    """

    network: IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Exists:
    """
    ``exists`` (RFC 7208 5.7).
    """

    domain: MacroString


Mechanism = All | Include | Hosts | Pointer | Network | Exists


@dataclass(frozen=True, slots=True)
class Directive:
    """
    A mechanism and what its match means.

    :param text: as it is published.
    """

    verdict: Verdict
    mechanism: Mechanism
    text: str


@dataclass(frozen=True, slots=True)
class SPFRecord:
    """
    What a domain publishes.

    :param redirect: RFC 7208 6.1; None also where an ``all`` makes it idle.
    :param explanation: where the text for a fail is (RFC 7208 6.2).
    """

    directives: tuple[Directive, ...]
    redirect: MacroString | None = None
    explanation: MacroString | None = None

    @classmethod
    def parse(cls, octets: bytes) -> SPFRecord:
        """
        Read a record that ``is_spf`` knows as one.

        :raises ValueError: its syntax is broken somewhere; the text may hold
            what the record does.
        """
        if len(octets) > LONGEST_RECORD:
            raise ValueError("the record is too long")
        if not octets.isascii():
            raise ValueError("the record is not in ASCII")
        terms = [t for t in octets[len(_VERSION) :].decode().split(" ") if t]
        if len(terms) > _MOST_TERMS:
            raise ValueError("the record has too many terms")
        directives: list[Directive] = []
        modifiers: dict[str, MacroString] = {}
        for term in terms:
            modifier = _MODIFIER.fullmatch(term)
            if modifier is not None:
                _add_modifier(modifiers, modifier[1].lower(), modifier[2])
            else:
                directives.append(_directive(term))
        has_all = any(isinstance(d.mechanism, All) for d in directives)
        return cls(
            tuple(directives),
            None if has_all else modifiers.get("redirect"),
            modifiers.get("exp"),
        )

    @property
    def fails_all(self) -> bool:
        """
        Whether it is ``v=spf1 -all`` and no more: a domain that never mails.
        """
        return (
            len(self.directives) == 1
            and isinstance(self.directives[0].mechanism, All)
            and self.directives[0].verdict is Verdict.FAIL
        )


def is_spf(octets: bytes) -> bool:
    """
    Whether a TXT record is one of SPF (RFC 7208 4.5).
    """
    start = octets[: len(_VERSION) + 1].lower()
    return start == _VERSION or start == _VERSION + b" "


def _add_modifier(
    modifiers: dict[str, MacroString], name: str, value: str
) -> None:
    if name not in {"redirect", "exp"}:
        # RFC 7208 6: unknown ones are ignored, if they are well formed.
        parse_macros(value)
    elif name in modifiers:
        raise ValueError(f"{name}= twice")
    else:
        modifiers[name] = parse_domain_spec(value)


def _directive(term: str) -> Directive:
    found = _MECHANISM.fullmatch(term)
    if found is None:
        raise ValueError(f"not a mechanism: {term}")
    qualifier, name, mark, rest = found.groups()
    mechanism = _mechanism(name.lower(), mark, rest or "")
    if mechanism is None:
        raise ValueError(f"not a mechanism: {term}")
    return Directive(_QUALIFIERS[qualifier or "+"], mechanism, term)


def _mechanism(name: str, mark: str | None, rest: str) -> Mechanism | None:
    """
    :return: None if no such mechanism can stand with such a value.
    """
    match name, mark:
        case "all", None:
            return All()
        case "include", ":":
            return Include(parse_domain_spec(rest))
        case "exists", ":":
            return Exists(parse_domain_spec(rest))
        case "ptr", None:
            return Pointer(None)
        case "ptr", ":":
            return Pointer(parse_domain_spec(rest))
        case "a" | "mx", _:
            return _hosts(name == "mx", mark, rest)
        case "ip4", ":":
            return Network(_network(IPv4Network, rest))
        case "ip6", ":":
            return Network(_network(IPv6Network, rest))
        case _:
            return None


def _hosts(exchangers: bool, mark: str | None, rest: str) -> Hosts:
    if mark == "/":
        rest = "/" + rest
    lengths = _CIDR_LENGTHS.search(rest)
    # It matches the empty end of any text.
    assert lengths is not None
    prefix4, prefix6 = int(lengths[1] or 32), int(lengths[2] or 128)
    if prefix4 > 32 or prefix6 > 128:
        raise ValueError(f"not a prefix length: {rest}")
    domain = rest[: lengths.start()]
    if mark == ":":
        return Hosts(exchangers, parse_domain_spec(domain), prefix4, prefix6)
    if domain:
        raise ValueError(f"not a prefix length: {rest}")
    return Hosts(exchangers, None, prefix4, prefix6)


def _network(
    kind: type[IPv4Network] | type[IPv6Network], text: str
) -> IPv4Network | IPv6Network:
    """
    RFC 7208 5.6 and 12; the host's bits count for nothing.
    """
    address, slash, length = text.partition("/")
    if "%" in address:
        raise ValueError(f"not an address: {text}")
    if slash and not re.fullmatch(r"0|[1-9][0-9]{0,2}", length):
        raise ValueError(f"not a prefix length: {text}")
    return kind(text, strict=False)

"""
May this client send for that domain? (SPF, RFC 7208)

Implementation notes

- The limits of RFC 7208 4.6.4 are kept here; the time limit is the caller's,
  who answers the questions.
- What the client's own operator controls (the names of its address) counts
  for no void lookup: else a broken reverse zone would break a good record.
- Local parts outside ASCII match no term that holds them (RFC 8616 4).
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv4Address, IPv6Address, ip_address

from mailsuite.emailauth.domains import (
    LONGEST_NAME,
    ascii_domain,
    is_within,
    mail_domain,
)
from mailsuite.emailauth.spfmacros import MacroString, parse_explanation
from mailsuite.emailauth.spfrecord import (
    All,
    Directive,
    Exists,
    Hosts,
    Include,
    Mechanism,
    Network,
    Pointer,
    SPFRecord,
    is_spf,
)
from mailsuite.emailauth.verdict import Verdict
from mailsuite.mail.address import Address
from mailsuite.mail.dns import (
    Answer,
    Found,
    Inquiry,
    MailExchange,
    Question,
    RecordType,
)

# RFC 7208 4.6.4
MOST_LOOKUPS = 10
MOST_VOID_LOOKUPS = 2
MOST_EXCHANGERS = 10
MOST_POINTERS = 10

#: Octets of an explanation that are read, and characters that are told.
_LONGEST_EXPLANATION = 1024
_LONGEST_TOLD = 400


class Scope(Enum):
    """
    Which of SPF's two identities (RFC 7208 2.3 and 2.4).
    """

    HELO = "helo"
    MAIL_FROM = "mfrom"


@dataclass(frozen=True, slots=True)
class SPFIdentity:
    """
    Who the client says to send for.

    :param domain: as the client wrote it.
    """

    scope: Scope
    local_part: str
    domain: str


def helo_identity(helo: str) -> SPFIdentity:
    """
    The HELO identity (RFC 7208 2.3).
    """
    return SPFIdentity(Scope.HELO, "postmaster", helo)


def mail_from(reverse_path: Address | None, helo: str) -> SPFIdentity:
    """
    The MAIL FROM identity (RFC 7208 2.4); that of HELO for a null path.
    """
    if reverse_path is None:
        return SPFIdentity(Scope.MAIL_FROM, "postmaster", helo)
    return SPFIdentity(
        Scope.MAIL_FROM,
        reverse_path.local_part or "postmaster",
        reverse_path.domain,
    )


@dataclass(frozen=True, slots=True)
class SPFResult:
    """
    What came out (RFC 7208 2.6).

    :param why: which term matched, or what went wrong, in words for a log;
        it may hold what the record holds.
    :param explanation: the domain's own words for a fail, in printable ASCII;
        empty if it has none.
    :param fails_all: the record is ``v=spf1 -all``, of the identity's own
        domain, and no more.
    """

    verdict: Verdict
    identity: SPFIdentity
    why: str = ""
    explanation: str = ""
    fails_all: bool = False


def check(
    address: str,
    identity: SPFIdentity,
    helo: str,
    *,
    receiver: str,
    now: int,
) -> Inquiry[SPFResult]:
    """
    RFC 7208 4's check_host().

    :param address: the client's; an IPv4-mapped one counts as IPv4.
    :param receiver: our name, and ``now`` seconds since 1970: what macros in
        an explanation may ask for.
    """
    domain = mail_domain(identity.domain)
    if domain is None:
        return SPFResult(
            Verdict.NONE, identity, "no domain that could publish SPF"
        )
    evaluation = _Evaluation(_client(address), identity, helo, receiver, now)
    try:
        outcome = yield from evaluation.check_host(domain)
        explanation = yield from evaluation.explain(outcome)
    except _Temporary as fact:
        return SPFResult(Verdict.TEMPERROR, identity, str(fact))
    except _Permanent as fact:
        return SPFResult(Verdict.PERMERROR, identity, str(fact))
    return SPFResult(
        outcome.verdict,
        identity,
        outcome.why,
        explanation,
        outcome.domain == domain
        and outcome.record is not None
        and outcome.record.fails_all,
    )


def _client(address: str) -> IPv4Address | IPv6Address:
    found = ip_address(address)
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        return found.ipv4_mapped
    return found


class _Temporary(Exception):
    """
    The DNS did not answer.
    """


class _Permanent(Exception):
    """
    The records cannot be understood, or ask for too much.
    """


@dataclass(frozen=True, slots=True)
class _Outcome:
    """
    What a record came to.

    :param domain: whose record decided, after redirections.
    """

    verdict: Verdict
    domain: str
    record: SPFRecord | None
    why: str


class _Evaluation:
    """
    One check: its facts, and what it has spent.
    """

    def __init__(
        self,
        client: IPv4Address | IPv6Address,
        identity: SPFIdentity,
        helo: str,
        receiver: str,
        now: int,
    ) -> None:
        self._client = client
        self._lookups = 0
        self._void_lookups = 0
        self._names: list[str] | None = None
        origin = ascii_domain(identity.domain) or identity.domain
        is_ipv4 = isinstance(client, IPv4Address)
        #: RFC 7208 7.2's letters, but ``d`` and ``p``.
        self._values = {
            "s": f"{identity.local_part}@{origin}",
            "l": identity.local_part,
            "o": origin,
            "i": str(client) if is_ipv4 else ".".join(_nibbles(client)),
            "v": "in-addr" if is_ipv4 else "ip6",
            "h": ascii_domain(helo) or helo,
            "c": str(client),
            "r": receiver,
            "t": str(now),
        }

    def check_host(self, domain: str) -> Inquiry[_Outcome]:
        """
        Evaluate the record of a domain.

        :raises _Temporary, _Permanent: it came to no more than that.
        """
        while True:
            record = yield from self._record(domain)
            if record is None:
                return _Outcome(
                    Verdict.NONE, domain, None, f"{domain} has no SPF record"
                )
            for directive in record.directives:
                matches = yield from self._matches(directive.mechanism, domain)
                if matches:
                    return _matched(directive, domain, record)
            if record.redirect is None:
                # RFC 7208 4.7
                return _Outcome(
                    Verdict.NEUTRAL, domain, record, f"no term of {domain}"
                )
            domain = yield from self._redirected(record.redirect, domain)

    def explain(self, outcome: _Outcome) -> Inquiry[str]:
        """
        The domain's words for a fail (RFC 7208 6.2); empty if there are none.
        """
        record = outcome.record
        if (
            outcome.verdict is not Verdict.FAIL
            or record is None
            or record.explanation is None
        ):
            return ""
        name = yield from self._expanded(record.explanation, outcome.domain)
        if name is None:
            return ""
        answer = yield Question(name, RecordType.TXT)
        if len(answer.records) != 1:
            return ""
        text = _octets(answer.records[0])[:_LONGEST_EXPLANATION]
        try:
            words = parse_explanation(text.decode("ascii"))
        except ValueError:
            return ""
        values = yield from self._values_for(words, outcome.domain)
        told = words.expand(values)[:_LONGEST_TOLD]
        return told if told.isascii() and told.isprintable() else ""

    def _record(self, domain: str) -> Inquiry[SPFRecord | None]:
        """
        RFC 7208 4.4 and 4.5.
        """
        answer = yield Question(domain, RecordType.TXT)
        if answer.found is Found.FAILED:
            raise _Temporary(f"no answer for the TXT records of {domain}")
        records = [
            octets for octets in map(_octets, answer.records) if is_spf(octets)
        ]
        if not records:
            return None
        if len(records) > 1:
            raise _Permanent(f"{domain} has several SPF records")
        try:
            return SPFRecord.parse(records[0])
        except ValueError as fact:
            raise _Permanent(f"SPF record of {domain}: {fact}") from fact

    def _redirected(self, redirect: MacroString, domain: str) -> Inquiry[str]:
        """
        Where the record of ``redirect=`` is (RFC 7208 6.1).
        """
        self._count_lookup()
        target = yield from self._expanded(redirect, domain)
        if target is None or not (yield from self._has_record(target)):
            raise _Permanent(f"{domain} redirects to where no SPF record is")
        return target

    def _has_record(self, domain: str) -> Inquiry[bool]:
        return (yield from self._record(domain)) is not None

    def _matches(self, mechanism: Mechanism, domain: str) -> Inquiry[bool]:
        match mechanism:
            case All():
                return True
            case Network(network):
                return self._client in network
            case Include(spec):
                return (yield from self._includes(spec, domain))
            case Hosts():
                return (yield from self._among_hosts(mechanism, domain))
            case Exists(spec):
                return (yield from self._exists(spec, domain))
            case Pointer(spec):
                return (yield from self._named_within(spec, domain))

    def _includes(self, spec: MacroString, domain: str) -> Inquiry[bool]:
        """
        RFC 7208 5.2
        """
        self._count_lookup()
        target = yield from self._expanded(spec, domain)
        if target is None:
            raise _Permanent(f"{domain} includes what is no domain")
        outcome = yield from self.check_host(target)
        if outcome.verdict is Verdict.NONE:
            raise _Permanent(f"{domain} includes {target}: {outcome.why}")
        return outcome.verdict is Verdict.PASS

    def _among_hosts(self, hosts: Hosts, domain: str) -> Inquiry[bool]:
        """
        RFC 7208 5.3 and 5.4
        """
        self._count_lookup()
        target: str | None = domain
        if hosts.domain is not None:
            target = yield from self._expanded(hosts.domain, domain)
        if target is None:
            return False
        if not hosts.exchangers:
            return (yield from self._has_client(target, hosts))
        answer = yield from self._ask(target, RecordType.MX)
        if len(answer.records) > MOST_EXCHANGERS:
            raise _Permanent(f"{target} has too many MX records")
        for exchange in answer.records:
            if isinstance(exchange, MailExchange):
                name = ascii_domain(exchange.host)
                if name and (yield from self._has_client(name, hosts)):
                    return True
        return False

    def _has_client(self, name: str, hosts: Hosts) -> Inquiry[bool]:
        """
        Whether the client is in the network of one of the name's addresses.
        """
        answer = yield from self._ask(name, self._address_type())
        is_ipv4 = isinstance(self._client, IPv4Address)
        shift = 32 - hosts.prefix4 if is_ipv4 else 128 - hosts.prefix6
        network = int(self._client) >> shift
        return any(
            int(address) >> shift == network for address in _addresses(answer)
        )

    def _exists(self, spec: MacroString, domain: str) -> Inquiry[bool]:
        """
        RFC 7208 5.7: always A, whatever the client's family.
        """
        self._count_lookup()
        target = yield from self._expanded(spec, domain)
        if target is None:
            return False
        answer = yield from self._ask(target, RecordType.A)
        return bool(answer.records)

    def _named_within(
        self, spec: MacroString | None, domain: str
    ) -> Inquiry[bool]:
        """
        RFC 7208 5.5
        """
        self._count_lookup()
        target: str | None = domain
        if spec is not None:
            target = yield from self._expanded(spec, domain)
        if target is None:
            return False
        names = yield from self._client_names()
        return any(is_within(name, target) for name in names)

    def _client_names(self) -> Inquiry[list[str]]:
        """
        The client's names that lead back to it; asked for once.
        """
        if self._names is None:
            self._names = yield from client_names(self._client, MOST_POINTERS)
        return self._names

    def _expanded(self, spec: MacroString, domain: str) -> Inquiry[str | None]:
        """
        The name that a domain-spec stands for.

        :return: None if nothing could be asked for it.
        """
        values = yield from self._values_for(spec, domain)
        name = spec.expand(values).removesuffix(".")
        # RFC 7208 7.3: too long a name loses labels on the left.
        while len(name) > LONGEST_NAME and "." in name:
            name = name.partition(".")[2]
        # RFC 8616 4: what is not ASCII comes from a local part.
        return ascii_domain(name) if name.isascii() else None

    def _values_for(
        self, text: MacroString, domain: str
    ) -> Generator[Question, Answer, dict[str, str]]:
        values = self._values | {"d": domain}
        if "p" in text.letters:
            names = yield from self._client_names()
            values["p"] = _best_name(names, domain)
        return values

    def _ask(self, name: str, type_: RecordType) -> Inquiry[Answer]:
        """
        A question of a mechanism.

        :raises _Temporary: there is no answer.
        :raises _Permanent: too many had nothing in them.
        """
        answer = yield Question(name, type_)
        if answer.found is Found.FAILED:
            raise _Temporary(f"no answer for {type_.value} of {name}")
        if not answer.records:
            self._void_lookups += 1
            if self._void_lookups > MOST_VOID_LOOKUPS:
                raise _Permanent("too many lookups find nothing")
        return answer

    def _count_lookup(self) -> None:
        self._lookups += 1
        if self._lookups > MOST_LOOKUPS:
            raise _Permanent("too many lookups")

    def _address_type(self) -> RecordType:
        return address_type(self._client)


def address_type(client: IPv4Address | IPv6Address) -> RecordType:
    """
    The record type that holds addresses of the client's family.
    """
    return RecordType.A if client.version == 4 else RecordType.AAAA


def client_names(
    client: IPv4Address | IPv6Address, limit: int
) -> Inquiry[list[str]]:
    """
    The names of an address that have that address (RFC 7208 5.5).

    Names without an answer are passed over.

    :param limit: how many names are looked at.
    """
    answer = yield Question(client.reverse_pointer, RecordType.PTR)
    names = []
    for record in answer.records[:limit]:
        name = ascii_domain(str(record))
        if name is None:
            continue
        addresses = yield Question(name, address_type(client))
        if client in _addresses(addresses):
            names.append(name)
    return names


def _matched(directive: Directive, domain: str, record: SPFRecord) -> _Outcome:
    return _Outcome(
        directive.verdict, domain, record, f"{directive.text} of {domain}"
    )


def _best_name(names: list[str], domain: str) -> str:
    """
    RFC 7208 7.3: the domain itself, one below it, any, or ``unknown``.
    """
    within = [name for name in names if is_within(name, domain)]
    if domain in within:
        return domain
    return (within or names or ["unknown"])[0]


def _nibbles(address: IPv4Address | IPv6Address) -> str:
    return address.packed.hex().upper()


def _octets(record: object) -> bytes:
    return record if isinstance(record, bytes) else b""


def _addresses(answer: Answer) -> list[IPv4Address | IPv6Address]:
    found = []
    for record in answer.records:
        try:
            found.append(ip_address(str(record)))
        except ValueError:
            continue
    return found

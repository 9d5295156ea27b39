"""
One evaluation of SPF records: what RFC 7208 4.6 to 7 say.

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
from ipaddress import IPv4Address, IPv6Address

from mailsuite.emailauth.domains import LONGEST_NAME, ascii_domain, is_within
from mailsuite.emailauth.reverse import (
    address_type,
    addresses,
    reverse_names,
)
from mailsuite.emailauth.spfmacros import MacroString, parse_explanation
from mailsuite.emailauth.spfrecord import (
    All,
    Exists,
    Hosts,
    Include,
    Mechanism,
    Network,
    Pointer,
    SPFRecord,
    is_spf,
)
from mailsuite.emailauth.verdict import Unanswered, Verdict
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


class Unusable(Exception):
    """
    The records cannot be understood, or ask for too much.
    """


@dataclass(frozen=True, slots=True)
class Outcome:
    """
    What a record came to.

    :param domain: whose record decided, after redirections.
    """

    verdict: Verdict
    domain: str
    record: SPFRecord | None
    why: str


class Evaluation:
    """
    One check: its facts, and what it has spent.

    :param sender: the identity's local part and domain, the latter as
        A-labels.
    :param receiver: our name, and ``now`` seconds since 1970, for macros.
    """

    def __init__(
        self,
        client: IPv4Address | IPv6Address,
        sender: tuple[str, str],
        helo: str,
        *,
        receiver: str,
        now: int,
    ) -> None:
        self._client = client
        self._lookups = 0
        self._void_lookups = 0
        self._names: tuple[str, ...] | None = None
        local_part, domain = sender
        is_ipv4 = isinstance(client, IPv4Address)
        #: RFC 7208 7.2's letters, but ``d`` and ``p``.
        self._values = {
            "s": f"{local_part}@{domain}",
            "l": local_part,
            "o": domain,
            "i": str(client) if is_ipv4 else ".".join(_nibbles(client)),
            "v": "in-addr" if is_ipv4 else "ip6",
            "h": ascii_domain(helo) or helo,
            "c": str(client),
            "r": receiver,
            "t": str(now),
        }

    def check_host(self, domain: str) -> Inquiry[Outcome]:
        """
        Evaluate the record of a domain.

        :raises Unanswered, Unusable: it came to no more than that.
        """
        record = yield from self._record(domain)
        if record is None:
            return Outcome(
                Verdict.NONE, domain, None, f"{domain} has no SPF record"
            )
        while True:
            for directive in record.directives:
                matches = yield from self._matches(directive.mechanism, domain)
                if matches:
                    why = f"{directive.text} of {domain}"
                    return Outcome(directive.verdict, domain, record, why)
            if record.redirect is None:
                # RFC 7208 4.7
                return Outcome(
                    Verdict.NEUTRAL, domain, record, f"no term of {domain}"
                )
            domain, record = yield from self._redirected(
                record.redirect, domain
            )

    def explain(self, outcome: Outcome) -> Inquiry[str]:
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
            raise Unanswered(f"no answer for the TXT records of {domain}")
        records = [
            octets for octets in map(_octets, answer.records) if is_spf(octets)
        ]
        if not records:
            return None
        if len(records) > 1:
            raise Unusable(f"{domain} has several SPF records")
        try:
            return SPFRecord.parse(records[0])
        except ValueError as fact:
            raise Unusable(f"SPF record of {domain}: {fact}") from fact

    def _redirected(
        self, redirect: MacroString, domain: str
    ) -> Inquiry[tuple[str, SPFRecord]]:
        """
        Where ``redirect=`` leads, and the record there (RFC 7208 6.1).
        """
        self._count_lookup()
        target = yield from self._expanded(redirect, domain)
        record = None
        if target is not None:
            record = yield from self._record(target)
        if target is None or record is None:
            raise Unusable(f"{domain} redirects to where no SPF record is")
        return target, record

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
            raise Unusable(f"{domain} includes what is no domain")
        outcome = yield from self.check_host(target)
        if outcome.verdict is Verdict.NONE:
            raise Unusable(f"{domain} includes {target}: {outcome.why}")
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
            raise Unusable(f"{target} has too many MX records")
        for host in _by_preference(answer):
            name = ascii_domain(host)
            if name and (yield from self._has_client(name, hosts)):
                return True
        return False

    def _has_client(self, name: str, hosts: Hosts) -> Inquiry[bool]:
        """
        Whether the client is in the network of one of the name's addresses.
        """
        answer = yield from self._ask(name, address_type(self._client))
        is_ipv4 = isinstance(self._client, IPv4Address)
        shift = 32 - hosts.prefix4 if is_ipv4 else 128 - hosts.prefix6
        network = int(self._client) >> shift
        return any(
            int(address) >> shift == network for address in addresses(answer)
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

    def _client_names(self) -> Inquiry[tuple[str, ...]]:
        """
        The client's names that lead back to it; asked for once.
        """
        if self._names is None:
            found = yield from reverse_names(self._client, MOST_POINTERS)
            self._names = found.confirmed
        return self._names

    def _expanded(self, spec: MacroString, domain: str) -> Inquiry[str | None]:
        """
        The name that a domain-spec stands for.

        :return: None if nothing could be asked for it.
        """
        values = yield from self._values_for(spec, domain)
        # RFC 8616 4
        if not values["l"].isascii() and spec.letters & {"l", "s"}:
            return None
        name = spec.expand(values).removesuffix(".")
        if len(name) > LONGEST_NAME:
            # RFC 7208 7.3: labels on the left are dropped until it fits.
            name = name[-LONGEST_NAME - 1 :].partition(".")[2]
        return ascii_domain(name)

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

        :raises Unanswered: there is no answer.
        :raises Unusable: too many had nothing in them.
        """
        answer = yield Question(name, type_)
        if answer.found is Found.FAILED:
            raise Unanswered(f"no answer for {type_.value} of {name}")
        if not answer.records:
            self._void_lookups += 1
            if self._void_lookups > MOST_VOID_LOOKUPS:
                raise Unusable("too many lookups find nothing")
        return answer

    def _count_lookup(self) -> None:
        self._lookups += 1
        if self._lookups > MOST_LOOKUPS:
            raise Unusable("too many lookups")


def _best_name(names: tuple[str, ...], domain: str) -> str:
    """
    RFC 7208 7.3: the domain itself, one below it, any, or ``unknown``.
    """
    if domain in names:
        return domain
    within = [name for name in names if is_within(name, domain)]
    return (within or names or ["unknown"])[0]


def _by_preference(answer: Answer) -> list[str]:
    """
    The hosts of MX records; always in the same order, so that the limit of
    void lookups strikes always or never.
    """
    exchanges = [r for r in answer.records if isinstance(r, MailExchange)]
    exchanges.sort(key=lambda exchange: (exchange.preference, exchange.host))
    return [exchange.host for exchange in exchanges]


def _nibbles(address: IPv4Address | IPv6Address) -> str:
    return address.packed.hex().upper()


def _octets(record: object) -> bytes:
    return record if isinstance(record, bytes) else b""

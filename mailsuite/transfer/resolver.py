"""
Asks the DNS by way of recursive servers, without a thread.

Implementation notes

- A question that is under way is not asked again: who asks too gets the same
  answer.
- DNSSEC's word counts only from a server on this machine (or one that the
  operator vouches for), since the way to any other is not protected, and only
  once it has been seen to validate (RFC 7672 2.1.1, RFC 6698 A.3).  Until that
  is known, what it vouches for is no answer: else mail that waits when we start
  would go without DANE.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dns.asyncresolver
import dns.exception
import dns.flags
import dns.name
import dns.nameserver
import dns.rdatatype
import dns.resolver
from dns.rdtypes.ANY import MX, TLSA, TXT
from dns.rdtypes.IN import SRV
from twisted.internet.defer import Deferred, DeferredLock
from twisted.logger import Logger
from zope.interface import implementer

from mailsuite.emailauth.domains import ascii_domain
from mailsuite.interfaces import IResolver
from mailsuite.mail.dns import (
    Answer,
    Found,
    MailExchange,
    Question,
    Record,
    RecordType,
    ServiceLocation,
    TLSARecord,
)
from mailsuite.transfer.answercache import AnswerCache
from mailsuite.transfer.dnsbackend import ReactorBackend
from mailsuite.transfer.nameservers import Server

#: Seconds for a question in all, and for one try at one server.
_LIFETIME = 10.0
_ONE_TRY = 3.0

#: What fits into a datagram on every path (DNS flag day 2020), octets.
_PAYLOAD = 1232

#: A signed zone that is always there: the start-up probe's question.
_SIGNED = Question("", RecordType.NS)


@implementer(IResolver)
class Resolver:
    """
    Asks recursive servers, the first that answers.

    :ivar trusted: whether ``Answer.secure`` means something: the servers may
        be believed, and validate.
    """

    _log = Logger()

    # The reactor offers UDP, TCP and time; no one interface says so.
    def __init__(
        self, reactor: Any, servers: Sequence[Server], *, trust_ad: bool = False
    ) -> None:
        self._backend = ReactorBackend(reactor)
        self._near = trust_ad or all(server.is_local for server in servers)
        self.trusted = False
        self._undecided = False
        self._deciding = DeferredLock()
        self._probes = 0
        self._cache = AnswerCache(reactor)
        self._under_way: dict[Question, list[Deferred[Answer]]] = {}
        self._asking = dns.asyncresolver.Resolver(configure=False)
        self._asking.nameservers = [
            dns.nameserver.Do53Nameserver(server.address, server.port)
            for server in servers
        ]
        self._asking.use_edns(0, 0, _PAYLOAD)
        self._asking.flags = dns.flags.RD | dns.flags.AD
        self._asking.timeout = _ONE_TRY
        self._asking.lifetime = _LIFETIME

    async def probe(self) -> bool:
        """
        See whether the servers validate; from then on ``trusted`` says so.

        From the call on nothing that they vouch for is an answer until that is
        known; if they do not answer, each such answer has them seen again.
        """
        if self._near:
            self._undecided = True
            await self._decide()
        return self.trusted

    async def _decide(self) -> None:
        before = self._probes
        await self._deciding.acquire()
        try:
            # Who came while others looked has what they found.
            if self._probes != before or not self._undecided:
                return
            answer, _, vouched = await self._look_up(_SIGNED)
            self._probes += 1
            if answer.found is Found.FAILED:
                return
            self._undecided = False
            if vouched != self.trusted:
                self.trusted = vouched
                self.forget()
        finally:
            self._deciding.release()
        if not vouched:
            self._log.warn("The resolver does not validate: no DANE")

    def forget(self) -> None:
        """
        Ask everything anew.
        """
        self._cache.clear()

    async def ask(self, question: Question) -> Answer:
        """
        The answer, from the cache or a server; never an exception.
        """
        answer = self._cache.get(question)
        if answer is not None:
            return answer
        waiting = self._under_way.get(question)
        is_new = waiting is None
        if waiting is None:
            waiting = self._under_way[question] = []
        arrives: Deferred[Answer] = Deferred(waiting.remove)
        waiting.append(arrives)
        if is_new:
            Deferred.fromCoroutine(self._find(question)).addErrback(
                self._give_up, question
            )
        return await arrives

    async def _find(self, question: Question) -> None:
        answer, ttl, vouched = await self._look_up(question)
        if vouched and self._undecided:
            await self._decide()
        if vouched and self._undecided:
            failed = Answer(Found.FAILED, canonical=question.name)
            self._tell(question, failed)
            return
        if vouched and self.trusted:
            answer = Answer(
                answer.found, answer.records, True, answer.canonical
            )
        self._cache.keep(question, answer, ttl)
        self._tell(question, answer)

    def _give_up(self, failure: object, question: Question) -> None:
        self._log.failure("Bug while asking for {name}", name=question.name)
        self._tell(question, Answer(Found.FAILED, canonical=question.name))

    def _tell(self, question: Question, answer: Answer) -> None:
        # Who asks from here on asks anew.
        waiting = self._under_way.pop(question)
        while waiting:
            waiting.pop(0).callback(answer)

    async def _look_up(self, question: Question) -> tuple[Answer, float, bool]:
        """
        What the servers say: the answer, its TTL in seconds, and whether they
        say that DNSSEC vouches for it.
        """
        name = _name(question.name)
        if name is None:
            return Answer(Found.NO_NAME, canonical=question.name), 0.0, False
        kind = dns.rdatatype.from_text(question.type.value)
        try:
            found = await self._asking.resolve(
                name,
                kind,
                raise_on_no_answer=False,
                search=False,
                backend=self._backend,
            )
        except dns.resolver.NXDOMAIN as absent:
            vouched = all(
                bool(response.flags & dns.flags.AD)
                for response in absent.responses().values()
            )
            return Answer(Found.NO_NAME, canonical=question.name), 0.0, vouched
        except (dns.exception.DNSException, OSError) as error:
            self._log.debug(
                "No answer for {name} {type}: {why}",
                name=question.name,
                type=question.type.value,
                why=type(error).__name__,
            )
            return Answer(Found.FAILED, canonical=question.name), 0.0, False
        return _answer(found)


def _answer(found: dns.resolver.Answer) -> tuple[Answer, float, bool]:
    vouched = bool(found.response.flags & dns.flags.AD)
    canonical = _host(found.canonical_name)
    ttl = float(found.chaining_result.minimum_ttl)
    if found.rrset is None:
        return Answer(Found.NO_RECORDS, canonical=canonical), ttl, vouched
    records = tuple(_record(rdata) for rdata in found.rrset)
    return Answer(Found.RECORDS, records, False, canonical), ttl, vouched


# dnspython's classes of records have no annotated fields.
def _record(rdata: Any) -> Record:
    match rdata:
        case MX.MX():
            return MailExchange(rdata.preference, _host(rdata.exchange))
        case TXT.TXT():
            return b"".join(rdata.strings)
        case TLSA.TLSA():
            return TLSARecord(
                rdata.usage, rdata.selector, rdata.mtype, rdata.cert
            )
        case SRV.SRV():
            return ServiceLocation(
                rdata.priority, rdata.weight, rdata.port, _host(rdata.target)
            )
    if rdata.rdtype in (dns.rdatatype.A, dns.rdatatype.AAAA):
        return str(rdata.address)
    return _host(rdata.target)


def _host(name: dns.name.Name) -> str:
    """
    In lower case, without the last dot; empty for the root.
    """
    return name.to_text(omit_final_dot=True).lower().removesuffix(".")


def _name(text: str) -> dns.name.Name | None:
    """
    Absolute, for dnspython; None if no question can be asked for it.
    """
    if not text:
        return dns.name.root
    labels = ascii_domain(text)
    if labels is None:
        return None
    return dns.name.Name([*(x.encode() for x in labels.split(".")), b""])

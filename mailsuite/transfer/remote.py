"""
Delivers to other hosts.

Implementation notes

- What is found out of a domain is used for some seconds without a question:
  a thousand messages to one domain ask once.
- An attempt that nobody waits for any more is dropped; but if the end of its
  data was sent, the message may have been taken, and its answer is waited for.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace
from random import Random

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from mailsuite.emailauth.domains import ascii_domain
from mailsuite.errors import MailError
from mailsuite.interfaces import IResolver
from mailsuite.mail.envelope import Sender
from mailsuite.smtp.clienttls import Judge
from mailsuite.transfer.candidates import last_address
from mailsuite.transfer.destinations import Destinations
from mailsuite.transfer.fitting import Fit, fit_of
from mailsuite.transfer.gate import Gate
from mailsuite.transfer.inquiries import answered
from mailsuite.transfer.mx import Ourselves, mail_hosts, one_host
from mailsuite.transfer.outcome import Kind, Outcome
from mailsuite.transfer.outgoing import Outgoing
from mailsuite.transfer.policy import (
    AnyHost,
    DomainPolicy,
    Policy,
    RoutePolicy,
)
from mailsuite.transfer.remoteattempt import RemoteAttempt
from mailsuite.transfer.remotesession import STOPPING, UNREADABLE
from mailsuite.transfer.routes import NextHop, Routes, RouteTLS
from mailsuite.transfer.surroundings import (
    Connector,
    Limits,
    Plan,
    Surroundings,
)

#: Seconds for which a plan is used, and how many are kept.
_PLAN_SECONDS = 5.0
_MOST_PLANS = 10000

_LONG_LINES = Outcome(
    Kind.FAILED,
    "5.6.3",
    "a line has over 998 octets, and the message may not be changed",
)


class Remote:
    """
    Delivery to the hosts of other domains.

    :param routes: where mail goes otherwise than the DNS says.
    :param policy: what domains demand of TLS.
    :param judge: of certificates, for routes that must be authenticated.
    :param ourselves: where mail must not go, since it would come back.
    :param our_name: what we call ourselves in EHLO.
    :param random: shuffles hosts that are alike.
    """

    _log = Logger()

    def __init__(
        self,
        connector: Connector,
        clock: IReactorTime,
        resolver: IResolver,
        gate: Gate,
        *,
        our_name: str,
        ourselves: Ourselves,
        routes: Routes,
        policy: Policy,
        judge: Judge,
        random: Random,
        limits: Limits,
    ) -> None:
        self._clock = clock
        self._resolver = resolver
        self._ourselves = ourselves
        self._routes = routes
        self._policy = policy
        self._judge = judge
        self._around = Surroundings(
            connector, clock, policy, gate, limits, our_name, random.shuffle
        )
        self._destinations = Destinations(self._around)
        self._plans: OrderedDict[object, tuple[float, Plan | Outcome]]
        self._plans = OrderedDict()
        self._stopping = False

    async def deliver(self, outgoing: Outgoing) -> dict[int, Outcome]:
        """
        What one attempt comes to for each recipient, by number.
        """
        plan = await self._plan(outgoing)
        if isinstance(plan, Outcome):
            return _all(outgoing, plan)
        try:
            fit = await fit_of(outgoing)
            if fit.long_lines:
                remade = outgoing.remade
                new = None if remade is None else await remade()
                if new is None:
                    return _all(outgoing, _LONG_LINES)
                outgoing, fit = new, Fit(False, fit.smtputf8, False)
        except (MailError, OSError):
            return _all(outgoing, UNREADABLE)
        if self._stopping:
            return _all(outgoing, STOPPING)
        if outgoing.attempts:
            self._log.debug(
                "Trying {queue_id} for {domain} again, after {attempts}",
                queue_id=outgoing.queue_id,
                domain=outgoing.domain,
                attempts=outgoing.attempts,
            )
        attempt = RemoteAttempt(outgoing, fit, _wanted(outgoing, plan))
        destination = self._destinations.of(plan)
        destination.add(attempt)
        try:
            return await attempt.ended
        except CancelledError:
            if not self._may_be_taken(attempt):
                destination.remove(attempt)
                attempt.settle_rest(STOPPING)
                raise
        return await attempt.ended

    def forget(self) -> None:
        """
        Try every host anew, dead or not.
        """
        self._plans.clear()
        self._around.forget()

    async def stop(self) -> None:
        """
        Begin nothing more; on return all connections are closed.
        """
        self._stopping = True
        await self._destinations.stop()

    def _may_be_taken(self, attempt: RemoteAttempt) -> bool:
        """
        End an attempt that nobody waits for.

        :return: whether its answer is still to be waited for.
        """
        session = attempt.session
        if session is None or not session.abandon(attempt):
            return False
        attempt.ended = Deferred()
        return True

    async def _plan(self, outgoing: Outgoing) -> Plan | Outcome:
        sender = outgoing.sender
        hop = self._routes.find(outgoing.domain, outgoing.origin, sender)
        wishes = sender.requiretls, sender.tls_optional
        key = outgoing.domain, hop, wishes
        until, plan = self._plans.get(key, (0.0, None))
        if plan is not None and self._clock.seconds() < until:
            return plan
        plan = await self._found(outgoing.domain, hop, sender)
        self._plans[key] = self._clock.seconds() + _PLAN_SECONDS, plan
        self._plans.move_to_end(key)
        if len(self._plans) > _MOST_PLANS:
            self._plans.popitem(last=False)
        return plan

    async def _found(
        self, domain: str, hop: NextHop, sender: Sender
    ) -> Plan | Outcome:
        if hop.host:
            hosts = await answered(one_host(hop.host), self._resolver)
            if isinstance(hosts, Outcome):
                return replace(hosts, for_postmaster=True)
        else:
            inquiry = mail_hosts(domain, self._ourselves)
            hosts = await answered(inquiry, self._resolver)
            if isinstance(hosts, Outcome):
                return hosts
        requiretls = sender.requiretls
        policy: DomainPolicy
        if hop.host or hop.tls is not RouteTLS.OPPORTUNISTIC:
            policy = RoutePolicy(hop.tls, self._judge, requiretls)
        elif sender.tls_optional and not requiretls:
            # RFC 8689 4.1
            policy = AnyHost(counted=False)
        else:
            policy = await self._policy.for_domain(
                ascii_domain(domain) or domain, hosts, requiretls=requiretls
            )
        return Plan(domain, hop, hosts, policy)


def _wanted(outgoing: Outgoing, plan: Plan) -> str:
    """
    The address at which the last attempt was answered, if it is still one of
    a host's; else empty.
    """
    if not outgoing.last_peer:
        return ""
    address = last_address(outgoing.last_peer)
    known = any(address in host.addresses for host in plan.hosts.hosts)
    return address if known else ""


def _all(outgoing: Outgoing, outcome: Outcome) -> dict[int, Outcome]:
    return {number: outcome for number, _ in outgoing.recipients}

"""
The way to a host that takes a session, for one attempt.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from twisted.logger import Logger

from mailsuite.smtp.client import SMTPClient
from mailsuite.smtp.clienttls import CLEAR, TLSDemand
from mailsuite.smtp.opening import Conduct
from mailsuite.smtp.place import Place
from mailsuite.smtp.wire.failures import (
    ConnectFailed,
    CredentialsRefused,
    CredentialsUnusable,
    GreetingRefused,
    Lost,
    NotAuthenticated,
    Refused,
    SendingFailed,
    TLSFailed,
)
from mailsuite.transfer import verdicts
from mailsuite.transfer.candidates import Candidate, begin_with, in_order
from mailsuite.transfer.hosts import EndPoint, Rest
from mailsuite.transfer.outcome import Outcome
from mailsuite.transfer.policy import HostDemand, SessionSeen
from mailsuite.transfer.racing import Race
from mailsuite.transfer.remoteattempt import RemoteAttempt
from mailsuite.transfer.surroundings import Plan, Surroundings
from mailsuite.transfer.verdicts import Unreached


@dataclass(frozen=True, slots=True)
class Reached:
    """
    A session with a host.
    """

    client: SMTPClient
    candidate: Candidate


class Approach:
    """
    Opens sessions for the attempts of one destination.

    :param refused: told of each host that takes no session.
    """

    _log = Logger()

    def __init__(
        self,
        surroundings: Surroundings,
        plan: Plan,
        refused: Callable[[], None],
    ) -> None:
        self._around = surroundings
        self._plan = plan
        self._refused = refused

    async def reach(self, attempt: RemoteAttempt) -> Reached | None:
        """
        A session with the first host that takes one; None if none of those
        that are left does.
        """
        candidates = self.candidates(attempt)
        while candidates and attempt.sessions < self._around.limits.sessions:
            candidate = self._claim(attempt, None)
            if candidate is None:
                break
            race = Race[Candidate, Reached](
                self._around.clock,
                partial(self._try, attempt),
                lambda late: late.client.abort(),
            )
            beside = partial(self._claim, attempt, not candidate.is_six)
            reached = await race.run(candidate, beside)
            if reached is not None:
                return reached
            candidates = self.candidates(attempt)
        return None

    def candidates(self, attempt: RemoteAttempt) -> list[Candidate]:
        """
        Those that an attempt has not tried.
        """
        if attempt.candidates is None:
            found = in_order(self._plan.hosts, self._around.shuffle)
            if self._plan.next_hop.sources:
                # We can be only who we are told to be.
                source = self._plan.next_hop.source
                found = [x for x in found if source(x.address) is not None]
            last_peer = attempt.outgoing.last_peer
            attempt.candidates = begin_with(found, last_peer)
        return attempt.candidates

    def leave_out(self, attempt: RemoteAttempt, address: str) -> None:
        """
        An attempt has been at this address.
        """
        attempt.candidates = [
            x for x in self.candidates(attempt) if x.address != address
        ]

    def _claim(
        self, attempt: RemoteAttempt, six: bool | None
    ) -> Candidate | None:
        """
        The next candidate (of one family) that is not known to be dead.
        """
        for candidate in tuple(self.candidates(attempt)):
            if attempt.addresses >= self._around.limits.addresses:
                return None
            if six is not None and candidate.is_six != six:
                continue
            self.leave_out(attempt, candidate.address)
            rest = self._rest(self._end_point(candidate))
            if rest is None:
                attempt.addresses += 1
                return candidate
            attempt.unreached(Unreached(rest.reason, rest, asked=False))
        return None

    def _rest(self, place: EndPoint) -> Rest | None:
        rest = self._around.dead.claim(place)
        if rest is None:
            rest = self._around.unfit.claim((place, self._plan.terms))
            if rest is not None:
                self._around.dead.unclaim(place)
        return rest

    def _end_point(self, candidate: Candidate) -> EndPoint:
        hop = self._plan.next_hop
        port = hop.port if hop.host else self._around.limits.port
        source = hop.source(candidate.address) or ""
        return EndPoint(candidate.address, port, source)

    async def _try(
        self,
        attempt: RemoteAttempt,
        candidate: Candidate,
        settle: Callable[[], None],
    ) -> Reached | None:
        end_point = self._end_point(candidate)
        try:
            demand = await self._plan.policy.for_host(candidate.host)
            if isinstance(demand, Outcome):
                self._unclaim(end_point)
                attempt.unreached(Unreached(demand))
                return None
            client = await self._connect(candidate, demand, settle)
        except SendingFailed as failure:
            self._failed(attempt, candidate, failure)
            return None
        except BaseException:
            # Given up, or a bug: somebody else finds out.
            self._unclaim(end_point)
            raise
        self._around.dead.answered(end_point)
        self._around.unfit.answered((end_point, self._plan.terms))
        return Reached(client, candidate)

    async def _connect(
        self,
        candidate: Candidate,
        demand: HostDemand,
        settle: Callable[[], None],
    ) -> SMTPClient:
        """
        A session as it is demanded; in clear where TLS fails and may.
        """
        end_point = self._end_point(candidate)
        if demand.clear and end_point in self._around.clear:
            return await self._open(candidate, demand, CLEAR, settle)
        try:
            return await self._open(candidate, demand, demand.tls, settle)
        except TLSFailed as failure:
            if not demand.clear:
                raise
            self._log.info(
                "TLS fails at {peer}, in clear for a day: {why}",
                peer=str(self._place(candidate)),
                why=str(failure),
            )
            self._around.clear.add(end_point)
            return await self._open(candidate, demand, CLEAR, settle)

    async def _open(
        self,
        candidate: Candidate,
        demand: HostDemand,
        tls: TLSDemand,
        settle: Callable[[], None],
    ) -> SMTPClient:
        place = self._place(candidate)
        credentials = self._plan.next_hop.credentials
        conduct = Conduct(self._around.our_name, tls, credentials)
        try:
            client = await self._around.connector.connect(
                place, conduct, reached=settle
            )
        except SendingFailed as failure:
            if not isinstance(failure, ConnectFailed):
                self._seen(candidate, demand, None, failure)
            raise
        self._seen(candidate, demand, client)
        return client

    def _seen(
        self,
        candidate: Candidate,
        demand: HostDemand,
        client: SMTPClient | None,
        failure: SendingFailed | None = None,
    ) -> None:
        self._around.policy.seen(
            SessionSeen(
                self._plan.domain,
                candidate.host,
                candidate.address,
                demand,
                None if client is None else client.tls,
                failure,
            )
        )

    def _place(self, candidate: Candidate) -> Place:
        end_point = self._end_point(candidate)
        return Place(
            end_point.address,
            end_point.port,
            candidate.host.name,
            end_point.source,
        )

    def _failed(
        self,
        attempt: RemoteAttempt,
        candidate: Candidate,
        failure: SendingFailed,
    ) -> None:
        end_point = self._end_point(candidate)
        peer = str(self._place(candidate))
        outcome = verdicts.of_failure(failure, peer)
        if self._plan.next_hop.host:
            outcome = verdicts.of_own_failure(failure, outcome)
        self._log.debug("No session with {peer}: {why}", peer=peer, why=failure)
        if isinstance(
            failure,
            TLSFailed
            | NotAuthenticated
            | CredentialsRefused
            | CredentialsUnusable,
        ):
            self._around.dead.answered(end_point)
            terms = (end_point, self._plan.terms)
            rest = self._around.unfit.failed(terms, outcome)
        else:
            rest = self._around.dead.failed(end_point, outcome)
        if not isinstance(failure, ConnectFailed | GreetingRefused | Lost):
            attempt.sessions += 1
        attempt.unreached(Unreached(outcome, rest))
        self._refused()
        if isinstance(failure, Refused) and verdicts.refuses_us(
            [failure.reply]
        ):
            attempt.turn_family(candidate)

    def _unclaim(self, end_point: EndPoint) -> None:
        self._around.dead.unclaim(end_point)
        self._around.unfit.unclaim((end_point, self._plan.terms))

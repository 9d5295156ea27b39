"""
The MTA-STS policies of other domains: found, fetched, kept (RFC 8461 3, 5).

Implementation notes

- A policy in the cache counts until it expires, whatever becomes of its record
  and of fetching it: else who can disturb the DNS could take it away.
- One with another id is fetched before the mail goes on; one that is a day old
  beside it, and by the clock too, so that it lasts while nobody writes.
- When a host fails by it, the next mail fetches it again even if its id is the
  same: who forgets to change the id is not to lose mail for good.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from functools import partial
from typing import TypeVar

from twisted.internet.defer import (
    CancelledError,
    Deferred,
    DeferredLock,
    DeferredSemaphore,
)
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from mailsuite.disk import Disk
from mailsuite.interfaces import IResolver
from mailsuite.mail.dns import Found, Question, RecordType
from mailsuite.transfer.database import DatabaseLost
from mailsuite.transfer.https import HTTPS, NoAnswer, NotTrusted
from mailsuite.transfer.policycache import Kept, PolicyCache
from mailsuite.transfer.stspolicy import (
    BadPolicy,
    Mode,
    STSPolicy,
    parse_policy,
    policy_id,
)
from mailsuite.transfer.threads import InPool

T = TypeVar("T")

_DAY = 86400.0

#: RFC 8461 3.3: until a fetch that failed is tried again, seconds.
_PAUSE = 300.0

#: Policies that nobody needed for that long are not refreshed, seconds.
_IN_USE = 30 * _DAY

#: How often old policies are looked for, seconds; and how many are refreshed
#: then.
_REFRESH_EVERY = 600.0
_REFRESHED_AT_ONCE = 50

#: Fetches at once.
_MOST_FETCHES = 20

#: Domains that are remembered in memory.
_MOST_KNOWN = 1000


class STSTrouble(Enum):
    """
    Why there is no policy where a record promises one (RFC 8460 4.3.2.2).
    """

    FETCH = "sts-policy-fetch-error"
    INVALID = "sts-policy-invalid"
    WEBPKI = "sts-webpki-invalid"


@dataclass(frozen=True, slots=True)
class STSFound:
    """
    What holds for a domain.

    :param policy: None if there is none, or it demands nothing.
    :param trouble: why its own could not be had.
    """

    policy: STSPolicy | None = None
    trouble: STSTrouble | None = None


class _NotFetched(Exception):
    """
    There is no policy to be had.
    """

    def __init__(self, trouble: STSTrouble, text: str) -> None:
        super().__init__(text)
        self.trouble = trouble


@dataclass(slots=True)
class _Domain:
    """
    What is known of a domain.

    :ivar failed: when its policy could not be fetched, and why.
    :ivar doubted: a host has failed by the policy since it was fetched.
    :ivar waiting: those who wait for the fetch that is under way.
    """

    kept: Kept | None = None
    failed: float | None = None
    trouble: STSTrouble | None = None
    doubted: bool = False
    waiting: list[Deferred[None]] | None = None


class MTASTS:
    """
    Knows the policies of other domains.

    :param path: of the database of policies.
    """

    _log = Logger()

    def __init__(
        self,
        resolver: IResolver,
        https: HTTPS,
        *,
        path: str,
        disk: Disk,
        clock: IReactorTime,
        in_pool: InPool,
    ) -> None:
        self._resolver = resolver
        self._https = https
        self._path = path
        self._disk = disk
        self._clock = clock
        self._in_pool = in_pool
        self._cache: PolicyCache | None = None
        self._turn = DeferredLock()
        self._fetching = DeferredSemaphore(_MOST_FETCHES)
        self._known: OrderedDict[str, _Domain] = OrderedDict()
        self._under_way: set[Deferred[None]] = set()
        self._refreshing = LoopingCall(self._refresh_old)
        self._refreshing.clock = clock

    async def start(self) -> None:
        """
        Open the cache; without one, go on by memory alone.
        """
        try:
            self._cache = await self._in_pool(
                partial(PolicyCache, self._path, self._disk)
            )
        except DatabaseLost as lost:
            self._log.warn("MTA-STS policies are not kept: {why}", why=lost)
        self._refreshing.start(_REFRESH_EVERY, now=False)

    async def stop(self) -> None:
        """
        Fetch nothing more, and close the cache.
        """
        if self._refreshing.running:
            self._refreshing.stop()
        for fetching in tuple(self._under_way):
            fetching.cancel()
        cache, self._cache = self._cache, None
        if cache is not None:
            await self._turn.run(self._in_pool, cache.close)

    async def find(self, domain: str) -> STSFound:
        """
        What holds for a domain.

        :param domain: of the recipients, as A-labels; no other domain's policy
            is looked at, whatever its MX says (RFC 8461 3.1).
        """
        known = await self._domain(domain)
        answer = await self._resolver.ask(
            Question(f"_mta-sts.{domain}", RecordType.TXT)
        )
        current = None
        if answer.found is Found.RECORDS:
            current = policy_id(answer.records)
        now = self._clock.seconds()
        kept = _valid(known.kept, now)
        if kept is None:
            if current is None:
                return STSFound()
            await self._fetch(domain, known, current)
        elif (current is not None and current != kept.id) or known.doubted:
            await self._fetch(domain, known, current or kept.id)
        elif now - kept.fetched > _DAY:
            self._begin_refresh(domain, known, current or kept.id)
        kept = _valid(known.kept, now)
        if kept is None:
            return STSFound(None, known.trouble)
        await self._use(domain, known, kept, now)
        if kept.policy.mode is Mode.NONE:
            return STSFound()
        return STSFound(kept.policy)

    def doubt(self, domain: str) -> None:
        """
        A host has failed by the domain's policy.
        """
        if (known := self._known.get(domain)) is not None:
            known.doubted = True

    # --- What is known

    async def _domain(self, domain: str) -> _Domain:
        known = self._known.get(domain)
        if known is not None:
            self._known.move_to_end(domain)
            return known
        kept = await self._with_cache(lambda cache: cache.get(domain))
        known = self._known.setdefault(domain, _Domain(kept))
        if len(self._known) > _MOST_KNOWN:
            self._forget_one()
        return known

    def _forget_one(self) -> None:
        """
        Forget the one that was not needed for the longest time, unless it is
        being fetched.
        """
        for domain, known in self._known.items():
            if known.waiting is None:
                del self._known[domain]
                return

    async def _use(
        self, domain: str, known: _Domain, kept: Kept, now: float
    ) -> None:
        if now - kept.used > _DAY:
            known.kept = used = replace(kept, used=now)
            await self._with_cache(lambda cache: cache.keep(domain, used))

    async def _with_cache(self, work: Callable[[PolicyCache], T]) -> T | None:
        """
        What the cache says; None if there is none.
        """
        cache = self._cache
        if cache is None:
            return None
        await self._turn.acquire()
        try:
            return await self._in_pool(lambda: work(cache))
        except (DatabaseLost, BadPolicy) as lost:
            self._log.warn("MTA-STS policies are not kept: {why}", why=lost)
            return None
        finally:
            self._turn.release()

    # --- Fetching

    def _begin_refresh(self, domain: str, known: _Domain, current: str) -> None:
        if self._may_fetch(known):
            self._begin(domain, known, current)

    async def _fetch(self, domain: str, known: _Domain, current: str) -> None:
        """
        Fetch a domain's policy, unless that failed a moment ago; who comes
        while it is being fetched waits for that.
        """
        arrives: Deferred[None] = Deferred()
        if known.waiting is not None:
            known.waiting.append(arrives)
        elif self._may_fetch(known):
            self._begin(domain, known, current, arrives)
        else:
            return
        await arrives

    def _may_fetch(self, known: _Domain) -> bool:
        if known.waiting is not None:
            return False
        last = known.failed
        if known.doubted and known.kept is not None:
            last = max(last or 0.0, known.kept.fetched)
        return last is None or self._clock.seconds() - last >= _PAUSE

    def _begin(
        self, domain: str, known: _Domain, current: str, *first: Deferred[None]
    ) -> None:
        """
        Begin to fetch; whoever waits may be cancelled, and the others get it
        all the same.
        """
        known.waiting = [*first]
        fetching = Deferred.fromCoroutine(
            self._fetch_alone(domain, known, current)
        )
        self._under_way.add(fetching)
        fetching.addErrback(self._give_up, domain)
        fetching.addBoth(self._fetch_ended, known, fetching)

    def _give_up(self, failure: Failure, domain: str) -> None:
        if not failure.check(CancelledError):
            self._log.failure(
                "Bug while fetching the policy of {domain}",
                failure,
                domain=domain,
            )

    def _fetch_ended(
        self, _: object, known: _Domain, fetching: Deferred[None]
    ) -> None:
        self._under_way.discard(fetching)
        waiting, known.waiting = known.waiting, None
        for arrives in waiting or ():
            arrives.callback(None)

    async def _fetch_alone(
        self, domain: str, known: _Domain, current: str
    ) -> None:
        await self._fetching.acquire()
        try:
            policy = await self._fetched(domain)
        except _NotFetched as fact:
            known.failed = now = self._clock.seconds()
            known.trouble = fact.trouble
            self._log.warn(
                "No MTA-STS policy of {domain}: {why}", domain=domain, why=fact
            )
            await self._with_cache(lambda cache: cache.tried(domain, now))
            return
        finally:
            self._fetching.release()
        now = self._clock.seconds()
        kept = Kept(current, policy, now, now)
        if known.kept is not None:
            kept = replace(kept, used=known.kept.used)
        known.kept = kept
        known.failed = known.trouble = None
        known.doubted = False
        await self._with_cache(lambda cache: cache.keep(domain, kept))

    async def _fetched(self, domain: str) -> STSPolicy:
        """
        RFC 8461 3.2, 3.3

        :raises _NotFetched:
        """
        url = f"https://mta-sts.{domain}/.well-known/mta-sts.txt"
        try:
            answered = await self._https.get(url)
        except NotTrusted as fact:
            raise _NotFetched(STSTrouble.WEBPKI, str(fact)) from fact
        except NoAnswer as fact:
            raise _NotFetched(STSTrouble.FETCH, str(fact)) from fact
        if answered.status != 200:
            why = f"status {answered.status}"
            raise _NotFetched(STSTrouble.FETCH, why)
        if answered.media_type != "text/plain":
            raise _NotFetched(STSTrouble.INVALID, "not text/plain")
        try:
            return parse_policy(answered.body)
        except BadPolicy as fact:
            raise _NotFetched(STSTrouble.INVALID, str(fact)) from fact

    async def _refresh_old(self) -> None:
        """
        Fetch policies again that are a day old, if their domains are written
        to; drop those that no longer count.
        """
        with self._log.failuresHandled("Refreshing MTA-STS policies"):
            now = self._clock.seconds()
            await self._with_cache(lambda cache: cache.forget_expired(now))
            domains = await self._with_cache(
                lambda cache: cache.to_refresh(
                    now - _DAY, now - _IN_USE, _REFRESHED_AT_ONCE
                )
            )
            for domain in domains or ():
                known = await self._domain(domain)
                if self._refreshing.running and known.kept is not None:
                    await self._fetch(domain, known, known.kept.id)


def _valid(kept: Kept | None, now: float) -> Kept | None:
    return kept if kept is not None and now < kept.expiry else None

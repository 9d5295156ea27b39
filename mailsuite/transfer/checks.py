"""
Whether a message from elsewhere is what it says: SPF, DKIM, ARC and DMARC, and
what is done about it.

Implementation notes

- iprev and SPF run while the dialogue goes on; the rest runs at the end of the
  content, over the message as it was received.
- The DNS's failures are nobody's fault: such mail is taken, and noted.
- Nothing but DMARC, or SPF of a domain that sends no mail at all, weighs by
  default: SPF fails for every forwarded message (RFC 7960).
"""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any, TypeVar

from twisted.internet.defer import CancelledError, Deferred, TimeoutError
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from mailsuite.emailauth import dmarc, iprev, results, spf
from mailsuite.emailauth.arc import ARCResult, ARCVerification
from mailsuite.emailauth.bodydigest import BodyDigests
from mailsuite.emailauth.canonicalization import Canonicalization
from mailsuite.emailauth.dkim import DKIMResult, DKIMVerification
from mailsuite.emailauth.dmarc import DMARCResult
from mailsuite.emailauth.dmarcrecord import Policy
from mailsuite.emailauth.iprev import IPRevResult
from mailsuite.emailauth.methodresults import of_dmarc, of_iprev, of_spf
from mailsuite.emailauth.results import MethodResult
from mailsuite.emailauth.signatureresults import of_arc, of_dkim
from mailsuite.emailauth.spf import SPFResult
from mailsuite.emailauth.verdict import Verdict
from mailsuite.errors import (
    HostNotAuthorized,
    MailError,
    NotAuthentic,
    SignaturesBroken,
)
from mailsuite.interfaces import IResolver
from mailsuite.mail.dns import Inquiry
from mailsuite.mail.envelope import Origin, Sender
from mailsuite.mail.headers import every
from mailsuite.transfer.header import LARGE
from mailsuite.transfer.inquiries import answered
from mailsuite.transfer.threads import InPool

T = TypeVar("T")

#: RFC 7208 4.6.4: the time for one check, seconds.
_SECONDS = 20.0


class Treatment(IntEnum):
    """
    What is done with a message; the greater wins.
    """

    NOTE = 0
    JUNK = 1
    REJECT = 2


@dataclass(frozen=True, slots=True)
class CheckPolicy:
    """
    What each verdict leads to.

    :param spf_never: the domain says that no host sends for it.
    :param trusted_sealers: domains whose ARC seals are believed, as A-labels.
    """

    spf_fail: Treatment = Treatment.NOTE
    spf_never: Treatment = Treatment.REJECT
    dkim_fail: Treatment = Treatment.NOTE
    dmarc_quarantine: Treatment = Treatment.JUNK
    dmarc_reject: Treatment = Treatment.JUNK
    trusted_sealers: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Examined:
    """
    What came out for one message.

    :param results: for Authentication-Results, in their order.
    :param refusal: why, where it is to be rejected.
    """

    results: tuple[MethodResult, ...]
    treatment: Treatment
    refusal: MailError | None
    spf: SPFResult
    dkim: tuple[DKIMResult, ...]
    arc: ARCResult
    dmarc: DMARCResult


class Examination:
    """
    The checks of one message.
    """

    _log = Logger()

    def __init__(
        self,
        resolver: IResolver,
        clock: IReactorTime,
        policy: CheckPolicy,
        origin: Origin,
        sender: Sender,
        in_pool: InPool,
    ) -> None:
        """
        Begin with what the dialogue told.

        :param origin: with an address of the peer.
        """
        self._resolver = resolver
        self._clock = clock
        self._policy = policy
        self._origin = origin
        self._iprev = self._inquired(
            iprev.check(origin.peer),
            IPRevResult(Verdict.TEMPERROR, origin.peer),
        )
        identity = spf.mail_from(sender.reverse_path, origin.helo)
        self._spf = self._inquired(
            spf.check(
                origin.peer,
                identity,
                origin.helo,
                receiver=origin.our_name,
                now=self._now,
            ),
            SPFResult(Verdict.TEMPERROR, identity, "timeout"),
        )
        self._in_pool = in_pool
        self._large = False
        self._is_of_list = False
        self._authors: tuple[str, ...] = ()
        self._dkim = DKIMVerification(b"", "")
        self._arc = ARCVerification(b"")

    def take_header(self, section: bytes) -> frozenset[Canonicalization]:
        """
        The header section as it was received; how its body must be hashed.

        For one that is ``LARGE``, to be called in a thread.
        """
        self._large = len(section) > LARGE
        self._is_of_list = bool(every(section, b"List-Id"))
        self._authors = dmarc.author_domains(section)
        first = self._authors[0] if self._authors else ""
        self._dkim = DKIMVerification(section, first)
        self._arc = ARCVerification(section)
        return self._dkim.canonicalizations | self._arc.canonicalizations

    async def result(self, body: BodyDigests) -> Examined:
        """
        Verify, and judge.
        """
        iprev_found = await self._iprev
        spf_found = await self._spf
        in_pool = self._in_pool if self._large else None
        dkim_found = await self._inquired(
            self._dkim.check(body, self._now), (), in_pool
        )
        arc_found = await self._inquired(
            self._arc.check(body, self._now),
            # Whether it may be continued is not known.
            ARCResult(Verdict.FAIL, why="timeout", ended=True),
            in_pool,
        )
        passed = [
            one.domain for one in dkim_found if one.verdict is Verdict.PASS
        ]
        dmarc_found = await self._inquired(
            dmarc.evaluate(self._authors, spf_found, passed),
            DMARCResult(Verdict.TEMPERROR, "", why="timeout"),
        )
        found = Examined(
            results=(
                of_iprev(iprev_found),
                of_spf(spf_found),
                *of_dkim(dkim_found),
                of_arc(arc_found),
                of_dmarc(dmarc_found),
            ),
            treatment=Treatment.NOTE,
            refusal=None,
            spf=spf_found,
            dkim=dkim_found,
            arc=arc_found,
            dmarc=dmarc_found,
        )
        return _judged(found, self._policy, spared=self._spared(found))

    def abandon(self) -> None:
        """
        Nobody waits for the result.
        """
        for check in (self._iprev, self._spf):
            check.addErrback(lambda _: None)
            check.cancel()

    @property
    def _now(self) -> int:
        return int(self._clock.seconds())

    def _inquired(
        self,
        inquiry: Inquiry[T],
        otherwise: T,
        in_pool: InPool | None = None,
    ) -> Deferred[T]:
        """
        What an inquiry comes to; ``otherwise`` if that takes too long.
        """
        asking: Coroutine[Deferred[Any], Any, T] = answered(
            inquiry, self._resolver, in_pool
        )
        found = Deferred.fromCoroutine(asking)
        found.addTimeout(_SECONDS, self._clock)

        def in_its_place(failure: Failure) -> T:
            if failure.check(CancelledError):
                # Nobody waits for it any more.
                failure.raiseException()
            if failure.check(TimeoutError) is None:
                self._log.failure(
                    "Bug in a check of mail from {peer}",
                    failure,
                    peer=self._origin.peer,
                )
            return otherwise

        return found.addErrback(in_its_place)

    def _spared(self, found: Examined) -> bool:
        """
        Whether DMARC's failure is explained: a mailing list that is itself
        genuine, or one that is trusted and saw the message pass.
        """
        newest = next(iter(found.arc.sets), None)
        if newest is not None and newest.domain in self._policy.trusted_sealers:
            seen = results.parse(newest.authentication_results)
            if seen is not None and any(
                one.method == "dmarc" and one.result == "pass"
                for one in seen.results
            ):
                return True
        genuine = found.spf.verdict is Verdict.PASS or any(
            one.verdict is Verdict.PASS for one in found.dkim
        )
        return genuine and self._is_of_list


def _judged(found: Examined, policy: CheckPolicy, *, spared: bool) -> Examined:
    """
    The same with what it leads to.
    """
    weighed: list[tuple[Treatment, MailError | None]] = [(Treatment.NOTE, None)]
    if found.spf.verdict is Verdict.FAIL:
        refusal = HostNotAuthorized(_of_spf(found.spf))
        weighed.append((policy.spf_fail, refusal))
        if found.spf.fails_all:
            weighed.append((policy.spf_never, refusal))
    verdicts = {one.verdict for one in found.dkim}
    if verdicts and not verdicts & {Verdict.PASS, Verdict.TEMPERROR}:
        weighed.append((policy.dkim_fail, SignaturesBroken()))
    if found.dmarc.verdict is Verdict.FAIL and not spared:
        asked = {
            Policy.NONE: Treatment.NOTE,
            Policy.QUARANTINE: policy.dmarc_quarantine,
            Policy.REJECT: policy.dmarc_reject,
        }
        of_dmarc_policy = NotAuthentic(
            f"Message is not from {found.dmarc.domain}, whose owner asks"
            " that such mail be refused (DMARC)"
        )
        weighed.append((asked[found.dmarc.policy], of_dmarc_policy))
    treatment, why = max(weighed, key=lambda one: one[0])
    return replace(
        found,
        treatment=treatment,
        refusal=why if treatment is Treatment.REJECT else None,
    )


def _of_spf(found: SPFResult) -> str:
    text = f"This host may not send for {found.identity.domain}"
    return f"{text}: {found.explanation}" if found.explanation else text


def summary(methods: Sequence[MethodResult]) -> str:
    """
    The results in one line, for the log.
    """
    return " ".join(f"{one.method}={one.result}" for one in methods)

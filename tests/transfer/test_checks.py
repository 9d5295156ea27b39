"""
Tests for ``mailsuite.transfer.checks``: what verdicts lead to.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from mailsuite.emailauth.bodydigest import BodyDigests
from mailsuite.emailauth.dkimkeys import SigningKey
from mailsuite.errors import (
    HostNotAuthorized,
    NotAuthentic,
    SignaturesBroken,
)
from mailsuite.interfaces import IResolver
from mailsuite.mail.address import Address
from mailsuite.mail.dns import Answer, Question, RecordType
from mailsuite.mail.envelope import Sender
from mailsuite.transfer.checks import CheckPolicy, Examination, Treatment
from mailsuite.transfer.story import steps
from tests.emailauth.signatures import short_key
from tests.support.checkedmail import (
    BAD,
    CREPES,
    GOOD,
    LARGE,
    MESSAGE,
    SECTION,
    CheckedMailTestCase,
    dmarc,
    key_line,
    signed,
)
from tests.support.memory_resolver import failing
from tests.support.queueing import at_once, now
from tests.support.receptions import BOB, CAROL
from tests.support.transferring import LMTP, MX, write

T = TypeVar("T")


class VerdictTests(CheckedMailTestCase):
    """
    What comes of a message, and what is done about it.
    """

    def filed(self) -> tuple[int, int]:
        """
        How many messages Bob has in INBOX and Junk.
        """
        return len(self.mail.inbox(self.bob)), len(self.junk(self.bob))

    def test_genuine(self) -> None:
        """
        All passes, for small and large; a field says so in our name, before
        the sender's.
        """
        self.publish(GOOD, key_line(CREPES), dmarc("reject"))
        for octets in (MESSAGE, LARGE):
            self.come(signed(octets))

            self.assertEqual(
                self.results(),
                {
                    "iprev": "pass",
                    "spf": "pass",
                    "dkim": "pass",
                    "arc": "none",
                    "dmarc": "pass",
                },
            )
            kept = self.mail.inbox(self.bob)[-1]
            section = kept.partition(b"From: Alice")[0]
            self.assertEqual(
                section.count(b"\nAuthentication-Results: hamburger.edu;"), 1
            )
            self.assertIn(b"dmarc=pass", section)
            self.assertTrue(kept.endswith(octets))

    def test_forged(self) -> None:
        """
        The owner's wish is followed: junk, where he would have it refused.
        """
        for policy, filed in (
            ("none", (1, 0)),
            ("quarantine", (1, 1)),
            ("reject", (1, 2)),
        ):
            self.publish(BAD, dmarc(policy))
            self.come()
            self.assertEqual(self.results()["dmarc"], "fail")
            self.assertEqual(self.filed(), filed)

    def test_junk_of_all_sizes(self) -> None:
        """
        A large message is junk like a small one; both have the field.
        """
        self.publish(BAD, dmarc("quarantine"))
        self.come()
        self.come(LARGE)

        for kept, octets in zip(
            self.junk(self.bob), (MESSAGE, LARGE), strict=True
        ):
            self.assertIn(b"dmarc=fail", kept)
            self.assertTrue(kept.endswith(octets))

    def test_refused_by_choice(self) -> None:
        """
        Each verdict may refuse, if the operator says so.
        """
        refuse = Treatment.REJECT
        for policy, lines, octets, error in (
            (
                CheckPolicy(dmarc_reject=refuse),
                (BAD, dmarc("reject")),
                MESSAGE,
                NotAuthentic,
            ),
            (
                CheckPolicy(dmarc_quarantine=refuse),
                (BAD, dmarc("quarantine")),
                MESSAGE,
                NotAuthentic,
            ),
            (CheckPolicy(spf_fail=refuse), (BAD,), MESSAGE, HostNotAuthorized),
            (
                CheckPolicy(dkim_fail=refuse),
                (GOOD, key_line(CREPES)),
                signed() + b"More.\r\n",
                SignaturesBroken,
            ),
        ):
            self.started(policy)
            self.publish(*lines)
            with self.assertRaises(error):
                self.come(octets)
            self.assertEqual(self.filed(), (0, 0))

    def test_what_is_not_refused(self) -> None:
        """
        A policy for one verdict is for no other; no signature is no failure.
        """
        refuse = Treatment.REJECT
        for policy, lines, octets in (
            (CheckPolicy(dmarc_reject=refuse), (BAD, dmarc("none")), MESSAGE),
            (CheckPolicy(dkim_fail=refuse), (BAD,), MESSAGE),
            (CheckPolicy(dkim_fail=refuse), (GOOD, key_line(CREPES)), signed()),
            (CheckPolicy(), (GOOD, key_line(CREPES)), signed() + b"More.\r\n"),
            (CheckPolicy(), (BAD,), MESSAGE),
        ):
            self.started(policy)
            self.publish(*lines)
            self.come(octets)
            self.assertEqual(self.filed(), (1, 0))

    def test_junk_goes_no_further(self) -> None:
        """
        Who stands behind an alias outside gets no junk; the operator sees
        that, and nobody is sent a notification.
        """
        self.started(CheckPolicy())
        self.mail.directory.add_alias(
            "all@hamburger.edu",
            self.bob,
            elsewhere=(Address("eve", "pommes.be"),),
        )
        self.publish(BAD, dmarc("reject"))
        transaction = self.mail.begin("all@hamburger.edu")
        write(transaction, MESSAGE)
        now(transaction.commit())
        self.mail.clock.advance(120)

        self.assertEqual(self.filed(), (0, 1))
        self.assertEqual(self.mail.elsewhere.taken, [])
        [found] = now(self.mail.queue.operator.trace(transaction.queue_id))
        told = " ".join(text for _, text in steps(found.standing, found.ended))
        self.assertIn("eve@pommes.be", told)
        self.assertIn("goes no further", told)

    def test_one_good_signature_is_enough(self) -> None:
        """
        A list may have broken the author's, and made its own.
        """
        self.started(CheckPolicy(dkim_fail=Treatment.REJECT))
        other = SigningKey("liste.fr", "r0", short_key().private)
        self.publish(GOOD, key_line(CREPES), key_line(other))
        changed = signed().replace(b"ketchup?", b"pickles?")

        self.come(signed(changed, other))

        self.assertEqual(self.filed(), (1, 0))

    def test_domain_that_never_mails(self) -> None:
        """
        SPF of a domain with ``-all`` alone refuses by itself.
        """
        self.publish('crepes.fr. 60 IN TXT "v=spf1 -all"')
        with self.assertRaises(HostNotAuthorized) as refused:
            self.come()
        self.assertIn("crepes.fr", refused.exception.public)

    def test_failures_of_the_dns(self) -> None:
        """
        They are nobody's fault, whatever the policy.
        """
        refuse = Treatment.REJECT
        self.started(CheckPolicy(refuse, refuse, refuse, refuse, refuse))
        self.publish(key_line(CREPES))
        for name, kind, method in (
            ("7.2.0.192.in-addr.arpa", RecordType.PTR, "iprev"),
            ("crepes.fr", RecordType.TXT, "spf"),
            ("e._domainkey.crepes.fr", RecordType.TXT, "dkim"),
            ("_dmarc.crepes.fr", RecordType.TXT, "dmarc"),
        ):
            self.resolver.answers |= failing(name, kind)
            self.come(signed())
            self.assertEqual(self.results()[method], "temperror")
        self.assertEqual(self.filed(), (4, 0))

    def test_list(self) -> None:
        """
        A genuine list's mail in somebody's name is spared; what only says that
        it is a list is not.
        """
        listed = b"List-Id: <crepes.liste.fr>\r\n" + MESSAGE
        key = SigningKey("liste.fr", "r0", short_key().private)
        self.publish(BAD, dmarc("reject"), key_line(key))

        self.come(signed(listed, key))
        self.assertEqual(self.filed(), (1, 0))
        self.come(listed)
        self.assertEqual(self.filed(), (1, 1))

    def test_foreign_results(self) -> None:
        """
        What others say in our name goes; in theirs, it stays.
        """
        self.publish(GOOD)
        fields = (
            b"Authentication-Results: hamburger.edu; dmarc=pass\r\n"
            b"Authentication-Results: crepes.fr; dmarc=pass\r\n"
            b"authentication-results : (x)\r\n\tHAMBURGER.EDU; dkim=pass\r\n"
        )
        self.come(fields + MESSAGE)

        (kept,) = self.mail.inbox(self.bob)
        self.assertEqual(kept.lower().count(b"hamburger.edu;"), 1)
        self.assertNotIn(b"hamburger.edu; dmarc=pass", kept)
        self.assertIn(b"crepes.fr; dmarc=pass", kept)

    def test_large_header_section(self) -> None:
        """
        It is looked at in a thread, and comes to the same.
        """
        self.publish(GOOD, key_line(CREPES), dmarc("reject"))
        filler = b"X-Filler:" + b"\r\n x" * 20_000 + b"\r\n"
        self.come(signed())
        usual = self.results()
        self.come(filler + signed())

        self.assertEqual(usual["dkim"], "pass")
        self.assertEqual(self.results(), usual)
        self.assertEqual(self.filed(), (2, 0))

    def test_only_strangers_are_checked(self) -> None:
        """
        A local program that speaks LMTP vouches for what it brings.
        """
        self.publish(BAD, dmarc("reject"))
        transaction = self.mail.begin(CAROL, origin=LMTP)
        write(transaction, MESSAGE)
        now(transaction.commit())

        self.assertEqual(self.mail.noted, [])
        self.assertEqual(len(self.mail.inbox(self.carol)), 1)
        self.assertEqual(self.resolver.asked, [])

    def test_client_that_goes_away(self) -> None:
        """
        A message whose client is lost while it is checked is not taken, small
        or large, and leaves no file and no report of a bug.
        """
        for octets in (MESSAGE, LARGE):
            self.mail.resolver = SilentResolver()
            transaction = self.mail.begin(BOB)
            write(transaction, octets)
            done = Deferred.fromCoroutine(transaction.commit())
            self.assertNoResult(done)
            done.cancel()
            transaction.abort()

            self.failureResultOf(done, CancelledError)
            self.assertEqual(self.mail.inbox(self.bob), [])
            self.assertEqual(self.flushLoggedErrors(), [])
        assert self.mail.store is not None
        (incoming,) = self.mail.store.incomings
        self.assertTrue(incoming.discarded)

    def test_reset_in_the_middle(self) -> None:
        """
        So is one that is not whole; what was asked for it is let go.
        """
        self.mail.resolver = resolver = SilentResolver()
        transaction = self.mail.begin(BOB)
        write(transaction, LARGE[:-1000])
        transaction.abort()

        assert self.mail.store is not None
        (incoming,) = self.mail.store.incomings
        self.assertTrue(incoming.discarded)
        self.assertTrue(all(turn.called for turn in resolver.waiting))
        self.assertEqual(
            self.mail.reception.budget.free, self.mail.limits.memory
        )


@implementer(IResolver)
class SilentResolver:
    """
    Never answers.
    """

    def __init__(self) -> None:
        self.waiting: list[Deferred[Answer]] = []

    async def ask(self, question: Question) -> Answer:
        """
        Wait.
        """
        turn: Deferred[Answer] = Deferred()
        self.waiting.append(turn)
        return await turn


class ExaminationTests(SynchronousTestCase):
    """
    Tests for ``Examination`` by itself.
    """

    def setUp(self) -> None:
        self.clock = Clock()
        self.resolver = SilentResolver()
        self.pooled = 0
        self.examination = Examination(
            self.resolver,
            self.clock,
            CheckPolicy(),
            MX,
            Sender(Address("alice", "crepes.fr")),
            self.in_pool,
        )

    def in_pool(self, work: Callable[[], T]) -> Deferred[T]:
        """
        A pool that counts what it does.
        """
        self.pooled += 1
        return at_once(work)

    def test_timeout(self) -> None:
        """
        Each check has twenty seconds; then it is a failure of the DNS.
        """
        self.examination.take_header(SECTION)
        result = Deferred.fromCoroutine(
            self.examination.result(BodyDigests(()))
        )
        self.clock.advance(20)
        self.assertNoResult(result)
        self.clock.advance(20)

        found = self.successResultOf(result)
        verdicts = {one.method: one.result for one in found.results}
        self.assertEqual(
            verdicts,
            {
                "iprev": "temperror",
                "spf": "temperror",
                "dkim": "none",
                "arc": "none",
                "dmarc": "temperror",
            },
        )
        self.assertIs(found.treatment, Treatment.NOTE)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_abandoned(self) -> None:
        """
        Nothing is asked any more, nothing waits, and nobody is told.
        """
        waiting = list(self.resolver.waiting)
        self.examination.abandon()
        self.examination.abandon()

        self.assertEqual(len(waiting), 2)
        for turn in waiting:
            self.assertTrue(turn.called)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_cancelled(self) -> None:
        """
        Who waits for the result and gives up gets none: the client is gone,
        and would send the message again.
        """
        self.examination.take_header(SECTION)
        result = Deferred.fromCoroutine(
            self.examination.result(BodyDigests(()))
        )
        result.cancel()
        self.failureResultOf(result, CancelledError)
        self.examination.abandon()

        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_small_sections_have_no_thread(self) -> None:
        """
        Threads are for large ones.
        """
        for filler, pooled in ((0, False), (65536, True)):
            self.setUp()
            section = SECTION + b"X: %b\r\n" % (b"x" * filler)
            self.examination.take_header(section)
            result = Deferred.fromCoroutine(
                self.examination.result(BodyDigests(()))
            )
            self.clock.advance(20)
            self.clock.advance(20)
            self.successResultOf(result)
            self.assertEqual(self.pooled > 0, pooled)

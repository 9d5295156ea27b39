"""
Tests for ``mailsuite.transfer.tlspolicy``.
"""

from __future__ import annotations

from pathlib import Path

from twisted.logger import LogEvent, formatEvent, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.mail.dns import Question, RecordType
from mailsuite.smtp.clienttls import Negotiated, TLSMode
from mailsuite.smtp.wire.failures import (
    ConnectFailed,
    NotAuthenticated,
    SendingFailed,
    TLSFailed,
    TLSNotOffered,
)
from mailsuite.transfer.mx import MailHost
from mailsuite.transfer.outcome import Kind
from mailsuite.transfer.policy import AnyHost, HostDemand, NoHost, SessionSeen
from mailsuite.transfer.tlsreport import PolicyReport
from mailsuite.transfer.tlssessions import DomainDay
from tests.support.authorities import certificate
from tests.support.memory_resolver import failing
from tests.support.remotes import now
from tests.support.tlspolicies import (
    DAY,
    IN_CLEAR,
    MX,
    SECURE,
    TLSPolicies,
    demanded,
    refusal,
    secure_host,
)


class _Case(SynchronousTestCase):
    def setUp(self) -> None:
        self.all = TLSPolicies(Path(self.mktemp()).absolute())
        self.addCleanup(self.all.close)


class DANETests(_Case):
    """
    Tests for ``TLSPolicy`` where there is DNSSEC.
    """

    def test_secure_all_along(self) -> None:
        """
        MX, addresses and TLSA vouched for: the host must match.
        """
        self.all.publish_tlsa("mx.example.org", "3 1 1 " + "ab" * 32)
        demand = demanded(self.all.for_domain(SECURE, secure=True), SECURE)

        self.assertFalse(demand.clear)
        self.assertIs(demand.tls.mode, TLSMode.REQUIRED)
        self.assertEqual(demand.tls.server_name, "mx.example.org")
        assert demand.tls.judge is not None
        chain = certificate(["mx.example.org"]).chain
        self.assertRaises(NotAuthenticated, demand.tls.judge, chain, "")

    def test_insecure_on_the_way(self) -> None:
        """
        One insecure answer, and the records are not even asked for.
        """
        self.all.publish_tlsa("mx.example.org", "3 1 1 " + "ab" * 32)
        for host, secure in ((SECURE, False), (MX, True)):
            policy = self.all.for_domain(host, secure=secure)
            self.assertEqual(demanded(policy, host), IN_CLEAR)

    def test_nobody_knows(self) -> None:
        """
        Without an answer about TLSA the host is skipped, not trusted.
        """
        self.all.resolver.answers |= failing(
            "_25._tcp.mx.example.org", RecordType.TLSA
        )
        policy = self.all.for_domain(SECURE, secure=True)
        outcome = refusal(policy, SECURE)
        self.assertIs(outcome.kind, Kind.DEFERRED)
        self.assertEqual(outcome.enhanced, "4.4.3")
        (counted,) = self.all.counted()
        self.assertEqual(
            (counted.type, counted.details[0].result),
            ("tlsa", "dnssec-invalid"),
        )

    def test_before_mta_sts(self) -> None:
        """
        A host with TLSA records is judged by them, whatever the policy says.
        """
        self.all.publish_sts("example.org", "enforce", "other.example.org")
        self.all.publish_tlsa("mx.example.org", "3 1 1 " + "ab" * 32)
        demand = demanded(self.all.for_domain(SECURE, secure=True), SECURE)
        self.assertIs(demand.tls.mode, TLSMode.REQUIRED)

    def test_host_by_host(self) -> None:
        """
        A host without TLSA records falls under MTA-STS beside one with.
        """
        self.all.publish_sts("example.org", "enforce", "mx.example.org")
        self.all.publish_tlsa("mx.example.org", "3 1 1 " + "ab" * 32)
        other = secure_host("other.example.org")
        policy = self.all.for_domain(SECURE, other, secure=True)

        self.assertIs(demanded(policy, SECURE).tls.mode, TLSMode.REQUIRED)
        self.assertEqual(refusal(policy, other).enhanced, "4.7.5")

    def test_unusable(self) -> None:
        """
        TLS all the same, to whomever; and the domain hears of it.
        """
        self.all.publish_tlsa("mx.example.org", "0 0 1 " + "ab" * 32)
        demand = demanded(self.all.for_domain(SECURE, secure=True), SECURE)
        assert demand.tls.judge is not None
        chain = certificate(["x.example"]).chain

        self.assertEqual(demand.tls.judge(chain, ""), "")
        self.assertIs(demand.tls.mode, TLSMode.REQUIRED)
        self.assertFalse(demand.clear)
        self.all.policy.seen(
            SessionSeen(
                "example.org",
                SECURE,
                "192.0.2.1",
                demand,
                Negotiated("TLSv1.3", "x", chain),
            )
        )
        (counted,) = self.all.counted()
        self.assertEqual(counted.details[0].result, "tlsa-invalid")

    def test_shared_connections(self) -> None:
        """
        Domains share a host's connections, but not where their own name may
        have made its certificate good.
        """
        self.all.publish_tlsa("mx.example.org", "3 1 1 " + "ab" * 32)
        one = self.all.for_domain(SECURE, secure=True)
        two = self.all.for_domain(SECURE, secure=True, domain="example.net")
        self.assertEqual(one, two)
        self.assertEqual(hash(one), hash(two))

        self.all.publish_tlsa("mx.example.org", "2 1 1 " + "ab" * 32)
        one = self.all.for_domain(SECURE, secure=True)
        two = self.all.for_domain(SECURE, secure=True, domain="example.net")
        self.assertNotEqual(one, two)

    def test_other_port(self) -> None:
        """
        Records stand below the port that is used.
        """
        others = TLSPolicies(Path(self.mktemp()).absolute(), port=2525)
        self.addCleanup(others.close)
        others.for_domain(SECURE, secure=True)
        asked = Question("_2525._tcp.mx.example.org", RecordType.TLSA)
        self.assertIn(asked, others.resolver.asked)


class STSTests(_Case):
    """
    Tests for ``TLSPolicy`` where there is MTA-STS.
    """

    def test_enforce(self) -> None:
        """
        A host in the policy must be authenticated.
        """
        self.all.publish_sts("example.org", "enforce", "*.example.org")
        demand = demanded(self.all.for_domain())

        self.assertIs(demand.tls.mode, TLSMode.REQUIRED)
        self.assertFalse(demand.clear)
        assert demand.tls.judge is not None
        self.assertRaises(NotAuthenticated, demand.tls.judge, (), "x")

    def test_enforce_another_host(self) -> None:
        """
        One that is not in it is not used, and the domain hears of it.
        """
        self.all.publish_sts("example.org", "enforce", "mx.example.net")
        outcome = refusal(self.all.for_domain())

        self.assertIs(outcome.kind, Kind.DEFERRED)
        (counted,) = self.all.counted()
        self.assertEqual((counted.type, counted.failures), ("sts", 1))
        self.assertEqual(counted.mx_hosts, ("mx.example.net",))
        self.assertEqual(counted.details[0].receiving_host, "mx.example.org")

    def test_refused_host_brings_doubt(self) -> None:
        """
        The next mail looks whether the policy has changed without a new id.
        """
        self.all.publish_sts("example.org", "enforce", "mx.example.net")
        refusal(self.all.for_domain())
        self.all.publish_sts("example.org", "enforce", "mx.example.org")
        self.all.clock.advance(301)

        demanded(self.all.for_domain())

    def test_testing(self) -> None:
        """
        Delivered whatever comes, in clear too.
        """
        self.all.publish_sts("example.org", "testing", "mx.example.org")
        demand = demanded(self.all.for_domain())

        self.assertTrue(demand.clear)
        self.assertIs(demand.tls.mode, TLSMode.OPPORTUNISTIC)
        assert demand.tls.judge is not None
        self.assertEqual(demand.tls.judge((), "x"), "")

    def test_testing_another_host(self) -> None:
        """
        The same, and the domain hears of the host.
        """
        self.all.publish_sts("example.org", "testing", "mx.example.net")
        self.assertEqual(demanded(self.all.for_domain()), IN_CLEAR)
        self.assertEqual(self.all.counted()[0].failures, 1)

    def test_none(self) -> None:
        """
        No policy, no demand.
        """
        self.assertEqual(demanded(self.all.for_domain()), IN_CLEAR)

    def test_shared_connections(self) -> None:
        """
        Not between a domain that enforces and one that has no policy.
        """
        self.all.publish_sts("example.org", "enforce", "mx.example.org")
        self.all.publish_sts("example.net", "enforce", "*.example.org")
        one = self.all.for_domain()
        self.assertEqual(one, self.all.for_domain(domain="example.net"))
        self.assertNotEqual(one, self.all.for_domain(domain="example.com"))

    def test_u_labels(self) -> None:
        """
        A domain in any script is asked for by its A-labels.
        """
        self.all.publish_sts(
            "xn--mnchen-3ya.example", "enforce", "mx.b.example"
        )
        refusal(self.all.for_domain(domain="münchen.example"))

    def test_address_literal(self) -> None:
        """
        An address has no policy.
        """
        policy = self.all.for_domain(domain="[192.0.2.1]")
        self.assertEqual(policy, AnyHost())
        policy = self.all.for_domain(domain="[192.0.2.1]", requiretls=True)
        self.assertEqual(policy, NoHost())


class RequireTLSTests(_Case):
    """
    Tests for ``TLSPolicy`` with REQUIRETLS (RFC 8689 4.2.1).
    """

    def test_nothing_is_certain(self) -> None:
        """
        Without DNSSEC and MTA-STS nobody can say who the host is.
        """
        outcome = refusal(self.all.for_domain(requiretls=True))
        self.assertEqual(
            (outcome.kind, outcome.enhanced), (Kind.FAILED, "5.7.30")
        )

    def test_ways_to_be_certain(self) -> None:
        """
        DANE; MTA-STS, in testing too; a secure MX; the domain itself.
        """
        self.all.publish_sts("example.org", "testing", "mx.example.org")
        self.all.publish_sts("example.net", "enforce", "mx.example.org")
        self.all.publish_tlsa("mx.example.com", "3 1 1 " + "ab" * 32)
        own = MailHost("example.edu", ("192.0.2.1",))
        com = secure_host("mx.example.com")
        for policy, host in (
            (self.all.for_domain(requiretls=True), MX),
            (self.all.for_domain(domain="example.net", requiretls=True), MX),
            (
                self.all.for_domain(
                    com, domain="example.com", secure=True, requiretls=True
                ),
                com,
            ),
            (
                self.all.for_domain(
                    domain="example.gov", secure=True, requiretls=True
                ),
                MX,
            ),
            (
                self.all.for_domain(
                    own, domain="example.edu", implicit=True, requiretls=True
                ),
                own,
            ),
        ):
            demand = demanded(policy, host)
            self.assertFalse(demand.clear)
            self.assertIs(demand.tls.mode, TLSMode.REQUIRED)
            assert demand.tls.judge is not None
            chain = certificate(["x.example"]).chain
            self.assertRaises(NotAuthenticated, demand.tls.judge, chain, "x")

    def test_unusable_records_do_not_do(self) -> None:
        """
        Encrypted to whomever is not enough here.
        """
        self.all.publish_tlsa("mx.example.org", "0 0 1 " + "ab" * 32)
        policy = self.all.for_domain(SECURE, secure=True, requiretls=True)
        demand = demanded(policy, SECURE)
        assert demand.tls.judge is not None
        chain = certificate(["x.example"]).chain
        self.assertRaises(NotAuthenticated, demand.tls.judge, chain, "x")


class SeenTests(_Case):
    """
    Tests for ``TLSPolicy.seen``.
    """

    def see(
        self,
        demand: HostDemand,
        tls: Negotiated | None = None,
        failure: SendingFailed | None = None,
    ) -> None:
        """
        A session with the host.
        """
        self.all.policy.seen(
            SessionSeen("example.org", MX, "192.0.2.1", demand, tls, failure)
        )

    def result(self) -> tuple[str, str]:
        """
        The one failure that is counted, and under what.
        """
        (counted,) = self.all.counted()
        (detail,) = counted.details
        self.assertEqual(detail.receiving_ip, "192.0.2.1")
        return counted.type, detail.result

    def test_success(self) -> None:
        """
        Sessions with TLS, as no policy demands it.
        """
        demand = demanded(self.all.for_domain())
        for _ in range(3):
            self.see(demand, Negotiated("TLSv1.3", "x", ()))
        (counted,) = self.all.counted()
        self.assertEqual(
            counted,
            PolicyReport("no-policy-found", "example.org", (), (), 3, 0),
        )

    def test_authenticated_hosts_are_told(self) -> None:
        """
        The log says of a host how it was authenticated, and nothing of others.
        """
        demand = demanded(self.all.for_domain())
        events: list[LogEvent] = []
        globalLogPublisher.addObserver(events.append)  # type: ignore[arg-type]
        self.addCleanup(globalLogPublisher.removeObserver, events.append)
        self.see(demand, Negotiated("TLSv1.3", "x", ()))
        self.assertEqual(events, [])
        self.see(demand, Negotiated("TLSv1.3", "x", (), "DANE-EE"))
        [event] = events
        self.assertEqual(
            formatEvent(event),
            "mx.example.org [192.0.2.1] is authenticated by DANE-EE: TLSv1.3 x",
        )

    def test_without_tls(self) -> None:
        """
        A host without STARTTLS.
        """
        self.see(demanded(self.all.for_domain()))
        self.assertEqual(
            self.result(), ("no-policy-found", "starttls-not-supported")
        )

    def test_enforced_and_not_offered(self) -> None:
        """
        The same, where it is demanded.
        """
        self.all.publish_sts("example.org", "enforce", "mx.example.org")
        demand = demanded(self.all.for_domain())
        self.see(demand, failure=TLSNotOffered("STARTTLS is not offered"))
        self.assertEqual(self.result(), ("sts", "starttls-not-supported"))

    def test_handshake(self) -> None:
        """
        A handshake that fails.
        """
        demand = demanded(self.all.for_domain())
        self.see(demand, failure=TLSFailed("TLS handshake failed"))
        self.assertEqual(
            self.result(), ("no-policy-found", "validation-failure")
        )

    def test_failed_test(self) -> None:
        """
        A policy in testing hears of what it would have kept out.
        """
        self.all.publish_sts("example.org", "testing", "mx.example.org")
        demand = demanded(self.all.for_domain())
        self.see(demand, Negotiated("TLSv1.3", "x", ()))
        self.assertEqual(self.result(), ("sts", "validation-failure"))

    def test_passed_test(self) -> None:
        """
        And of what it would not.
        """
        self.all.publish_sts("example.org", "testing", "mx.example.org")
        demand = demanded(self.all.for_domain())
        self.see(demand, Negotiated("TLSv1.3", "x", (), "MTA-STS"))
        self.assertEqual(self.all.counted()[0].successes, 1)

    def test_no_policy_to_be_had(self) -> None:
        """
        A record that promises a policy, and no policy.
        """
        self.all.publish_sts("example.org", "enforce", "mx.example.org")
        self.all.web.answers.clear()
        demand = demanded(self.all.for_domain())
        self.see(demand, Negotiated("TLSv1.3", "x", ()))
        self.assertEqual(self.result(), ("sts", "sts-policy-fetch-error"))

    def test_not_tls(self) -> None:
        """
        What failed otherwise is no matter of TLS; nor does a host that cannot
        be reached bring doubt on a policy.
        """
        self.all.publish_sts("example.org", "enforce", "mx.example.org")
        demand = demanded(self.all.for_domain())
        self.see(demand, failure=ConnectFailed("refused"))
        self.assertEqual(self.all.counted(), ())
        self.all.clock.advance(301)
        self.all.for_domain()
        self.assertEqual(len(self.all.web.asked), 1)

    def test_uncounted(self) -> None:
        """
        A report's own session is in no report, nor is one of a route.
        """
        self.all.policy.seen(
            SessionSeen("example.net", MX, "192.0.2.1", IN_CLEAR, None)
        )
        demand = now(AnyHost(counted=False).for_host(MX))
        assert isinstance(demand, HostDemand)
        self.all.for_domain()
        self.see(demand)
        self.assertEqual(self.all.counted(), ())
        now(self.all.sessions.write())
        other = DomainDay("example.net", DAY)
        self.assertEqual(now(self.all.sessions.of(other)), ())

"""
Tests of ``mailsuite.transfer.remote`` under the policies of domains.
"""

from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from mailsuite.mail.address import Address
from mailsuite.mail.envelope import Sender
from mailsuite.smtp.clienttls import CLEAR, OPPORTUNISTIC, TLSMode
from mailsuite.smtp.wire.failures import (
    NotAuthenticated,
    TLSFailed,
    TLSNotOffered,
)
from mailsuite.transfer.outcome import Kind
from mailsuite.transfer.tlssessions import DomainDay
from tests.support.remotes import Host, Sending, crepes, now, outgoing
from tests.support.tlspolicies import DAY, TLSPolicies

ONE, TWO = "192.0.2.1", "192.0.2.2"
BOB = Address("bob", "hamburger.edu")


class PoliciesTests(SynchronousTestCase):
    """
    ``crepes.fr`` has two hosts and a policy.
    """

    def setUp(self) -> None:
        self.all = TLSPolicies(Path(self.mktemp()).absolute())
        self.addCleanup(self.all.close)

    def sending(self, one: Host, two: Host) -> Sending:
        """
        Delivery to the hosts, the first one preferred.
        """
        table = crepes(ONE, TWO)
        return Sending({ONE: one, TWO: two}, table, policy=self.all.policy)

    def failures(self) -> list[tuple[str, str]]:
        """
        What is counted: result and host.
        """
        now(self.all.sessions.write())
        found = now(self.all.sessions.of(DomainDay("crepes.fr", DAY)))
        return sorted(
            (detail.result, detail.receiving_host)
            for each in found
            for detail in each.details
        )

    def test_enforced_at_every_host(self) -> None:
        """
        Where no host is authenticated the message waits, and nothing goes out
        in clear.
        """
        self.all.publish_sts("crepes.fr", "enforce", "*.crepes.fr")
        sending = self.sending(
            Host([NotAuthenticated("the certificate is for another")]),
            Host([TLSNotOffered("STARTTLS is not offered")]),
        )
        outcome = sending.one(outgoing())

        self.assertIs(outcome.kind, Kind.DEFERRED)
        self.assertEqual(outcome.enhanced, "4.7.5")
        self.assertEqual(sending.network.tried, [ONE, TWO])
        self.assertEqual(
            {conduct.tls.mode for _, conduct in sending.network.connections},
            {TLSMode.REQUIRED},
        )
        self.assertEqual(
            self.failures(),
            [
                ("starttls-not-supported", "mx2.crepes.fr"),
                ("validation-failure", "mx1.crepes.fr"),
            ],
        )

    def test_enforced_and_one_host_is_good(self) -> None:
        """
        The host that is not in the policy is not even connected to.
        """
        self.all.publish_sts("crepes.fr", "enforce", "mx2.crepes.fr")
        sending = self.sending(Host(), Host())

        self.assertIs(sending.one(outgoing()).kind, Kind.SENT)
        self.assertEqual(sending.network.tried, [TWO])
        self.assertIn(("validation-failure", "mx1.crepes.fr"), self.failures())

    def test_enforced_and_no_host_is_good(self) -> None:
        """
        The sender hears in the end which host the policy does not list.
        """
        self.all.publish_sts("crepes.fr", "enforce", "mx.example.net")
        sending = self.sending(Host(), Host())
        outcome = sending.one(outgoing())

        self.assertIs(outcome.kind, Kind.DEFERRED)
        self.assertIn("does not list mx", outcome.text)
        self.assertEqual(sending.network.tried, [])

    def test_testing(self) -> None:
        """
        In testing TLS that fails is done without.
        """
        self.all.publish_sts("crepes.fr", "testing", "*.crepes.fr")
        sending = self.sending(Host([TLSFailed("handshake")]), Host())

        self.assertIs(sending.one(outgoing()).kind, Kind.SENT)
        self.assertEqual(sending.network.tried, [ONE, ONE])
        self.assertEqual(sending.network.connections[1][1].tls, CLEAR)
        self.assertIn(("validation-failure", "mx1.crepes.fr"), self.failures())

    def test_optional_tls(self) -> None:
        """
        A report arrives whatever the policy says, and is in no report.
        """
        self.all.publish_sts("crepes.fr", "enforce", "mx.example.net")
        sending = self.sending(Host(), Host())
        sender = Sender(BOB, tls_optional=True)

        self.assertIs(sending.one(outgoing(sender=sender)).kind, Kind.SENT)
        ((_, conduct),) = sending.network.connections
        self.assertEqual(conduct.tls, OPPORTUNISTIC)
        self.assertEqual(self.failures(), [])

    def test_optional_tls_alone(self) -> None:
        """
        Mail beside it does not use its connection.
        """
        self.all.publish_sts("crepes.fr", "enforce", "*.crepes.fr")
        sending = self.sending(Host(), Host())
        sending.one(outgoing(sender=Sender(BOB, tls_optional=True)))
        sending.one(outgoing())

        self.assertEqual(
            [conduct.tls.mode for _, conduct in sending.network.connections],
            [TLSMode.OPPORTUNISTIC, TLSMode.REQUIRED],
        )

    def test_required_and_optional_tls(self) -> None:
        """
        REQUIRETLS is stronger (RFC 8689 3).
        """
        sending = self.sending(Host(), Host())
        sender = Sender(BOB, requiretls=True, tls_optional=True)
        outcome = sending.one(outgoing(sender=sender))

        self.assertEqual(
            (outcome.kind, outcome.enhanced), (Kind.FAILED, "5.7.30")
        )

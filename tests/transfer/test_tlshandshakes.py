"""
Tests of what ``mailsuite.transfer.tlspolicy`` demands, on real connections.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory
from twisted.internet.ssl import CertificateOptions
from twisted.protocols.basic import LineOnlyReceiver
from twisted.trial.unittest import TestCase

from mailsuite.smtp.clienttls import Negotiated
from mailsuite.smtp.opening import Conduct
from mailsuite.smtp.place import Place
from mailsuite.smtp.sender import Connector
from mailsuite.smtp.wire.failures import NotAuthenticated, SendingFailed
from mailsuite.transfer.certificates import Authorities
from mailsuite.transfer.policy import HostDemand, SessionSeen
from mailsuite.transfer.tlssessions import DomainDay
from tests.support.authorities import Holder, authority, certificate
from tests.support.queueing import at_once
from tests.support.remotes import now
from tests.support.tlspolicies import (
    DAY,
    MX,
    SECURE,
    TLSPolicies,
    demanded,
)


class _Peer(LineOnlyReceiver):
    """
    An SMTP server that greets and starts TLS.
    """

    options: CertificateOptions

    def connectionMade(self) -> None:
        """
        Greet.
        """
        self.sendLine(b"220 mx.example.org")

    def lineReceived(self, line: bytes) -> None:
        """
        Answer.
        """
        if line == b"STARTTLS":
            self.sendLine(b"220 Go")
            assert self.transport is not None
            self.transport.startTLS(self.options)  # type: ignore[attr-defined]
        elif line == b"QUIT":
            self.sendLine(b"221 Bye")
            assert self.transport is not None
            self.transport.loseConnection()
        else:
            self.sendLine(b"250-mx.example.org")
            self.sendLine(b"250 STARTTLS")


class HandshakeTests(TestCase):
    """
    Tests for the judges, on real connections.
    """

    def setUp(self) -> None:
        self.root = authority("root")
        file = Path(self.mktemp())
        file.write_bytes(self.root.pem())
        self.all = TLSPolicies(
            Path(self.mktemp()).absolute(), Authorities([str(file)]).judge
        )
        self.addCleanup(self.all.close)

    def listen(self, holder: Holder) -> int:
        """
        A server with that certificate; its port.
        """
        factory = Factory.forProtocol(_Peer)
        _Peer.options = holder.server_options()
        port = reactor.listenTCP(  # type: ignore[attr-defined]
            0, factory, interface="127.0.0.1"
        )
        self.addCleanup(port.stopListening)
        number: int = port.getHost().port
        return number

    async def session(self, holder: Holder, demand: HostDemand) -> str:
        """
        How a server with that certificate is authenticated.
        """
        place = Place("127.0.0.1", self.listen(holder), "mx.example.org")
        connector = Connector(reactor, at_once)
        try:
            client = await connector.connect(
                place, Conduct("hamburger.edu", demand.tls)
            )
        except SendingFailed as failure:
            self.see(demand, None, failure)
            raise
        self.see(demand, client.tls, None)
        await client.quit()
        assert client.tls is not None
        return client.tls.verified

    def see(
        self,
        demand: HostDemand,
        tls: Negotiated | None,
        failure: SendingFailed | None,
    ) -> None:
        """
        The session is told of.
        """
        self.all.policy.seen(
            SessionSeen("example.org", MX, "127.0.0.1", demand, tls, failure)
        )

    async def refused(self, holder: Holder, demand: HostDemand) -> str:
        """
        In what words of reports a server is refused.
        """
        await self.assertFailure(
            Deferred.fromCoroutine(self.session(holder, demand)),
            NotAuthenticated,
        )
        (counted,) = self.all.counted()
        now(self.all.sessions.done(DomainDay("example.org", DAY)))
        return counted.details[0].result

    def by_sts(self) -> HostDemand:
        """
        What an enforced policy demands.
        """
        self.all.publish_sts("example.org", "enforce", "mx.example.org")
        return demanded(self.all.for_domain())

    async def test_sts(self) -> None:
        """
        A certificate of a trusted authority, for the host's name.
        """
        holder = certificate(["mx.example.org"], self.root)
        verified = await self.session(holder, self.by_sts())
        self.assertEqual(verified, "MTA-STS")
        self.assertEqual(self.all.counted()[0].successes, 1)

    async def test_sts_refuses(self) -> None:
        """
        Another name, another authority, yesterday's date.
        """
        for holder, result in (
            (
                certificate(["mx.example.net"], self.root),
                "certificate-host-mismatch",
            ),
            (certificate(["mx.example.org"]), "certificate-not-trusted"),
            (
                certificate(["mx.example.org"], self.root, expired=True),
                "certificate-expired",
            ),
        ):
            found = await self.refused(holder, self.by_sts())
            self.assertEqual(found, result)

    async def test_testing_counts(self) -> None:
        """
        In testing the session comes about, and is counted as a failure.
        """
        self.all.publish_sts("example.org", "testing", "mx.example.org")
        demand = demanded(self.all.for_domain())
        holder = certificate(["mx.example.net"], self.root)

        self.assertEqual(await self.session(holder, demand), "")
        result = self.all.counted()[0].details[0].result
        self.assertEqual(result, "certificate-host-mismatch")

    async def test_dane(self) -> None:
        """
        A key that the DNS names needs no authority.
        """
        holder = certificate(["whatever.example"])
        digest = hashlib.sha256(holder.key_der).hexdigest()
        self.all.publish_tlsa("mx.example.org", f"3 1 1 {digest}")
        demand = demanded(self.all.for_domain(SECURE, secure=True), SECURE)

        self.assertEqual(await self.session(holder, demand), "DANE-EE")
        (counted,) = self.all.counted()
        self.assertEqual(
            (counted.type, counted.domain, counted.strings),
            ("tlsa", "mx.example.org", (f"3 1 1 {digest}",)),
        )

    async def test_dane_authority(self) -> None:
        """
        An authority that the DNS names vouches for the chain that is sent.
        """
        between = authority("between", authority("another root"))
        digest = hashlib.sha256(between.der).hexdigest()
        self.all.publish_tlsa("mx.example.org", f"2 0 1 {digest}")
        demand = demanded(self.all.for_domain(SECURE, secure=True), SECURE)

        for name in ("mx.example.org", "example.org"):
            holder = certificate([name], between)
            self.assertEqual(await self.session(holder, demand), "DANE-TA")
        now(self.all.sessions.write())
        now(self.all.sessions.done(DomainDay("example.org", DAY)))
        result = await self.refused(certificate(["x.example"], between), demand)
        self.assertEqual(result, "certificate-host-mismatch")

    async def test_dane_refuses(self) -> None:
        """
        The best certificate of the best authority is nothing against the DNS.
        """
        self.all.publish_tlsa("mx.example.org", "3 1 1 " + "ab" * 32)
        demand = demanded(self.all.for_domain(SECURE, secure=True), SECURE)
        holder = certificate(["mx.example.org"], self.root)
        self.assertEqual(
            await self.refused(holder, demand), "validation-failure"
        )

"""
Tests for ``mailsuite.smtp.opening``, ``clientlogin`` and ``sender``.
"""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Sequence

from cryptography import x509
from OpenSSL import SSL
from twisted.internet.defer import CancelledError
from twisted.internet.error import ConnectionRefusedError, TimeoutError
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.smtp.client import SMTPClient
from mailsuite.smtp.clientlogin import Credentials
from mailsuite.smtp.clienttls import OPPORTUNISTIC, TLSDemand, TLSMode
from mailsuite.smtp.place import Place
from mailsuite.smtp.wire.failures import (
    BadReply,
    ConnectFailed,
    CredentialsRefused,
    CredentialsUnusable,
    GreetingRefused,
    HelloRefused,
    Lost,
    NotAuthenticated,
    SendingFailed,
    ShuttingDown,
    TLSFailed,
    TLSNotOffered,
)
from mailsuite.wire.sasl import Scram, ScramSecrets, scram_keys
from tests.support.smtp_client import CONDUCT, Peer
from tests.support.tls_peer import TLSPeer

_EHLO = b"EHLO crepes.fr\r\n"
_ALICE = Credentials("alice", "ketchup")
_REQUIRED = TLSDemand(TLSMode.REQUIRED)


def base64_line(octets: bytes) -> bytes:
    """
    A line of base64.
    """
    return base64.b64encode(octets) + b"\r\n"


class OpeningTestCase(SynchronousTestCase):
    """
    What the tests here share.
    """

    def begin(
        self,
        tls: TLSDemand = CONDUCT.tls,
        credentials: Credentials | None = None,
    ) -> Peer:
        """
        A connection whose server has said nothing yet.
        """
        peer = Peer(
            dataclasses.replace(CONDUCT, tls=tls, credentials=credentials)
        )
        peer.accept()
        return peer

    def greeted(self, peer: Peer, *extensions: str) -> None:
        """
        The server greets and tells of itself.
        """
        peer.say("220 hamburger.edu")
        self.assertEqual(peer.one_write(), _EHLO)
        lines = ["hamburger.edu", *extensions]
        peer.say(*(f"250-{line}" for line in lines[:-1]), f"250 {lines[-1]}")

    def client(self, peer: Peer) -> SMTPClient:
        """
        The connection, which is ready.
        """
        client: SMTPClient = self.successResultOf(peer.connecting)
        return client

    def fails(self, peer: Peer, kind: type[SendingFailed]) -> str:
        """
        It came to nothing, and nothing is left of it.

        :return: why.
        """
        failed = self.failureResultOf(peer.connecting, kind)
        peer.reactor.advance(0)
        self.assertTrue(peer.transport.gone)
        return str(failed.value)


class OpeningTests(OpeningTestCase):
    """
    Greeting and EHLO.
    """

    def test_capabilities(self) -> None:
        """
        What EHLO told is known.
        """
        peer = self.begin()
        self.greeted(peer, "PIPELINING", "SIZE 10")

        client = self.client(peer)
        self.assertTrue(client.capabilities.pipelining)
        self.assertEqual(client.capabilities.size, 10)
        self.assertIsNone(client.tls)
        self.assertTrue(client.ready)

    def test_refused_greeting(self) -> None:
        """
        554 and 421 instead of a greeting are told as they are.
        """
        for line in ("554 5.7.1 not you", "421 4.3.2 busy", "521 never"):
            peer = self.begin()
            peer.say(line)
            self.assertIn(line[:3], self.fails(peer, GreetingRefused))

    def test_no_greeting(self) -> None:
        """
        Five minutes for a greeting (RFC 5321 4.5.3.2.1).
        """
        peer = self.begin()
        peer.reactor.advance(299)
        self.assertNoResult(peer.connecting)
        peer.reactor.advance(1)

        self.assertIn("greeting", self.fails(peer, Lost))

    def test_no_server_of_mail(self) -> None:
        """
        Another protocol's greeting is no reply.
        """
        peer = self.begin()
        peer.say("SSH-2.0-OpenSSH_9.2")

        self.fails(peer, BadReply)

    def test_hello_refused(self) -> None:
        """
        EHLO and HELO refused; 4yz is final at once.
        """
        peer = self.begin()
        peer.say("220 hi")
        peer.say("502 no")
        peer.say("550 neither")
        self.fails(peer, HelloRefused)

        peer = self.begin()
        peer.say("220 hi")
        peer.say("450 later")
        self.fails(peer, HelloRefused)

    def test_shutting_down(self) -> None:
        """
        421 to EHLO.
        """
        peer = self.begin()
        peer.say("220 hi")
        peer.say("421 bye")

        self.fails(peer, ShuttingDown)

    def test_cancelled(self) -> None:
        """
        Nobody wants it any more.
        """
        peer = self.begin()
        peer.connecting.cancel()
        peer.reactor.advance(0)

        self.failureResultOf(peer.connecting, CancelledError)
        self.assertTrue(peer.transport.gone)


class ConnectorTests(SynchronousTestCase):
    """
    Tests for ``Connector``.
    """

    def test_addresses(self) -> None:
        """
        From our address to the server's, in both families.
        """
        for address, source in (
            ("192.0.2.1", "192.0.2.9"),
            ("2001:db8::1", "2001:db8::9"),
        ):
            peer = Peer(place=Place(address, 25, "mx", source))
            host, port, _, timeout, bound = peer.reactor.tcpClients[0]
            self.assertEqual((host, port, timeout), (address, 25, 30))
            self.assertEqual(bound, (source, 0))

    def test_no_connection(self) -> None:
        """
        Why there is none, in a word.
        """
        for reason, text in (
            (ConnectionRefusedError(111), "connection refused"),
            (TimeoutError(), "no connection in time"),
        ):
            peer = Peer()
            factory = peer.reactor.tcpClients[0][2]
            factory.clientConnectionFailed(None, Failure(reason))
            failed = self.failureResultOf(peer.connecting, ConnectFailed)
            self.assertEqual(str(failed.value), text)

    def test_cancelled(self) -> None:
        """
        Nobody waits for the connection any more.
        """
        peer = Peer()
        peer.connecting.cancel()

        self.failureResultOf(peer.connecting, CancelledError)

    def test_place(self) -> None:
        """
        A place as people read it.
        """
        self.assertEqual(
            str(Place("192.0.2.1", 25, "mx.example")),
            "mx.example [192.0.2.1]:25",
        )


class TLSTests(OpeningTestCase):
    """
    STARTTLS, and TLS at once.
    """

    def started(self, peer: Peer, **choice: int) -> TLSPeer:
        """
        STARTTLS is answered, and hands are shaken.
        """
        peer.heard()
        self.greeted_with_tls(peer)
        tls = TLSPeer(peer, **choice)
        peer.say("220 go")
        tls.shake_hands()
        return tls

    def greeted_with_tls(self, peer: Peer) -> None:
        """
        Up to STARTTLS.
        """
        self.greeted(peer, "STARTTLS")
        self.assertEqual(peer.one_write(), b"STARTTLS\r\n")

    def test_opportunistic(self) -> None:
        """
        Whoever it is will do; what was said before counts no longer.
        """
        peer = self.begin(OPPORTUNISTIC)
        tls = self.started(peer)
        self.assertEqual(tls.asked, b"mx.hamburger.edu")
        self.assertEqual(tls.heard(), _EHLO)
        tls.say("250-hamburger.edu", "250 REQUIRETLS")

        client = self.client(peer)
        assert client.tls is not None
        self.assertTrue(str(client.tls).startswith("TLSv1.3 TLS_AES_"))
        self.assertEqual(client.tls.chain, (tls.certificate,))
        self.assertEqual(client.tls.verified, "")
        self.assertTrue(client.capabilities.requiretls)
        self.assertFalse(client.capabilities.starttls)

    def test_judged(self) -> None:
        """
        The judge sees the chain before a word is said, and has a say.
        """
        seen: list[tuple[int, str]] = []

        def judge(chain: Sequence[x509.Certificate], host: str) -> str:
            seen.append((len(chain), host))
            return "DANE-EE"

        peer = self.begin(TLSDemand(TLSMode.REQUIRED, judge, "base.example"))
        tls = self.started(peer)
        self.assertEqual(tls.asked, b"base.example")
        self.assertEqual(seen, [(1, "base.example")])
        tls.heard()
        tls.say("250 hamburger.edu")

        client = self.client(peer)
        assert client.tls is not None
        self.assertEqual(client.tls.verified, "DANE-EE")

    def test_not_authenticated(self) -> None:
        """
        The wrong certificate: not a word is said.
        """

        def judge(chain: Sequence[x509.Certificate], host: str) -> str:
            raise NotAuthenticated("certificate of somebody else")

        peer = self.begin(TLSDemand(TLSMode.REQUIRED, judge))
        tls = self.started(peer)

        self.assertEqual(tls.heard(), b"")
        self.fails(peer, NotAuthenticated)

    def test_too_old(self) -> None:
        """
        TLS 1.1 is none.
        """
        peer = self.begin(OPPORTUNISTIC)
        self.started(peer, most=SSL.TLS1_1_VERSION)
        peer.reactor.advance(0)

        self.fails(peer, TLSFailed)

    def test_tls_1_2(self) -> None:
        """
        TLS 1.2 will do.
        """
        peer = self.begin(OPPORTUNISTIC)
        tls = self.started(peer, most=SSL.TLS1_2_VERSION)
        tls.heard()
        tls.say("250 hamburger.edu")

        client = self.client(peer)
        assert client.tls is not None
        self.assertEqual(client.tls.version, "TLSv1.2")

    def test_no_handshake(self) -> None:
        """
        Sixty seconds for a handshake.
        """
        peer = self.begin(OPPORTUNISTIC)
        self.greeted_with_tls(peer)
        peer.say("220 go")
        peer.reactor.advance(59)
        self.assertNoResult(peer.connecting)
        peer.reactor.advance(1)

        self.assertIn("in time", self.fails(peer, TLSFailed))

    def test_broken_handshake(self) -> None:
        """
        What comes back is no TLS.
        """
        peer = self.begin(OPPORTUNISTIC)
        self.greeted_with_tls(peer)
        peer.say("220 go")
        peer.say("500 what do you mean")
        peer.reactor.advance(0)

        self.fails(peer, TLSFailed)

    def test_octets_in_clear(self) -> None:
        """
        What stands behind the answer to STARTTLS in clear was slipped in.
        """
        for behind in ("250 PIPELINING\r\n", "2"):
            peer = self.begin(OPPORTUNISTIC)
            self.greeted_with_tls(peer)
            peer.say_octets(b"220 go\r\n" + behind.encode())

            self.assertIn("in clear", self.fails(peer, TLSFailed))

    def test_refused(self) -> None:
        """
        454: in clear where that may be, else not at all.
        """
        peer = self.begin(OPPORTUNISTIC)
        self.greeted_with_tls(peer)
        peer.say("454 4.7.0 no entropy")
        client = self.client(peer)
        self.assertIsNone(client.tls)
        self.assertTrue(client.ready)

        peer = self.begin(_REQUIRED)
        self.greeted_with_tls(peer)
        peer.say("454 4.7.0 no entropy")
        self.assertIn("454 4.7.0", self.fails(peer, TLSNotOffered))

    def test_not_offered(self) -> None:
        """
        The same where it is not offered.
        """
        peer = self.begin(OPPORTUNISTIC)
        self.greeted(peer, "PIPELINING")
        self.client(peer)

        peer = self.begin(_REQUIRED)
        self.greeted(peer, "PIPELINING")
        self.fails(peer, TLSNotOffered)

    def test_never(self) -> None:
        """
        In clear although it is offered.
        """
        peer = self.begin()
        self.greeted(peer, "STARTTLS")

        self.assertIsNone(self.client(peer).tls)

    def test_implicit(self) -> None:
        """
        TLS before the greeting (RFC 8314), and no STARTTLS in it.
        """
        demand = dataclasses.replace(_REQUIRED, implicit=True)
        peer = self.begin(demand)
        tls = TLSPeer(peer)
        tls.shake_hands()
        tls.say("220 hamburger.edu")
        self.assertEqual(tls.heard(), _EHLO)
        tls.say("250-hamburger.edu", "250 STARTTLS")

        self.assertIsNotNone(self.client(peer).tls)


class LoginTests(OpeningTestCase):
    """
    AUTH.
    """

    def verified(self, offers: str) -> tuple[Peer, TLSPeer]:
        """
        A server that proved who it is, and offers these mechanisms.
        """
        demand = TLSDemand(TLSMode.REQUIRED, lambda chain, host: "PKIX")
        peer = self.begin(dataclasses.replace(demand, implicit=True), _ALICE)
        tls = TLSPeer(peer)
        tls.shake_hands()
        tls.say("220 hamburger.edu")
        tls.heard()
        tls.say("250-hamburger.edu", f"250 AUTH {offers}")
        return peer, tls

    def test_plain(self) -> None:
        """
        PLAIN in one line.
        """
        peer, tls = self.verified("LOGIN PLAIN")
        self.assertEqual(
            tls.heard(), b"AUTH PLAIN " + base64_line(b"\0alice\0ketchup")
        )
        tls.say("235 2.7.0 welcome")

        self.assertTrue(self.client(peer).ready)

    def test_login(self) -> None:
        """
        LOGIN in three.
        """
        peer, tls = self.verified("LOGIN")
        said = [tls.heard()]
        for line in ("334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6"):
            tls.say(line)
            said.append(tls.heard())
        tls.say("235 welcome")

        self.assertEqual(
            said,
            [b"AUTH LOGIN\r\n", base64_line(b"alice"), base64_line(b"ketchup")],
        )
        self.client(peer)

    def test_refused(self) -> None:
        """
        535 is told as it is, without the password.
        """
        peer, tls = self.verified("PLAIN")
        tls.heard()
        tls.say("535 5.7.8 no")

        text = self.fails(peer, CredentialsRefused)
        self.assertIn("535 5.7.8 no", text)
        self.assertNotIn("ketchup", text + repr(_ALICE))

    def test_not_to_a_stranger(self) -> None:
        """
        A password is not told to who knows whom, but by choice.
        """
        peer = self.begin(credentials=_ALICE)
        self.greeted(peer, "AUTH PLAIN LOGIN")
        self.assertEqual(peer.heard(), b"")
        self.fails(peer, CredentialsUnusable)

        chosen = dataclasses.replace(_ALICE, clear=True)
        peer = self.begin(credentials=chosen)
        self.greeted(peer, "AUTH PLAIN LOGIN")
        self.assertTrue(peer.heard().startswith(b"AUTH PLAIN "))

    def test_nothing_in_common(self) -> None:
        """
        No AUTH, or no mechanism of ours.
        """
        for offers in ("PIPELINING", "AUTH XOAUTH2"):
            peer = self.begin(credentials=_ALICE)
            self.greeted(peer, offers)
            self.fails(peer, CredentialsUnusable)

    def scram(self, heard: bytes, tls: TLSPeer, password: bytes) -> bytes:
        """
        Answer SCRAM up to the server's last message.

        :return: that.
        """
        _, mechanism, first = heard.split()
        plus = mechanism.endswith(b"-PLUS")
        bound = tls.export(b"EXPORTER-Channel-Binding")
        server = Scram(
            "server", plus=plus, plus_announced=plus, binding=lambda kind: bound
        )
        server.first(base64.b64decode(first))
        keys = scram_keys(password, b"salt", 4096)
        challenge = server.challenge(ScramSecrets(b"salt", 4096, [keys]))
        tls.say(f"334 {base64.b64encode(challenge).decode()}")
        return server.final(base64.b64decode(tls.heard()))

    def test_scram(self) -> None:
        """
        SCRAM, bound to the channel where that is offered, before PLAIN.
        """
        for offers in (
            "PLAIN SCRAM-SHA-256 SCRAM-SHA-256-PLUS",
            "PLAIN SCRAM-SHA-256",
        ):
            peer, tls = self.verified(offers)
            heard = tls.heard()
            self.assertEqual(heard.split()[1].decode(), offers.split()[-1])
            final = self.scram(heard, tls, b"ketchup")
            tls.say(f"334 {base64.b64encode(final).decode()}")
            self.assertEqual(tls.heard(), b"\r\n")
            tls.say("235 welcome")

            self.client(peer)

    def test_scram_without_a_proof(self) -> None:
        """
        A server that does not prove that it knows the password is not used.
        """
        peer, tls = self.verified("SCRAM-SHA-256")
        self.scram(tls.heard(), tls, b"ketchup")
        tls.say("334 " + base64.b64encode(b"v=AAAA").decode())
        self.fails(peer, CredentialsUnusable)

        peer, tls = self.verified("SCRAM-SHA-256")
        self.scram(tls.heard(), tls, b"ketchup")
        tls.say("235 welcome")
        self.fails(peer, BadReply)

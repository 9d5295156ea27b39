"""
Tests for ``mailsuite.app.tls``.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from cryptography import x509
from OpenSSL import SSL
from twisted.internet.protocol import Protocol
from twisted.internet.task import Clock
from twisted.logger import globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.app.tls import (
    CertificateFaulty,
    Certificates,
    Pair,
    own_authority_file,
    own_pair,
)
from mailsuite.disk import Disk


def _shake_hands(
    certificates: Certificates, name: str, authority: Path | None
) -> x509.Certificate:
    """
    A whole handshake in memory.

    :return: the certificate that the client was shown.
    """
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    if authority is not None:
        context.load_verify_locations(str(authority))
        context.set_verify(SSL.VERIFY_PEER)
    client = SSL.Connection(context, None)
    client.set_tlsext_host_name(name.encode())
    client.set_connect_state()
    server = certificates.serverConnectionForTLS(Protocol())
    server.set_accept_state()
    for _ in range(10):
        for side, other in ((client, server), (server, client)):
            with contextlib.suppress(SSL.WantReadError):
                side.do_handshake()
            with contextlib.suppress(SSL.WantReadError):
                other.bio_write(side.bio_read(65536))
    shown = client.get_peer_certificate()
    assert shown is not None
    return shown.to_cryptography()


class CertificatesTests(SynchronousTestCase):
    """
    Tests for ``Certificates`` and our own authority.
    """

    def setUp(self) -> None:
        """
        Two states, each with its authority and a certificate.
        """
        self.disk = Disk()
        self.addCleanup(self.disk.close)
        self.one, self.other = Path(self.mktemp()), Path(self.mktemp())
        for state in (self.one, self.other):
            for name in ("ca", "certificates"):
                self.disk.make_folders(str(state.absolute() / name))
        self.one, self.other = self.one.absolute(), self.other.absolute()
        self.clock = Clock()

    def _own(self, state: Path, *names: str) -> Pair:
        return own_pair(state, names, self.disk)

    def test_the_authority_vouches_for_its_certificate(self) -> None:
        """
        A client that trusts the file is content.
        """
        pair = self._own(self.one, "mail.test", "127.0.0.1")

        shown = _shake_hands(
            Certificates([pair], self.clock),
            "mail.test",
            own_authority_file(self.one),
        )

        names = shown.extensions.get_extension_for_class(
            x509.SubjectAlternativeName
        ).value
        self.assertEqual(names.get_values_for_type(x509.DNSName), ["mail.test"])

    def test_it_is_made_once(self) -> None:
        """
        A second start shows the same certificate; another name, another.
        """
        pair = self._own(self.one, "mail.test")
        first = Path(pair.chain).read_bytes()
        authority = own_authority_file(self.one).read_bytes()

        self._own(self.one, "mail.test")
        self.assertEqual(Path(pair.chain).read_bytes(), first)

        self._own(self.one, "other.test")
        self.assertNotEqual(Path(pair.chain).read_bytes(), first)
        self.assertEqual(own_authority_file(self.one).read_bytes(), authority)

    def test_keys_are_for_their_owner_alone(self) -> None:
        """
        Mode 0600.
        """
        pair = self._own(self.one, "mail.test")

        for path in (pair.key, str(self.one / "ca" / "ca-key.pem")):
            self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)

    def test_a_client_sees_the_certificate_it_asks_for(self) -> None:
        """
        SNI chooses; the first is for everybody else.
        """
        certificates = Certificates(
            [self._own(self.one, "a.test"), self._own(self.other, "b.test")],
            self.clock,
        )

        for asked, seen in (
            ("a.test", "a.test"),
            ("B.TEST", "b.test"),
            ("c.test", "a.test"),
        ):
            shown = _shake_hands(certificates, asked, None)
            self.assertEqual(shown.subject.rfc4514_string(), f"CN={seen}")

    def test_a_replaced_file_is_taken_up(self) -> None:
        """
        Without a restart, at the next handshake.
        """
        pair = self._own(self.one, "a.test")
        certificates = Certificates([pair], self.clock)
        self._own(self.one, "renewed.test")
        self.clock.advance(2)

        shown = _shake_hands(certificates, "x", None)

        self.assertEqual(shown.subject.rfc4514_string(), "CN=renewed.test")

    def test_a_broken_replacement_is_reported_and_the_former_stays(
        self,
    ) -> None:
        """
        A half-written file ends no service.
        """
        pair = self._own(self.one, "a.test")
        certificates = Certificates([pair], self.clock)
        Path(pair.chain).write_text("half of it")
        self.clock.advance(2)
        events: list[dict[str, object]] = []
        globalLogPublisher.addObserver(events.append)  # type: ignore[arg-type]
        self.addCleanup(globalLogPublisher.removeObserver, events.append)

        shown = _shake_hands(certificates, "x", None)

        self.assertEqual(shown.subject.rfc4514_string(), "CN=a.test")
        self.assertTrue(any("reason" in event for event in events))

    def test_what_cannot_be_used_is_said(self) -> None:
        """
        The file is named.
        """
        one, other = self._own(self.one, "a.test"), self._own(self.other, "b")
        for pair, named in (
            (Pair("missing.pem", one.key), "missing.pem"),
            (Pair(one.chain, one.chain), one.chain),
            (Pair(one.chain, other.key), other.key),
        ):
            with self.assertRaises(CertificateFaulty) as caught:
                Certificates([pair], self.clock)
            self.assertIn(named, str(caught.exception))

"""
Tests for what a login comes over.
"""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta
from typing import cast

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import NameOID
from OpenSSL import SSL
from twisted.internet.address import IPv4Address
from twisted.internet.interfaces import ISSLTransport
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from mailsuite.channel import channel_of, tls_description
from mailsuite.conversation import (
    BuildSession,
    Conversation,
    Settings,
)

_Key = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


@implementer(ISSLTransport)
class TLSTransport(StringTransport):
    """
    The server's end of a TLS connection.
    """

    def __init__(self, handle: SSL.Connection, host: str) -> None:
        super().__init__(peerAddress=IPv4Address("TCP", host, 49152))
        self._handle = handle

    def getHandle(self) -> SSL.Connection:
        """
        The TLS connection.  (Name and case are Twisted's.)
        """
        return self._handle


def certificate(
    key: _Key, algorithm: hashes.HashAlgorithm | None
) -> x509.Certificate:
    """
    A certificate that its own key has signed.
    """
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a.example")])
    start = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start - timedelta(days=1))
        .not_valid_after(start + timedelta(days=1))
        .sign(key, cast("hashes.HashAlgorithm", algorithm))
    )


def handshaken(
    version: int, shown: x509.Certificate, key: _Key
) -> tuple[SSL.Connection, SSL.Connection]:
    """
    Client and server after a handshake in memory.
    """
    theirs, ours = SSL.Context(SSL.TLS_METHOD), SSL.Context(SSL.TLS_METHOD)
    ours.use_certificate(shown)
    ours.use_privatekey(key)
    theirs.set_max_proto_version(version)
    client, server = SSL.Connection(theirs, None), SSL.Connection(ours, None)
    client.set_connect_state()
    server.set_accept_state()
    for _ in range(4):
        for end, other in ((client, server), (server, client)):
            with contextlib.suppress(SSL.WantReadError):
                end.do_handshake()
            with contextlib.suppress(SSL.WantReadError):
                other.bio_write(end.bio_read(65536))
    return client, server


class ChannelTests(SynchronousTestCase):
    """
    Tests for ``channel_of`` and ``tls_description``.
    """

    def conversation(self, transport: StringTransport) -> Conversation:
        """
        A conversation over that transport, before its session is made.
        """
        conversation = Conversation(
            Settings(Clock()), cast("BuildSession", None)
        )
        conversation.transport = transport
        return conversation

    def over_tls(
        self,
        version: int = SSL.TLS1_3_VERSION,
        key: _Key | None = None,
        algorithm: hashes.HashAlgorithm | None = None,
    ) -> tuple[SSL.Connection, Conversation]:
        """
        The client's end, and the conversation at ours.
        """
        if key is None:
            key, algorithm = ec.generate_private_key(ec.SECP256R1()), algorithm
            algorithm = algorithm or hashes.SHA256()
        client, server = handshaken(version, certificate(key, algorithm), key)
        return client, self.conversation(TLSTransport(server, "192.0.2.1"))

    def test_in_clear(self) -> None:
        """
        In clear nothing is secure but loopback, or what is configured so.
        """
        for host, clear_passwords, secure in (
            ("192.0.2.1", False, False),
            ("192.0.2.1", True, True),
            ("127.0.0.1", False, True),
        ):
            address = IPv4Address("TCP", host, 49152)
            conversation = self.conversation(StringTransport(None, address))
            channel = channel_of(
                conversation, "smtp", clear_passwords=clear_passwords
            )
            self.assertEqual(channel.secure, secure)
            self.assertFalse(channel.tls)
            self.assertEqual((channel.protocol, channel.peer), ("smtp", host))
            self.assertIsNone(channel.binding("tls-exporter"))
            self.assertIsNone(tls_description(conversation))

    def test_exporter(self) -> None:
        """
        Both ends of TLS 1.3 export the same octets (RFC 9266).
        """
        client, conversation = self.over_tls()

        channel = channel_of(conversation, "imap", clear_passwords=False)

        self.assertTrue(channel.secure and channel.tls)
        self.assertEqual(
            channel.binding("tls-exporter"),
            client.export_keying_material(b"EXPORTER-Channel-Binding", 32, b""),
        )

    def test_no_exporter_below_tls_1_3(self) -> None:
        """
        What TLS 1.2 exports may not be unique (RFC 9266 4.2).
        """
        _, conversation = self.over_tls(SSL.TLS1_2_VERSION)

        channel = channel_of(conversation, "imap", clear_passwords=False)

        self.assertIsNone(channel.binding("tls-exporter"))
        self.assertIsNotNone(channel.binding("tls-server-end-point"))

    def test_end_point(self) -> None:
        """
        The certificate's hash is by its signature's own hash (RFC 5929 4.1).
        """
        client, conversation = self.over_tls(algorithm=hashes.SHA384())
        seen = client.get_peer_certificate(as_cryptography=True)
        assert seen is not None

        channel = channel_of(conversation, "imap", clear_passwords=False)

        self.assertEqual(
            channel.binding("tls-server-end-point"),
            seen.fingerprint(hashes.SHA384()),
        )

    def test_no_end_point_without_a_hash(self) -> None:
        """
        For a signature without a hash of its own there is none.
        """
        _, conversation = self.over_tls(
            key=ed25519.Ed25519PrivateKey.generate()
        )

        channel = channel_of(conversation, "imap", clear_passwords=False)

        self.assertIsNone(channel.binding("tls-server-end-point"))

    def test_other_bindings(self) -> None:
        """
        No other type is known; tls-unique is unsafe.
        """
        _, conversation = self.over_tls()

        channel = channel_of(conversation, "imap", clear_passwords=False)

        self.assertIsNone(channel.binding("tls-unique"))

    def test_description(self) -> None:
        """
        Protocol and cipher, for Received.
        """
        _, conversation = self.over_tls()

        self.assertRegex(
            tls_description(conversation) or "", r"^TLSv1\.3 TLS_[A-Z0-9_]+$"
        )

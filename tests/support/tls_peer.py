"""
The server's end of TLS, in memory.
"""

from __future__ import annotations

import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from OpenSSL import SSL

from tests.support.smtp_client import Peer


def certificate(
    name: str,
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    """
    One that a host of that name signed itself.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    start = datetime.datetime(2020, 1, 1)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=36500))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), False)
        .sign(key, hashes.SHA256())
    )
    return made, key


class TLSPeer:
    """
    Speaks TLS as a server over what a peer hears and says.

    :ivar asked: the name that the client asked for (SNI).
    """

    def __init__(self, peer: Peer, *, most: int = SSL.TLS1_3_VERSION) -> None:
        self.certificate, key = certificate("mx.hamburger.edu")
        self.asked: bytes | None = None
        context = SSL.Context(SSL.TLS_METHOD)
        context.use_certificate(self.certificate)
        context.use_privatekey(key)
        context.set_max_proto_version(most)
        context.set_tlsext_servername_callback(self._named)
        self._peer = peer
        self._connection = SSL.Connection(context, None)
        self._connection.set_accept_state()
        self._heard = b""

    def shake_hands(self) -> None:
        """
        As far as it goes.
        """
        for _ in range(4):
            self._take()
            try:
                self._connection.do_handshake()
            except SSL.WantReadError:
                pass
            except SSL.Error:
                self._pass_on()
                return
            self._pass_on()

    def say(self, *lines: str) -> None:
        """
        Lines to the client, encrypted.
        """
        self._connection.send("".join(f"{line}\r\n" for line in lines).encode())
        self._pass_on()

    def heard(self) -> bytes:
        """
        What the client said since the last call, decrypted.
        """
        self._take()
        octets = b""
        try:
            while True:
                octets += self._connection.recv(4096)
        except SSL.Error:
            return octets

    def export(self, label: bytes) -> bytes:
        """
        The channel's keying material.
        """
        exported: bytes = self._connection.export_keying_material(
            label, 32, b""
        )
        return exported

    def _named(self, connection: SSL.Connection) -> None:
        self.asked = connection.get_servername()

    def _take(self) -> None:
        octets = self._peer.heard()
        if octets:
            self._connection.bio_write(octets)

    def _pass_on(self) -> None:
        try:
            octets = self._connection.bio_read(1 << 16)
        except SSL.WantReadError:
            return
        self._peer.say_octets(octets)

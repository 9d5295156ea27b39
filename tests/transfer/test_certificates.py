"""
Tests for ``mailsuite.transfer.certificates``.
"""

from __future__ import annotations

import datetime
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.smtp.wire.failures import NotAuthenticated
from mailsuite.transfer.certificates import Authorities

_NOW = datetime.datetime.now(datetime.UTC)
_DAY = datetime.timedelta(days=1)


class _Authority:
    """
    One that issues certificates.
    """

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = _name("An authority")
        self.certificate = self.issue("An authority", key=self.key, ca=True)

    def issue(
        self,
        name: str,
        *names: x509.GeneralName,
        key: ec.EllipticCurvePrivateKey | None = None,
        ca: bool = False,
        until: datetime.datetime = _NOW + _DAY,
    ) -> x509.Certificate:
        """
        A certificate for these names.
        """
        key = key or ec.generate_private_key(ec.SECP256R1())
        builder = (
            x509.CertificateBuilder()
            .subject_name(_name(name))
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(_NOW - 2 * _DAY)
            .not_valid_after(until)
            .add_extension(x509.BasicConstraints(ca, None), critical=True)
        )
        if names:
            alternatives = x509.SubjectAlternativeName(names)
            builder = builder.add_extension(alternatives, critical=False)
        return builder.sign(self.key, hashes.SHA256())


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


class AuthoritiesTests(SynchronousTestCase):
    """
    Tests for ``Authorities``.
    """

    def setUp(self) -> None:
        """
        An authority that is trusted.
        """
        self.authority = _Authority()
        path = Path(self.mktemp())
        encoding = serialization.Encoding.PEM
        path.write_bytes(self.authority.certificate.public_bytes(encoding))
        self.judge = Authorities([str(path)]).judge

    def test_good_for_its_names(self) -> None:
        """
        A certificate of a trusted authority is good for its names.
        """
        chain = [
            self.authority.issue(
                "whatever",
                x509.DNSName("smart.net"),
                x509.DNSName("*.crepes.fr"),
                x509.IPAddress(ipaddress.ip_address("192.0.2.1")),
            ),
            self.authority.certificate,
        ]
        for name in ("smart.net", "mx.crepes.fr", "192.0.2.1"):
            self.assertEqual(self.judge(chain, name), "PKIX")

    def test_not_for_other_names(self) -> None:
        """
        Nor for what a wildcard does not cover.
        """
        chain = [self.authority.issue("smart.net", x509.DNSName("*.a.fr"))]
        for name in ("smart.net", "a.fr", "x.y.a.fr", "192.0.2.1"):
            with self.assertRaises(NotAuthenticated, msg=name):
                self.judge(chain, name)

    def test_unknown_authority(self) -> None:
        """
        Whom nobody trusts vouches for nothing.
        """
        other = _Authority()
        chain = [
            other.issue("x", x509.DNSName("smart.net")),
            other.certificate,
        ]
        with self.assertRaises(NotAuthenticated):
            self.judge(chain, "smart.net")

    def test_expired(self) -> None:
        """
        A certificate that is over is no good.
        """
        name = x509.DNSName("smart.net")
        chain = [self.authority.issue("x", name, until=_NOW - _DAY)]
        with self.assertRaises(NotAuthenticated) as caught:
            self.judge(chain, "smart.net")
        self.assertIn("expired", str(caught.exception))

    def test_no_certificate(self) -> None:
        """
        A server that shows none is nobody.
        """
        with self.assertRaises(NotAuthenticated):
            self.judge([], "smart.net")

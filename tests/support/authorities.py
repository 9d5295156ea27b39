"""
Authorities and certificates of our own, for tests of TLS.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from cryptography.x509.oid import NameOID
from OpenSSL import SSL, crypto
from twisted.internet.ssl import CertificateOptions

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Holder:
    """
    A certificate, its key, and those above it.

    :param chain: the certificate first, then its issuers, less the root.
    """

    key: ec.EllipticCurvePrivateKey
    chain: tuple[x509.Certificate, ...]

    @property
    def certificate(self) -> x509.Certificate:
        """
        Its own.
        """
        return self.chain[0]

    @property
    def der(self) -> bytes:
        """
        The certificate's octets.
        """
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def key_der(self) -> bytes:
        """
        The public key's octets.
        """
        return self.key.public_key().public_bytes(
            Encoding.DER, PublicFormat.SubjectPublicKeyInfo
        )

    def pem(self) -> bytes:
        """
        The certificate as a PEM file.
        """
        return self.certificate.public_bytes(Encoding.PEM)

    def server_options(self) -> CertificateOptions:
        """
        For a server that shows this chain.
        """
        key = self.key.private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        )
        return CertificateOptions(
            privateKey=crypto.load_privatekey(crypto.FILETYPE_PEM, key),
            certificate=crypto.X509.from_cryptography(self.certificate),
            extraCertChain=[
                crypto.X509.from_cryptography(each) for each in self.chain[1:]
            ],
            method=SSL.TLS_METHOD,
        )


def authority(name: str, above: Holder | None = None) -> Holder:
    """
    An authority: a root, or one below another.
    """
    return _issued(name, (), above, is_authority=True)


def certificate(
    names: Sequence[str], above: Holder | None = None, *, expired: bool = False
) -> Holder:
    """
    A server's certificate; signed by its own key if there is nobody above.
    """
    return _issued(names[0], names, above, expired=expired)


def _issued(
    common: str,
    names: Sequence[str],
    above: Holder | None,
    *,
    is_authority: bool = False,
    expired: bool = False,
) -> Holder:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])
    end = datetime.now(UTC) + (-_DAY if expired else _DAY)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name if above is None else above.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(end - 3 * _DAY)
        .not_valid_after(end)
        .add_extension(
            x509.BasicConstraints(ca=is_authority, path_length=None), True
        )
    )
    if names:
        alternatives = [x509.DNSName(each) for each in names]
        builder = builder.add_extension(
            x509.SubjectAlternativeName(alternatives), False
        )
    signing = key if above is None else above.key
    made = builder.sign(signing, hashes.SHA256())
    # A root above is not sent.
    issuers: tuple[x509.Certificate, ...] = ()
    if (
        above is not None
        and above.certificate.issuer != above.certificate.subject
    ):
        issuers = above.chain
    return Holder(key, (made, *issuers))

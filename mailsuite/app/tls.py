"""
Certificates: our own authority's, the operator's, and which one a client sees.

Implementation notes

- A client that names a host (SNI) sees the certificate that holds that name;
  everybody else sees the first.
- Files are looked at again when a handshake begins, at most once a second: a
  certificate that was replaced is taken up without a restart.  One that cannot
  be used is reported once, and the former stays.
- Connections keep the context they began with.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from OpenSSL import SSL, crypto
from twisted.internet.interfaces import (
    IOpenSSLServerConnectionCreator,
    IReactorTime,
)
from twisted.internet.protocol import Protocol
from twisted.internet.ssl import (
    AcceptableCiphers,
    CertificateOptions,
    TLSVersion,
)
from twisted.logger import Logger
from zope.interface import implementer

from mailsuite.disk import Disk

#: Forward secrecy and authenticated encryption for TLS 1.2; TLS 1.3's own.
_CIPHERS = AcceptableCiphers.fromOpenSSLCipherString(
    "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:"
    "TLS_AES_128_GCM_SHA256:ECDHE+AESGCM:ECDHE+CHACHA20"
)
_LOOK_AGAIN_SECONDS = 1.0
_CA_DAYS = 3650
_SERVER_DAYS = 825


class CertificateFaulty(Exception):
    """
    A certificate and its key cannot be used; the text says why.
    """


@dataclass(frozen=True, slots=True)
class Pair:
    """
    The files of one certificate.
    """

    chain: str
    key: str


@dataclass(frozen=True, slots=True)
class _Loaded:
    names: tuple[str, ...]
    context: SSL.Context


def load(pair: Pair) -> _Loaded:
    """
    A context that shows the pair's certificate.

    :raises CertificateFaulty: a file is missing, is no PEM, or the two do not
        belong together.
    """
    chain_octets, key_octets = _octets(pair.chain), _octets(pair.key)
    try:
        chain = x509.load_pem_x509_certificates(chain_octets)
    except ValueError as error:
        raise CertificateFaulty(f"{pair.chain}: no PEM certificate") from error
    try:
        key = serialization.load_pem_private_key(key_octets, None)
    except (TypeError, ValueError) as error:
        raise CertificateFaulty(
            f"{pair.key}: no PEM private key without a password"
        ) from error
    leaf = chain[0]
    if leaf.public_key() != key.public_key():
        raise CertificateFaulty(
            f"{pair.key}: not the key of the certificate in {pair.chain}"
        )
    options = CertificateOptions(
        privateKey=crypto.PKey.from_cryptography_key(key),  # type: ignore[arg-type]  # any kind of key is taken
        certificate=crypto.X509.from_cryptography(leaf),
        extraCertChain=[crypto.X509.from_cryptography(c) for c in chain[1:]],
        raiseMinimumTo=TLSVersion.TLSv1_2,
        acceptableCiphers=_CIPHERS,
    )
    context = options.getContext()
    context.set_options(SSL.OP_NO_RENEGOTIATION)
    return _Loaded(_names(leaf), context)


def _octets(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise CertificateFaulty(f"{path}: {error.strerror}") from error


def _names(leaf: x509.Certificate) -> tuple[str, ...]:
    try:
        extension = leaf.extensions.get_extension_for_class(
            x509.SubjectAlternativeName
        )
    except x509.ExtensionNotFound:
        return ()
    found = extension.value.get_values_for_type(x509.DNSName)
    return tuple(name.lower() for name in found)


@implementer(IOpenSSLServerConnectionCreator)
class Certificates:
    """
    All our certificates, for every TLS listener and every STARTTLS.
    """

    _log = Logger()

    def __init__(self, pairs: Sequence[Pair], clock: IReactorTime) -> None:
        """
        :raises CertificateFaulty: one of them cannot be used.
        """
        self._clock = clock
        self._looked = clock.seconds()
        self._pairs: tuple[Pair, ...] = ()
        self._loaded: list[_Loaded] = []
        self._seen: list[tuple[int, ...]] = []
        self.replace(pairs)

    def replace(self, pairs: Sequence[Pair]) -> None:
        """
        Show these from here on.

        :raises CertificateFaulty: one cannot be used; all stays as it was.
        """
        seen = [_stamp(pair) for pair in pairs]
        loaded = [load(pair) for pair in pairs]
        for one in loaded:
            one.context.set_tlsext_servername_callback(self._choose)
        self._pairs = tuple(pairs)
        self._loaded, self._seen = loaded, seen

    def serverConnectionForTLS(self, protocol: Protocol) -> SSL.Connection:
        """
        A new connection.  (Name and case are Twisted's.)
        """
        self._look_again()
        return SSL.Connection(self._loaded[0].context, None)

    def _choose(self, connection: SSL.Connection) -> None:
        asked = (connection.get_servername() or b"").decode("ascii", "replace")
        wanted = asked.lower()
        parent = "*." + wanted.partition(".")[2]
        for name in (wanted, parent):
            for one in self._loaded:
                if name in one.names:
                    connection.set_context(one.context)
                    return

    def _look_again(self) -> None:
        if self._clock.seconds() - self._looked < _LOOK_AGAIN_SECONDS:
            return
        self._looked = self._clock.seconds()
        stamps = [_stamp(pair) for pair in self._pairs]
        if stamps == self._seen:
            return
        self._seen = stamps
        try:
            self.replace(self._pairs)
        except CertificateFaulty as faulty:
            self._log.warn(
                "Certificate not taken up, the former stays: {reason}",
                reason=str(faulty),
            )
        else:
            self._log.info("Certificates were replaced and are taken up")


def _stamp(pair: Pair) -> tuple[int, ...]:
    """
    What changes when one of the files is replaced.
    """
    stamp: list[int] = []
    for path in (pair.chain, pair.key):
        try:
            status = os.stat(path)
        except OSError:
            stamp += [0, 0, 0]
        else:
            stamp += [status.st_ino, status.st_mtime_ns, status.st_size]
    return tuple(stamp)


# --- Our own authority --------------------------------------------------------


def own_pair(state: Path, names: Sequence[str], disk: Disk) -> Pair:
    """
    A certificate of our own authority for these names; both are made if they
    are not there, or if the certificate lacks a name or ends within 30 days.
    """
    pair = Pair(
        str(state / "certificates" / "server.pem"),
        str(state / "certificates" / "server-key.pem"),
    )
    if not _good(pair, names):
        authority, authority_key = _authority(state, disk)
        key = ec.generate_private_key(ec.SECP256R1())
        leaf = _server_certificate(names, key, authority, authority_key)
        disk.replace(pair.key, _key_pem(key))
        disk.replace(pair.chain, _pem(leaf) + _pem(authority))
    return pair


def own_authority_file(state: Path) -> Path:
    """
    Where the certificate lies that clients have to trust.
    """
    return state / "ca" / "ca.pem"


def _good(pair: Pair, names: Sequence[str]) -> bool:
    try:
        leaf = x509.load_pem_x509_certificates(_octets(pair.chain))[0]
        load(pair)
    except (CertificateFaulty, ValueError):
        return False
    soon = datetime.now(UTC) + timedelta(days=30)
    wanted = {name.lower() for name in names if not _is_address(name)}
    return leaf.not_valid_after_utc > soon and wanted <= set(_names(leaf))


def _authority(
    state: Path, disk: Disk
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    path, key_path = own_authority_file(state), state / "ca" / "ca-key.pem"
    if path.exists() and key_path.exists():
        found = serialization.load_pem_private_key(key_path.read_bytes(), None)
        if isinstance(found, ec.EllipticCurvePrivateKey):
            return x509.load_pem_x509_certificate(path.read_bytes()), found
    key = ec.generate_private_key(ec.SECP256R1())
    serial = x509.random_serial_number()
    name = x509.Name(
        [
            x509.NameAttribute(
                NameOID.COMMON_NAME,
                f"Mailsuite local authority {serial:x}"[:40],
            )
        ]
    )
    builder = _builder(name, name, key.public_key(), _CA_DAYS)
    authority = (
        builder.add_extension(x509.BasicConstraints(True, 0), critical=True)
        .add_extension(
            x509.KeyUsage(
                digital_signature=True,
                key_cert_sign=True,
                crl_sign=True,
                content_commitment=False,
                key_encipherment=False,
                data_encipherment=False,
                key_agreement=False,
                encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
        .sign(key, hashes.SHA256())
    )
    disk.replace(str(key_path), _key_pem(key))
    disk.replace(str(path), _pem(authority))
    return authority, key


def _server_certificate(
    names: Sequence[str],
    key: ec.EllipticCurvePrivateKey,
    authority: x509.Certificate,
    authority_key: ec.EllipticCurvePrivateKey,
) -> x509.Certificate:
    alternatives: list[x509.GeneralName] = [
        x509.IPAddress(ipaddress.ip_address(name))
        if _is_address(name)
        else x509.DNSName(name)
        for name in names
    ]
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    builder = _builder(
        subject, authority.subject, key.public_key(), _SERVER_DAYS
    )
    return (
        builder.add_extension(
            x509.SubjectAlternativeName(alternatives), critical=False
        )
        .add_extension(x509.BasicConstraints(False, None), critical=True)
        .add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]),
            critical=False,
        )
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(
                authority_key.public_key()
            ),
            critical=False,
        )
        .sign(authority_key, hashes.SHA256())
    )


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    days: int,
) -> x509.CertificateBuilder:
    today = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=days))
        .add_extension(
            x509.SubjectKeyIdentifier.from_public_key(key), critical=False
        )
    )


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )

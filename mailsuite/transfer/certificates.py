"""
Whether a certificate is good for a name, as the public authorities see it.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address

from cryptography import x509
from OpenSSL import SSL, crypto
from service_identity import CertificateError, VerificationError
from service_identity.cryptography import (
    verify_certificate_hostname,
    verify_certificate_ip_address,
)

from mailsuite.smtp.wire.failures import NotAuthenticated

#: What service_identity says, and what comes of broken extensions and of names
#: that no certificate can have.
_NOT_FOR_IT = (
    VerificationError,
    CertificateError,
    ValueError,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)


class NoAuthorities(Exception):
    """
    A file holds no certificates, or cannot be read.
    """


class Authorities:
    """
    The authorities that this system trusts, and those of the operator.

    :param files: PEM files of more authorities.
    :raises NoAuthorities: one is none.
    """

    def __init__(self, files: Sequence[str] = ()) -> None:
        # The store is the context's, and is freed with it.
        self._context = SSL.Context(SSL.TLS_METHOD)
        self._context.set_default_verify_paths()
        store = self._context.get_cert_store()
        assert store is not None
        self._store = store
        for file in files:
            try:
                store.load_locations(file)
            except (crypto.Error, SSL.Error) as error:
                raise NoAuthorities(file) from error

    def judge(self, chain: Sequence[x509.Certificate], name: str) -> str:
        """
        Judge a server's chain: ``PKIX`` if it is good for ``name``.

        :raises NotAuthenticated: it is not.
        """
        if not chain:
            raise NotAuthenticated("no certificate")
        leaf, *others = chain
        try:
            crypto.X509StoreContext(
                self._store,
                crypto.X509.from_cryptography(leaf),
                [crypto.X509.from_cryptography(x) for x in others],
            ).verify_certificate()
        except crypto.X509StoreContextError as error:
            raise NotAuthenticated(f"certificate: {error}") from error
        verify_name(leaf, name)
        return "PKIX"


def verify_name(leaf: x509.Certificate, name: str) -> None:
    """
    Nothing, if a certificate is for a host name or an address (RFC 9525).

    :raises NotAuthenticated: it is not.
    """
    try:
        address = _address(name)
        if address is None:
            verify_certificate_hostname(leaf, name)
        else:
            verify_certificate_ip_address(leaf, address)
    except _NOT_FOR_IT as error:
        raise NotAuthenticated(f"the certificate is not for {name}") from error


def _address(name: str) -> str | None:
    try:
        return str(ip_address(name))
    except ValueError:
        return None

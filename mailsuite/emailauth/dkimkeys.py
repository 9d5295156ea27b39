"""
Our own DKIM keys: making, keeping and publishing them.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
)
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import (
    RSAPrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from mailsuite.emailauth.keyrecord import LEAST_RSA_BITS, MOST_RSA_BITS
from mailsuite.emailauth.signaturefield import Algorithm

PrivateKey = RSAPrivateKey | Ed25519PrivateKey


class UnusableKey(ValueError):
    """
    The text holds no private key that DKIM could sign with.
    """


@dataclass(frozen=True, slots=True)
class SigningKey:
    """
    A key with the place of its record.

    :param domain: that it signs for, and
    :param selector: both as A-labels.
    """

    domain: str
    selector: str
    private: PrivateKey

    @property
    def algorithm(self) -> Algorithm:
        """
        How it signs.
        """
        return _algorithm(self.private)

    def sign(self, sha256: bytes) -> bytes:
        """
        The signature of a hash; RSA-2048 takes about half a millisecond.
        """
        match self.private:
            case RSAPrivateKey():
                return self.private.sign(
                    sha256, PKCS1v15(), Prehashed(SHA256())
                )
            case Ed25519PrivateKey():
                # RFC 8463 3: the hash is the message.
                return self.private.sign(sha256)


def new_rsa(bits: int = 2048) -> RSAPrivateKey:
    """
    A new RSA key; takes some tenths of a second.
    """
    return generate_private_key(public_exponent=65537, key_size=bits)


def new_ed25519() -> Ed25519PrivateKey:
    """
    A new Ed25519 key.
    """
    return Ed25519PrivateKey.generate()


def private_text(key: PrivateKey) -> bytes:
    """
    A private key as PEM (PKCS 8), without a password.
    """
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def read_private(pem: bytes) -> PrivateKey:
    """
    The key in a PEM text, of PKCS 8 or, from other software, PKCS 1.

    :raises UnusableKey: it cannot be read, has a password, or is neither an
        Ed25519 key nor an RSA key of 1024 to 4096 bits.
    """
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise UnusableKey("no private key in PEM without password") from None
    match key:
        case Ed25519PrivateKey():
            return key
        case RSAPrivateKey() if LEAST_RSA_BITS <= key.key_size <= MOST_RSA_BITS:
            return key
        case RSAPrivateKey():
            raise UnusableKey(f"an RSA key of {key.key_size} bits")
        case _:
            raise UnusableKey("neither an RSA nor an Ed25519 key")


def record(key: PrivateKey) -> str:
    """
    The text of the TXT record that publishes a key (RFC 6376 3.6.1).
    """
    match key:
        case RSAPrivateKey():
            octets = key.public_key().public_bytes(
                Encoding.DER, PublicFormat.SubjectPublicKeyInfo
            )
        case Ed25519PrivateKey():
            # RFC 8463 4.2: the bare 32 octets.
            octets = key.public_key().public_bytes_raw()
    text = base64.b64encode(octets).decode()
    return f"v=DKIM1; k={_algorithm(key).key_type}; p={text}"


def record_name(key: SigningKey) -> str:
    """
    Where the record of a key stands (RFC 6376 3.6.2.1).
    """
    return f"{key.selector}._domainkey.{key.domain}"


def _algorithm(key: PrivateKey) -> Algorithm:
    if isinstance(key, RSAPrivateKey):
        return Algorithm.RSA
    return Algorithm.ED25519

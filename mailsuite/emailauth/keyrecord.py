"""
DKIM's public keys as they stand in the DNS.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from mailsuite.emailauth import taglist
from mailsuite.emailauth.signaturefield import Algorithm

PublicKey = RSAPublicKey | Ed25519PublicKey

#: RFC 8301 3.2; above, OpenSSL's time for one signature grows too long.
LEAST_RSA_BITS = 1024
MOST_RSA_BITS = 4096

#: No sound key has a longer exponent; each bit more costs time.
_MOST_EXPONENT_BITS = 64

_PKCS1 = PKCS1v15()
_PREHASHED = Prehashed(SHA256())


class BadKeyRecord(ValueError):
    """
    The octets are no key record, or none that is known here.
    """


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """
    A key record (RFC 6376 3.6.1, RFC 8463 4).

    :param algorithm: the one algorithm that its key can have.
    :param public: None for a key that was revoked.
    :param accepted: it may sign mail, and with SHA-256 (``s=``, ``h=``).
    :param testing: ``t=y``: the domain only tries DKIM.
    :param strict: ``t=s``: it signs for no domain below its own.
    """

    algorithm: Algorithm
    public: PublicKey | None
    accepted: bool
    testing: bool
    strict: bool

    @classmethod
    def parse(cls, octets: bytes) -> KeyRecord:
        """
        Read the joined strings of a TXT record.

        :raises BadKeyRecord: it has another version, key type or syntax, or
            no key where one must be.
        """
        try:
            tags = taglist.parse(octets)
        except taglist.BadTagList as bad:
            raise BadKeyRecord(f"key record: {bad}") from None
        version = tags.get("v", "DKIM1")
        if version != "DKIM1" or next(iter(tags)) != "v" and "v" in tags:
            raise BadKeyRecord("not a DKIM key record")
        if "p" not in tags:
            raise BadKeyRecord("key record without a key")
        algorithm = _algorithm(tags.get("k", "rsa").lower())
        services = taglist.words(tags.get("s", "*"))
        flags = taglist.words(tags.get("t", ""))
        return cls(
            algorithm,
            _public(algorithm, taglist.unspaced(tags["p"])),
            bool({"*", "email"}.intersection(services))
            and "sha256" in taglist.words(tags.get("h", "sha256")),
            "y" in flags,
            "s" in flags,
        )

    @property
    def bits(self) -> int | None:
        """
        The size of an RSA key; None of another, or of none.
        """
        if isinstance(self.public, RSAPublicKey):
            return self.public.key_size
        return None

    def verifies(self, signature: bytes, sha256: bytes) -> bool:
        """
        Whether this key made that signature of that hash.
        """
        try:
            match self.public:
                case RSAPublicKey():
                    self.public.verify(signature, sha256, _PKCS1, _PREHASHED)
                case Ed25519PublicKey():
                    # RFC 8463 3: the hash is the message.
                    self.public.verify(signature, sha256)
                case None:
                    return False
        except InvalidSignature:
            return False
        return True


def _algorithm(key_type: str) -> Algorithm:
    for algorithm in Algorithm:
        if algorithm.key_type == key_type:
            return algorithm
    raise BadKeyRecord("unknown key type")


def _public(algorithm: Algorithm, text: str) -> PublicKey | None:
    if not text:
        return None
    try:
        octets = base64.b64decode(text, validate=True)
        if algorithm is Algorithm.ED25519:
            return Ed25519PublicKey.from_public_bytes(octets)
        # A SubjectPublicKeyInfo, or as RFC 6376 3.6.1 has it RSAPublicKey.
        key = load_der_public_key(octets)
    except (ValueError, UnsupportedAlgorithm):
        raise BadKeyRecord("the key cannot be read") from None
    if not isinstance(key, RSAPublicKey):
        raise BadKeyRecord("the key is of another type")
    if key.public_numbers().e.bit_length() > _MOST_EXPONENT_BITS:
        raise BadKeyRecord("the key cannot be used")
    return key

"""
Tests for ``mailsuite.emailauth.dkimkeys``.
"""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.emailauth import dkimkeys
from mailsuite.emailauth.dkimkeys import UnusableKey
from mailsuite.emailauth.keyrecord import KeyRecord
from tests.emailauth.signatures import ed25519_key, rsa_key, short_key

_SHORT = b"""
-----BEGIN RSA PRIVATE KEY-----
MIIBywIBAAJhAN8aY36k4R2aYV0A0DshVbUggOM5WIPolN3ZHv7axDYSJyxCBMgh
d3YhXVRfmwq/Iy1iD0qwoDyMxNCh4P5GFSXwYZ4JWOXypbUQFnmPTpo686/SaK7L
2UocsnzqW+KThQIDAQABAmEAqu7o9AsXfzrdBgitgeBUbmXs2isBqm70P9Uubkzm
sBbQdJRQXZVmldeSTibB/0XZG4T+XS5ElAv4ReSpWwoLE+P4NZmqmOEPp9twTi4V
9Uuk7l8YGF47FfxU0nnmdNaxAjEA9RBe+/WY55W64QjSoWeIHcrIg5bvUbNZcQQI
7bykyeOyem8B9WYgMLhw0syffn9rAjEA6Q8ij7i3F4lxPXSjGCVtkzxQ4b5LtcFt
IrAY/8SxbHxmf3+NWjBBBV4/GdvcK6TPAjBIYc58Qv0nobzxzKZRz/+PNR7mZwVG
r1+ClvuAJJDTpLJJoVIFxmVJnqCMUq3lMgMCMH/O0QFIJwA9W2B8akR/oguwdBqY
JSTTomn3cH4y+6mmvv8EkBv5gm7TNH+V1rQIeQIxAJ4Hrm83yYkZ7vSzO4tCVtbJ
HM/a2SprdOqruUzyqTEVrjxZPZRsKVjurFFjLFFubw==
-----END RSA PRIVATE KEY-----
"""


class PrivateTextTests(SynchronousTestCase):
    """
    Tests for ``private_text`` and ``read_private``.
    """

    def refused(self, pem: bytes) -> str:
        """
        Why a text is no key.
        """
        return str(self.assertRaises(UnusableKey, dkimkeys.read_private, pem))

    def test_both_kinds_come_back(self) -> None:
        """
        What is written can be read, and signs alike.
        """
        for key in (rsa_key(), ed25519_key()):
            text = dkimkeys.private_text(key.private)

            again = dkimkeys.read_private(text)

            self.assertEqual(
                dkimkeys.record(again), dkimkeys.record(key.private)
            )

    def test_keys_of_other_software(self) -> None:
        """
        opendkim-genkey writes PKCS 1.
        """
        text = short_key().private.private_bytes(
            Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()
        )

        again = dkimkeys.read_private(text)

        self.assertEqual(
            dkimkeys.record(again), dkimkeys.record(short_key().private)
        )

    def test_what_is_no_key(self) -> None:
        """
        Nothing, half of one, one with a password.
        """
        text = dkimkeys.private_text(short_key().private)
        locked = short_key().private.private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x")
        )

        for pem in (b"", b"nonsense", text[:200], locked):
            self.assertEqual(
                self.refused(pem), "no private key in PEM without password"
            )

    def test_other_kinds(self) -> None:
        """
        DKIM knows two.
        """
        curve = ec.generate_private_key(ec.SECP256R1()).private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        )

        self.assertEqual(
            self.refused(curve), "neither an RSA nor an Ed25519 key"
        )

    def test_a_key_that_nobody_would_believe(self) -> None:
        """
        Less than 1024 bits prove nothing (RFC 8301 3.2).
        """
        self.assertEqual(self.refused(_SHORT), "an RSA key of 768 bits")


class RecordTests(SynchronousTestCase):
    """
    Tests for what is published.
    """

    def test_the_record_is_the_keys(self) -> None:
        """
        It reads as the public key, with its type.
        """
        for key in (rsa_key(), ed25519_key()):
            found = KeyRecord.parse(dkimkeys.record(key.private).encode())

            self.assertIs(found.algorithm, key.algorithm)
            self.assertEqual(found.public, key.private.public_key())
            self.assertTrue(found.accepted)

    def test_its_name(self) -> None:
        """
        RFC 6376 3.6.2.1
        """
        self.assertEqual(
            dkimkeys.record_name(rsa_key()), "r1._domainkey.example.org"
        )

    def test_sizes(self) -> None:
        """
        RSA keys have 2048 bits unless one asks for more.
        """
        self.assertEqual(dkimkeys.new_rsa().key_size, 2048)
        self.assertEqual(dkimkeys.new_rsa(3072).key_size, 3072)

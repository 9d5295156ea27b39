"""
Tests for ``mailsuite.emailauth.keyrecord``.
"""

from __future__ import annotations

import base64
import contextlib
from functools import partial

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
)
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.emailauth import dkimkeys
from mailsuite.emailauth.keyrecord import BadKeyRecord, KeyRecord
from mailsuite.emailauth.signaturefield import Algorithm
from tests.emailauth.signatures import ed25519_key, seconds, short_key


def text(key: dkimkeys.SigningKey) -> str:
    """
    The ``p=`` of its record.
    """
    return dkimkeys.record(key.private).partition("p=")[2]


class ParseTests(SynchronousTestCase):
    """
    Tests for ``KeyRecord.parse``.
    """

    def read(self, tags: str, key: str | None = None) -> KeyRecord:
        """
        A record with these tags and an RSA key.
        """
        key = text(short_key()) if key is None else key
        return KeyRecord.parse(f"{tags}p={key}".encode())

    def refused(self, tags: str, key: str | None = None) -> str:
        """
        Why it is no record.
        """
        return str(self.assertRaises(BadKeyRecord, self.read, tags, key))

    def test_the_least(self) -> None:
        """
        ``p=`` alone is an RSA key for everything (RFC 6376 3.6.1).
        """
        found = self.read("")

        self.assertIs(found.algorithm, Algorithm.RSA)
        self.assertEqual(found.bits, 1024)
        self.assertTrue(found.accepted)
        self.assertFalse(found.testing or found.strict)

    def test_ed25519(self) -> None:
        """
        32 octets (RFC 8463 4.2); there is no size to tell.
        """
        found = self.read("v=DKIM1; k=ed25519; ", text(ed25519_key()))

        self.assertIs(found.algorithm, Algorithm.ED25519)
        self.assertIsNone(found.bits)
        self.assertIsNotNone(found.public)

    def test_both_forms_of_rsa(self) -> None:
        """
        SubjectPublicKeyInfo, and RSAPublicKey as RFC 6376 3.6.1 says.
        """
        public = short_key().private.public_key()
        octets = public.public_bytes(Encoding.DER, PublicFormat.PKCS1)

        found = self.read("", base64.b64encode(octets).decode())

        self.assertEqual(found.public, public)

    def test_spaces_in_the_key(self) -> None:
        """
        May be there (RFC 6376 3.6.1).
        """
        key = text(short_key())

        self.assertEqual(self.read("", f"{key[:50]} \t{key[50:]}").bits, 1024)

    def test_versions(self) -> None:
        """
        DKIM1, and first, or none.
        """
        self.read("v=DKIM1;")
        for tags in ("v=DKIM2; ", "v=spf1; ", "k=rsa; v=DKIM1; "):
            self.assertEqual(self.refused(tags), "not a DKIM key record")

    def test_revoked(self) -> None:
        """
        An empty key is revoked; none at all is a mistake.
        """
        self.assertIsNone(self.read("v=DKIM1; ", "").public)
        found = self.assertRaises(
            BadKeyRecord, KeyRecord.parse, b"v=DKIM1; k=rsa"
        )
        self.assertEqual(str(found), "key record without a key")

    def test_services(self) -> None:
        """
        ``s=`` must have mail, or everything.
        """
        self.assertTrue(self.read("s=*; ").accepted)
        self.assertTrue(self.read("s=other : email; ").accepted)
        self.assertFalse(self.read("s=other; ").accepted)

    def test_hashes(self) -> None:
        """
        ``h=`` must have SHA-256.
        """
        self.assertTrue(self.read("h=sha1:sha256; ").accepted)
        self.assertFalse(self.read("h=sha1; ").accepted)

    def test_flags(self) -> None:
        """
        ``t=`` says that one tries, or that subdomains have other keys.
        """
        found = self.read("t=y:s:other; ")
        self.assertTrue(found.testing and found.strict)
        self.assertFalse(self.read("t=other; ").testing)

    def test_what_is_passed_over(self) -> None:
        """
        Notes, RFC 4871's granularity, and tags of the future.
        """
        self.assertTrue(self.read("n=hello; g=nobody; zz=1; ").accepted)

    def test_keys_that_are_none(self) -> None:
        """
        Another type, no base64, no key, a key of another type.
        """
        curve = ec.generate_private_key(ec.SECP256R1()).public_key()
        other = curve.public_bytes(
            Encoding.DER, PublicFormat.SubjectPublicKeyInfo
        )

        self.assertEqual(self.refused("k=dsa; "), "unknown key type")
        self.assertEqual(self.refused("", "*"), "the key cannot be read")
        self.assertEqual(self.refused("", "AAAA"), "the key cannot be read")
        self.assertEqual(self.refused("k=ed25519; "), "the key cannot be read")
        self.assertEqual(
            self.refused("", base64.b64encode(other).decode()),
            "the key is of another type",
        )

    def test_an_exponent_that_costs(self) -> None:
        """
        A public key whose use would take as long as a private one's.
        """
        numbers = short_key().private.public_key().public_numbers()
        costly = RSAPublicNumbers((1 << 1000) + 1, numbers.n).public_key()
        octets = costly.public_bytes(
            Encoding.DER, PublicFormat.SubjectPublicKeyInfo
        )

        self.assertEqual(
            self.refused("", base64.b64encode(octets).decode()),
            "the key cannot be used",
        )

    @given(
        st.binary(max_size=120) | st.text("vkpsth=;DKIM1rsa A").map(str.encode)
    )
    def test_no_octets_raise_anything_else(self, octets: bytes) -> None:
        """
        They are a record or not.
        """
        for head in (b"", b"v=DKIM1; k=ed25519; p=", b"v=DKIM1; p="):
            self.tried(head + octets)

    def tried(self, octets: bytes) -> None:
        """
        Parsed, if that is possible.
        """
        with contextlib.suppress(BadKeyRecord):
            KeyRecord.parse(octets)

    def test_long_records_take_little_time(self) -> None:
        """
        10 kB are read, or refused, in 5 ms.
        """
        for octets in (
            b"v=DKIM1; p=" + b"AAAA" * 2_500,
            b"v=DKIM1; p=" + b"A " * 5_000,
            b"v=DKIM1; s=" + b":" * 10_000 + b"; p=",
            b"v=DKIM1;" + b" " * 10_000,
        ):
            spent = seconds(partial(self.tried, octets))
            self.assertLess(spent, 0.005, octets[:40])


class VerifiesTests(SynchronousTestCase):
    """
    Tests for ``KeyRecord.verifies``.
    """

    def test_its_own_signature_alone(self) -> None:
        """
        Of that hash, by that key; any octets may be tried.
        """
        for key in (short_key(), ed25519_key()):
            found = KeyRecord.parse(dkimkeys.record(key.private).encode())
            signature = key.sign(b"h" * 32)

            self.assertTrue(found.verifies(signature, b"h" * 32))
            self.assertFalse(found.verifies(signature, b"g" * 32))
            for octets in (b"", b"\xff" * 128, signature + b"\0"):
                self.assertFalse(found.verifies(octets, b"h" * 32))

    def test_a_revoked_key(self) -> None:
        """
        Verifies nothing.
        """
        self.assertFalse(KeyRecord.parse(b"p=").verifies(b"", b"h" * 32))

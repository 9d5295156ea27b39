"""
Tests for ``mailsuite.emailauth.signing``.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from mailsuite.emailauth import signaturefield, taglist
from mailsuite.emailauth.signing import signature_fields
from mailsuite.mail import headers
from tests.emailauth.signatures import (
    BODY,
    NOW,
    SECTION,
    digest,
    ed25519_key,
    outcomes,
    rsa_key,
    signed,
    verified,
    zone_of,
)

PASS = ("pass", "")


def tags(message: bytes) -> list[dict[str, str]]:
    """
    The tags of each signature of a message.
    """
    return [
        taglist.parse(value)
        for value in headers.every(message, b"DKIM-Signature")
    ]


class SignatureFieldsTests(SynchronousTestCase):
    """
    Tests for ``signature_fields``.
    """

    def test_twice(self) -> None:
        """
        RSA stands above Ed25519, whatever the order of the keys; both verify.
        """
        keys = (ed25519_key(), rsa_key())

        message = signed(*keys)

        self.assertEqual(
            [found["a"] for found in tags(message)],
            ["rsa-sha256", "ed25519-sha256"],
        )
        self.assertEqual(
            outcomes(verified(message, zone_of(*keys))), [PASS, PASS]
        )

    def test_the_tags(self) -> None:
        """
        Neither ``l=`` nor ``x=``; relaxed twice; the time as it was told.
        """
        (found,) = tags(signed(rsa_key()))

        self.assertEqual(
            list(found), ["v", "a", "d", "s", "t", "c", "h", "bh", "b"]
        )
        self.assertEqual(found["c"], "relaxed/relaxed")
        self.assertEqual(found["t"], str(NOW))

    def test_oversigned(self) -> None:
        """
        One more than there are of what a reader sees, just as many of what
        lists may add.
        """
        section = SECTION + b"Sender: a@b.example\r\nReferences: <1@b>\r\n"
        (found,) = tags(signed(rsa_key(), section=section))

        names = taglist.words(found["h"])

        counts = {name: names.count(name) for name in names}
        self.assertEqual(
            counts,
            {
                "from": 2, "to": 2, "cc": 1, "subject": 2, "date": 2,
                "message-id": 2, "reply-to": 1, "mime-version": 2,
                "content-type": 1, "content-transfer-encoding": 1,
                "sender": 1, "references": 1,
            },
        )  # fmt: skip

    def test_a_field_that_is_added(self) -> None:
        """
        A second subject, or a type where there was none, breaks it.
        """
        message = signed(rsa_key())

        for more in (b"Subject: x\r\n", b"Content-Type: text/html\r\n"):
            self.assertEqual(
                outcomes(verified(more + message, zone_of(rsa_key()))),
                [("fail", "signature did not verify")],
            )

    def test_what_relays_do(self) -> None:
        """
        Trace fields on top, a list's fields, a fold: all may come.
        """
        message = (
            b"Received: from x\r\nList-Id: <l.example>\r\nSender: x@y\r\n"
            + signed(rsa_key()).replace(
                b"Subject: The  q", b"Subject:\r\n\tThe q"
            )
        )

        self.assertEqual(
            outcomes(verified(message, zone_of(rsa_key()))), [PASS]
        )

    def test_no_from(self) -> None:
        """
        Such a signature would not be valid (RFC 6376 5.4).
        """
        self.assertEqual(
            signature_fields([rsa_key()], b"To: a@b\r\n", digest(BODY), NOW),
            b"",
        )

    def test_too_many_fields(self) -> None:
        """
        A message that nobody would verify is not signed.
        """
        section = b"A:\r\n" * 2_000 + SECTION

        self.assertEqual(
            signature_fields([rsa_key()], section, digest(BODY), NOW), b""
        )

    def test_no_key(self) -> None:
        """
        No field.
        """
        self.assertEqual(signature_fields([], SECTION, digest(BODY), NOW), b"")

    def test_the_octets_of_a_field(self) -> None:
        """
        Lines of 78 octets at most, each fold with a blank, CR LF at the end.
        """
        section = SECTION + b"Resent-Message-ID: <x>\r\n" * 40

        fields = signature_fields(
            [rsa_key(), ed25519_key()], section, digest(BODY), NOW
        )

        lines = fields.removesuffix(b"\r\n").split(b"\r\n")
        self.assertLessEqual(max(map(len, lines)), 78)
        starts = [line for line in lines if not line.startswith((b" ", b"\t"))]
        self.assertEqual(len(starts), 2)
        self.assertTrue(
            all(line.startswith(b"DKIM-Signature: v=1; ") for line in starts)
        )
        self.assertEqual(fields.count(b"\n"), fields.count(b"\r\n"))

    def test_fields_and_bodies_of_all_kinds(self) -> None:
        """
        What is signed verifies: empty bodies, no line end, UTF-8, folds.
        """
        odd = SECTION + "Subject:\r\n \r\n\tGrüße\t\r\nX:\r\n".encode()

        for body in (b"", b"\r\n", b"x", b" \r\n\r\n", b"a\r\nb  \r\n\r\n"):
            for section in (SECTION, odd, b"From: \xff\r\n"):
                message = signed(rsa_key(), section=section, body=body)
                self.assertEqual(
                    outcomes(verified(message, zone_of(rsa_key()))), [PASS]
                )

    def test_the_field_is_read_as_it_was_meant(self) -> None:
        """
        Our own reader agrees with our printer.
        """
        (found,) = tags(signed(ed25519_key()))

        signature = signaturefield.dkim_signature(found)

        self.assertEqual(signature.signer.domain, "example.org")
        self.assertEqual(signature.signer.selector, "e1")
        self.assertEqual(signature.body_hash, digest(BODY).sha256)

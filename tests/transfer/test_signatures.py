"""
Tests for ``mailsuite.transfer.signatures``: what is signed and sealed here
holds elsewhere.
"""

from __future__ import annotations

import dkim
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.emailauth.dkimkeys import SigningKey, record
from mailsuite.emailauth.verdict import Verdict
from mailsuite.errors import NotAuthentic
from mailsuite.mail.address import Address
from tests.emailauth.signatures import (
    chain_of,
    ed25519_key,
    verified,
    zone_of,
)
from tests.support.checkedmail import (
    BAD,
    CREPES,
    GOOD,
    HAMBURGER,
    LARGE,
    MESSAGE,
    CheckedMailTestCase,
    dmarc,
    key_line,
    signed,
)
from tests.support.memory_content import MemoryContent
from tests.support.queueing import NOON, now
from tests.support.receptions import BOB, bobs
from tests.support.transferring import SUBMISSION, Transferring, write

EVE = Address.parse("eve@pommes.be")
ED25519 = SigningKey("hamburger.edu", "e", ed25519_key().private)


def texts(*keys: SigningKey) -> dict[bytes, bytes]:
    """
    The records as dkimpy asks for them.
    """
    return {
        f"{key.selector}._domainkey.{key.domain}.".encode(): record(
            key.private
        ).encode()
        for key in keys
    }


class SubmissionTests(SynchronousTestCase):
    """
    What a login sends.
    """

    def setUp(self) -> None:
        self.mail = Transferring(self.mktemp()).start()
        self.mail.directory.add_account(BOB)
        self.mail.keys["hamburger.edu"] = [ED25519, HAMBURGER]

    def sent(self, octets: bytes) -> bytes:
        """
        A message of Bob's as another host gets it.
        """
        transaction = self.mail.begin(
            str(EVE), reverse_path=BOB, origin=SUBMISSION, owns=bobs
        )
        write(transaction, octets)
        now(transaction.commit())
        self.mail.clock.advance(1)
        return self.mail.elsewhere.taken[-1][1]

    def test_signed_by_both_keys(self) -> None:
        """
        Of all sizes, with eight bits and odd fields: we and dkimpy verify
        both; RSA comes first.
        """
        author = b"From: Bob <bob@hamburger.edu>\r\n"
        zone = zone_of(ED25519, HAMBURGER)
        known = texts(ED25519, HAMBURGER)
        for octets in (
            author + b"\r\nHello.\r\n",
            author + b"Subject: caf\xc3\xa9 \r\n\r\n\xff\xfe\r\n",
            author + b"Subject:\r\n\t folded\r\n \r\n\r\n \t\r\n\r\n\r\n",
            author + b"X-Odd:  y\r\nTo:bob@x.example\r\n\r\n",
            author + b"X: %b\r\n\r\nx\r\n" % (b"y\r\n " * 30_000),
            author + b"\r\n" + b"How about pickles? \t\r\n" * 60_000,
        ):
            message = self.sent(octets)
            found = verified(message, zone, "hamburger.edu", int(NOON))
            self.assertEqual(
                [(one.verdict, one.selector) for one in found],
                [(Verdict.PASS, "r"), (Verdict.PASS, "e")],
                octets[:60],
            )
            verifier = dkim.DKIM(message)
            for place in (0, 1):
                self.assertTrue(
                    verifier.verify(
                        idx=place,
                        dnsfunc=lambda name, timeout=5: known.get(name),
                    ),
                    octets[:60],
                )

    def test_added_fields_are_signed(self) -> None:
        """
        Date and Message-ID that we add are covered.
        """
        message = self.sent(b"From: bob@hamburger.edu\r\n\r\nHello.\r\n")
        changed = message.replace(b"\r\nMessage-ID: <", b"\r\nMessage-ID: <x")
        self.assertNotEqual(message, changed)

        (first, _) = verified(
            changed, zone_of(ED25519, HAMBURGER), "hamburger.edu", int(NOON)
        )
        self.assertIs(first.verdict, Verdict.FAIL)

    def test_no_key(self) -> None:
        """
        Mail of a domain without keys goes out as it is.
        """
        self.mail.keys.clear()
        message = self.sent(b"From: bob@hamburger.edu\r\n\r\nHello.\r\n")
        self.assertNotIn(b"DKIM-Signature", message)

    def test_foreign_results(self) -> None:
        """
        A client cannot speak in our name either.
        """
        message = self.sent(
            b"Authentication-Results: hamburger.edu; dkim=pass\r\n"
            b"From: bob@hamburger.edu\r\n\r\nHello.\r\n"
        )
        self.assertNotIn(b"Authentication-Results", message)

    def test_notification(self) -> None:
        """
        What we write ourselves is signed with our own domain's keys.
        """
        octets = b"From: <MAILER-DAEMON@hamburger.edu>\r\n\r\nSorry.\r\n"
        signing = self.mail.signing
        fields = now(signing.of_notification(MemoryContent(octets)))

        self.assertEqual(fields, signing.of_octets(octets))
        found = verified(
            fields + octets,
            zone_of(ED25519, HAMBURGER),
            "hamburger.edu",
            int(NOON),
        )
        self.assertEqual(
            [one.verdict for one in found], [Verdict.PASS, Verdict.PASS]
        )


class ForwardingTests(CheckedMailTestCase):
    """
    What comes in and goes on.
    """

    def setUp(self) -> None:
        super().setUp()
        self.mail.keys["hamburger.edu"] = [ED25519, HAMBURGER]
        self.directory.add_alias("eve@hamburger.edu", elsewhere=(EVE,))
        self.directory.add_alias(
            "both@hamburger.edu", self.bob, elsewhere=(EVE,)
        )

    def test_sealed(self) -> None:
        """
        A forwarded message carries our results under an ARC seal that holds,
        small or large, the author's signature unharmed.
        """
        self.publish(GOOD, key_line(CREPES))
        known = texts(CREPES, HAMBURGER)
        for octets in (MESSAGE, LARGE):
            self.come(signed(octets), "eve@hamburger.edu")
            message = self.mail.elsewhere.taken[-1][1]

            zone = zone_of(CREPES, HAMBURGER)
            chain = chain_of(message, zone, int(NOON))
            self.assertIs(chain.verdict, Verdict.PASS, chain.why)
            self.assertEqual(chain.sets[0].domain, "hamburger.edu")
            self.assertIn(b"spf=pass", chain.sets[0].authentication_results)
            (author,) = verified(message, zone, "crepes.fr", int(NOON))
            self.assertIs(author.verdict, Verdict.PASS)
            verdict, _, why = dkim.arc_verify(
                message, dnsfunc=lambda name, timeout=5: known.get(name)
            )
            self.assertEqual(verdict, dkim.CV_Pass, why)

    def test_second_seal(self) -> None:
        """
        A chain that came is continued.
        """
        self.publish(GOOD, key_line(HAMBURGER))
        self.come(MESSAGE, "eve@hamburger.edu")
        once = self.mail.elsewhere.taken[-1][1]
        once = once.replace(b"Delivered-To: eve@hamburger.edu\r\n", b"")
        self.come(once, "eve@hamburger.edu")
        twice = self.mail.elsewhere.taken[-1][1]

        chain = chain_of(twice, zone_of(HAMBURGER), int(NOON))
        self.assertIs(chain.verdict, Verdict.PASS, chain.why)
        self.assertEqual(chain.instances, 2)

    def test_not_sealed_for_accounts(self) -> None:
        """
        What ends here needs no seal; without an RSA key there is none.
        """
        self.publish(GOOD)
        self.come(MESSAGE)
        self.assertNotIn(b"ARC-Seal", self.mail.inbox(self.bob)[-1])

        self.mail.keys["hamburger.edu"] = [ED25519]
        self.come(MESSAGE, "eve@hamburger.edu")
        self.assertNotIn(b"ARC-Seal", self.mail.elsewhere.taken[-1][1])

    def test_trusted_sealer(self) -> None:
        """
        Who is trusted and saw DMARC pass explains a failure here.
        """
        self.publish(GOOD, key_line(HAMBURGER), dmarc("reject"))
        self.come(MESSAGE, "eve@hamburger.edu")
        sealed = self.mail.elsewhere.taken[-1][1]
        sealed = sealed.replace(b"Delivered-To: eve@hamburger.edu\r\n", b"")
        self.publish(BAD, key_line(HAMBURGER), dmarc("reject"))

        self.come(sealed)
        self.assertEqual(len(self.junk(self.bob)), 1)
        self.mail.policy = type(self.mail.policy)(
            trusted_sealers=frozenset({"hamburger.edu"})
        )
        self.come(sealed)
        self.assertEqual(len(self.junk(self.bob)), 1)
        self.assertEqual(len(self.mail.inbox(self.bob)), 1)

    def test_junk_is_not_forwarded(self) -> None:
        """
        It is kept here; where nobody here has it, it is refused, so that its
        sender knows.
        """
        self.publish(BAD, dmarc("quarantine"))
        self.come(MESSAGE, "both@hamburger.edu")
        self.assertEqual(len(self.junk(self.bob)), 1)

        for recipients in (
            ["eve@hamburger.edu"],
            [BOB, "eve@hamburger.edu"],
        ):
            with self.assertRaises(NotAuthentic):
                self.come(MESSAGE, *recipients)
        self.assertEqual(len(self.junk(self.bob)), 1)
        self.assertEqual(self.mail.elsewhere.taken, [])

"""
Hosts that lack an extension, or whose TLS is not as it should be.
"""

from __future__ import annotations

import ssl
from email import message_from_bytes
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
)

from tests.support.neighbours import (
    neighbours,
    until,
)
from tests.support.peercase import PeerTestCase, context_of, groups, words
from tests.support.scripted_peer import Session


class LackingPeerTests(PeerTestCase):
    """
    A host that lacks, or has broken, an extension.
    """

    def test_broken_certificate(self) -> None:
        """
        Nobody vouches for it: opportunistic TLS takes it all the same.
        """
        peer = self.peer(21, tls=self.context("elsewhere.example"))

        self.finished(self.site.send("carol@p21.test", subject="Self-signed"))

        [taken] = peer.taken
        self.assertTrue(taken.tls)

    def test_broken_handshake(self) -> None:
        """
        TLS that cannot be had is done without, in the same attempt.
        """
        broken = self.context("mx.p22.test")
        broken.set_ciphers("ADH-AES128-SHA256:@SECLEVEL=0")
        broken.maximum_version = ssl.TLSVersion.TLSv1_2
        peer = self.peer(22, tls=broken)

        told = self.finished(self.site.send("carol@p22.test", subject="Clear"))

        [taken] = peer.taken
        self.assertFalse(taken.tls)
        self.assertNotIn("Deferred", told)

    def test_no_smtputf8(self) -> None:
        """
        An address that the host cannot be told comes back, with the reason.
        """
        peer = self.peer(23)

        self.site.send("žofie@p23.test", subject="No SMTPUTF8 there")

        bounce = self.bounce("No SMTPUTF8 there")
        [group] = groups(bounce)
        self.assertEqual(group["Action"], "failed")
        self.assertEqual(group["Status"], "5.6.7")
        self.assertEqual(peer.taken, [])
        self.assertIn("žofie@p23.test", words(bounce))

    def test_no_8bitmime(self) -> None:
        """
        Eight bits become seven, and read the same.
        """
        peer = self.peer(24, offers=())

        queue_id = self.site.send(
            "carol@p24.test", subject="Seven", text="Dobrý den."
        )

        self.finished(queue_id)
        [taken] = peer.taken
        self.assertTrue(taken.content.isascii())
        payload = message_from_bytes(taken.content).get_payload(decode=True)
        assert isinstance(payload, bytes)
        self.assertEqual(payload.decode().strip(), "Dobrý den.")

    def test_no_ehlo(self) -> None:
        """
        A host of RFC 821 is spoken to as it wants.
        """

        def script(command: str, session: Session) -> str | None:
            return "500 what?" if command.startswith("EHLO") else None

        peer = self.peer(25, script)

        self.finished(self.site.send("carol@p25.test", subject="HELO"))

        self.assertEqual(len(peer.taken), 1)
        self.assertEqual(peer.commands("HELO"), ["HELO mx.a.test"])

    def test_too_large(self) -> None:
        """
        A host that says it takes no such size is not sent it.
        """
        peer = self.peer(26, offers=("SIZE 1000",))

        self.site.send("carol@p26.test", subject="Too large", text="x " * 2000)

        [group] = groups(self.bounce("Too large"))
        self.assertEqual(group["Status"], "5.3.4")
        self.assertEqual(peer.commands("DATA"), [])


class DANETests(PeerTestCase):
    """
    A host whose signed zone says which certificate it has (RFC 7672).
    """

    def published(self, number: int, *, good: bool) -> ssl.SSLContext:
        """
        TLS of the host of ``p<number>.test``, with its record in the zone.

        :param good: the record is of the key that the host has.
        """
        context, made = context_of(f"mx.p{number}.test", Path(self.mktemp()))
        key = made.public_key().public_bytes(
            Encoding.DER, PublicFormat.SubjectPublicKeyInfo
        )
        digest = sha256(key if good else key[::-1]).hexdigest()
        port = neighbours().port
        neighbours().publish(
            f"_{port}._tcp.mx.p{number}.test. 60 IN TLSA 3 1 1 {digest}"
        )
        return context

    def test_certificate_of_the_zone(self) -> None:
        """
        It is as the zone says, so nobody else need vouch for it.
        """
        peer = self.peer(27, tls=self.published(27, good=True))

        self.finished(self.site.send("carol@p27.test", subject="DANE"))

        [taken] = peer.taken
        self.assertTrue(taken.tls)

    def test_another_certificate(self) -> None:
        """
        Mail waits: neither it nor its envelope is given to that host, in TLS
        or in clear.
        """
        peer = self.peer(28, tls=self.published(28, good=False))

        queue_id = self.site.send("carol@p28.test", subject="Not DANE")

        until(
            lambda: [
                one
                for row in self.site.waiting(queue_id)
                for one in row["recipients"]
                if one["reason"]
            ],
            self.site.log,
        )
        self.assertNotEqual(peer.sessions, [])
        self.assertEqual(peer.commands("MAIL"), [])
        self.site.command("queue", "drop", queue_id)

    def test_host_without_tls(self) -> None:
        """
        One whose STARTTLS was taken away on the way gets nothing.
        """
        self.published(29, good=True)
        peer = self.peer(29)

        queue_id = self.site.send("carol@p29.test", subject="Stripped")

        until(
            lambda: [
                one
                for row in self.site.waiting(queue_id)
                for one in row["recipients"]
                if one["reason"]
            ],
            self.site.log,
        )
        self.assertEqual(peer.commands("MAIL"), [])
        self.site.command("queue", "drop", queue_id)

"""
Who vouches for a message: DKIM, SPF, DMARC and ARC between hosts.
"""

from __future__ import annotations

import re
import smtplib
import subprocess
from email import message_from_bytes
from pathlib import Path

import dkim
import dns.message
import dns.query
import dns.rdatatype
from twisted.trial.unittest import SynchronousTestCase

from tests.support.neighbours import (
    message,
    neighbours,
    peer_address,
    until,
)
from tests.support.scripted_peer import ScriptedPeer, Session
from tests.support.suite import need


class AuthenticityTestCase(SynchronousTestCase):
    """
    Two suites that publish keys, SPF and DMARC.
    """

    def setUp(self) -> None:
        """
        Both run.
        """
        self.a, self.b = neighbours().a, neighbours().b

    def peer(self, number: int) -> ScriptedPeer:
        """
        The host of ``p<number>.test``.
        """
        started = ScriptedPeer(peer_address(number), neighbours().port)
        self.addCleanup(started.stop)
        return started

    def taken(self, peer: ScriptedPeer) -> bytes:
        """
        The one message that a host took, as it was on the wire.
        """
        [taken] = until(lambda: peer.taken, self.a.log)
        return taken.content

    def results(self, octets: bytes) -> str:
        """
        What the receiving host found.
        """
        value = message_from_bytes(octets)["Authentication-Results"]
        return " ".join(value.split())

    def hand_in(
        self,
        number: int,
        sender: str,
        to: str,
        subject: str,
        *,
        author: str = "",
        above: bytes = b"",
    ) -> None:
        """
        Send from the host of ``p<number>.test`` to the host of ``a.test``.

        :param author: if it is not the sender.
        :param above: more header fields.
        """
        content = above + message(author or sender, to, subject)
        with smtplib.SMTP(
            self.a.address, neighbours().port, f"mx.p{number}.test", 30,
            source_address=(peer_address(number), 0),
        ) as client:  # fmt: skip
            client.sendmail(sender, [to], content)


class SignedTests(AuthenticityTestCase):
    """
    What we send is signed, and verified by us and by others.
    """

    def test_by_the_other_suite(self) -> None:
        """
        Both signatures, SPF, DMARC and the reverse name pass.
        """
        self.a.send("bob@b.test", subject="Vouched for")

        found = self.results(self.b.wait_for("bob", "Vouched for"))
        self.assertTrue(found.startswith("mx.b.test;"), found)
        self.assertEqual(found.count("dkim=pass"), 2, found)
        for result in ("spf=pass", "dmarc=pass", "iprev=pass"):
            self.assertIn(result, found)

    def test_by_opendkim(self) -> None:
        """
        OpenDKIM verifies what went over the wire.
        """
        program = need("opendkim")
        peer = self.peer(51)
        self.a.send("carol@p51.test", subject="For OpenDKIM", text="Dobrý.")
        folder = Path(self.mktemp()).absolute()
        folder.mkdir(parents=True)
        (folder / "message").write_bytes(self.taken(peer))
        keys = self.a.json("dkim", "list", "a.test")
        (folder / "keys").write_text(
            "".join(f"{key['record_name']} {key['record']}\n" for key in keys)
        )
        (folder / "conf").write_text(
            f"Mode v\nTestPublicKeys {folder / 'keys'}\n"
            "AlwaysAddARHeader yes\nRequireSafeKeys no\n"
        )

        done = subprocess.run(
            [
                program,
                *("-x", folder / "conf", "-vvv", "-t", folder / "message"),
            ],
            capture_output=True,
            text=True,
            timeout=60,
        )

        verdicts = re.findall(r"\bdkim=(\w+)", done.stdout)
        self.assertEqual(verdicts, ["pass", "pass"], done.stdout)

    def test_by_dkimpy(self) -> None:
        """
        dkimpy verifies it with the keys that the DNS has.
        """
        peer = self.peer(52)
        self.a.send("carol@p52.test", subject="For dkimpy")
        octets = self.taken(peer)

        verifier = dkim.DKIM(octets)

        for index in range(2):
            self.assertTrue(verifier.verify(idx=index, dnsfunc=_txt))


class ForgedTests(AuthenticityTestCase):
    """
    Mail in the name of somebody else.
    """

    def test_forged_sender(self) -> None:
        """
        ``From`` of a domain with p=reject, from a stranger's host: Junk.
        """
        self.hand_in(
            54,
            "eve@p54.test",
            "bob@a.test",
            "Forged",
            author="carol@p55.test",
        )

        found = self.results(self.a.wait_for("bob", "Subject: Forged", "Junk"))
        self.assertIn("spf=pass", found)
        self.assertIn("dmarc=fail", found)
        self.assertIn("header.from=p55.test", found)
        self.assertEqual(self.a.arrived("bob", "Subject: Forged"), [])

    def test_forged_result(self) -> None:
        """
        A result in our own name that a stranger wrote is removed.
        """
        self.hand_in(
            56,
            "carol@p56.test",
            "bob@a.test",
            "Claims",
            above=b"Authentication-Results: mx.a.test; dmarc=pass\r\n"
            b"Authentication-Results: mx.p56.test; spf=pass\r\n",
        )

        read = message_from_bytes(self.a.wait_for("bob", "Subject: Claims"))
        fields = read.get_all("Authentication-Results", [])
        names = [field.partition(";")[0] for field in fields]
        self.assertEqual(names, ["mx.a.test", "mx.p56.test"])
        self.assertIn("header.from=p56.test", fields[0])


class ForwardedTests(AuthenticityTestCase):
    """
    An alias of ours leads to another host.
    """

    def test_sender_is_rewritten_and_the_chain_sealed(self) -> None:
        """
        SPF passes at the next host, which sees an ARC set that dkimpy
        verifies; the message's own octets stay as they were.
        """
        peer = self.peer(57)
        self.a.command("alias", "add", "away@a.test", "carol@p57.test")
        self.hand_in(58, "dave@p58.test", "away@a.test", "Forwarded")

        octets = self.taken(peer)

        [taken] = peer.taken
        self.assertRegex(taken.mail, r"^<SRS0=.*=p58\.test=dave@a\.test>")
        self.assertEqual(taken.recipients[0], "<carol@p57.test>")
        self.assertIn(
            message("dave@p58.test", "away@a.test", "Forwarded"), octets
        )
        verdict, _, reason = dkim.ARC(octets).verify(dnsfunc=_txt)
        self.assertEqual(verdict, dkim.CV_Pass, reason)

    def test_bounce_comes_back(self) -> None:
        """
        What the next host refuses goes back to who wrote it, through us, and
        does not give away where the alias leads.
        """

        def script(command: str, session: Session) -> str | None:
            if command.startswith("RCPT"):
                return "550 5.2.1 carol@p59.test has moved away"
            return None

        refusing = ScriptedPeer(peer_address(59), neighbours().port, script)
        self.addCleanup(refusing.stop)
        author = self.peer(60)
        self.a.command("alias", "add", "moved@a.test", "carol@p59.test")
        self.hand_in(60, "dave@p60.test", "moved@a.test", "Refused")

        bounce = message_from_bytes(self.taken(author))
        [taken] = author.taken
        self.assertTrue(taken.mail.startswith("<>"), taken.mail)
        self.assertEqual(taken.recipients[0], "<dave@p60.test>")
        self.assertEqual(bounce.get_content_type(), "multipart/report")
        self.assertIn("Status: 5.2.1", bounce.as_string())
        self.assertIn("moved@a.test", bounce.as_string())
        self.assertNotIn("p59.test", bounce.as_string())

    def test_bounce_to_the_rewritten_sender(self) -> None:
        """
        A later bounce of the next host, to the address it was given, finds
        its way through us to the author; a forged one does not.
        """
        peer, author = self.peer(61), self.peer(62)
        self.a.command("alias", "add", "later@a.test", "carol@p61.test")
        self.hand_in(62, "dave@p62.test", "later@a.test", "Later")
        self.taken(peer)
        rewritten = peer.taken[0].mail.partition(">")[0].removeprefix("<")

        self.hand_in(
            61, "", rewritten, "Returned later", author="postmaster@p61.test"
        )

        self.assertIn(b"Returned later", self.taken(author))
        self.assertEqual(author.taken[0].recipients[0], "<dave@p62.test>")
        with self.assertRaises(smtplib.SMTPRecipientsRefused):
            self.hand_in(
                61,
                "",
                re.sub("SRS0=..", "SRS0=aa", rewritten),
                "Forged bounce",
                author="postmaster@p61.test",
            )


def _txt(name: bytes | str, timeout: int = 5) -> bytes | None:
    """
    What dkimpy asks the DNS.
    """
    text = name.decode() if isinstance(name, bytes) else name
    question = dns.message.make_query(text, "TXT")
    reply, _ = dns.query.udp_with_fallback(
        question, "127.0.0.1", timeout, neighbours().dns.port
    )
    for rrset in reply.answer:
        if rrset.rdtype == dns.rdatatype.TXT:
            return b"".join(rrset[0].strings)
    return None

"""
Mail to and from Postfix and Exim.
"""

from __future__ import annotations

import atexit
from email import message_from_bytes
from functools import cache

from twisted.trial.unittest import SynchronousTestCase

from tests.support.exim import Exim
from tests.support.neighbours import neighbours, until
from tests.support.other_server import OtherServer
from tests.support.postfix import Postfix


@cache
def postfix() -> OtherServer:
    """
    Started once, and ends with the tests.
    """
    started = Postfix(neighbours().port)
    atexit.register(started.stop)
    return started


@cache
def exim() -> OtherServer:
    """
    Started once, and ends with the tests.
    """
    started = Exim(neighbours().port)
    atexit.register(started.stop)
    return started


class PostfixTests(SynchronousTestCase):
    """
    ``alice@a.test`` and ``bob@postfix.test``.
    """

    domain = "postfix.test"
    #: How it says that it handed a message to a host without DSN.
    relayed = "Action: relayed"

    def setUp(self) -> None:
        """
        Both run.
        """
        self.site = neighbours().a
        self.other = self.start()

    def start(self) -> OtherServer:
        """
        The other server.
        """
        return postfix()

    def name(self, subject: str) -> str:
        """
        A subject that no other test has.
        """
        return f"{subject} ({self.domain})"

    def test_there(self) -> None:
        """
        From a command here to Bob's maildir there, over TLS, octets beyond
        ASCII as they were.
        """
        subject = self.name("There")
        queue_id = self.site.send_by_command(
            f"bob@{self.domain}", subject=subject, text="Dobrý den."
        )

        read = self.other.wait_for(subject)
        self.assertEqual(read["From"], "alice@a.test")
        self.assertEqual(
            read.get_payload(decode=True).rstrip(), "Dobrý den.".encode()
        )
        self.assertIn("with esmtps", read["Received"].lower())
        told = until(
            lambda: (
                text if "Sent to" in (text := self.site.trace(queue_id)) else ""
            ),
            self.site.log,
        )
        self.assertIn(f"taken by mx.{self.domain}", told)

    def test_here(self) -> None:
        """
        From a user there to Alice's INBOX, over TLS, and known to be his.
        """
        subject = self.name("Here")
        self.other.send(f"bob@{self.domain}", "alice@a.test", subject)

        read = message_from_bytes(self.site.wait_for("alice", subject))
        self.assertIn("ESMTPS", read["Received"])
        results = read["Authentication-Results"]
        self.assertIn("iprev=pass", results)
        self.assertIn("spf=pass", results)
        self.assertIn("dmarc=pass", results)

    def test_many_on_one_connection(self) -> None:
        """
        50 messages there; each arrives once.
        """
        subject = self.name("Many")
        for number in range(50):
            self.site.send(
                f"bob@{self.domain}", subject=f"{subject} <{number}>"
            )

        for number in range(50):
            self.other.wait_for(f"{subject} <{number}>")

    def test_unknown_there(self) -> None:
        """
        A person who is unknown there comes back to Alice with its words.
        """
        subject = self.name("Unknown there")
        self.site.send(f"nobody@{self.domain}", subject=subject)

        bounce = self.site.wait_for("alice", subject)
        self.assertIn(f"rfc822; nobody@{self.domain}".encode(), bounce)
        self.assertIn(b"Diagnostic-Code: smtp; 550", bounce)

    def test_unknown_here(self) -> None:
        """
        A person who is unknown here comes back to its Bob, as it bounces.
        """
        subject = self.name("Unknown here")
        self.other.send(f"bob@{self.domain}", "nobody@a.test", subject)

        bounce = self.other.wait_for("nobody@a.test")
        self.assertIn("5.1.1", bounce.as_string())

    def test_wish_to_be_told_is_passed_on(self) -> None:
        """
        NOTIFY=SUCCESS goes along, and the other server tells Alice.
        """
        subject = self.name("Tell me")
        self.site.suite.command(
            "sendmail",
            "-N",
            "success",
            *("-f", "alice@a.test"),
            f"bob@{self.domain}",
            stdin=f"From: alice@a.test\nSubject: {subject}\n\nHello.\n",
        )
        self.other.wait_for(subject)

        told = message_from_bytes(
            self.site.wait_for("alice", f"Reporting-MTA: dns; mx.{self.domain}")
        )
        self.assertEqual(told.get_content_type(), "multipart/report")
        self.assertIn("Action: delivered", told.as_string())

    def test_its_wish_stays_there(self) -> None:
        """
        We offer DSN to nobody that we do not know, so the other server tells
        of success itself.
        """
        subject = self.name("Tell him")
        self.other.send(
            f"bob@{self.domain}", "alice@a.test", subject, notify="SUCCESS"
        )

        self.site.wait_for("alice", subject)
        told = self.other.wait_for(self.relayed)
        self.assertIn("alice@a.test", told.as_string())


class EximTests(PostfixTests):
    """
    ``alice@a.test`` and ``bob@exim.test``.
    """

    domain = "exim.test"
    relayed = "Action: delivered"

    def start(self) -> OtherServer:
        """
        The other server.
        """
        return exim()

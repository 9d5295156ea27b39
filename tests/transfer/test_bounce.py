"""
Tests for the notifications that senders get; Python's parser reads them.
"""

from __future__ import annotations

from dataclasses import replace
from email import message_from_bytes
from email.message import Message
from email.policy import SMTP

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.mail.address import Address
from mailsuite.mail.deliverystatus import Action
from mailsuite.mail.envelope import Recipient, Sender
from mailsuite.transfer.bounce import (
    START_OCTETS,
    Notification,
    Original,
    Reported,
    compose,
    reported,
)
from mailsuite.transfer.entry import Attempted, Notice
from mailsuite.transfer.notices import Due
from mailsuite.transfer.outcome import Kind, Outcome
from tests.transfer.test_notices import DEFERRED, FAILED, standing

ALICE = Address("alice", "crepes.fr")
BOB = Address("bob", "hamburger.edu")
JUERGEN = Address("jürgen", "bücher.example")
ORIGINAL = Original("Q1", Sender(ALICE, envelope_id="QQ314159"), 1000.0)
PEER = "mx.hamburger.edu [192.0.2.1]:25"
NO_SUCH = Outcome(Kind.FAILED, "5.1.1", "No such user here", 550, PEER)
CONTENT = (
    b"From: alice@crepes.fr\r\n"
    b"To: bob@hamburger.edu\r\n"
    b"Subject: =?utf-8?q?Cr=C3=AApes?=\r\n"
    b"Message-ID: <1@crepes.fr>\r\n"
    b"\r\n"
    b"Do you like ketchup?\r\n"
)
SECTION = CONTENT.partition(b"\r\nDo")[0]


def told(
    *reports: Reported, original: Original = ORIGINAL, content: bytes = CONTENT
) -> Notification:
    """
    The notification of some recipients.
    """
    return compose(
        original,
        reports,
        content[:START_OCTETS],
        len(content),
        our_name="crepes.fr",
        new_id="65A1B2",
        now=2000.0,
    )


def failure(outcome: Outcome | None = NO_SUCH) -> Reported:
    """
    Bob's failure.
    """
    return Reported(Recipient(BOB), Action.FAILED, 1500.0, outcome)


def read(notification: Notification) -> Message:
    """
    What goes through the network, taken apart.
    """
    return message_from_bytes(notification.content[notification.skip :])


def parts(notification: Notification) -> list[Message]:
    """
    The three parts.
    """
    payload = read(notification).get_payload()
    assert isinstance(payload, list)
    return payload


def text(notification: Notification) -> str:
    """
    The part for people, on one line.
    """
    octets = parts(notification)[0].get_payload(decode=True)
    assert isinstance(octets, bytes)
    return " ".join(octets.decode().split())


def groups(notification: Notification) -> list[Message]:
    """
    The fields of the message, and of each recipient.
    """
    payload = parts(notification)[1].get_payload()
    assert isinstance(payload, list)
    return payload


class HeaderTests(SynchronousTestCase):
    """
    Tests for a notification's envelope and header.
    """

    def test_comes_from_nobody(self) -> None:
        """
        The null reverse-path, no RET, no ENVID, to the old reverse-path
        (RFC 3461 6.1).
        """
        notification = told(failure())

        self.assertEqual(notification.sender, Sender(None))
        self.assertEqual(notification.recipient, Recipient(ALICE))
        self.assertEqual(
            notification.content[: notification.skip], b"Return-Path: <>\r\n"
        )

    def test_header(self) -> None:
        """
        It says what it is, and what it answers (RFC 3834, RFC 6522).
        """
        message = read(told(failure()))

        self.assertEqual(
            message["From"], "Mail delivery system <MAILER-DAEMON@crepes.fr>"
        )
        self.assertEqual(message["To"], "<alice@crepes.fr>")
        self.assertEqual(message["Auto-Submitted"], "auto-replied")
        self.assertEqual(message["Message-ID"], "<65A1B2@crepes.fr>")
        self.assertEqual(message["In-Reply-To"], "<1@crepes.fr>")
        self.assertEqual(message["References"], "<1@crepes.fr>")
        self.assertEqual(message["Date"], "Thu, 1 Jan 1970 00:33:20 +0000")
        self.assertEqual(message.get_content_type(), "multipart/report")
        self.assertEqual(message.get_param("report-type"), "delivery-status")

    def test_message_id_of_somebody_strange(self) -> None:
        """
        What is no message id is not answered.
        """
        for field in (b"<a b>", b"a@b", b"<>", b"<" + b"a" * 300 + b">"):
            content = b"Message-ID: " + field + b"\r\n\r\nHi\r\n"
            message = read(told(failure(), content=content))
            self.assertIsNone(message["In-Reply-To"])

    def test_a_message_without_header(self) -> None:
        """
        It is told of like any other.
        """
        notification = told(failure(), content=b"Do you like ketchup?\r\n")

        self.assertEqual(parts(notification)[2].get_payload(), "")
        self.assertNotIn("subject", text(notification))

    def test_protection_is_kept(self) -> None:
        """
        RFC 8689 5: what is told of a message needs what the message needed,
        and has no more of it than the header.
        """
        sender = Sender(ALICE, returned="FULL", requiretls=True)
        notification = told(failure(), original=Original("Q1", sender, 1000.0))

        self.assertTrue(notification.sender.requiretls)
        self.assertNotIn(b"ketchup", notification.content)


class TextTests(SynchronousTestCase):
    """
    Tests for the words.
    """

    def test_failure(self) -> None:
        """
        Which address, who said what, and what to do.
        """
        words = text(told(failure()))

        self.assertIn("could not be delivered to this address", words)
        self.assertIn("Its subject: Crêpes", words)
        self.assertIn(
            "bob@hamburger.edu mx.hamburger.edu [192.0.2.1]:25 answered: "
            "550 5.1.1 No such user here There is no such address.",
            words,
        )
        self.assertIn("The header of your message follows", words)
        self.assertIn("Its name in the log of this host is Q1.", words)

    def test_failure_that_no_peer_told(self) -> None:
        """
        Then the reason is ours.
        """
        outcome = Outcome(Kind.FAILED, "5.4.4", "No host takes its mail")
        words = text(told(failure(outcome)))

        self.assertIn("bob@hamburger.edu No host takes its mail", words)
        self.assertNotIn("answered", words)

    def test_unknown_code(self) -> None:
        """
        Of a code that says nothing the subject still says something, and
        else there is the postmaster.
        """
        for code, advice in (
            ("5.7.99", "by a rule of its own"),
            ("5.1.99", "Look whether you have the address right."),
            ("5.0.0", "show this to your postmaster"),
        ):
            outcome = Outcome(Kind.FAILED, code, "No", 550, PEER)
            self.assertIn(advice, text(told(failure(outcome))))

    def test_delay(self) -> None:
        """
        Nothing is lost, and it is said until when it is tried.
        """
        report = Reported(
            Recipient(BOB), Action.DELAYED, 1500.0, DEFERRED, False, 433000.0
        )
        notification = told(report)

        words = text(notification)
        self.assertIn("need not send it again", words)
        self.assertIn("It is tried until Tue, 6 Jan 1970 00:16:40", words)
        group = groups(notification)[1]
        self.assertEqual(group["Action"], "delayed")
        self.assertEqual(group["Status"], "4.2.1")
        self.assertEqual(
            group["Will-Retry-Until"], "Tue, 6 Jan 1970 00:16:40 +0000"
        )

    def test_success(self) -> None:
        """
        Delivered, relayed and expanded read differently.
        """
        sent = Outcome(Kind.SENT, "2.6.0", "Queued", 250, PEER)
        here = Outcome(Kind.DELIVERED, "2.0.0", "")
        for action, outcome, said, status in (
            (Action.DELIVERED, here, "has been delivered", "2.0.0"),
            (Action.RELAYED, sent, "does not tell of deliveries", "2.6.0"),
            (Action.EXPANDED, None, "common address", "2.0.0"),
        ):
            notification = told(Reported(Recipient(BOB), action, 1.0, outcome))
            self.assertIn(said, text(notification))
            group = groups(notification)[1]
            self.assertEqual(group["Action"], action.value)
            self.assertEqual(group["Status"], status)

    def test_many_recipients(self) -> None:
        """
        The words name fifty, the report for programs all.
        """
        notification = told(*[failure()] * 51)

        self.assertIn("these addresses", text(notification))
        self.assertEqual(text(notification).count("bob@"), 50)
        self.assertIn("And 1 more", text(notification))
        self.assertEqual(len(groups(notification)), 52)


class StatusTests(SynchronousTestCase):
    """
    Tests for the report for programs.
    """

    def test_of_the_message(self) -> None:
        """
        The envelope id as it was meant, our name, the arrival.
        """
        message = groups(told(failure()))[0]

        self.assertEqual(
            message.items(),
            [
                ("Original-Envelope-Id", "QQ314159"),
                ("Reporting-MTA", "dns; crepes.fr"),
                ("Arrival-Date", "Thu, 1 Jan 1970 00:16:40 +0000"),
            ],
        )

    def test_of_a_recipient(self) -> None:
        """
        What the peer said stands in it, after who it was.
        """
        recipient = Recipient(BOB, original=("rfc822", "Bob@hamburger.edu"))
        report = replace(failure(), recipient=recipient)

        self.assertEqual(
            groups(told(report))[1].items(),
            [
                ("Original-Recipient", "rfc822; Bob@hamburger.edu"),
                ("Final-Recipient", "rfc822; bob@hamburger.edu"),
                ("Action", "failed"),
                ("Status", "5.1.1"),
                ("Remote-MTA", "dns; mx.hamburger.edu"),
                ("Diagnostic-Code", "smtp; 550 5.1.1 No such user here"),
                ("Last-Attempt-Date", "Thu, 1 Jan 1970 00:25:00 +0000"),
            ],
        )

    def test_no_peer_spoke(self) -> None:
        """
        Then there is no Remote-MTA and no Diagnostic-Code (RFC 3464 2.3.5).
        """
        outcome = Outcome(Kind.FAILED, "5.4.4", "No host takes its mail")
        group = groups(told(failure(outcome)))[1]

        self.assertNotIn("Remote-MTA", group)
        self.assertNotIn("Diagnostic-Code", group)
        self.assertNotIn("Original-Recipient", group)

    def test_a_confidential_target(self) -> None:
        """
        Nothing in the notification tells where the alias leads.
        """
        recipient = Recipient(
            Address("secret", "hidden.example"),
            original=("rfc822", "bob@hamburger.edu"),
        )
        outcome = Outcome(
            Kind.FAILED,
            "5.1.1",
            "<secret@hidden.example> unknown",
            550,
            "mx.hidden.example [192.0.2.9]:25",
        )
        report = Reported(recipient, Action.FAILED, 1500.0, outcome, True)

        notification = told(report)

        for hidden in (b"secret", b"hidden.example", b"192.0.2.9"):
            self.assertNotIn(hidden, notification.content)
        group = groups(notification)[1]
        self.assertEqual(group["Final-Recipient"], "rfc822; bob@hamburger.edu")
        self.assertEqual(group["Diagnostic-Code"], "smtp; 550 5.1.1")


class ReturnedTests(SynchronousTestCase):
    """
    Tests for the third part.
    """

    FULL = Original("Q1", Sender(ALICE, returned="FULL"), 1000.0)

    def third(
        self,
        *,
        original: Original = FULL,
        content: bytes = CONTENT,
        action: Action = Action.FAILED,
    ) -> Message:
        """
        The third part.
        """
        report = replace(failure(), action=action)
        return parts(told(report, original=original, content=content))[2]

    def test_full(self) -> None:
        """
        RET=FULL brings the message back.
        """
        third = self.third()

        self.assertEqual(third.get_content_type(), "message/rfc822")
        (message,) = third.get_payload()
        self.assertEqual(message.as_bytes(policy=SMTP), CONTENT)

    def test_headers(self) -> None:
        """
        Without it, in a success or a delay, and of a long message only the
        header section comes back (RFC 3461 4.3).
        """
        headers_only = Original("Q1", Sender(ALICE, returned="HDRS"), 1000.0)
        long = CONTENT + b"ketchup\r\n" * 6000
        for third in (
            self.third(original=headers_only),
            self.third(original=ORIGINAL),
            self.third(action=Action.DELIVERED),
            self.third(action=Action.DELAYED),
            self.third(content=long),
            self.third(content=long * 10),
        ):
            self.assertEqual(third.get_content_type(), "text/rfc822-headers")
            self.assertEqual(third.get_payload(decode=True), SECTION)

    def test_lines_that_no_mail_may_have(self) -> None:
        """
        They are not sent on: neither in a message nor in a header section.
        """
        field = b"X-Long: " + b"x" * 1200 + b"\r\n"

        third = self.third(content=CONTENT + b"x" * 1200 + b"\r\n")
        self.assertEqual(third.get_content_type(), "text/rfc822-headers")
        notification = told(failure(), content=field + CONTENT)
        self.assertEqual(
            parts(notification)[2].get_payload(decode=True),
            field + SECTION,
        )
        self.assertLess(max(map(len, notification.content.split(b"\r\n"))), 999)

    def test_a_guessed_boundary(self) -> None:
        """
        No message ends its part from inside.
        """
        trap = b"--=_65A1B2_0--\r\n--=_65A1B2_1\r\n\r\nforged\r\n"

        third = self.third(content=CONTENT + trap)

        (message,) = third.get_payload()
        self.assertEqual(message.as_bytes(policy=SMTP), CONTENT + trap)

    def test_eight_bits(self) -> None:
        """
        A message of 8 bits makes its notification one; a header section does
        not.
        """
        content = CONTENT + "Crêpes\r\n".encode()
        whole = told(failure(), original=self.FULL, content=content)
        self.assertEqual(whole.sender.body, "8BITMIME")
        self.assertEqual(read(whole)["Content-Transfer-Encoding"], "8bit")

        section = "Subject: Crêpes\r\n".encode()
        headers_only = told(failure(), content=section + b"\r\nHi\r\n")
        self.assertEqual(headers_only.sender.body, "7BIT")
        self.assertEqual(
            parts(headers_only)[2].get_payload(decode=True), section
        )

    def test_global_types(self) -> None:
        """
        A message that came with SMTPUTF8 is told of in RFC 6533's types.
        """
        sender = Sender(JUERGEN, smtputf8=True)
        full = replace(sender, returned="FULL")
        content = "Subject: Crêpes\r\n\r\nHi\r\n".encode()
        juergen = replace(failure(), recipient=Recipient(JUERGEN))
        for one, third in (
            (sender, "message/global-headers"),
            (full, "message/global"),
        ):
            notification = told(
                juergen, original=Original("Q1", one, 1000.0), content=content
            )
            self.assertTrue(notification.sender.smtputf8)
            self.assertIn(
                "To: <jürgen@bücher.example>\r\n".encode(),
                notification.content,
            )
            self.assertEqual(
                [part.get_content_type() for part in parts(notification)],
                ["text/plain", "message/global-delivery-status", third],
            )

    def test_old_types_where_they_do(self) -> None:
        """
        What is ASCII has the types that every reader knows (RFC 6533 4.4).
        """
        sender = Sender(ALICE, returned="FULL", smtputf8=True)

        notification = told(failure(), original=Original("Q1", sender, 1000.0))

        self.assertFalse(notification.sender.smtputf8)
        self.assertEqual(
            [part.get_content_type() for part in parts(notification)],
            ["text/plain", "message/delivery-status", "message/rfc822"],
        )

    def test_a_huge_header_section(self) -> None:
        """
        It is cut between two lines.
        """
        content = b"X-A: 0123456789\r\n" * 30000 + b"\r\nHi\r\n"

        notification = told(failure(), content=content)

        self.assertLess(len(notification.content), 55_000)
        returned = parts(notification)[2].get_payload(decode=True)
        assert isinstance(returned, bytes)
        self.assertTrue(returned.endswith(b"0123456789\r\n"))

    @given(st.binary(max_size=300), st.booleans(), st.booleans())
    def test_whatever_the_message_is(
        self, content: bytes, full: bool, utf8: bool
    ) -> None:
        """
        The report has its three parts.
        """
        sender = Sender(ALICE, returned="FULL" if full else None, smtputf8=utf8)

        notification = told(
            failure(), original=Original("Q1", sender, 1000.0), content=content
        )

        first, second, third = parts(notification)
        self.assertIn(b"Status: 5.1.1\r\n", second.as_bytes(policy=SMTP))


class ReportedTests(SynchronousTestCase):
    """
    Tests for ``reported``.
    """

    def test_of_a_queued_message(self) -> None:
        """
        Recipients are told of as they stand.
        """
        message = standing(None, None)
        message.take(Attempted(1001.0, (1,), FAILED))
        message.take(Attempted(1002.0, (2,), DEFERRED, 1300.0))

        (failed,) = reported(message, Due(Notice.FAILED, (1,)))
        (delayed,) = reported(message, Due(Notice.DELAYED, (2,)))

        self.assertEqual(
            (failed.action, failed.time, failed.outcome, failed.retry_until),
            (Action.FAILED, 1001.0, FAILED, None),
        )
        self.assertEqual(
            (delayed.action, delayed.time, delayed.retry_until),
            (Action.DELAYED, 1002.0, 433000.0),
        )

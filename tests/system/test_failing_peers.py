"""
What happens on the way: other hosts that defer, hang up or refuse.

Each message ends delivered, returned with a reason, or still queued and
visible.
"""

from __future__ import annotations

from email import message_from_bytes

from tests.support.neighbours import (
    free_port,
    neighbours,
    until,
)
from tests.support.peercase import PeerTestCase, groups, words
from tests.support.scripted_peer import Session


class DeferringTests(PeerTestCase):
    """
    What is temporary is tried again, and arrives once.
    """

    def test_greylisting(self) -> None:
        """
        450 for the first try of a recipient; then it is taken, once.
        """
        seen: list[str] = []

        def script(command: str, session: Session) -> str | None:
            if command.startswith("RCPT"):
                seen.append(session.peer[0])
                if len(seen) == 1:
                    return "450 4.7.1 Greylisted, come back"
            return None

        peer = self.peer(1, script)
        queue_id = self.site.send("carol@p1.test", subject="Greylisted")

        told = self.finished(queue_id)
        self.assertEqual(len(peer.taken), 1)
        self.assertEqual(set(seen), {"127.0.0.2"})
        self.assertIn("450 4.7.1 Greylisted, come back", told)
        self.assertIn("taken by mx.p1.test [127.0.1.1]", told)

    def test_greeting_says_later(self) -> None:
        """
        A host with 421 is left alone until it answers; `queue list` shows why
        the message waits, and `queue retry` does not wait.
        """
        ready = False

        def script(command: str, session: Session) -> str | None:
            if command == "CONNECT" and not ready:
                return "421 4.3.2 Closing for repairs"
            return None

        peer = self.peer(2, script)
        queue_id = self.site.send("carol@p2.test", subject="Repairs")

        until(
            lambda: "Closing for repairs" in self.site.command("queue", "list"),
            lambda: self.site.command("queue", "list"),
        )
        ready = True
        self.site.command("queue", "retry", queue_id)
        self.finished(queue_id)
        self.assertEqual(len(peer.taken), 1)

    def test_end_of_data_is_deferred(self) -> None:
        """
        451 for the content; the next attempt is the same, octet for octet.
        """
        contents: list[bytes] = []

        def script(command: str, session: Session) -> str | None:
            if command == ".":
                contents.append(session.content)
                if len(contents) == 1:
                    return "451 4.3.0 Disk is slow"
            return None

        self.peer(3, script)
        queue_id = self.site.send("carol@p3.test", subject="Slow disk")

        self.finished(queue_id)
        self.assertEqual(len(contents), 2)
        self.assertEqual(contents[0], contents[1])

    def test_nobody_listens(self) -> None:
        """
        Nothing at the port: queued, with a reason; delivered once there is,
        when the operator says so.
        """
        queue_id = self.site.send("carol@p4.test", subject="Nobody")
        until(
            lambda: "refused" in self.site.command("queue", "list"),
            lambda: self.site.command("queue", "list"),
        )

        peer = self.peer(4)
        self.site.command("queue", "retry", "--domain", "p4.test")

        self.finished(queue_id)
        self.assertEqual(len(peer.taken), 1)

    def test_second_mx(self) -> None:
        """
        Where the first host is dead the second gets it, in the same attempt.
        """
        neighbours().publish(
            "two.test. 60 IN MX 10 mx.p5.test.",
            "two.test. 60 IN MX 20 mx.p6.test.",
        )
        second = self.peer(6)

        queue_id = self.site.send("carol@two.test", subject="Second")

        told = self.finished(queue_id)
        self.assertEqual(len(second.taken), 1)
        self.assertIn("taken by mx.p6.test [127.0.1.6]", told)


class DyingPeerTests(PeerTestCase):
    """
    A connection that is lost around the end of the message.
    """

    def test_before_the_end_of_data(self) -> None:
        """
        Lost at DATA: nothing was sent, so it is tried again soon.
        """
        tries: list[str] = []

        def script(command: str, session: Session) -> str | None:
            if command == "DATA":
                tries.append(command)
                if len(tries) == 1:
                    return ""
            return None

        peer = self.peer(11, script)
        queue_id = self.site.send("carol@p11.test", subject="Lost at DATA")

        self.finished(queue_id)
        self.assertEqual(len(peer.taken), 1)

    def test_answer_to_the_end_of_data_is_lost(self) -> None:
        """
        Whether it was taken nobody knows: it waits, and says so.
        """

        def script(command: str, session: Session) -> str | None:
            return "" if command == "." else None

        self.peer(12, script)
        queue_id = self.site.send("carol@p12.test", subject="Answer lost")

        told = until(
            lambda: (
                text
                if "answer" in (text := self.site.trace(queue_id)).lower()
                else ""
            ),
            lambda: self.site.trace(queue_id),
        )
        self.assertIn("lost", told)
        [row] = self.site.waiting(queue_id)
        # Not before 15 minutes, though other retries take seconds.
        self.assertGreater(row["next"] - row["arrival"], 14 * 60)
        self.site.command("queue", "drop", queue_id)

    def test_hangs_up_after_its_answer(self) -> None:
        """
        Taken is taken, whatever happens to the connection afterwards.
        """

        def script(command: str, session: Session) -> str | None:
            if session.content and command != ".":
                return ""
            return None

        peer = self.peer(13, script)
        first = self.site.send("carol@p13.test", subject="Hung up 1")
        self.finished(first)
        second = self.site.send("carol@p13.test", subject="Hung up 2")
        self.finished(second)

        self.assertEqual(len(peer.taken), 2)


class ReturnedTests(PeerTestCase):
    """
    What cannot be delivered comes back, and says why.
    """

    def test_one_of_two_recipients_fails(self) -> None:
        """
        One has it; one bounce names the other alone, and nobody is tried
        again.
        """

        def script(command: str, session: Session) -> str | None:
            if command.startswith("RCPT TO:<nobody@"):
                return "550 5.1.1 No such person here"
            return None

        peer = self.peer(31, script)
        queue_id = self.site.send(
            "carol@p31.test", "nobody@p31.test", subject="Two of them"
        )

        bounce = self.bounce("Two of them")
        self.finished(queue_id)
        [group] = groups(bounce)
        self.assertEqual(group["Final-Recipient"], "rfc822; nobody@p31.test")
        self.assertEqual(group["Status"], "5.1.1")
        self.assertEqual(group["Remote-MTA"], "dns; mx.p31.test")
        self.assertIn("No such person here", group["Diagnostic-Code"])
        self.assertIn("No such person here", words(bounce))
        self.assertNotIn("carol@p31.test", words(bounce))
        self.assertEqual(bounce["Return-Path"], "<>")
        self.assertEqual(bounce["Auto-Submitted"], "auto-replied")
        [taken] = peer.taken
        self.assertEqual(taken.recipients, ("<carol@p31.test>",))
        self.assertEqual(len(peer.commands("RCPT")), 2)

    def test_failing_together(self) -> None:
        """
        Recipients of several domains that fail at once: one bounce for all.
        """
        for number in (32, 33):
            self.peer(
                number,
                lambda command, session: (
                    "550 5.7.1 Not you" if command.startswith("MAIL") else None
                ),
            )

        self.site.send(
            "carol@p32.test", "dave@p33.test", subject="All together"
        )

        found = groups(self.bounce("All together"))
        self.assertEqual(len(found), 2)

    def test_unknown_domain(self) -> None:
        """
        A domain that is not in the DNS comes back at once.
        """
        self.site.send("carol@absent.test", subject="No such domain")

        bounce = self.bounce("No such domain")
        [group] = groups(bounce)
        self.assertEqual(group["Status"], "5.1.2")
        self.assertIn("absent.test", words(bounce))

    def test_null_mx(self) -> None:
        """
        A domain that takes no mail says so itself.
        """
        neighbours().publish("nomail.test. 60 IN MX 0 .")

        self.site.send("carol@nomail.test", subject="Null MX")

        [group] = groups(self.bounce("Null MX"))
        self.assertEqual(group["Status"], "5.1.10")

    def test_mail_loop(self) -> None:
        """
        A domain whose MX is our own host, and which we do not know.
        """
        neighbours().publish("stray.test. 60 IN MX 10 mx.a.test.")

        self.site.send("carol@stray.test", subject="Comes back to us")

        [group] = groups(self.bounce("Comes back to us"))
        self.assertEqual(group["Status"], "5.4.6")

    def test_given_up(self) -> None:
        """
        When its time is over a message comes back with the last reason.
        """
        impatient = neighbours().site(
            "c.test",
            "127.0.0.6",
            '[[route]]\nto = "*"\nvia = "127.0.1.34:1"\n',
            days=3 / 86400,
        )

        impatient.send("carol@p34.test", subject="Given up")

        bounce = message_from_bytes(impatient.wait_for("alice", "Given up"))
        [group] = groups(bounce)
        self.assertEqual(group["Status"], "4.4.7")
        self.assertEqual(group["Action"], "failed")


class DNSTests(PeerTestCase):
    """
    When nobody answers questions, nothing is returned.
    """

    def test_no_name_server(self) -> None:
        """
        Mail waits, visible with its reason.
        """
        peer = self.peer(41)
        dns = free_port("127.0.0.1")
        site = neighbours().site("d.test", "127.0.0.7", dns=dns)

        queue_id = site.send("carol@p41.test", subject="No DNS")

        listed = until(
            lambda: (
                text if "DNS" in (text := site.command("queue", "list")) else ""
            ),
            site.log,
        )
        self.assertIn(queue_id, listed)
        self.assertEqual(site.arrived("alice", "No DNS"), [])
        self.assertEqual(peer.taken, [])

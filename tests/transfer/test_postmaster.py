"""
Tests for what postmaster is told, and when.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from email import message_from_bytes
from pathlib import Path
from typing import TypeVar

from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.disk import Disk
from mailsuite.errors import StoreFull
from mailsuite.mail.address import Address
from mailsuite.mail.envelope import Recipient
from mailsuite.transfer.bounce import Notification
from mailsuite.transfer.outcome import Kind, Outcome
from mailsuite.transfer.postmaster import Mailing, Postmaster

T = TypeVar("T")

DAY = 86400.0
FAILED = Outcome(Kind.FAILED, "5.1.1", "No such user")
POSTMASTER = Address("postmaster", "hamburger.edu")


async def at_once(work: Callable[[], T]) -> T:
    """
    A pool without threads.
    """
    return work()


class PostmasterTests(SynchronousTestCase):
    """
    Tests for ``Postmaster``.
    """

    def setUp(self) -> None:
        self.clock = Clock()
        self.folder = Path(self.mktemp())
        self.folder.mkdir()
        self.mails: list[Notification] = []
        self.full = False
        self.disk = Disk()
        self.addCleanup(self.disk.close)
        self.postmaster = self.started()

    def started(self) -> Postmaster:
        """
        Another run.
        """
        ids = iter(range(1, 100))
        postmaster = Postmaster(
            Mailing(
                POSTMASTER,
                "mx.hamburger.edu",
                lambda: f"N{next(ids)}",
                self.send,
            ),
            self.disk,
            self.folder / "postmaster.json",
            clock=self.clock,
            in_pool=at_once,
        )
        self.now(postmaster.start())
        return postmaster

    def now(self, coroutine: Awaitable[T]) -> T:
        """
        What comes back at once.
        """
        waiting: Deferred[T] = ensureDeferred(coroutine)  # type: ignore[arg-type]
        return self.successResultOf(waiting)

    async def send(self, new_id: str, mail: Notification) -> None:
        """
        The queue takes a mail, unless it is full.
        """
        if self.full:
            raise StoreFull
        assert f"<{new_id}@".encode() in mail.content
        self.mails.append(mail)

    def texts(self) -> list[str]:
        """
        What postmaster has read, each mail on one line.
        """
        return [
            " ".join(
                message_from_bytes(mail.content[mail.skip :])
                .get_payload(decode=True)
                .decode()
                .split()
            )
            for mail in self.mails
        ]

    def test_double_bounces_once_a_day(self) -> None:
        """
        All of a day come in one mail, a day after the first.
        """
        self.postmaster.double_bounce("Q1", "bob@crepes.fr", FAILED)
        self.clock.advance(DAY / 2)
        self.postmaster.double_bounce("Q2", "carol@crepes.fr", FAILED)
        self.clock.advance(DAY / 2 - 1)
        self.assertEqual(self.mails, [])
        self.clock.advance(1)

        (text,) = self.texts()
        self.assertIn("Q1 to bob@crepes.fr: No such user", text)
        self.assertIn("Q2 to carol@crepes.fr: No such user", text)
        self.clock.advance(3 * DAY)
        self.assertEqual(len(self.mails), 1)

    def test_the_mail(self) -> None:
        """
        It comes from nobody, and says that a machine wrote it.
        """
        self.postmaster.trouble("smarthost", "Smarthost refuses our password")
        self.clock.advance(60)

        (mail,) = self.mails
        self.assertIsNone(mail.sender.reverse_path)
        self.assertEqual(mail.recipient, Recipient(POSTMASTER))
        message = message_from_bytes(mail.content)
        self.assertEqual(message["Return-Path"], "<>")
        self.assertEqual(message["Auto-Submitted"], "auto-generated")
        self.assertEqual(message["To"], "<postmaster@hamburger.edu>")
        self.assertEqual(
            message["Subject"], "Mail cannot be sent as it is configured"
        )

    def test_trouble_at_once_and_then_daily(self) -> None:
        """
        The first comes within a minute, what is the same after a day, with
        how often it happened.
        """
        self.postmaster.trouble("smarthost", "Smarthost refuses our password")
        self.clock.advance(60)
        self.assertEqual(len(self.mails), 1)
        for _ in range(10):
            self.clock.advance(3600)
            self.postmaster.trouble("smarthost", "Smarthost refuses us")
        self.clock.advance(DAY - 36000 - 1)
        self.assertEqual(len(self.mails), 1)
        self.clock.advance(1)

        self.assertEqual(len(self.mails), 2)
        self.assertIn("Smarthost refuses us 10 times, last", self.texts()[1])

    def test_another_trouble_does_not_wait(self) -> None:
        """
        Each trouble has its own first time.
        """
        self.postmaster.trouble("one", "One is wrong")
        self.clock.advance(60)
        self.postmaster.trouble("one", "One is wrong")
        self.postmaster.trouble("two", "Two is wrong")
        self.clock.advance(60)

        self.assertEqual(len(self.mails), 2)
        self.assertIn("Two is wrong", self.texts()[1])

    def test_survives_a_restart(self) -> None:
        """
        The next run tells what the last one gathered.
        """
        self.postmaster.double_bounce("Q1", "bob@crepes.fr", FAILED)
        self.now(self.postmaster.stop())
        self.assertEqual(self.clock.getDelayedCalls(), [])

        self.started()
        self.clock.advance(60)

        self.assertIn("Q1 to bob@crepes.fr", self.texts()[0])

    def test_survives_a_crash(self) -> None:
        """
        What is gathered is on disk after a second, and not there any more
        once it is told.
        """
        self.postmaster.double_bounce("Q1", "bob@crepes.fr", FAILED)
        self.clock.advance(1)
        self.started()
        self.clock.advance(60)
        self.assertEqual(len(self.mails), 1)
        self.clock.advance(1)

        self.started()
        self.clock.advance(60)

        self.assertEqual(len(self.mails), 1)

    def test_a_full_queue(self) -> None:
        """
        What cannot be sent is sent later, with what has come since.
        """
        self.full = True
        self.postmaster.trouble("one", "One is wrong")
        self.clock.advance(60)
        self.assertEqual(self.mails, [])
        self.postmaster.double_bounce("Q1", "bob@crepes.fr", FAILED)
        self.full = False
        self.clock.advance(900)

        (text,) = self.texts()
        self.assertIn("One is wrong", text)
        self.assertIn("Q1 to bob@crepes.fr", text)

    def test_its_own_failure(self) -> None:
        """
        Of mail to postmaster that fails postmaster is not told by mail.
        """
        self.postmaster.double_bounce("N1", str(POSTMASTER), FAILED)
        self.clock.advance(2 * DAY)

        self.assertEqual(self.mails, [])

    def test_a_flood(self) -> None:
        """
        Two hundred are told, the others counted.
        """
        for number in range(500):
            self.postmaster.double_bounce(f"Q{number}", "x@y.example", FAILED)
        self.clock.advance(DAY)

        (text,) = self.texts()
        self.assertEqual(text.count("No such user"), 200)
        self.assertIn("And 300 more", text)

    def test_a_broken_file(self) -> None:
        """
        It is not read, and gathering begins anew.
        """
        for octets in (b"", b"{", b"[]", b'{"facts": [{}], "more": 0}'):
            (self.folder / "postmaster.json").write_bytes(octets)
            postmaster = self.started()
            postmaster.trouble("one", "One is wrong")
            self.clock.advance(60)
            self.assertEqual(len(self.mails), 1)
            self.mails.clear()

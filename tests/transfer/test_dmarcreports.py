"""
Tests for DMARC aggregate reports: counted, sent, and come back.
"""

from __future__ import annotations

import gzip
from collections.abc import Awaitable, Callable
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.disk import Disk
from mailsuite.emailauth.dmarcrecord import Policy
from mailsuite.emailauth.dmarcreport import AggregateReport
from mailsuite.emailauth.dmarcreportxml import parse_report
from mailsuite.emailauth.verdict import Verdict
from mailsuite.errors import StoreFull
from mailsuite.mail.address import Address
from mailsuite.mail.dns import Answer, Found, Question, RecordType
from mailsuite.transfer.bounce import Notification
from mailsuite.transfer.checks import Treatment
from mailsuite.transfer.dmarcledger import DMARCLedger
from mailsuite.transfer.dmarcreports import DMARCReports
from mailsuite.transfer.outcome import Kind, Outcome
from mailsuite.transfer.reportmailing import ReportMailing
from mailsuite.transfer.reportreturns import ReportReturns
from tests.support.dmarcmail import envelope, examined
from tests.support.memory_resolver import MemoryResolver, records

T = TypeVar("T")

HOUR = 3600.0
DAY = 24 * HOUR
#: Midnight, UTC.
MIDNIGHT = 20_000 * DAY
FAILED = Outcome(Kind.FAILED, "5.1.1", "No such user")


async def at_once(work: Callable[[], T]) -> T:
    """
    A pool without threads.
    """
    return work()


class DMARCReportsTests(SynchronousTestCase):
    """
    Tests for ``DMARCReports``.
    """

    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(MIDNIGHT + HOUR)
        self.folder = Path(self.mktemp())
        self.folder.mkdir()
        self.disk = Disk()
        self.addCleanup(self.disk.close)
        self.resolver = MemoryResolver()
        self.returns = ReportReturns([b"key"], "hamburger.edu")
        self.mails: list[Notification] = []
        self.full = False
        self.fails_at_once = False
        self.ids = iter(range(1, 1000))
        self.reports = self.started()

    def started(self) -> DMARCReports:
        """
        Another run.
        """
        reports = DMARCReports(
            DMARCLedger(str(self.folder / "dmarc.sqlite3"), self.disk),
            self.resolver,
            ReportMailing(
                "mx.hamburger.edu",
                "Hamburger University",
                Address("postmaster", "hamburger.edu"),
                lambda: f"N{next(self.ids)}",
                self.send,
            ),
            self.returns,
            clock=self.clock,
            in_pool=at_once,
        )
        reports.start()
        self.addCleanup(lambda: self.now(reports.stop()))
        return reports

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
        if self.fails_at_once:
            path = mail.sender.reverse_path
            assert path is not None
            self.reports.returned(path)

    def passes(self, hours: float) -> None:
        """
        Time goes by.
        """
        self.clock.pump([HOUR / 4] * int(4 * hours))

    def note(self, verdict: Verdict = Verdict.PASS, **more: Any) -> None:
        """
        A message was checked.
        """
        self.reports.noted(envelope(), examined(verdict, **more))

    def parts(self, mail: Notification) -> tuple[Message, Message, Message]:
        """
        The mail, its text and its attachment.
        """
        message = message_from_bytes(mail.content[mail.skip :])
        text, attachment = message.get_payload()
        return message, text, attachment

    def report(self, mail: Notification) -> AggregateReport:
        """
        What a mail reports.
        """
        packed = self.parts(mail)[2].get_payload(decode=True)
        assert isinstance(packed, bytes)
        return parse_report(gzip.decompress(packed))

    # --- What is reported -----------------------------------------------------

    def test_a_day(self) -> None:
        """
        Equal observations are counted together, and reported once the day is
        over, not before.
        """
        self.note()
        self.note()
        self.note(Verdict.FAIL, treatment=Treatment.JUNK)
        self.passes(22)
        self.assertEqual(self.mails, [])

        self.passes(6)

        [mail] = self.mails
        report = self.report(mail)
        self.assertEqual(
            [(seen.disposition, n) for seen, n in report.observations],
            [("pass", 2), ("quarantine", 1)],
        )
        self.assertEqual(report.policy.domain, "crepes.fr")
        self.assertEqual(report.policy.p, "reject")
        self.assertEqual(report.metadata.begin, MIDNIGHT)
        self.assertEqual(report.metadata.end, MIDNIGHT + DAY - 1)
        self.assertEqual(report.metadata.email, "postmaster@hamburger.edu")
        self.passes(24)
        self.assertEqual(len(self.mails), 1)

    def test_mail(self) -> None:
        """
        Subject, name and type are RFC 9990 3.5.2's; the path is the report's
        own.
        """
        self.note()
        self.passes(28)

        [mail] = self.mails
        message, text, attachment = self.parts(mail)
        begin, end = int(MIDNIGHT), int(MIDNIGHT + DAY - 1)
        unique = self.report(mail).metadata.report_id
        self.assertEqual(
            " ".join(message["Subject"].split()),
            "Report Domain: crepes.fr Submitter: mx.hamburger.edu"
            f" Report-ID: <{unique}>",
        )
        self.assertEqual(
            attachment.get_filename(),
            f"mx.hamburger.edu!crepes.fr!{begin}!{end}!{unique}.xml.gz",
        )
        self.assertEqual(attachment.get_content_type(), "application/gzip")
        self.assertEqual(message["To"], "<rua@crepes.fr>")
        self.assertEqual(
            message["From"],
            '"Hamburger University" <postmaster@hamburger.edu>',
        )
        self.assertIn("1 message.", str(text.get_payload()))
        path = mail.sender.reverse_path
        assert path is not None
        self.assertTrue(self.returns.is_ours(path))
        self.assertEqual(
            mail.content[: mail.skip], f"Return-Path: <{path}>\r\n".encode()
        )
        self.assertEqual(mail.recipient.notify, {"FAILURE"})

    def test_subdomains_are_reported_together(self) -> None:
        """
        A record's domain gets one report, in which each author domain has its
        own observation (RFC 9990 3.1.2).
        """
        self.note(author="news.crepes.fr")
        self.note()
        self.passes(28)

        [mail] = self.mails
        authors = {
            seen.header_from for seen, _ in self.report(mail).observations
        }
        self.assertEqual(authors, {"news.crepes.fr", "crepes.fr"})

    def test_last_policy_of_a_day(self) -> None:
        """
        A policy that changes during the day is told as it was last.
        """
        self.note(policy=Policy.NONE)
        self.passes(1)
        self.note(policy=Policy.QUARANTINE)
        self.passes(28)

        self.assertEqual(self.report(self.mails[0]).policy.p, "quarantine")

    def test_restart(self) -> None:
        """
        What was counted before a restart is reported after it.
        """
        self.note()
        self.now(self.reports.stop())
        self.reports = self.started()
        self.note()
        self.passes(28)

        [(_, count)] = self.report(self.mails[0]).observations
        self.assertEqual(count, 2)

    # --- Who gets none --------------------------------------------------------

    def test_nothing_passed(self) -> None:
        """
        A domain of which nothing but failures is known gets no report.
        """
        self.note(Verdict.FAIL)
        self.passes(28)

        self.assertEqual(self.mails, [])

    def test_passed_lately(self) -> None:
        """
        A domain whose mail passed on another day hears of its failures.
        """
        self.note()
        self.passes(28)
        self.note(Verdict.FAIL)
        self.passes(24)

        self.assertEqual(len(self.mails), 2)

    def test_not_wanted(self) -> None:
        """
        Without rua, or without a result, nothing is counted.
        """
        self.note(rua=())
        self.note(Verdict.TEMPERROR)
        self.passes(28)

        self.assertEqual(self.mails, [])

    def test_destination_elsewhere_disagrees(self) -> None:
        """
        Another organization gets reports only if it says that it wants them
        (RFC 9990 4).
        """
        self.note(rua=("mailto:rua@pommes.be", "mailto:rua@gouda.nl"))
        self.resolver.answers |= records(
            "crepes.fr._report._dmarc.gouda.nl", TXT=["v=DMARC1"]
        )
        self.passes(28)

        self.assertEqual(
            [str(mail.recipient.forward_path) for mail in self.mails],
            ["rua@gouda.nl"],
        )

    # --- When it does not go well ---------------------------------------------

    def test_dns_fails(self) -> None:
        """
        While the DNS does not say who agrees, the report waits.
        """
        name = "crepes.fr._report._dmarc.pommes.be"
        question = Question(name, RecordType.TXT)
        self.resolver.answers[question] = Answer(Found.FAILED)
        self.note(rua=("mailto:rua@pommes.be",))
        self.passes(28)
        self.assertEqual(self.mails, [])

        self.resolver.answers |= records(name, TXT=["v=DMARC1"])
        self.passes(1)

        self.assertEqual(len(self.mails), 1)

    def test_queue_is_full(self) -> None:
        """
        A report that the queue does not take is sent later, to each
        destination once.
        """
        self.full = True
        self.note(rua=("mailto:rua@crepes.fr", "mailto:two@crepes.fr"))
        self.passes(28)
        self.full = False
        self.passes(1)

        self.assertEqual(
            [str(mail.recipient.forward_path) for mail in self.mails],
            ["rua@crepes.fr", "two@crepes.fr"],
        )

    def test_crash_before_it_is_noted(self) -> None:
        """
        The same report, made again, has the same name and octets
        (RFC 9990 3.5.3).
        """
        self.note()
        self.now(self.reports.stop())
        kept = (self.folder / "dmarc.sqlite3").read_bytes()
        self.reports = self.started()
        self.passes(28)
        self.now(self.reports.stop())
        (self.folder / "dmarc.sqlite3").write_bytes(kept)
        self.reports = self.started()
        self.passes(1)

        first, second = (self.parts(mail)[2] for mail in self.mails)
        self.assertEqual(first.get_filename(), second.get_filename())
        self.assertEqual(first.get_payload(), second.get_payload())

    def test_ledger_is_broken(self) -> None:
        """
        A database that cannot be read is made anew; mail goes on.
        """
        self.note()
        self.now(self.reports.stop())
        (self.folder / "dmarc.sqlite3").write_bytes(b"no database" * 1000)
        self.reports = self.started()
        self.note()
        self.passes(28)

        self.assertEqual(len(self.mails), 1)

    # --- What comes back ------------------------------------------------------

    def bounced_day(self) -> bool:
        """
        A day with mail; whether a report went out.  It comes back.
        """
        self.note()
        before = len(self.mails)
        self.passes(24)
        for mail in self.mails[before:]:
            path = mail.sender.reverse_path
            assert path is not None
            self.reports.returned(path)
        return len(self.mails) > before

    def test_left_alone_ever_longer(self) -> None:
        """
        A destination whose reports come back misses one report, then two,
        four, eight.
        """
        self.passes(4)
        days = "".join("r" if self.bounced_day() else "-" for _ in range(20))

        sent = [place for place, day in enumerate(days) if day == "r"]
        gaps = [b - a for a, b in zip(sent, sent[1:], strict=False)]
        self.assertEqual(gaps, [2, 3, 5, 9])

    def test_comes_back_at_once(self) -> None:
        """
        A report that fails while it is being queued is known as one.
        """
        self.fails_at_once = True
        self.note()
        self.passes(28)
        self.note()
        self.passes(20)
        self.note()
        self.passes(4)

        self.assertEqual(len(self.mails), 1)

    def test_one_report_comes_back_twice(self) -> None:
        """
        That is one failure.
        """
        self.note()
        self.passes(28)
        path = self.mails[0].sender.reverse_path
        assert path is not None
        self.reports.returned(path)
        self.reports.returned(path)
        self.note()
        self.passes(28)
        self.note()
        self.passes(24)

        self.assertEqual(len(self.mails), 2)

    def test_bounces_of_the_queue(self) -> None:
        """
        A report that failed here is noted; all else is somebody else's.
        """
        others: list[str] = []
        tell = self.reports.double_bounces(
            lambda queue_id, address, outcome: others.append(address)
        )
        self.note()
        self.passes(28)
        tell("Q1", str(self.mails[0].sender.reverse_path), FAILED)
        tell("Q2", "alice@hamburger.edu", FAILED)
        self.note()
        self.passes(20)
        self.note()
        self.passes(4)

        self.assertEqual(others, ["alice@hamburger.edu"])
        self.assertEqual(len(self.mails), 1)

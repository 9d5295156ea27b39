"""
Tests for ``mailsuite.transfer.tlsreports``, ``tlssessions`` and
``tlsreportmail``.
"""

from __future__ import annotations

import gzip
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import cast

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.disk import Disk
from mailsuite.errors import StoreFull
from mailsuite.mail.address import Address
from mailsuite.mail.dns import RecordType
from mailsuite.transfer.bounce import Notification
from mailsuite.transfer.https import Answered
from mailsuite.transfer.reportmailing import ReportMailing
from mailsuite.transfer.stspolicy import parse_policy
from mailsuite.transfer.tlsreport import (
    FailureDetail,
    PolicyReport,
    TLSReport,
    parse_report,
)
from mailsuite.transfer.tlsreports import TLSReports
from mailsuite.transfer.tlsresults import Failed
from mailsuite.transfer.tlssessions import Applied, DomainDay, SessionCounts
from tests.support.memory_resolver import MemoryResolver, failing, records
from tests.support.memory_web import MemoryWeb
from tests.support.queueing import at_once
from tests.support.remotes import now

_DAY = 86400
_TODAY = 19_675
_POLICY = parse_policy(
    b"version: STSv1\nmode: enforce\nmx: mx.example.org\nmax_age: 604800\n"
)
_STS = Applied.of_sts("example.org", _POLICY)
_NONE = Applied("no-policy-found", "example.org")
_EXPIRED = Failed(
    "certificate-expired", "expired", "mx.example.org", "192.0.2.1"
)


class _Case(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(_TODAY * _DAY + 43200)
        self.disk = Disk()
        self.addCleanup(self.disk.close)
        self.path = Path(self.mktemp()).absolute()
        self.disk.make_folders(str(self.path))
        self.sessions = self.started()

    def started(self) -> SessionCounts:
        """
        Counts that begin with what is on disk.
        """
        sessions = SessionCounts(
            str(self.path / "sessions.sqlite3"),
            self.disk,
            clock=self.clock,
            in_pool=at_once,
        )
        now(sessions.start())
        self.addCleanup(lambda: now(sessions.stop()))
        return sessions

    def counted(self, day: int = _TODAY) -> tuple[PolicyReport, ...]:
        """
        What was counted of example.org.
        """
        return now(self.sessions.of(DomainDay("example.org", day)))


class SessionCountsTests(_Case):
    """
    Tests for ``SessionCounts``.
    """

    def test_counts(self) -> None:
        """
        By policy, and failures by what they were.
        """
        for _ in range(3):
            self.sessions.succeeded("example.org", _STS)
        for _ in range(2):
            self.sessions.failed("example.org", _STS, _EXPIRED)
        self.clock.advance(60)
        self.sessions.succeeded("example.org", _STS)
        self.sessions.succeeded("example.org", _NONE)
        self.clock.advance(60)

        detail = FailureDetail(
            "certificate-expired",
            2,
            receiving_host="mx.example.org",
            receiving_ip="192.0.2.1",
            reason="expired",
        )
        self.assertEqual(
            self.counted(),
            (
                PolicyReport(
                    "sts",
                    "example.org",
                    _POLICY.lines(),
                    ("mx.example.org",),
                    4,
                    2,
                    (detail,),
                ),
                PolicyReport("no-policy-found", "example.org", (), (), 1, 0),
            ),
        )

    def test_day_by_day(self) -> None:
        """
        A session counts on the UTC day on which it was.
        """
        self.sessions.succeeded("example.org", _NONE)
        self.clock.advance(43200)
        self.sessions.succeeded("example.org", _NONE)
        now(self.sessions.write())

        self.assertEqual(self.counted()[0].successes, 1)
        self.assertEqual(self.counted(_TODAY + 1)[0].successes, 1)
        self.assertEqual(
            now(self.sessions.ended()), [DomainDay("example.org", _TODAY)]
        )

    def test_survives_a_restart(self) -> None:
        """
        What was counted is there after a stop.
        """
        self.sessions.succeeded("example.org", _NONE)
        now(self.sessions.stop())
        self.sessions = self.started()

        self.assertEqual(self.counted()[0].successes, 1)

    def test_bounded(self) -> None:
        """
        A flood of different sessions does not fill the memory.
        """
        for number in range(2_002):
            self.sessions.failed("example.org", _NONE, Failed("x", str(number)))
        self.clock.advance(0)

        self.assertEqual(self.counted()[0].failures, 2_002)
        self.assertEqual(len(self.counted()[0].details), 1000)

    def test_old_days_go(self) -> None:
        """
        What was not reported in days is forgotten.
        """
        self.sessions.failed("example.org", _NONE, _EXPIRED)
        self.clock.advance(4 * _DAY)
        self.assertEqual(now(self.sessions.ended()), [])
        self.assertEqual(self.counted(), ())

    def test_without_database(self) -> None:
        """
        Where nothing can be kept nothing is counted, and mail goes on.
        """
        sessions = SessionCounts(
            str(self.path / "nowhere" / "x"),
            self.disk,
            clock=self.clock,
            in_pool=at_once,
        )
        now(sessions.start())
        sessions.succeeded("example.org", _NONE)
        now(sessions.write())
        self.assertEqual(now(sessions.ended()), [])


class TLSReportsTests(_Case):
    """
    Tests for ``TLSReports``.
    """

    def setUp(self) -> None:
        super().setUp()
        self.resolver = MemoryResolver()
        self.web = MemoryWeb()
        self.sent: list[tuple[str, Notification]] = []
        self.full = False
        self.taken: Deferred[None] | None = None
        self.reports = TLSReports(
            self.sessions,
            self.resolver,
            self.web,
            ReportMailing(
                "mail.hamburger.edu",
                'Hamburger "U"',
                Address("postmaster", "hamburger.edu"),
                lambda: f"id{len(self.sent)}",
                self.send,
            ),
            clock=self.clock,
            in_pool=at_once,
        )
        self.reports.start()
        self.addCleanup(lambda: now(self.reports.stop()))
        self.sessions.failed("example.org", _STS, _EXPIRED)

    async def send(self, new_id: str, mail: Notification) -> None:
        """
        The mail is in the queue.
        """
        if self.full:
            raise StoreFull
        if self.taken is not None:
            await self.taken
        self.sent.append((new_id, mail))

    def publish(self, rua: str) -> None:
        """
        The domain wants reports.
        """
        self.resolver.answers |= records(
            "_smtp._tls.example.org", TXT=[f"v=TLSRPTv1; rua={rua}"]
        )

    def pass_time(self, hours: int) -> None:
        """
        Some hours, round by round.
        """
        for _ in range(4 * hours):
            self.clock.advance(900)

    def message(self) -> EmailMessage:
        """
        The one that was sent, as it goes through the network.
        """
        ((_, mail),) = self.sent
        octets = mail.content[mail.skip :]
        read = message_from_bytes(octets, policy=policy.default)
        return cast("EmailMessage", read)

    def report(self) -> TLSReport:
        """
        What the message brings.
        """
        _, attached = self.message().iter_parts()
        octets = cast("bytes", cast("EmailMessage", attached).get_content())
        return parse_report(gzip.decompress(octets))

    def test_by_mail(self) -> None:
        """
        The day's report goes out in the first hours of the next, once.
        """
        self.publish("mailto:tls%2Breports@example.org")
        self.pass_time(12)
        self.assertEqual(self.sent, [])
        self.pass_time(5)
        report = self.report()
        self.assertEqual(report.begin, _TODAY * _DAY)
        self.assertEqual(report.end, (_TODAY + 1) * _DAY - 1)
        self.assertEqual(report.organization, 'Hamburger "U"')
        self.assertEqual(report.policies[0].failures, 1)

        self.pass_time(72)
        self.assertEqual(len(self.sent), 1)

    def test_mail(self) -> None:
        """
        The form of RFC 8460 5.3, and nothing comes back.
        """
        self.publish("mailto:tls%2Breports@example.org")
        self.pass_time(17)
        message = self.message()
        ((_, mail),) = self.sent

        self.assertIsNone(mail.sender.reverse_path)
        self.assertTrue(mail.sender.tls_optional)
        self.assertEqual(
            mail.recipient.forward_path, Address("tls+reports", "example.org")
        )
        self.assertEqual(message.get_content_type(), "multipart/report")
        self.assertEqual(message.get_param("report-type"), "tlsrpt")
        self.assertEqual(message["TLS-Report-Domain"], "example.org")
        self.assertEqual(message["TLS-Report-Submitter"], "mail.hamburger.edu")
        self.assertEqual(message["TLS-Required"], "No")
        self.assertEqual(
            message["From"], '"Hamburger \\"U\\"" <postmaster@hamburger.edu>'
        )
        text, attached = message.iter_parts()
        self.assertEqual(text.get_content_type(), "text/plain")
        self.assertEqual(attached.get_content_type(), "application/tlsrpt+gzip")
        begin, unique = _TODAY * _DAY, self.report().report_id.split("@")[0]
        self.assertEqual(
            attached.get_filename(),
            f"mail.hamburger.edu!example.org!{begin}!{begin + _DAY - 1}"
            f"!{unique}.json.gz",
        )
        self.assertEqual(
            message["Subject"],
            "Report Domain: example.org Submitter: mail.hamburger.edu"
            f" Report-ID: <{self.report().report_id}>",
        )
        self.assertTrue(
            all(len(line) <= 998 for line in mail.content.split(b"\r\n"))
        )

    def test_by_https(self) -> None:
        """
        A server takes it by POST (RFC 8460 5.4).
        """
        self.publish("https://r.example/v1")
        self.web.answers["https://r.example/v1"] = Answered(201, "", b"")
        self.pass_time(17)

        ((url, body, media_type),) = self.web.posted
        self.assertEqual(url, "https://r.example/v1")
        self.assertEqual(media_type, "application/tlsrpt+gzip")
        self.assertEqual(
            parse_report(gzip.decompress(body)).policies[0].failures, 1
        )
        self.pass_time(24)
        self.assertEqual(len(self.web.posted), 1)

    def test_second_destination(self) -> None:
        """
        Where the first does not take it, the next does.
        """
        self.publish("https://r.example/v1,mailto:a@example.org")
        self.web.answers["https://r.example/v1"] = Answered(500, "", b"")
        self.pass_time(17)
        self.assertEqual(len(self.sent), 1)
        self.pass_time(24)
        self.assertEqual(len(self.web.posted), 1)

    def test_tried_for_a_day(self) -> None:
        """
        A server that fails is tried again, for a day (RFC 8460 5.5).
        """
        self.publish("https://r.example/v1")
        self.pass_time(24 + 12 + 4)
        tried = len(self.web.posted)
        self.assertGreater(tried, 20)
        self.pass_time(24)
        self.assertLess(len(self.web.posted), 100)
        self.assertEqual(now(self.sessions.ended()), [])

    def test_nobody_answers_for_the_record(self) -> None:
        """
        A DNS failure is no answer: it is asked again.
        """
        self.resolver.answers |= failing(
            "_smtp._tls.example.org", RecordType.TXT
        )
        self.pass_time(17)
        self.publish("mailto:a@example.org")
        self.pass_time(1)
        self.assertEqual(len(self.sent), 1)

    def test_no_record(self) -> None:
        """
        A domain that wants no reports gets none, and its counts go.
        """
        self.pass_time(17)
        self.assertEqual(self.sent, [])
        self.assertEqual(now(self.sessions.ended()), [])

    def test_full_queue(self) -> None:
        """
        A report that the queue does not take is tried again.
        """
        self.publish("mailto:a@example.org")
        self.full = True
        self.pass_time(17)
        self.full = False
        self.pass_time(1)
        self.assertEqual(len(self.sent), 1)

    def test_unreadable_address(self) -> None:
        """
        Nor does an address that is none keep the others from theirs.
        """
        self.publish("mailto:nobody,mailto:a@example.org")
        self.pass_time(17)
        self.assertEqual(len(self.sent), 1)

    def test_each_domain_alone(self) -> None:
        """
        Nobody reads what is another domain's.
        """
        self.sessions.succeeded("example.net", _NONE)
        self.publish("mailto:a@example.org")
        self.pass_time(17)
        (found,) = self.report().policies
        self.assertEqual((found.type, found.successes), ("sts", 0))

    def test_stopped(self) -> None:
        """
        After a stop nothing is sent; the next start does it.
        """
        self.publish("https://r.example/v1")
        now(self.reports.stop())
        self.pass_time(24)
        self.assertEqual(self.web.posted, [])
        self.assertEqual(len(now(self.sessions.ended())), 1)

    def test_stopped_while_a_server_is_silent(self) -> None:
        """
        A stop does not wait for a server, and what was not sent is kept.
        """
        self.publish("https://r.example/v1")
        self.web.waits = Deferred()
        self.pass_time(17)
        self.assertEqual(len(self.web.posted), 1)
        now(self.reports.stop())
        self.assertEqual(len(now(self.sessions.ended())), 1)

    def test_stopped_while_the_queue_takes_it(self) -> None:
        """
        A stop waits for the queue, so that no report goes out twice.
        """
        self.publish("mailto:a@example.org")
        self.taken = Deferred()
        self.pass_time(17)
        stopping = Deferred.fromCoroutine(self.reports.stop())
        self.assertNoResult(stopping)
        self.taken.callback(None)
        self.successResultOf(stopping)
        self.assertEqual(now(self.sessions.ended()), [])

"""
Tests for ``mailsuite.transfer.mtasts``.
"""

from __future__ import annotations

from pathlib import Path

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.disk import Disk
from mailsuite.mail.dns import Question, RecordType
from mailsuite.transfer.https import Answered, NoAnswer, NotTrusted
from mailsuite.transfer.mtasts import MTASTS, STSFound, STSTrouble
from mailsuite.transfer.policycache import PolicyCache
from mailsuite.transfer.stspolicy import Mode, parse_policy
from tests.support.memory_resolver import MemoryResolver, failing, records
from tests.support.memory_web import MemoryWeb
from tests.support.queueing import at_once
from tests.support.remotes import now

_DAY = 86400
_URL = "https://mta-sts.example.org/.well-known/mta-sts.txt"
_RECORD = "_mta-sts.example.org"


def _text(mx: str = "mx.example.org", mode: str = "enforce") -> bytes:
    return (
        f"version: STSv1\nmode: {mode}\nmx: {mx}\nmax_age: {7 * _DAY}\n"
    ).encode()


def _answer(text: bytes) -> Answered:
    return Answered(200, "text/plain", text)


class MTASTSTests(SynchronousTestCase):
    """
    Tests for ``MTASTS``.
    """

    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(1_700_000_000)
        self.resolver = MemoryResolver(
            records(_RECORD, TXT=["v=STSv1; id=one;"])
        )
        self.web = MemoryWeb()
        self.web.answers[_URL] = _answer(_text())
        self.disk = Disk()
        self.addCleanup(self.disk.close)
        self.path = Path(self.mktemp()).absolute()
        self.disk.make_folders(str(self.path))
        self.mtasts = self.started()

    def started(self) -> MTASTS:
        """
        One that begins with what is on disk.
        """
        mtasts = MTASTS(
            self.resolver,
            self.web,
            path=str(self.path / "policies.sqlite3"),
            disk=self.disk,
            clock=self.clock,
            in_pool=at_once,
        )
        now(mtasts.start())
        self.addCleanup(lambda: now(mtasts.stop()))
        return mtasts

    def find(self, domain: str = "example.org") -> STSFound:
        """
        What holds for a domain.
        """
        return now(self.mtasts.find(domain))

    def publish(self, number: str, text: bytes) -> None:
        """
        The domain changes its policy.
        """
        self.resolver.answers |= records(
            _RECORD, TXT=[f"v=STSv1; id={number};"]
        )
        self.web.answers[_URL] = _answer(text)

    def break_dns(self) -> None:
        """
        Nobody answers for the record.
        """
        self.resolver.answers |= failing(_RECORD, RecordType.TXT)

    # --- Finding

    def test_fetched_once(self) -> None:
        """
        A policy is fetched for the first mail, and used for the next.
        """
        first, second = self.find(), self.find()

        self.assertEqual(first, STSFound(parse_policy(_text())))
        self.assertEqual(second, first)
        self.assertEqual(self.web.asked, [_URL])

    def test_no_record(self) -> None:
        """
        Without a record nothing is fetched.
        """
        self.assertEqual(self.find("example.net"), STSFound())
        self.assertEqual(self.web.asked, [])

    def test_nobody_answers_and_nothing_is_kept(self) -> None:
        """
        The mail goes out as to a domain without a policy.
        """
        self.break_dns()
        self.assertEqual(self.find(), STSFound())

    def test_mode_none(self) -> None:
        """
        A domain that takes its policy back demands nothing.
        """
        self.publish("one", _text(mode="none"))
        self.assertEqual(self.find(), STSFound())

    def test_exactly_that_domain(self) -> None:
        """
        The policy of the domain above says nothing about one below it.
        """
        self.assertEqual(self.find("sub.example.org"), STSFound())

    # --- What goes wrong

    def test_troubles(self) -> None:
        """
        Each way of failing has its name in reports.
        """
        for answer, trouble in (
            (NoAnswer("no connection"), STSTrouble.FETCH),
            (Answered(301, "text/plain", b""), STSTrouble.FETCH),
            (NotTrusted("expired"), STSTrouble.WEBPKI),
            (Answered(200, "text/html", _text()), STSTrouble.INVALID),
            (_answer(b"<html>"), STSTrouble.INVALID),
        ):
            self.web.answers[_URL] = answer
            self.assertEqual(self.find(), STSFound(None, trouble))
            self.clock.advance(301)

    def test_pause_after_a_failure(self) -> None:
        """
        A server that fails is left alone for five minutes (RFC 8461 3.3).
        """
        self.web.answers[_URL] = NoAnswer("no connection")
        self.find()
        self.web.answers[_URL] = _answer(_text())

        self.clock.advance(299)
        self.assertEqual(self.find(), STSFound(None, STSTrouble.FETCH))
        self.clock.advance(2)
        self.assertIsNotNone(self.find().policy)
        self.assertEqual(len(self.web.asked), 2)

    def test_kept_while_record_and_server_fail(self) -> None:
        """
        Who disturbs the DNS and the server does not take a policy away, before
        it expires (RFC 8461 5.1).
        """
        self.find()
        self.break_dns()
        self.web.answers[_URL] = NoAnswer("no connection")

        self.clock.advance(7 * _DAY - 1)
        self.assertIsNotNone(self.find().policy)
        self.clock.advance(1)
        self.assertIsNone(self.find().policy)

    def test_record_is_gone(self) -> None:
        """
        Nor does an answer that there is no record.
        """
        self.find()
        del self.resolver.answers[Question(_RECORD, RecordType.TXT)]

        self.assertIsNotNone(self.find().policy)

    # --- Changes

    def test_new_id(self) -> None:
        """
        A new id brings the new policy before the mail goes on.
        """
        self.find()
        self.publish("two", _text("new.example.org", "testing"))

        found = self.find().policy
        assert found is not None
        self.assertEqual(found.mx, ("new.example.org",))
        self.assertIs(found.mode, Mode.TESTING)

    def test_new_id_that_cannot_be_fetched(self) -> None:
        """
        The old policy holds on, and its server is asked again after a while.
        """
        first = self.find()
        self.publish("two", b"nonsense")

        self.assertEqual(self.find(), first)
        self.assertEqual(self.find(), first)
        self.assertEqual(len(self.web.asked), 2)
        self.clock.advance(301)
        self.find()
        self.assertEqual(len(self.web.asked), 3)

    def test_doubted(self) -> None:
        """
        After a host has failed by it a policy is fetched again under the same
        id, at most every five minutes.
        """
        self.find()
        self.web.answers[_URL] = _answer(_text("new.example.org"))
        self.mtasts.doubt("example.org")
        self.find()
        self.assertEqual(len(self.web.asked), 1)

        self.clock.advance(301)
        found = self.find().policy
        assert found is not None
        self.assertEqual(found.mx, ("new.example.org",))
        self.find()
        self.assertEqual(len(self.web.asked), 2)

    def test_a_day_old(self) -> None:
        """
        Mail does not wait for the daily refresh.
        """
        first = self.find()
        self.clock.advance(_DAY - 599)
        self.web.answers[_URL] = _answer(_text("new.example.org"))
        self.web.waits = Deferred()
        self.clock.advance(600)

        self.assertEqual(self.find(), first)
        self.web.waits.callback(None)
        self.assertNotEqual(self.find(), first)
        self.assertEqual(len(self.web.asked), 2)

    def test_refreshed_while_nobody_writes(self) -> None:
        """
        A policy lives on beyond its age without mail, for a month.
        """
        self.find()
        for _ in range(25 * 24):
            self.clock.advance(3600)
        self.web.answers[_URL] = NoAnswer("no connection")
        self.break_dns()
        self.assertIsNotNone(self.find().policy)

    def test_not_refreshed_for_ever(self) -> None:
        """
        A domain that nobody writes to any more is forgotten.
        """
        self.find()
        for _ in range(32 * 24):
            self.clock.advance(3600)
        asked = len(self.web.asked)
        for _ in range(10 * 24):
            self.clock.advance(3600)
        self.assertEqual(len(self.web.asked), asked)

    # --- Together

    def test_waits_together(self) -> None:
        """
        A thousand mails at once fetch once.
        """
        self.web.waits = Deferred()
        found = [
            Deferred.fromCoroutine(self.mtasts.find("example.org"))
            for _ in range(3)
        ]
        for each in found:
            self.assertNoResult(each)
        self.web.waits.callback(None)

        for each in found:
            self.assertIsNotNone(self.successResultOf(each).policy)
        self.assertEqual(len(self.web.asked), 1)

    def test_one_that_waits_is_cancelled(self) -> None:
        """
        The others get the policy all the same, and do not go without.
        """
        self.web.waits = Deferred()
        first, second = (
            Deferred.fromCoroutine(self.mtasts.find("example.org"))
            for _ in range(2)
        )
        first.addErrback(lambda _: None)
        first.cancel()
        self.web.waits.callback(None)

        self.assertIsNotNone(self.successResultOf(second).policy)

    def test_stopped_while_fetching(self) -> None:
        """
        Who waits when we stop gets an answer.
        """
        self.web.waits = Deferred()
        waiting = Deferred.fromCoroutine(self.mtasts.find("example.org"))
        now(self.mtasts.stop())
        self.assertEqual(self.successResultOf(waiting), STSFound())

    # --- On disk

    def test_survives_a_restart(self) -> None:
        """
        What was fetched counts after a restart, with the DNS in ruins.
        """
        first = self.find()
        now(self.mtasts.stop())
        self.break_dns()
        self.mtasts = self.started()

        self.assertEqual(self.find(), first)
        self.assertEqual(len(self.web.asked), 1)

    def test_broken_cache(self) -> None:
        """
        A cache that cannot be read is begun anew.
        """
        now(self.mtasts.stop())
        (self.path / "policies.sqlite3").write_bytes(b"nonsense" * 1000)
        self.mtasts = self.started()

        self.assertIsNotNone(self.find().policy)

    def test_expired_is_dropped(self) -> None:
        """
        What no longer counts does not fill the disk.
        """
        self.find()
        self.break_dns()
        self.web.answers[_URL] = NoAnswer("no connection")
        for _ in range(8 * 24):
            self.clock.advance(3600)
        now(self.mtasts.stop())

        cache = PolicyCache(str(self.path / "policies.sqlite3"), self.disk)
        self.addCleanup(cache.close)
        self.assertIsNone(cache.get("example.org"))

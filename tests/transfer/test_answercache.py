"""
Tests for ``mailsuite.transfer.answercache``.
"""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.mail.dns import Answer, Found, Question, RecordType
from mailsuite.transfer.answercache import AnswerCache

QUESTION = Question("crepes.fr", RecordType.A)


class AnswerCacheTests(SynchronousTestCase):
    """
    Tests for ``AnswerCache``.
    """

    def kept_for(self, found: Found, ttl: float) -> float:
        """
        For how many seconds an answer is kept.
        """
        clock = Clock()
        cache = AnswerCache(clock)
        cache.keep(QUESTION, Answer(found), ttl)
        while cache.get(QUESTION) is not None:
            clock.advance(5)
        return clock.seconds()

    def test_as_long_as_the_dns_says(self) -> None:
        """
        An answer is kept by its TTL, 5 seconds at least and a day at most.
        """
        self.assertEqual(self.kept_for(Found.RECORDS, 300), 300)
        self.assertEqual(self.kept_for(Found.RECORDS, 0), 5)
        self.assertEqual(self.kept_for(Found.RECORDS, 604800), 86400)

    def test_absence_for_five_minutes(self) -> None:
        """
        What is not there is asked for again after five minutes.
        """
        self.assertEqual(self.kept_for(Found.NO_NAME, 86400), 300)
        self.assertEqual(self.kept_for(Found.NO_RECORDS, 0), 300)

    def test_failures_hardly(self) -> None:
        """
        A failure is kept as long as one attempt may ask again.
        """
        self.assertEqual(self.kept_for(Found.FAILED, 300), 5)

    def test_the_least_used_goes(self) -> None:
        """
        Where there is no more room the answer goes that was not asked for.
        """
        cache = AnswerCache(Clock(), limit=2)
        first, second, third = (
            Question(name, RecordType.A) for name in ("a", "b", "c")
        )
        cache.keep(first, Answer(Found.RECORDS), 300)
        cache.keep(second, Answer(Found.RECORDS), 300)
        cache.get(first)
        cache.keep(third, Answer(Found.RECORDS), 300)
        self.assertIsNone(cache.get(second))
        self.assertIsNotNone(cache.get(first))

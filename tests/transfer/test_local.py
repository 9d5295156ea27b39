"""
Tests for ``mailsuite.transfer.local``.
"""

from __future__ import annotations

from dataclasses import replace

from mailsuite.errors import (
    MailError,
    OverQuota,
    StoreBusy,
)
from tests.support.receptions import (
    BOB,
    CAROL,
    KETCHUP,
    ReceptionTestCase,
)
from tests.support.transferring import (
    LMTP,
    MX,
    now,
    write,
)


class PartialDeliveryTests(ReceptionTestCase):
    """
    Some accounts take their copy and others do not.
    """

    def deliver(
        self,
        *,
        bob: MailError | None,
        carol: MailError | None,
        listener: str = "mx",
    ) -> tuple[MailError | None, ...]:
        """
        Deliver to both, each of whom may have a mood.
        """
        for record, mood in ((self.bob, bob), (self.carol, carol)):
            if mood is not None:
                self.mail.store.moods[record.number] = mood
        transaction = self.mail.begin(
            BOB, CAROL, origin=replace(MX, listener=listener)
        )
        write(transaction, KETCHUP)
        return now(transaction.commit())

    def test_one_kept_one_not_now(self) -> None:
        """
        The rest goes into the queue, and success is told.
        """
        results = self.deliver(bob=None, carol=StoreBusy())

        self.assertEqual(results, (None, None))
        self.assertEqual(self.mail.queueing.count(), 1)

    def test_one_kept_one_never(self) -> None:
        """
        A permanent error beside a kept copy must not lose the message.
        """
        results = self.deliver(bob=OverQuota(), carol=None)

        self.assertEqual(results, (None, None))
        self.assertEqual(self.mail.queueing.count(), 1)

    def test_none_kept(self) -> None:
        """
        When nothing was kept the client keeps the message.
        """
        with self.assertRaises(StoreBusy):
            self.deliver(bob=OverQuota(), carol=StoreBusy())

        self.assertEqual(self.mail.queueing.count(), 0)

    def test_none_kept_for_good(self) -> None:
        """
        When all errors are permanent, so is the answer.
        """
        with self.assertRaises(OverQuota):
            self.deliver(bob=OverQuota(), carol=OverQuota())

    def test_lmtp_tells_each(self) -> None:
        """
        RFC 2033 4.2: each recipient has his own answer, and none is queued.
        """
        busy = StoreBusy()
        results = self.deliver(bob=None, carol=busy, listener=LMTP.listener)

        self.assertEqual(results, (None, busy))
        self.assertEqual(self.mail.queueing.count(), 0)

    def test_lmtp_alias(self) -> None:
        """
        An alias of which one account has its copy is not left to the client.
        """
        self.mail.directory.add_alias("all@hamburger.edu", self.bob, self.carol)
        self.mail.store.moods[self.carol.number] = StoreBusy()
        transaction = self.mail.begin("all@hamburger.edu", origin=LMTP)
        write(transaction, KETCHUP)

        self.assertEqual(now(transaction.commit()), (None,))
        self.assertEqual(self.mail.queueing.count(), 1)

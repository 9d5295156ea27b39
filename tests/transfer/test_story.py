"""
Tests for ``mailsuite.transfer.story``: what ``trace`` tells.
"""

from __future__ import annotations

from mailsuite.transfer.filters import Filter
from mailsuite.transfer.story import steps
from tests.support.queueing import (
    ALICE,
    BOB,
    CAROL,
    DAVE,
    DEFERRED,
    FAILED,
    HOUR,
    MINUTE,
    QueueTestCase,
    now,
)


class StepsTests(QueueTestCase):
    """
    Tests for ``steps``.
    """

    def told(self, queue_id: str) -> list[str]:
        """
        The sentences about a message.
        """
        (one,) = now(self.mail.operator.trace(queue_id))
        found = steps(one.standing, one.ended)
        times = [when for when, _ in found]
        self.assertEqual(times, sorted(times))
        return [sentence for _, sentence in found]

    def test_whole_life(self) -> None:
        """
        From acceptance to the end, with who said what.
        """
        self.mail.directory.add_account(ALICE)
        self.elsewhere.says = {CAROL: DEFERRED, DAVE: FAILED}
        queue_id = self.mail.add(BOB, CAROL, DAVE)
        self.clock.pump([MINUTE] * 2)
        self.elsewhere.says.clear()
        self.clock.pump([MINUTE] * 10)

        told = self.told(queue_id)
        self.assertIn(f"Accepted from <{ALICE}> for", told[0])
        self.assertIn(f"logged in as {ALICE}", told[0])
        text = "\n".join(told)
        at = "by mx [192.0.2.9]:25"
        for sentence in (
            f"Sent to {BOB}, taken {at}: 250 2.0.0 Taken",
            f"Deferred for {CAROL} {at}: 451 4.7.1 Greylisted",
            f"Failed for {DAVE} {at}: 550 5.1.1 No such user",
            f"The sender is told of the failure for {DAVE}, by ",
            f"Sent to {CAROL}, taken",
        ):
            self.assertIn(sentence, text)
        self.assertEqual(told[-1], "Nothing more is to be done")

    def test_operator(self) -> None:
        """
        What an operator does is told with his reason.
        """
        self.elsewhere.says = {BOB: DEFERRED}
        queue_id = self.mail.add(BOB)
        self.clock.advance(MINUTE)
        wanted = Filter(ids=(queue_id,))
        now(self.mail.operator.hold(wanted, "by Carol"))
        self.assertIn("Held: by Carol", self.told(queue_id))
        self.assertIn("It is held: by Carol", self.told(queue_id))
        now(self.mail.operator.release(wanted))
        self.assertIn("Released", self.told(queue_id))
        now(self.mail.operator.drop(wanted, "by Dave"))
        self.clock.advance(HOUR)
        self.assertIn(f"Dropped for {BOB}: by Dave", self.told(queue_id))

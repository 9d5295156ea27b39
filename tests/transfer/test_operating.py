"""
Tests for ``mailsuite.transfer.operating``, ``filters`` and the index.
"""

from __future__ import annotations

from mailsuite.transfer.filters import Filter
from tests.support.queueing import (
    ALICE,
    BOB,
    CAROL,
    DAVE,
    DEFERRED,
    HOUR,
    MINUTE,
    NOON,
    QueueTestCase,
    now,
)


class FilterTests(QueueTestCase):
    """
    Three messages that wait.
    """

    def setUp(self) -> None:
        super().setUp()
        self.elsewhere.says.update(dict.fromkeys((BOB, CAROL, DAVE), DEFERRED))
        self.to_bob = self.mail.add(BOB)
        self.clock.advance(MINUTE)
        self.to_dave = self.mail.add(DAVE, origin_user="zoe@hamburger.edu")
        self.clock.advance(MINUTE)
        self.from_nobody = self.mail.add(CAROL, DAVE, reverse_path=None)

    def ids(self, **wanted: object) -> list[str]:
        """
        The messages that a filter means.
        """
        page = now(self.mail.operator.page(Filter(**wanted)))
        self.assertEqual(len(page), self.mail.count(Filter(**wanted)))
        return [one.queue_id for one in page]

    def test_all(self) -> None:
        """
        An empty filter means all, in the order of their coming.
        """
        self.assertEqual(
            self.ids(), [self.to_bob, self.to_dave, self.from_nobody]
        )

    def test_sender(self) -> None:
        """
        The reverse-path or the login, in any case; the empty one too.
        """
        self.assertEqual(
            self.ids(sender=ALICE.upper()),
            [self.to_bob, self.to_dave, self.from_nobody],
        )
        self.assertEqual(self.ids(sender="Zoe@hamburger.edu"), [self.to_dave])
        self.assertEqual(self.ids(sender=""), [self.from_nobody])

    def test_recipient(self) -> None:
        """
        One of the recipients.
        """
        self.assertEqual(
            self.ids(recipient="Dave@pommes.be"),
            [self.to_dave, self.from_nobody],
        )

    def test_domain(self) -> None:
        """
        The destination of one who still waits.
        """
        self.assertEqual(
            self.ids(domain="crepes.fr"), [self.to_bob, self.from_nobody]
        )
        del self.elsewhere.says[CAROL]
        self.clock.pump([MINUTE] * 6)
        self.assertEqual(self.ids(domain="crepes.fr"), [self.to_bob])

    def test_age(self) -> None:
        """
        Since its arrival.
        """
        self.assertEqual(self.ids(older_than=90), [self.to_bob])
        self.assertEqual(
            self.ids(younger_than=90), [self.to_dave, self.from_nobody]
        )

    def test_error(self) -> None:
        """
        A part of what the last attempt came to.
        """
        self.assertEqual(len(self.ids(error="GREYLIST")), 3)
        self.assertEqual(self.ids(error="refused"), [])

    def test_several(self) -> None:
        """
        All that is said has to hold.
        """
        self.assertEqual(
            self.ids(domain="crepes.fr", sender=""), [self.from_nobody]
        )
        self.assertEqual(
            self.ids(ids=(self.to_bob, self.to_dave), domain="pommes.be"),
            [self.to_dave],
        )

    def test_pages(self) -> None:
        """
        A page begins after the last id of the one before.
        """
        first = now(self.mail.operator.page(Filter(), most=2))
        rest = now(self.mail.operator.page(Filter(), after=first[-1].queue_id))

        self.assertEqual([one.queue_id for one in rest], [self.from_nobody])

    def test_what_is_listed(self) -> None:
        """
        A row says who sent, who waits, why, and until when.
        """
        listed = now(self.mail.operator.page(Filter(ids=(self.to_bob,))))[0]

        self.assertEqual(listed.arrival, NOON)
        self.assertEqual(listed.next, NOON + 5 * MINUTE)
        self.assertEqual((listed.reverse_path, listed.user), (ALICE, ALICE))
        (bob,) = listed.recipients
        self.assertEqual((bob.address, bob.domain), (BOB, "crepes.fr"))
        self.assertEqual(
            (bob.attempts, bob.reason),
            (1, "451 Greylisted (mx [192.0.2.9]:25)"),
        )
        self.assertTrue(bob.waits)


class DoingTests(QueueTestCase):
    """
    What an operator does.
    """

    def setUp(self) -> None:
        super().setUp()
        self.elsewhere.says[BOB] = DEFERRED
        self.queue_id = self.mail.add(BOB)

    def test_retry(self) -> None:
        """
        An attempt is made at once, and hosts that were dead are asked.
        """
        self.elsewhere.says.clear()
        done = now(self.mail.operator.retry(Filter(domain="crepes.fr")))
        self.clock.advance(0)

        self.assertEqual(done, 1)
        self.assertEqual([to for to, _ in self.elsewhere.taken], [BOB])
        self.assertEqual(self.elsewhere.forgotten, 1)

    def test_retry_after_which_it_waits(self) -> None:
        """
        A retry is one attempt; the schedule goes on from there.
        """
        now(self.mail.operator.retry(Filter()))
        self.clock.advance(0)
        self.clock.pump([MINUTE] * 9)

        self.assertEqual(len(self.elsewhere.tried), 2)

    def test_hold(self) -> None:
        """
        What is held is tried no more, over a restart, not even by retry.
        """
        self.assertEqual(now(self.mail.operator.hold(Filter(), "spam")), 1)
        self.assertEqual(now(self.mail.operator.hold(Filter(), "spam")), 0)
        self.again()
        self.assertEqual(now(self.mail.operator.retry(Filter())), 0)
        self.clock.pump([HOUR] * 24)

        self.assertEqual(len(self.elsewhere.tried), 1)
        self.assertEqual(self.mail.count(Filter(held=True)), 1)

    def test_release(self) -> None:
        """
        What is released is tried when it is due.
        """
        now(self.mail.operator.hold(Filter(), "spam"))
        self.clock.pump([MINUTE] * 10)
        self.assertEqual(now(self.mail.operator.release(Filter(), "else")), 0)
        self.assertEqual(now(self.mail.operator.release(Filter(), "spam")), 1)
        self.clock.advance(0)

        self.assertEqual(len(self.elsewhere.tried), 2)

    def test_drop(self) -> None:
        """
        What is dropped is gone, and in the history.
        """
        now(self.mail.operator.drop(Filter(), "no good"))
        self.clock.advance(0)

        self.assertEqual(self.mail.files(), [])
        self.assertEqual(self.mail.count(), 0)
        (traced,) = now(self.mail.operator.trace(BOB))
        self.assertEqual(traced.standing.events[-1].reason, "no good")

    def test_drop_of_what_is_held(self) -> None:
        """
        It need not be released for that.
        """
        now(self.mail.operator.hold(Filter(), "spam"))
        now(self.mail.operator.drop(Filter(), "no good"))
        self.clock.advance(0)

        self.assertEqual(self.mail.files(), [])

    def test_drop_while_it_is_tried(self) -> None:
        """
        An attempt under way ends as it does; there is no other.
        """
        self.elsewhere.waits.add("crepes.fr")
        self.clock.advance(5 * MINUTE)
        now(self.mail.operator.drop(Filter(), "no good"))
        self.elsewhere.answer("crepes.fr")
        self.clock.pump([HOUR] * 24)

        self.assertEqual(len(self.elsewhere.tried), 2)
        self.assertEqual(self.mail.files(), [])

    def test_many(self) -> None:
        """
        More than fit into one page are changed, each once.
        """
        for _ in range(300):
            self.mail.add(BOB)

        self.assertEqual(now(self.mail.operator.hold(Filter(), "spam")), 301)
        self.assertEqual(self.mail.count(Filter(held=True)), 301)
        self.assertEqual(now(self.mail.operator.drop(Filter(), "spam")), 301)
        self.clock.pump([1] * 10)
        self.assertEqual(self.mail.files(), [])

    def test_show(self) -> None:
        """
        One message's header section, and how it stands.
        """
        shown = now(self.mail.operator.show(self.queue_id))

        self.assertEqual(shown.section, b"Subject: pickles\r\n")
        self.assertEqual(shown.standing.states[0].attempts, 1)
        self.assertIsNone(now(self.mail.operator.show("0000000a001")))

    def test_trace(self) -> None:
        """
        A message is found by its id and by its addresses, while it waits and
        when it is gone; after a month no more.
        """
        for what in (self.queue_id, BOB, ALICE):
            (traced,) = now(self.mail.operator.trace(what))
            self.assertIsNone(traced.ended)
        self.elsewhere.says.clear()
        self.clock.advance(5 * MINUTE)
        self.again()
        for what in (self.queue_id, BOB.upper(), ALICE):
            (traced,) = now(self.mail.operator.trace(what))
            self.assertEqual(traced.ended, NOON + 5 * MINUTE)
            self.assertEqual(len(traced.standing.events), 3)
        self.clock.pump([12 * HOUR] * 62)
        self.assertEqual(now(self.mail.operator.trace(BOB)), [])

"""
Tests for ``mailsuite.transfer.telling`` and ``working``: who is told what, and
when.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TypeVar

from twisted.internet.defer import Deferred

from mailsuite.errors import StoreFull
from mailsuite.mail.address import Address
from mailsuite.mail.envelope import Recipient
from mailsuite.transfer import bounce
from mailsuite.transfer.entry import Notice
from mailsuite.transfer.filters import Filter
from tests.support.queueing import (
    ALICE,
    BOB,
    CAROL,
    DAVE,
    DEFERRED,
    FAILED,
    HOUR,
    MINUTE,
    Queueing,
    QueueTestCase,
    now,
)

T = TypeVar("T")


class Composing(Queueing):
    """
    Counts what is composed in the pool.
    """

    composed = 0

    def in_pool(self, work: Callable[[], T]) -> Deferred[T]:
        """
        Do it.
        """
        if isinstance(work, partial) and work.func is bounce.compose:
            self.composed += 1
        return super().in_pool(work)


class TellingTests(QueueTestCase):
    """
    Alice's messages, of which not all arrive.
    """

    def setUp(self) -> None:
        super().setUp()
        self.alice = self.mail.directory.add_account(ALICE)

    def told(self) -> list[bytes]:
        """
        What Alice was told so far.
        """
        return self.mail.inbox(self.alice)

    def test_composed_in_a_thread(self) -> None:
        """
        What is told of many recipients takes long; of few, not.
        """
        self.mail = mail = Composing(self.mktemp()).start()
        alice = mail.directory.add_account(ALICE)
        for number, composed in ((50, 0), (51, 1)):
            names = [f"x{n}@crepes.fr" for n in range(number)]
            mail.elsewhere.says |= dict.fromkeys(names, FAILED)
            mail.add(*names)
            mail.clock.pump([MINUTE] * 2)
            self.assertEqual(mail.composed, composed)
        self.assertEqual(len(mail.inbox(alice)), 2)

    def test_one_that_fails_among_many(self) -> None:
        """
        That one bounces, and nobody is tried again.
        """
        self.elsewhere.says[CAROL] = FAILED
        self.mail.add(BOB, CAROL, DAVE)
        self.clock.pump([HOUR] * 24)

        (told,) = self.told()
        self.assertIn(b"Final-Recipient: rfc822; carol@crepes.fr", told)
        self.assertNotIn(BOB.encode(), told)
        self.assertEqual(len(self.elsewhere.tried), 2)
        self.assertEqual(self.mail.files(), [])

    def test_those_that_fail_together(self) -> None:
        """
        Recipients of several hosts that fail in one round are told of in one
        notification.
        """
        self.elsewhere.says.update({BOB: FAILED, DAVE: FAILED})
        self.elsewhere.waits.add("pommes.be")
        self.mail.add(BOB, DAVE)
        self.clock.advance(59)
        self.assertEqual(self.told(), [])
        self.elsewhere.answer("pommes.be")

        (told,) = self.told()
        self.assertIn(BOB.encode(), told)
        self.assertIn(DAVE.encode(), told)

    def test_a_minute_at_most(self) -> None:
        """
        A host that takes its time does not keep the sender from being told of
        the others.
        """
        self.elsewhere.says.update({BOB: FAILED, DAVE: FAILED})
        self.elsewhere.waits.add("pommes.be")
        self.mail.add(BOB, DAVE)
        self.clock.advance(61)

        (told,) = self.told()
        self.assertNotIn(DAVE.encode(), told)
        self.elsewhere.answer("pommes.be")
        self.assertEqual(len(self.told()), 2)
        self.assertEqual(self.mail.files(), [])

    def test_warned_once(self) -> None:
        """
        After 4 hours the sender hears that it is late, and not again.
        """
        self.elsewhere.says[BOB] = DEFERRED
        self.mail.add(BOB)
        self.clock.pump([MINUTE] * (4 * 60 - 1))
        self.assertEqual(self.told(), [])
        self.clock.pump([MINUTE] * 2)
        (told,) = self.told()
        self.assertIn(b"Action: delayed", told)
        self.clock.pump([HOUR] * 24)

        self.assertEqual(len(self.told()), 1)

    def test_late_by_an_hour_is_not_told(self) -> None:
        """
        Who wants to hear of failure alone is not warned.
        """
        self.elsewhere.says[BOB] = DEFERRED
        self.mail.add(self.bob("FAILURE"))
        self.clock.pump([HOUR] * 24)

        self.assertEqual(self.told(), [])
        self.assertEqual(self.mail.count(), 1)

    def bob(self, *notify: str) -> Recipient:
        """
        Bob, and what is wanted to be known of him.
        """
        return Recipient(Address.parse(BOB), notify=frozenset(notify))

    def test_never(self) -> None:
        """
        NOTIFY=NEVER: nothing, ever.
        """
        self.elsewhere.says[BOB] = FAILED
        self.mail.add(self.bob("NEVER"))

        self.assertEqual(self.told(), [])
        self.assertEqual(self.mail.files(), [])
        self.assertEqual(self.mail.doubles, [])

    def test_success(self) -> None:
        """
        NOTIFY=SUCCESS, and a next hop that does not know DSN: relayed.
        """
        self.mail.add(self.bob("SUCCESS"), DAVE)

        (told,) = self.told()
        self.assertIn(b"Action: relayed", told)
        self.assertNotIn(DAVE.encode(), told)
        self.assertEqual(self.mail.files(), [])

    def test_signed(self) -> None:
        """
        A notification is signed as our own mail.
        """
        self.elsewhere.says[BOB] = FAILED
        self.mail.add(BOB)

        self.assertRegex(
            self.told()[0], b"^Return-Path: <>\r\nDKIM-Signature: [0-9]+\r\n"
        )

    def test_sender_elsewhere(self) -> None:
        """
        A sender who is not ours is told by mail to his host, from nobody.
        """
        self.elsewhere.says[BOB] = FAILED
        self.mail.add(BOB, reverse_path=DAVE)

        told = self.elsewhere.tried[-1]
        self.assertEqual(told.domain, "pommes.be")
        self.assertIsNone(told.sender.reverse_path)
        self.assertEqual([to for to, _ in self.elsewhere.taken], [DAVE])

    def test_no_bounce_of_a_bounce(self) -> None:
        """
        A notification that fails is discarded, and postmaster told.
        """
        self.elsewhere.says.update({BOB: FAILED, DAVE: FAILED})
        self.mail.add(BOB, reverse_path=DAVE)

        ((_, address, outcome),) = self.mail.doubles
        self.assertEqual((address, outcome.enhanced), (DAVE, "5.1.1"))
        self.assertEqual(self.mail.files(), [])
        self.assertEqual(self.told(), [])

    def test_sender_who_does_not_exist(self) -> None:
        """
        Where there is no way back postmaster is told.
        """
        self.elsewhere.says[BOB] = FAILED
        self.mail.add(BOB, reverse_path="nobody@hamburger.edu")

        ((_, address, _),) = self.mail.doubles
        self.assertEqual(address, "nobody@hamburger.edu")
        self.assertEqual(self.mail.files(), [])

    def test_our_own_configuration(self) -> None:
        """
        What fails by our own configuration waits, and postmaster is told.
        """
        self.elsewhere.says[BOB] = replace(
            DEFERRED, for_postmaster=True, peer="", text="No password"
        )
        self.mail.add(BOB)

        self.assertEqual(
            self.mail.troubles, [("crepes.fr", "crepes.fr: No password")]
        )
        self.assertEqual(self.mail.count(), 1)

    def test_not_before_all_is_known(self) -> None:
        """
        While a start still looks at what a crash left, mail goes on, and
        nobody is told: he may have been.
        """
        now(self.mail.queue.stop())
        os.unlink(os.path.join(self.mail.folder, "clean"))
        self.mail = self.mail.again()
        looking: Deferred[None] = Deferred()

        async def slow(*given: object, **named: object) -> None:
            await looking

        self.patch(self.mail.queue._recovery, "compare", slow)
        self.mail.start()
        self.elsewhere.says[BOB] = FAILED
        self.mail.add(BOB, DAVE)
        self.assertEqual([to for to, _ in self.elsewhere.taken], [DAVE])
        self.assertEqual(self.told(), [])

        looking.callback(None)

        self.assertEqual(len(self.told()), 1)

    def test_disk_without_room_for_it(self) -> None:
        """
        What cannot be told now is told later, once.
        """

        async def full(arrival: object) -> None:
            raise StoreFull

        keeping = self.mail.queue._keeping
        keep = keeping.keep
        self.elsewhere.says[BOB] = DEFERRED
        self.mail.add(BOB)
        self.elsewhere.says[BOB] = FAILED
        keeping.keep = full
        self.clock.pump([MINUTE] * 12)
        self.assertEqual(len(self.mail.files()), 2)
        keeping.keep = keep
        self.clock.pump([MINUTE] * 12)

        self.assertEqual(len(self.told()), 1)
        self.assertEqual(self.mail.files(), [])
        self.assertEqual(len(self.elsewhere.tried), 2)

    def test_trace_names_the_notification(self) -> None:
        """
        The message's history says what its sender was told, and in which
        message.
        """
        self.elsewhere.says[BOB] = FAILED
        queue_id = self.mail.add(BOB)

        (traced,) = now(self.mail.operator.trace(queue_id))
        told = traced.standing.events[-1]
        self.assertIs(told.notice, Notice.FAILED)
        (notification,) = now(self.mail.operator.trace(told.queue_id))
        self.assertEqual(notification.standing.entry.about.queue_id, queue_id)

    def test_dropped(self) -> None:
        """
        Of what the operator drops nobody is told.
        """
        self.elsewhere.says[BOB] = DEFERRED
        self.mail.add(BOB)
        now(self.mail.operator.drop(Filter(), "no good"))
        self.clock.advance(1)

        self.assertEqual(self.told(), [])
        self.assertEqual(self.mail.files(), [])

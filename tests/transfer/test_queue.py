"""
Tests for ``mailsuite.transfer.queue``, with all that is below it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.testing import EventLoggingObserver
from twisted.logger import globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.errors import NoSuchRecipient, StoreBusy
from mailsuite.mail.address import Address
from mailsuite.mail.envelope import Recipient
from mailsuite.transfer import hands
from mailsuite.transfer.arrival import Arriving
from mailsuite.transfer.entry import Local, Remote
from mailsuite.transfer.filters import Filter
from mailsuite.transfer.outcome import Kind, Outcome
from tests.support.queueing import (
    ALICE,
    BOB,
    CAROL,
    DAVE,
    DAY,
    DEFERRED,
    HOUR,
    MINUTE,
    NOON,
    PICKLES,
    SENT,
    SKIP,
    Queueing,
    QueueTestCase,
    at_once,
    now,
)

ERIN = "erin@hamburger.edu"


class SendingTests(QueueTestCase):
    """
    Messages for hosts elsewhere.
    """

    def test_sent_at_once(self) -> None:
        """
        What comes in is sent in the same breath, without its Return-Path, and
        nothing is left of it.
        """
        self.mail.add(BOB)

        self.assertEqual(self.elsewhere.taken, [(BOB, PICKLES[SKIP:])])
        self.assertEqual(self.mail.files(), [])
        self.assertEqual(self.mail.count(), 0)

    def test_one_attempt_a_domain(self) -> None:
        """
        The recipients of a domain are tried together, others beside them.
        """
        self.mail.add(BOB, DAVE, CAROL)

        tried = {
            one.domain: [number for number, _ in one.recipients]
            for one in self.elsewhere.tried
        }
        self.assertEqual(tried, {"crepes.fr": [1, 3], "pommes.be": [2]})

    def test_late_fields_go_in_front(self) -> None:
        """
        The prefix takes the place of the Return-Path on the wire, and stands
        behind it in an account.
        """
        erin = self.mail.directory.add_account(ERIN)
        arrival = self.mail.arrival(BOB)
        local = Arriving(
            Recipient(Address.parse(ERIN)), Local(erin.number, ERIN)
        )
        now(
            self.mail.queue.add(
                replace(
                    arrival,
                    recipients=[*arrival.recipients, local],
                    prefix=b"X-Late: 1\r\n",
                )
            )
        )

        self.assertEqual(
            self.elsewhere.taken, [(BOB, b"X-Late: 1\r\n" + PICKLES[SKIP:])]
        )
        self.assertEqual(
            self.mail.inbox(erin),
            [PICKLES[:SKIP] + b"X-Late: 1\r\n" + PICKLES[SKIP:]],
        )

    def test_forwarded_with_a_reverse_path_of_ours(self) -> None:
        """
        Who forwards gives the reverse-path that goes out.
        """
        ours = Address.parse("srs@hamburger.edu")
        bob = Recipient(Address.parse(BOB))
        self.mail.add(Arriving(bob, Remote("crepes.fr", ours)), DAVE)

        paths = {x.domain: x.sender.reverse_path for x in self.elsewhere.tried}
        self.assertEqual(
            paths, {"crepes.fr": ours, "pommes.be": Address.parse(ALICE)}
        )

    def test_large_content(self) -> None:
        """
        Content in a file of the queue's own is sent from there.
        """
        octets = PICKLES + b"How about pickles?\r\n" * 100_000
        content = self.mail.queue.new_content()
        for place in range(0, len(octets), 200_000):
            if written := content.write(octets[place : place + 200_000]):
                now(_wait(written))
        self.mail.add(BOB, content=content)
        content.discard()

        self.assertEqual(self.elsewhere.taken, [(BOB, octets[SKIP:])])
        self.assertEqual(self.mail.files(), [])

    def test_schedule(self) -> None:
        """
        5, 10, 15, 30, 60 minutes, 2 hours, then each 4 hours, until the fifth
        day, at whose end the last attempt is made.
        """
        self.elsewhere.says[BOB] = DEFERRED
        times = self.times_of_attempts()
        self.mail.add(BOB)
        self.clock.pump([MINUTE] * (6 * 24 * 60))

        minutes = [(t - NOON) / MINUTE for t in times]
        self.assertEqual(minutes[:9], [0, 5, 15, 30, 60, 120, 240, 480, 720])
        self.assertEqual(minutes[-2:], [4 * 24 * 60 + 20 * 60, 5 * 24 * 60])
        self.assertEqual(self.mail.files(), [])

    def times_of_attempts(self) -> list[float]:
        """
        A list that each attempt adds its time to.
        """
        times: list[float] = []
        deliver = self.elsewhere.deliver

        async def timed(outgoing: object) -> dict[int, Outcome]:
            times.append(self.clock.seconds())
            return await deliver(outgoing)

        self.patch(self.elsewhere, "deliver", timed)
        return times

    def test_two_days_without_a_sender(self) -> None:
        """
        What nobody can be told of is tried for two days; postmaster hears of
        its end.
        """
        self.elsewhere.says[BOB] = DEFERRED
        queue_id = self.mail.add(BOB, reverse_path=None)
        self.clock.pump([HOUR] * 47)
        self.assertEqual(self.mail.count(), 1)
        self.clock.pump([HOUR] * 2)

        self.assertEqual(self.mail.files(), [])
        ((told_id, address, outcome),) = self.mail.doubles
        self.assertEqual((told_id, address), (queue_id, BOB))
        self.assertEqual(outcome.enhanced, "4.4.7")

    def test_held_until(self) -> None:
        """
        RFC 4865: nothing is tried before its time, and the days count from
        there.
        """
        self.elsewhere.says[BOB] = DEFERRED
        self.mail.add(BOB, hold_until=NOON + 3 * DAY)
        self.clock.pump([HOUR] * 71)
        self.assertEqual(self.elsewhere.tried, [])
        self.clock.pump([HOUR] * 100)
        self.assertEqual(self.mail.count(), 1)
        self.clock.pump([HOUR] * 24)
        self.assertEqual(self.mail.count(), 0)

    def test_only_who_waits_is_tried_again(self) -> None:
        """
        One refused for now among others: the others are not tried again.
        """
        self.elsewhere.says[CAROL] = DEFERRED
        self.mail.add(BOB, CAROL, DAVE)
        del self.elsewhere.says[CAROL]
        self.clock.pump([MINUTE] * 10)

        again = [x.recipients for x in self.elsewhere.tried[2:]]
        self.assertEqual([[n for n, _ in some] for some in again], [[2]])
        self.assertEqual(
            sorted(to for to, _ in self.elsewhere.taken), [BOB, CAROL, DAVE]
        )

    def test_begins_with_the_last_peer(self) -> None:
        """
        A retry names the host that answered last.
        """
        self.elsewhere.says[BOB] = DEFERRED
        self.mail.add(BOB)
        self.clock.advance(5 * MINUTE)

        first, second = self.elsewhere.tried
        self.assertEqual((first.last_peer, first.attempts), ("", 0))
        self.assertEqual(
            (second.last_peer, second.attempts), (DEFERRED.peer, 1)
        )

    def test_not_before(self) -> None:
        """
        Where the answer was lost, the next attempt waits longer.
        """
        self.elsewhere.says[BOB] = replace(
            DEFERRED, not_before=NOON + 15 * MINUTE
        )
        self.mail.add(BOB)
        self.clock.pump([MINUTE] * 14)
        self.assertEqual(len(self.elsewhere.tried), 1)
        self.clock.pump([MINUTE] * 2)
        self.assertEqual(len(self.elsewhere.tried), 2)

    def test_host_known_to_be_dead(self) -> None:
        """
        Where nobody was asked nothing is written, and no attempt counted.
        """
        self.elsewhere.says[BOB] = replace(
            DEFERRED, counts=False, not_before=NOON + 10 * MINUTE
        )
        queue_id = self.mail.add(BOB)
        lines = os.path.getsize(self.mail.path(queue_id, "q"))
        self.clock.pump([MINUTE] * 9)
        self.assertEqual(len(self.elsewhere.tried), 1)
        self.assertEqual(os.path.getsize(self.mail.path(queue_id, "q")), lines)
        self.clock.pump([MINUTE])
        self.assertEqual(len(self.elsewhere.tried), 2)

    def test_host_that_is_dead_for_days(self) -> None:
        """
        The sender is warned and told at last, though nobody was ever asked.
        """
        alice = self.mail.directory.add_account(ALICE)
        self.elsewhere.says[BOB] = replace(DEFERRED, counts=False)
        self.mail.add(BOB)
        self.clock.pump([5 * MINUTE] * (12 * 24 * 5 + 2))

        warning, failure = self.mail.inbox(alice)
        self.assertIn(b"Action: delayed", warning)
        self.assertIn(b"Status: 4.4.7", failure)
        self.assertEqual(self.mail.files(), [])

    def test_bug_in_an_attempt(self) -> None:
        """
        A bug is told, and the message is tried again.
        """
        deliver = self.elsewhere.deliver
        broken = True

        async def buggy(outgoing: object) -> dict[int, Outcome]:
            return await (1 / 0 if broken else deliver(outgoing))

        self.patch(self.elsewhere, "deliver", buggy)
        self.mail.add(BOB)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        broken = False
        self.clock.pump([MINUTE] * 6)

        self.assertEqual(self.elsewhere.taken, [(BOB, PICKLES[SKIP:])])

    def test_every_line_bears_the_id(self) -> None:
        """
        What the log says of a message bears its queue id.
        """
        log = EventLoggingObserver()
        globalLogPublisher.addObserver(log)
        self.addCleanup(globalLogPublisher.removeObserver, log)
        self.elsewhere.says[BOB] = DEFERRED
        queue_id = self.mail.add(BOB)
        self.elsewhere.says[BOB] = SENT
        self.clock.pump([MINUTE] * 6)

        told = [
            (event["log_format"].split()[0], event["queue_id"])
            for event in log
            if "mailsuite" in event["log_namespace"]
        ]
        self.assertEqual(
            told,
            [
                ("Queued", queue_id),
                ("Deferred", queue_id),
                ("Sent", queue_id),
            ],
        )


class LocalTests(QueueTestCase):
    """
    Copies for accounts here.
    """

    def setUp(self) -> None:
        super().setUp()
        self.erin = self.mail.directory.add_account(ERIN)
        self.alice = self.mail.directory.add_account(ALICE)
        self.mail.store.moods[self.erin.number] = StoreBusy()
        self.copy = Arriving(
            Recipient(Address.parse(ERIN)),
            Local(self.erin.number, ERIN),
            Outcome(Kind.DEFERRED, "4.3.0", StoreBusy.public),
        )

    def test_tried_after_five_minutes(self) -> None:
        """
        What an account could not take when the message came is tried after 5
        minutes, not before.
        """
        self.mail.add(self.copy)
        self.mail.store.moods.clear()
        self.clock.advance(5 * MINUTE - 1)
        self.assertEqual(self.mail.inbox(self.erin), [])

        self.clock.advance(1)

        self.assertEqual(self.mail.inbox(self.erin), [PICKLES])
        self.assertEqual(self.mail.files(), [])

    def test_renamed_account(self) -> None:
        """
        The account's number counts, not the address it had.
        """
        self.mail.add(self.copy)
        self.mail.store.moods.clear()
        self.mail.directory.remove(ERIN)
        stranger = self.mail.directory.add_account("stranger@hamburger.edu")
        self.mail.directory.add_alias(ERIN, stranger, self.erin)
        self.clock.advance(5 * MINUTE)

        self.assertEqual(len(self.mail.inbox(self.erin)), 1)
        self.assertEqual(self.mail.inbox(stranger), [])

    def test_removed_account(self) -> None:
        """
        The sender of mail for somebody who is gone is told.
        """
        self.mail.add(self.copy)
        self.mail.directory.remove(ERIN)
        self.clock.advance(5 * MINUTE)

        (told,) = self.mail.inbox(self.alice)
        self.assertIn(NoSuchRecipient.public.encode(), told)
        self.assertIn(b"Status: 5.1.1", told)
        self.assertEqual(self.mail.files(), [])


class RestartTests(QueueTestCase):
    """
    What a start finds.
    """

    def setUp(self) -> None:
        super().setUp()
        self.elsewhere.says[BOB] = DEFERRED
        self.queue_id = self.mail.add(BOB)

    def unclean(self) -> None:
        """
        Start anew as after a crash.
        """
        now(self.mail.queue.stop())
        os.unlink(os.path.join(self.mail.folder, "clean"))
        self.mail = self.mail.again().start()

    def test_goes_on(self) -> None:
        """
        What waited waits still, and is tried when it is due.
        """
        self.again()
        self.assertEqual(self.mail.count(), 1)
        self.clock.advance(5 * MINUTE)

        self.assertEqual([x.attempts for x in self.elsewhere.tried], [0, 1])

    def test_reads_no_entry(self) -> None:
        """
        After an end in order nothing is read that is not due.
        """
        now(self.mail.queue.stop())
        self.mail = self.mail.again()
        read: list[str] = []
        pick = self.mail.spool.pick
        self.patch(
            self.mail.spool,
            "pick",
            lambda name, most: read.append(name) or pick(name, most),
        )
        self.mail.start()

        self.assertEqual(self.mail.count(), 1)
        self.assertEqual(read, [])

    def test_reads_what_differs(self) -> None:
        """
        After a crash an entry is read that the index does not know as it is.
        """
        other = self.mail.add(BOB)
        now(self.mail.queue.stop())
        os.unlink(os.path.join(self.mail.folder, "clean"))
        with open(self.mail.path(other, "q"), "ab") as file:
            file.write(b"torn")
        self.mail = self.mail.again()
        read: list[str] = []
        pick = self.mail.spool.pick
        self.patch(
            self.mail.spool,
            "pick",
            lambda name, most: read.append(name) or pick(name, most),
        )
        self.mail.start()

        self.assertEqual(read, [other])
        self.assertEqual(self.mail.count(), 2)

    def test_index_lost(self) -> None:
        """
        Without an index all is found in the files.
        """
        now(self.mail.queue.stop())
        for name in os.listdir(self.mail.folder):
            if name.startswith("index."):
                os.unlink(os.path.join(self.mail.folder, name))
        self.mail = self.mail.again().start()
        self.clock.advance(5 * MINUTE)

        self.assertEqual(len(self.elsewhere.tried), 2)

    def test_index_of_somebody_else(self) -> None:
        """
        A mark that the index was closed names the index.
        """
        now(self.mail.queue.stop())
        path = os.path.join(self.mail.folder, "index.sqlite3")
        os.rename(path, path + ".old")
        with open(path, "xb") as file:
            file.write(b"no database" * 1000)
        self.mail = self.mail.again().start()

        self.assertEqual(self.mail.count(), 1)

    def test_torn_last_line(self) -> None:
        """
        A torn line counts as absent, and is cut before the next.
        """
        path = self.mail.path(self.queue_id, "q")
        os.truncate(path, os.path.getsize(path) - 3)
        self.unclean()
        self.assertEqual(self.elsewhere.tried[-1].attempts, 0)

        standing = now(self.mail.operator.show(self.queue_id)).standing
        self.assertEqual(standing.states[0].attempts, 1)

    def test_damaged_line(self) -> None:
        """
        A damaged line with good ones behind it: hold it, tell it, keep it.
        """
        with open(self.mail.path(self.queue_id, "q"), "r+b") as file:
            file.seek(20)
            file.write(b"\x00")
        self.elsewhere.says.clear()
        self.again()
        self.clock.pump([HOUR] * 24)

        self.assertEqual(self.elsewhere.taken, [])
        self.assertEqual(len(self.mail.files()), 2)

    def set_aside(self) -> None:
        """
        See that the pair is set aside, and nothing sent.
        """
        self.elsewhere.says.clear()
        self.unclean()
        self.clock.pump([HOUR] * 24)

        self.assertEqual(self.mail.count(), 0)
        self.assertEqual(self.mail.files(), [])
        self.assertEqual(self.elsewhere.taken, [])
        self.assertIn(
            f"{self.queue_id}.q",
            os.listdir(os.path.join(self.mail.folder, "broken")),
        )

    def test_content_of_another_size(self) -> None:
        """
        A content that is too short was never whole.
        """
        os.truncate(self.mail.path(self.queue_id, "m"), 10)
        self.set_aside()

    def test_content_of_zeros(self) -> None:
        """
        A content of the right size that was not written through is found
        out before it is sent.
        """
        path = self.mail.path(self.queue_id, "m")
        os.truncate(path, 0)
        os.truncate(path, len(PICKLES))
        self.set_aside()

    def test_entry_without_content(self) -> None:
        """
        An entry alone is kept for somebody to look at.
        """
        os.unlink(self.mail.path(self.queue_id, "m"))
        self.set_aside()

    def test_empty_entry(self) -> None:
        """
        An entry that never got its first line is set aside.
        """
        os.truncate(self.mail.path(self.queue_id, "q"), 0)
        self.set_aside()

    def test_broken_is_kept_a_week(self) -> None:
        """
        What was set aside goes after 7 days.
        """
        os.truncate(self.mail.path(self.queue_id, "q"), 0)
        self.unclean()
        broken = os.path.join(self.mail.folder, "broken")
        self.assertEqual(len(os.listdir(broken)), 2)
        self.clock.advance(1e9)
        self.again()

        self.assertEqual(os.listdir(broken), [])

    def test_content_without_entry(self) -> None:
        """
        A content alone was never answered, or is done with: it goes.
        """
        os.unlink(self.mail.path(self.queue_id, "q"))
        self.unclean()

        self.assertEqual(self.mail.files(), [])

    def test_entry_taken_away(self) -> None:
        """
        An entry that the operator removed is not asked for again.
        """
        os.unlink(self.mail.path(self.queue_id, "q"))
        os.unlink(self.mail.path(self.queue_id, "m"))
        self.clock.pump([MINUTE] * 600)

        self.assertEqual(len(self.elsewhere.tried), 1)
        self.assertEqual(self.mail.count(), 0)

    def test_leftovers_without_names(self) -> None:
        """
        What a crash left of files that never got their names goes.
        """
        shard = os.path.dirname(self.mail.path(self.queue_id, "q"))
        for folder in (shard, self.mail.folder):
            with open(os.path.join(folder, "1-ab.new"), "x"):
                pass
        self.unclean()

        self.assertEqual(len(self.mail.files()), 2)
        self.assertNotIn("1-ab.new", os.listdir(self.mail.folder))

    def test_no_id_is_given_twice(self) -> None:
        """
        Not by a clock that went back either.
        """
        before = {self.mail.ids.next_id() for _ in range(2000)}
        now(self.mail.queue.stop())
        early = Queueing(self.mail.folder)
        early.clock.rightNow -= 10 * HOUR
        early.start()

        after = {early.ids.next_id() for _ in range(2000)}
        self.assertEqual(before & after, set())
        self.assertGreater(min(after), max(before))

    def test_empty_shards_go(self) -> None:
        """
        Starts without mail leave no folders behind but the last.
        """
        self.elsewhere.says.clear()
        self.clock.advance(5 * MINUTE)
        for _ in range(3):
            self.again()

        shards = [x for x in os.listdir(self.mail.folder) if len(x) == 8]
        self.assertEqual(len(shards), 1)

    def test_another_shard_is_begun(self) -> None:
        """
        A folder holds some hundred entries, and all are found again.
        """
        for _ in range(530):
            self.mail.add(BOB)
        shards = [x for x in os.listdir(self.mail.folder) if len(x) == 8]
        self.assertEqual(len(shards), 2)
        self.unclean()

        self.assertEqual(self.mail.count(), 531)

    def test_stopped(self) -> None:
        """
        A queue that was stopped tries nothing.
        """
        now(self.mail.queue.stop())
        self.clock.advance(HOUR)

        self.assertEqual(len(self.elsewhere.tried), 1)
        self.assertEqual(self.clock.getDelayedCalls(), [])


class ShareTests(QueueTestCase):
    """
    Many messages, and what is in hand of them.
    """

    def setUp(self) -> None:
        super().setUp()
        self.patch(hands, "MOST_IN_HAND", 10)
        self.patch(hands, "MOST_OF_ONE", 5)

    def test_half_for_one_destination(self) -> None:
        """
        A host that does not answer keeps only its own mail waiting.
        """
        self.elsewhere.waits.add("crepes.fr")
        for _ in range(20):
            self.mail.add(BOB, origin_user="one@hamburger.edu")
        self.mail.add(DAVE)

        self.assertEqual([to for to, _ in self.elsewhere.taken], [DAVE])
        self.assertEqual(len(self.elsewhere.tried), 6)

        self.elsewhere.answer("crepes.fr")
        self.clock.pump([1] * 20)

        self.assertEqual(len(self.elsewhere.taken), 21)
        self.assertEqual(self.mail.files(), [])

    def test_half_for_one_login(self) -> None:
        """
        A login that sends much keeps others not waiting.
        """
        self.elsewhere.waits.update({f"x{n}.example" for n in range(20)})
        for number in range(20):
            self.mail.add(f"bob@x{number}.example")
        self.assertEqual(len(self.elsewhere.tried), 5)

        self.mail.add(DAVE, origin_user="zoe@hamburger.edu")

        self.assertEqual([to for to, _ in self.elsewhere.taken], [DAVE])

    def test_large_backlog(self) -> None:
        """
        What does not fit in hand is read again when there is room.
        """
        self.elsewhere.waits.add("crepes.fr")
        for _ in range(30):
            self.mail.add(BOB)
        self.elsewhere.answer("crepes.fr")
        self.clock.pump([1] * 20)

        self.assertEqual(len(self.elsewhere.taken), 30)
        self.assertEqual(self.mail.memory.free, 64 * 1024 * 1024)


class SuspendedTests(QueueTestCase):
    """
    Mail of an account that is suspended.
    """

    def setUp(self) -> None:
        super().setUp()
        self.elsewhere.says[BOB] = DEFERRED
        self.mail.add(BOB)
        self.elsewhere.says.clear()
        self.mail.suspended.add(ALICE)

    def test_held(self) -> None:
        """
        It is held when its time comes, and the list shows who sent it.
        """
        self.clock.pump([MINUTE] * 10)

        self.assertEqual(self.elsewhere.taken, [])
        (listed,) = now(self.mail.operator.page(Filter(held=True)))
        self.assertEqual(listed.user, ALICE)
        self.assertEqual(listed.held, "account suspended")

    def test_released_at_the_next_start(self) -> None:
        """
        Who is suspended no longer sends what waited.
        """
        self.clock.pump([MINUTE] * 10)
        self.mail.suspended.clear()
        self.again()
        self.clock.pump([MINUTE] * 10)

        self.assertEqual([to for to, _ in self.elsewhere.taken], [BOB])


class GivenUpTests(SynchronousTestCase):
    """
    A client that goes away while its message is being queued.
    """

    def test_kept_to_the_end(self) -> None:
        """
        What was begun is done: the message is in the queue, though nobody
        waits for the answer.
        """
        works: list[Callable[[], None]] = []

        def in_pool(work: Callable[[], object]) -> Deferred[object]:
            done: Deferred[object] = Deferred()
            works.append(lambda: at_once(work).chainDeferred(done))
            return done

        mail = Queueing(self.mktemp()).start()
        self.patch(mail.queue._keeping._rounds, "_in_pool", in_pool)
        adding = Deferred.fromCoroutine(mail.queue.add(mail.arrival(BOB)))
        adding.cancel()
        self.failureResultOf(adding, CancelledError)

        while works:
            works.pop(0)()

        self.assertEqual([to for to, _ in mail.elsewhere.taken], [BOB])


async def _wait(what: object) -> None:
    await what

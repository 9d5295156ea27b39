"""
Tests for ``mailsuite.transfer.queue``, with the attempts and files below it.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.testing import EventLoggingObserver
from twisted.logger import globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.errors import MailError, NoSuchRecipient, StoreBusy, StoreFull
from mailsuite.interfaces import AccountRecord
from tests.support.transferring import Transferring, at_once, now, write

BOB = "bob@hamburger.edu"
CAROL = "carol@hamburger.edu"
KETCHUP = b"Do you like ketchup?\r\n"
MINUTE = 60
HOUR = 60 * MINUTE


class QueueTestCase(SynchronousTestCase):
    """
    Has a queue in which a message waits for Carol; Bob has his copy.
    """

    def setUp(self) -> None:
        self.folder = self.mktemp()
        self.mail = Transferring(self.folder).start()
        self.bob = self.mail.directory.add_account(BOB)
        self.carol = self.mail.directory.add_account(CAROL)
        self.clock = self.mail.clock
        self.mail.store.moods[self.carol.number] = StoreBusy()
        transaction = self.mail.begin(BOB, CAROL)
        write(transaction, KETCHUP)
        now(transaction.commit())
        self.queue_id = transaction.queue_id

    def again(self) -> None:
        """
        Stop, and start anew from the files, an hour later.
        """
        now(self.mail.queue.stop())
        self.clock.advance(HOUR)
        self.mail = Transferring(
            self.folder,
            clock=self.clock,
            directory=self.mail.directory,
            store=self.mail.store,
        ).start()

    def path(self, suffix: str) -> str:
        """
        One of the entry's files.
        """
        return os.path.join(
            self.folder, self.queue_id[:8], f"{self.queue_id}.{suffix}"
        )

    def files(self) -> list[str]:
        """
        The files of all shards.
        """
        return sorted(
            name
            for folder, _, names in os.walk(self.folder)
            if not folder.endswith("broken")
            for name in names
        )

    def cheer_up(self, record: AccountRecord) -> None:
        """
        The account takes mail from here on.
        """
        self.mail.store.moods.pop(record.number, None)


class AttemptTests(QueueTestCase):
    """
    What is tried, and when.
    """

    def test_tried_after_five_minutes(self) -> None:
        """
        The first attempt comes after 5 minutes, not before; Bob is spared.
        """
        self.cheer_up(self.carol)
        self.clock.advance(5 * MINUTE - 1)
        self.assertEqual(self.mail.inbox(self.carol), [])

        self.clock.advance(1)

        self.assertEqual(self.mail.inbox(self.carol), self.mail.inbox(self.bob))
        self.assertEqual(len(self.mail.inbox(self.bob)), 1)
        self.assertEqual(len(self.mail.queue), 0)
        self.assertEqual(self.files(), [])

    def test_schedule(self) -> None:
        """
        5, 10, 15, 30, 60 minutes, 2 hours, then each 4 hours; for good.
        """
        asked = self.times_of_attempts()
        self.clock.pump([MINUTE] * (7 * 24 * 60))

        minutes = [(t - self.start) / MINUTE for t in asked]
        self.assertEqual(minutes[:8], [5, 15, 30, 60, 120, 240, 480, 720])
        self.assertEqual(len(self.mail.queue), 1)
        self.assertGreater(minutes[-1], 6 * 24 * 60)

    def times_of_attempts(self) -> list[float]:
        """
        A list that each attempt adds its time to.
        """
        times: list[float] = []
        self.start = self.clock.seconds()
        deliver = self.mail.store.deliver

        async def timed(
            content: object, accounts: list[AccountRecord]
        ) -> tuple[MailError | None, ...]:
            times.append(self.clock.seconds())
            return await deliver(content, accounts)

        self.patch(self.mail.store, "deliver", timed)
        return times

    def test_renamed_account(self) -> None:
        """
        The account's number counts, not the address it had.
        """
        self.cheer_up(self.carol)
        self.mail.directory.remove(CAROL)
        stranger = self.mail.directory.add_account("stranger@hamburger.edu")
        self.mail.directory.add_alias(CAROL, stranger, self.carol)
        self.clock.advance(5 * MINUTE)

        self.assertEqual(len(self.mail.inbox(self.carol)), 1)
        self.assertEqual(self.mail.inbox(stranger), [])

    def test_removed_account(self) -> None:
        """
        Mail for somebody who is gone stays in the queue.
        """
        self.cheer_up(self.carol)
        self.mail.directory.remove(CAROL)
        self.clock.advance(5 * MINUTE)

        self.assertEqual(len(self.mail.queue), 1)
        with open(self.path("q"), "rb") as file:
            self.assertIn(NoSuchRecipient.public.encode(), file.read())

    def test_stopped(self) -> None:
        """
        A queue that was stopped tries nothing.
        """
        now(self.mail.queue.stop())
        self.cheer_up(self.carol)
        self.clock.advance(HOUR)

        self.assertEqual(self.mail.inbox(self.carol), [])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_every_line_bears_the_id(self) -> None:
        """
        What the log says of a message bears its queue id.
        """
        log = EventLoggingObserver()
        globalLogPublisher.addObserver(log)
        self.addCleanup(globalLogPublisher.removeObserver, log)
        self.clock.advance(5 * MINUTE)
        self.cheer_up(self.carol)
        self.clock.advance(10 * MINUTE)

        told = [
            (event["log_format"].split()[0], event["queue_id"])
            for event in log
            if "mailsuite" in event["log_namespace"]
        ]
        self.assertEqual(
            told,
            [("Deferred", self.queue_id), ("Delivered", self.queue_id)],
        )


class RestartTests(QueueTestCase):
    """
    What a start finds.
    """

    def test_goes_on(self) -> None:
        """
        What waited waits still, and is tried when it was due.
        """
        self.again()
        self.assertEqual(len(self.mail.queue), 1)

        self.cheer_up(self.carol)
        self.clock.advance(0)

        self.assertEqual(len(self.mail.inbox(self.carol)), 1)

    def test_attempts_are_remembered(self) -> None:
        """
        The schedule goes on where it was.
        """
        self.clock.advance(5 * MINUTE)
        self.clock.advance(10 * MINUTE)
        self.again()

        self.assertEqual(self.mail.spool.read(self.queue_id).attempts, 3)

    def test_torn_last_line(self) -> None:
        """
        A torn line counts as absent, and is cut before the next.
        """
        self.clock.advance(5 * MINUTE)
        os.truncate(self.path("q"), os.path.getsize(self.path("q")) - 3)
        self.again()
        self.assertEqual(self.mail.spool.read(self.queue_id).attempts, 1)

        self.clock.advance(0)

        self.assertEqual(self.mail.spool.read(self.queue_id).attempts, 2)

    def test_damaged_line(self) -> None:
        """
        A damaged line with good ones behind it: hold it, tell it, keep it.
        """
        self.clock.advance(5 * MINUTE)
        with open(self.path("q"), "r+b") as file:
            file.seek(20)
            file.write(b"\x00")
        self.again()
        self.cheer_up(self.carol)
        self.clock.advance(24 * HOUR)

        self.assertEqual(self.mail.inbox(self.carol), [])
        self.assertTrue(os.path.exists(self.path("q")))
        self.assertTrue(os.path.exists(self.path("m")))

    def set_aside(self) -> None:
        """
        See that a start sets the pair aside and goes on.
        """
        self.again()
        self.clock.advance(24 * HOUR)

        self.assertEqual(len(self.mail.queue), 0)
        self.assertEqual(self.files(), [])
        self.assertIn(
            f"{self.queue_id}.q",
            os.listdir(os.path.join(self.folder, "broken")),
        )

    def test_content_of_another_size(self) -> None:
        """
        A content that is too short was never whole.
        """
        os.truncate(self.path("m"), 10)
        self.set_aside()

    def test_content_of_zeros(self) -> None:
        """
        A content of the right size that was not written through is found
        out before it is delivered.
        """
        self.cheer_up(self.carol)
        size = os.path.getsize(self.path("m"))
        os.truncate(self.path("m"), 0)
        os.truncate(self.path("m"), size)
        self.set_aside()
        self.assertEqual(self.mail.inbox(self.carol), [])

    def test_entry_without_content(self) -> None:
        """
        An entry alone is kept for somebody to look at.
        """
        os.unlink(self.path("m"))
        self.set_aside()

    def test_empty_entry(self) -> None:
        """
        An entry that never got its first line is set aside.
        """
        os.truncate(self.path("q"), 0)
        self.set_aside()

    def test_broken_is_kept_a_week(self) -> None:
        """
        What was set aside goes after 7 days.
        """
        os.truncate(self.path("q"), 0)
        self.again()
        broken = os.path.join(self.folder, "broken")
        self.assertEqual(len(os.listdir(broken)), 2)

        self.clock.advance(1e9)
        self.again()

        self.assertEqual(os.listdir(broken), [])

    def test_content_without_entry(self) -> None:
        """
        A content alone was never answered, or is done with: it goes.
        """
        os.unlink(self.path("q"))
        self.again()

        self.assertEqual(self.files(), [])

    def test_no_id_is_given_twice(self) -> None:
        """
        Not by a clock that went back either.
        """
        before = {self.mail.begin().queue_id for _ in range(2000)}
        now(self.mail.queue.stop())
        early = Transferring(self.folder)
        early.clock.rightNow -= 10 * HOUR
        early.start()

        after = {early.begin().queue_id for _ in range(2000)}
        self.assertEqual(before & after, set())
        self.assertGreater(min(after), max(before))

    def test_empty_shards_go(self) -> None:
        """
        Starts without mail leave no folders behind but the last.
        """
        self.cheer_up(self.carol)
        self.clock.advance(5 * MINUTE)
        for _ in range(3):
            self.again()

        self.assertEqual(len(os.listdir(self.folder)), 2)


class MeddledTests(QueueTestCase):
    """
    Somebody does something to the files of what waits.
    """

    def test_entry_taken_away(self) -> None:
        """
        An entry that the operator removed is not tried, nor asked for again.
        """
        os.unlink(self.path("q"))
        os.unlink(self.path("m"))
        self.cheer_up(self.carol)
        self.clock.pump([MINUTE] * 600)

        self.assertEqual(self.mail.inbox(self.carol), [])
        self.assertEqual(len(self.mail.queue), 0)

    def test_entry_taken_away_at_its_end(self) -> None:
        """
        An entry that goes during its attempt stops nobody else.
        """
        deliver = self.mail.store.deliver

        async def meddled(
            content: object, accounts: list[AccountRecord]
        ) -> tuple[MailError | None, ...]:
            os.unlink(self.path("q"))
            return await deliver(content, accounts)

        self.patch(self.mail.store, "deliver", meddled)
        self.clock.pump([MINUTE] * 600)

        self.assertEqual(len(self.mail.queue), 0)
        self.assertEqual(self.mail.queue._owed, {})

    def test_content_that_cannot_be_read(self) -> None:
        """
        What cannot be read now is tried again later.
        """
        self.cheer_up(self.carol)
        os.rename(self.path("m"), self.path("away"))
        os.mkdir(self.path("m"))
        self.clock.advance(5 * MINUTE)
        self.assertEqual(len(self.mail.queue), 1)
        os.rmdir(self.path("m"))
        os.rename(self.path("away"), self.path("m"))

        self.clock.advance(10 * MINUTE)

        self.assertEqual(len(self.mail.inbox(self.carol)), 1)

    def test_shard_of_another_program(self) -> None:
        """
        A shard that somebody else made is not used.
        """
        taken = f"{int(self.clock.seconds()) + HOUR:08x}"
        os.mkdir(os.path.join(self.folder, taken))
        listed = os.listdir

        def blind(path: str) -> list[str]:
            return [name for name in listed(path) if name != taken]

        self.patch(os, "listdir", blind)
        self.again()

        self.assertGreater(self.mail.begin().queue_id[:8], taken)

    def test_leftovers_without_names(self) -> None:
        """
        What a crash left of files that never got their names goes.
        """
        for name in ("1-ab.new", "2-cd.tmp"):
            with open(os.path.join(self.folder, self.queue_id[:8], name), "x"):
                pass
        self.again()

        self.assertEqual(len(self.files()), 2)


class FullShardTests(QueueTestCase):
    """
    Many entries.
    """

    def test_another_shard_is_begun(self) -> None:
        """
        A folder holds a thousand entries or so, and all are found again.
        """
        for _ in range(1030):
            transaction = self.mail.begin(BOB, CAROL)
            now(transaction.commit())
        shards = [n for n in os.listdir(self.folder) if n != "broken"]
        self.assertEqual(len(shards), 2)

        self.again()
        self.assertEqual(len(self.mail.queue), 1031)


class GivenUpTests(SynchronousTestCase):
    """
    A client that goes away while its message is being queued.
    """

    def test_nothing_is_left(self) -> None:
        """
        The content is discarded under our hands: no entry, no end of work.
        """
        works: list[Callable[[], None]] = []

        def in_pool(work: Callable[[], object]) -> Deferred[object]:
            done: Deferred[object] = Deferred()
            works.append(lambda: at_once(work).chainDeferred(done))
            return done

        folder = self.mktemp()
        mail = Transferring(folder).start()
        bob, carol = map(mail.directory.add_account, (BOB, CAROL))
        mail.store.moods[carol.number] = StoreBusy()
        self.patch(mail.queue, "_in_pool", in_pool)
        transaction = mail.begin(BOB, CAROL)
        write(transaction, KETCHUP)
        committing = Deferred.fromCoroutine(transaction.commit())
        committing.cancel()
        self.failureResultOf(committing, CancelledError)

        while works:
            works.pop(0)()

        self.assertEqual(len(mail.queue), 0)
        self.assertEqual(len(mail.inbox(bob)), 1)
        shards = set(os.listdir(folder)) - {"broken"}
        self.assertEqual(os.listdir(os.path.join(folder, shards.pop())), [])


class FailingDiskTests(QueueTestCase):
    """
    The queue's disk fails.
    """

    def fail(self, step: str, failing: Callable[[], bool]) -> None:
        """
        Have a step of the disk fail while ``failing``.
        """
        real = getattr(self.mail.disk, step)

        def made(*given: object, **named: object) -> object:
            if failing():
                raise OSError(errno.ENOSPC, "No space left on device")
            return real(*given, **named)

        self.patch(self.mail.disk, step, made)

    def test_nothing_is_kept_when_the_sync_fails(self) -> None:
        """
        A message that cannot be queued is refused for now, and leaves no
        files.
        """
        before = self.files()
        self.fail("sync", lambda: True)
        transaction = self.mail.begin(BOB, CAROL)
        write(transaction, KETCHUP)

        with self.assertRaises(MailError) as caught:
            now(transaction.commit())

        self.assertTrue(caught.exception.temporary)
        self.assertEqual(self.files(), before)

    def test_results_that_cannot_be_recorded(self) -> None:
        """
        Nothing is delivered twice while the disk takes no line.
        """
        failing = True
        self.fail("unlink", lambda: failing)
        self.cheer_up(self.carol)
        self.clock.pump([MINUTE] * 120)
        self.assertEqual(len(self.mail.inbox(self.carol)), 1)
        self.assertEqual(len(self.files()), 2)

        failing = False
        transaction = self.another()
        self.clock.pump([MINUTE] * 120)

        self.assertEqual(len(self.mail.inbox(self.carol)), 2)
        self.assertEqual(self.files(), [])
        self.assertNotEqual(transaction, self.queue_id)

    def test_line_that_cannot_be_synced(self) -> None:
        """
        After a failed sync the entry is written to a new file.
        """
        failing = True
        self.fail("append", lambda: failing)
        before = os.stat(self.path("q")).st_ino
        self.clock.advance(5 * MINUTE)

        self.assertEqual(self.mail.spool.read(self.queue_id).attempts, 2)
        self.assertNotEqual(os.stat(self.path("q")).st_ino, before)

    def test_store_that_takes_no_content(self) -> None:
        """
        A store that is full defers all.
        """

        async def full(expected: int | None) -> object:
            raise StoreFull

        self.patch(self.mail.store, "incoming", full)
        self.clock.advance(5 * MINUTE)

        self.assertEqual(self.mail.spool.read(self.queue_id).attempts, 2)

    def test_bug_in_an_attempt(self) -> None:
        """
        A bug is told, and the message is tried again.
        """
        broken = True
        incoming = self.mail.store.incoming

        async def buggy(expected: int | None) -> object:
            return await (1 / 0 if broken else incoming(expected))

        self.patch(self.mail.store, "incoming", buggy)
        self.cheer_up(self.carol)
        self.clock.advance(5 * MINUTE)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        broken = False
        self.clock.advance(5 * MINUTE)

        self.assertEqual(len(self.mail.inbox(self.carol)), 1)

    def another(self) -> str:
        """
        One more message that waits for Carol.
        """
        self.mail.store.moods[self.carol.number] = StoreBusy()
        transaction = self.mail.begin(BOB, CAROL)
        write(transaction, KETCHUP)
        now(transaction.commit())
        self.cheer_up(self.carol)
        return transaction.queue_id

    def test_no_attempt_while_results_are_owed(self) -> None:
        """
        Other messages wait until the results of one are on the disk.
        """
        self.another()
        failing = True
        self.fail("unlink", lambda: failing)
        self.clock.pump([MINUTE] * 120)

        self.assertEqual(len(self.mail.inbox(self.carol)), 1)

        failing = False
        self.clock.pump([MINUTE] * 2)
        self.assertEqual(len(self.mail.inbox(self.carol)), 2)
        self.assertEqual(self.files(), [])

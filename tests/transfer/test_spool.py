"""
Tests for ``mailsuite.transfer.spool``, through the queue.
"""

from __future__ import annotations

import os

from mailsuite.errors import MailError
from mailsuite.interfaces import AccountRecord
from tests.support.queues import (
    HOUR,
    MINUTE,
    QueueTestCase,
)
from tests.support.transferring import Transferring, now


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

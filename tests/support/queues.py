"""
A queue in which a message waits, for tests.
"""

from __future__ import annotations

import os

from twisted.trial.unittest import SynchronousTestCase

from mailsuite.errors import StoreBusy
from mailsuite.interfaces import AccountRecord
from tests.support.transferring import Transferring, now, write

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

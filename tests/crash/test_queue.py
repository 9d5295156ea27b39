"""
Every crash of the queue's steps, replayed: what was answered is delivered.

``MAILSUITE_CRASH_STATES`` sets how many states are tried a crash point, and
``MAILSUITE_CRASH_COUNTS`` names a file that gets a line with the counts of each
path.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import product
from math import prod
from random import Random

from twisted.trial.unittest import SynchronousTestCase

from mailsuite.disk import Disk
from mailsuite.disksteps import Step
from mailsuite.errors import StoreBusy
from mailsuite.interfaces import AccountRecord
from tests.crash.diskmodel import DiskModel, Tree
from tests.crash.replay import CrashState
from tests.support.transferring import MoodyStore, Transferring, now, write

_STATES = int(os.environ.get("MAILSUITE_CRASH_STATES", "24"))
_COUNTS = os.environ.get("MAILSUITE_CRASH_COUNTS")

#: Where files need no real disk: what is durable is the model's affair.
_MEMORY = "/dev/shm" if os.path.isdir("/dev/shm") else None

_HOUR = 3600
_CONTENT = b"Subject: pickles\r\n\r\n" + b"How about pickles?\r\n" * 40


@dataclass(frozen=True, slots=True)
class Answered:
    """
    Success was told: these accounts have a copy, or will have one.
    """

    accounts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Kept:
    """
    The store has a copy for an account.
    """

    account: int


@dataclass(frozen=True, slots=True)
class Named:
    """
    The log has named a message with an id of this shard.
    """

    shard: str


@dataclass(slots=True)
class Known:
    """
    What the world knows at a moment.

    :ivar promised: accounts that have a copy or will have one.
    :ivar kept: accounts that have one.
    :ivar shards: of ids that were used.
    """

    promised: set[int] = field(default_factory=set)
    kept: set[int] = field(default_factory=set)
    shards: set[str] = field(default_factory=set)


@dataclass
class Recorded:
    """
    What happened in a folder, in order.
    """

    root: str
    steps: list[Step | Answered | Kept | Named] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.model = DiskModel(self.root, lambda name: False)
        self.mail = Transferring(
            os.path.join(self.root, "queue"), Disk(self.steps.append)
        )

    def states(self) -> Iterator[tuple[Known, Tree]]:
        """
        What a crash at each point leaves: what is known, and the files.
        """
        known = Known()
        for point in range(len(self.steps) + 1):
            for tree in self._trees(point):
                yield known, tree
            if point == len(self.steps):
                return
            match self.steps[point]:
                case Answered(accounts):
                    known.promised.update(accounts)
                case Kept(account):
                    known.kept.add(account)
                case Named(shard):
                    known.shards.add(shard)
                case step:
                    self.model.make(step)

    def _trees(self, point: int) -> Iterator[Tree]:
        doubts = self.model.doubts()
        ways = [doubt.ways for doubt in doubts]
        if prod(ways) <= _STATES:
            chances = list(product(*(range(x) for x in ways)))
        else:
            pick = Random(point)
            chances = [
                tuple(pick.randrange(x) for x in ways) for _ in range(_STATES)
            ]
            chances.append(tuple(0 for _ in ways))
            chances.append(tuple(x - 1 for x in ways))
        for chance in dict.fromkeys(chances):
            yield self.model.tree(doubts, chance)


class QueueReplayTests(SynchronousTestCase):
    """
    One test for each thing that the queue does.
    """

    def setUp(self) -> None:
        self.root = tempfile.mkdtemp(prefix="mailsuite-crash-", dir=_MEMORY)
        self.addCleanup(shutil.rmtree, self.root)
        os.mkdir(os.path.join(self.root, "recorded"))
        self.states = 0

    def people(self, mail: Transferring) -> list[AccountRecord]:
        """
        Three accounts.
        """
        return [
            mail.directory.add_account(f"{name}@hamburger.edu")
            for name in ("alice", "bob", "carol")
        ]

    def replay(self, operate: Callable[[Transferring, Recorded], None]) -> None:
        """
        Record what is done, then start from each thing a crash may leave.
        """
        recorded = Recorded(os.path.join(self.root, "recorded"))
        people = self.people(recorded.mail)
        self.note_copies(recorded)
        recorded.mail.start()
        operate(recorded.mail, recorded)
        for number, (known, tree) in enumerate(recorded.states()):
            folder = os.path.join(self.root, str(number))
            CrashState(0, False, tree, {}, frozenset()).lay_out(folder, {})
            self.check(folder, people, known)
            shutil.rmtree(folder)
            self.states += 1
        if _COUNTS:
            name = self.id().rpartition("test_")[2]
            with open(_COUNTS, "a") as file:
                file.write(
                    f"queue, {name}\t{len(recorded.steps)}\t{self.states}\n"
                )

    def note_copies(self, recorded: Recorded) -> None:
        """
        Have each delivery of the memory store stand in the record.
        """
        store = recorded.mail.store
        assert store is not None
        deliver = store.deliver

        async def noted(
            content: object, accounts: list[AccountRecord]
        ) -> object:
            results = await deliver(content, accounts)
            for record, result in zip(accounts, results, strict=True):
                if result is None:
                    recorded.steps.append(Kept(record.number))
            return results

        self.patch(store, "deliver", noted)

    def check(
        self, folder: str, people: list[AccountRecord], known: Known
    ) -> None:
        """
        Start from what a crash left, wait for some days, and look.
        """
        mail = Transferring(os.path.join(folder, "queue"))
        self.people(mail)
        mail.start()
        first = mail.begin("alice@hamburger.edu").queue_id
        mail.clock.pump([_HOUR] * 24)
        for record in people:
            copies = mail.inbox(record)
            if record.number in known.promised - known.kept:
                self.assertNotEqual(copies, [], record.address)
            for copy in copies:
                self.assertTrue(copy.endswith(_CONTENT), copy)
        self.assertEqual(len(mail.queue), 0)
        now(mail.queue.stop())
        self.assertNotIn(first[:8], known.shards)

    def receive(self, mail: Transferring, recorded: Recorded) -> None:
        """
        A message for all three.
        """
        transaction = mail.begin(
            "alice@hamburger.edu", "bob@hamburger.edu", "carol@hamburger.edu"
        )
        recorded.steps.append(Named(transaction.queue_id[:8]))
        write(transaction, _CONTENT)
        results = now(transaction.commit())
        self.assertEqual(results, (None,) * 3)
        recorded.steps.append(Answered((1, 2, 3)))

    def test_queueing(self) -> None:
        """
        A message that two of three could not take.
        """

        def operate(mail: Transferring, recorded: Recorded) -> None:
            mood(mail, 2, 3)
            self.receive(mail, recorded)

        self.replay(operate)
        self.assertGreater(self.states, 40)

    def test_deferral(self) -> None:
        """
        Attempts that fail, and one that succeeds for one of two.
        """

        def operate(mail: Transferring, recorded: Recorded) -> None:
            mood(mail, 2, 3)
            self.receive(mail, recorded)
            mail.clock.advance(300)
            mood(mail, 3)
            mail.clock.advance(600)
            mail.clock.advance(900)

        self.replay(operate)
        self.assertGreater(self.states, 60)

    def test_last_delivery(self) -> None:
        """
        The entry goes when everybody has his copy.
        """

        def operate(mail: Transferring, recorded: Recorded) -> None:
            mood(mail, 2)
            self.receive(mail, recorded)
            mood(mail)
            mail.clock.advance(300)
            self.assertEqual(len(mail.queue), 0)

        self.replay(operate)
        self.assertGreater(self.states, 50)


def mood(mail: Transferring, *numbers: int) -> None:
    """
    Have these accounts take nothing, and the others all.
    """
    store = mail.store
    assert isinstance(store, MoodyStore)
    store.moods = {number: StoreBusy() for number in numbers}

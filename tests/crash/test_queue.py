"""
Every crash of the queue's steps, replayed: what was answered for is delivered,
or its sender is told; and what was recorded is not done again.

``MAILSUITE_CRASH_STATES`` sets how many trees are tried a crash point, and
``MAILSUITE_CRASH_COUNTS`` names a file that gets a line with the counts of each
path.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Callable, Sequence
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from mailsuite.errors import MailError, OverQuota, StoreBusy
from mailsuite.interfaces import AccountRecord
from mailsuite.mail.address import Address
from mailsuite.mail.envelope import Recipient
from mailsuite.transfer import queue, recorder
from mailsuite.transfer.arrival import Arrival, Arriving
from mailsuite.transfer.entry import Local
from mailsuite.transfer.filters import Filter
from mailsuite.transfer.inhand import InHand
from mailsuite.transfer.keeping import Durable
from mailsuite.transfer.outcome import Kind, Outcome
from mailsuite.transfer.outgoing import Outgoing
from tests.crash.queuereplay import (
    Forgone,
    Named,
    Promised,
    Recording,
    Settled,
    Taken,
    lay_out,
)
from tests.support.memory_content import MemoryIncoming
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
    now,
)

_COUNTS = os.environ.get("MAILSUITE_CRASH_COUNTS")

#: Where files need no real disk: what is durable is the model's affair.
_MEMORY = "/dev/shm" if os.path.isdir("/dev/shm") else None

ERIN = "erin@hamburger.edu"

_ID = re.compile(rb"^X-Id: (\S+)\r$|^Message-ID: <(\w+)@", re.MULTILINE)
_EIGHT = "Größe".encode() + b"\r\n"

Operation = Callable[[Queueing, Recording], None]


def message(name: str, lines: int = 3) -> bytes:
    """
    A message that can be told from others.
    """
    return (
        b"Return-Path: <>\r\nX-Id: %b\r\n"
        b"Content-Type: text/plain; charset=utf-8\r\n"
        b"Content-Transfer-Encoding: 8bit\r\n\r\n"
        % name.encode()
        + b"How about pickles?\r\n" * lines
        + _EIGHT
    )


def name_of(octets: bytes) -> str:
    """
    What a message is called; a notification by its queue id.
    """
    found = _ID.search(octets)
    assert found, octets
    return (found[1] or found[2]).decode()


class QueueReplayTests(SynchronousTestCase):
    """
    One test for each thing that the queue does.
    """

    def setUp(self) -> None:
        self.root = tempfile.mkdtemp(prefix="mailsuite-crash-", dir=_MEMORY)
        self.addCleanup(shutil.rmtree, self.root)
        os.mkdir(os.path.join(self.root, "recorded"))
        self.states = 0
        self.says: dict[str, Outcome] = {}
        self.names: dict[str, str] = {}

    def people(self, mail: Queueing) -> tuple[AccountRecord, AccountRecord]:
        """
        Two accounts here.
        """
        return (
            mail.directory.add_account(ALICE),
            mail.directory.add_account(ERIN),
        )

    # Recording

    def replay(self, operate: Operation, least: int) -> None:
        """
        Record what is done, then start from each thing a crash may leave.

        :param least: states that there are to be.
        """
        recording = Recording(os.path.join(self.root, "recorded"))
        self.people(recording.mail)
        self.note(recording.mail, recording)
        recording.mail.start()
        operate(recording.mail, recording)
        for number, (known, tree, index) in enumerate(recording.states()):
            folder = os.path.join(self.root, str(number))
            lay_out(folder, tree, index)
            self.check(folder, known)
            shutil.rmtree(folder)
            self.states += 1
        if _COUNTS:
            name = self.id().rpartition("test_")[2]
            with open(_COUNTS, "a") as file:
                file.write(
                    f"queue, {name}\t{len(recording.steps)}\t{self.states}\n"
                )
        self.assertGreaterEqual(self.states, least)

    def note(self, mail: Queueing, recording: Recording) -> None:
        """
        Have what others get, and what is recorded of it, stand in the record.
        """
        notes = recording.steps
        deliver, local = mail.elsewhere.deliver, mail.store.deliver
        writer, keeping = mail.queue._recorder, mail.queue._keeping
        record, end, keep = writer.record, writer.end, keeping.keep

        async def kept(arrival: Arrival) -> Durable:
            durable = await keep(arrival)
            if arrival.about is None:
                name = self.name_in(mail, arrival.queue_id)
                for one in arrival.recipients:
                    address = str(one.recipient.forward_path)
                    notes.append(Promised((address, name)))
            return durable

        async def sent(outgoing: Outgoing) -> dict[int, Outcome]:
            before = len(mail.elsewhere.taken)
            outcomes = await deliver(outgoing)
            for address, octets in mail.elsewhere.taken[before:]:
                notes.append(Taken((address, name_of(octets))))
            return outcomes

        async def filed(
            content: MemoryIncoming, accounts: Sequence[AccountRecord]
        ) -> tuple[MailError | None, ...]:
            results = await local(content, accounts)
            for account, result in zip(accounts, results, strict=True):
                if result is None:
                    name = name_of(bytes(content.octets))
                    notes.append(Taken((account.address, name)))
            return results

        async def recorded(hand: InHand, events: Sequence[Any]) -> bool:
            done = await record(hand, events)
            self.note_settled(recording, hand)
            return done

        async def ended(hand: InHand) -> bool:
            self.name_in(mail, hand.queue_id)
            done = await end(hand)
            self.note_settled(recording, hand)
            return done

        self.patch(mail.elsewhere, "deliver", sent)
        self.patch(mail.store, "deliver", filed)
        self.patch(writer, "record", recorded)
        self.patch(writer, "end", ended)
        self.patch(keeping, "keep", kept)

    def note_settled(self, recording: Recording, hand: InHand) -> None:
        """
        Note for which recipients nothing more may be done.
        """
        name = self.name_in(recording.mail, hand.queue_id)
        for state in hand.standing.states:
            if state.ended:
                address = str(state.queued.recipient.forward_path)
                recording.steps.append(Settled((address, name)))

    def name_in(self, mail: Queueing, queue_id: str) -> str:
        """
        What a message in the queue is called, or was.
        """
        if queue_id not in self.names:
            with open(mail.path(queue_id, "m"), "rb") as file:
                self.names[queue_id] = name_of(file.read())
        return self.names[queue_id]

    def add(
        self,
        mail: Queueing,
        recording: Recording,
        name: str,
        *recipients: str | Recipient | Arriving,
        **given: Any,
    ) -> str:
        """
        Queue a message, and note what is promised by that.
        """
        given.setdefault("content", message(name))
        arrival = mail.arrival(*recipients, **given)
        recording.steps.append(Named(arrival.queue_id[:8]))
        now(mail.queue.add(arrival))
        return arrival.queue_id

    # Checking

    def check(self, folder: str, known: Any) -> None:
        """
        Start from what a crash left, wait for some days, and look.
        """
        mail = Queueing(os.path.join(folder, "queue"))
        alice, erin = self.people(mail)
        mail.elsewhere.says.update(self.says)
        mail.start()
        first = mail.ids.next_id()
        mail.clock.pump([HOUR] * 30)
        mail.clock.pump([8 * HOUR] * 18)
        taken = [(to, name_of(x)) for to, x in mail.elsewhere.taken]
        for record in (alice, erin):
            taken += [(record.address, name_of(x)) for x in mail.inbox(record)]
        told = b"".join(mail.inbox(alice))
        for copy in known.promised - known.taken - known.settled:
            if copy not in taken:
                self.assertIn(copy[0].encode(), told, copy)
        again = [copy for copy in taken if copy in known.settled]
        self.assertEqual(again, [])
        self.assertEqual(len(taken), len(set(taken)), taken)
        self.assertEqual(self.bounces(known.taken | set(taken)), [])
        self.assertEqual(mail.count(), 0)
        now(mail.queue.stop())
        self.assertNotIn(first[:8], known.shards)

    def bounces(self, copies: set[tuple[str, str]]) -> list[str]:
        """
        Notifications that are one too many.
        """
        names = sorted({x for _, x in copies if len(x) > 8})
        return names[self.most_bounces :]

    most_bounces = 0

    # Paths

    def test_queueing(self) -> None:
        """
        A message for two, in memory, that both take.
        """

        def operate(mail: Queueing, recording: Recording) -> None:
            self.add(mail, recording, "one", BOB, local(mail, ERIN))
            mail.clock.advance(2)

        self.replay(operate, 40)

    def test_queueing_a_file(self) -> None:
        """
        A large message, in a file that has no name before it is queued.
        """

        def operate(mail: Queueing, recording: Recording) -> None:
            mail.elsewhere.says[BOB] = DEFERRED
            octets = message("large", 20000)
            content = mail.queue.new_content()
            for place in range(0, len(octets), 100_000):
                if written := content.write(octets[place : place + 100_000]):
                    now(waited(written))
            self.add(mail, recording, "large", BOB, content=content)
            content.discard()
            mail.clock.advance(2)

        self.replay(operate, 20)

    def test_deferral(self) -> None:
        """
        Attempts that fail, and one that succeeds for one of two.
        """

        def operate(mail: Queueing, recording: Recording) -> None:
            mail.elsewhere.says.update({BOB: DEFERRED, DAVE: DEFERRED})
            self.add(mail, recording, "one", BOB, DAVE)
            mail.clock.advance(5 * MINUTE)
            del mail.elsewhere.says[BOB]
            mail.clock.advance(10 * MINUTE)
            mail.clock.advance(2)
            del mail.elsewhere.says[DAVE]
            mail.clock.advance(15 * MINUTE)
            mail.clock.advance(2)

        self.replay(operate, 80)

    def test_local_copy_that_waits(self) -> None:
        """
        An account takes its copy later.
        """

        def operate(mail: Queueing, recording: Recording) -> None:
            erin = local(mail, ERIN)
            mail.store.moods[erin.route.account] = StoreBusy()
            self.add(mail, recording, "one", erin)
            mail.store.moods.clear()
            mail.clock.advance(5 * MINUTE)

        self.replay(operate, 40)

    def test_failure(self) -> None:
        """
        One recipient of two does not exist: the sender is told, once.
        """
        self.says = {BOB: FAILED}
        self.most_bounces = 1

        def operate(mail: Queueing, recording: Recording) -> None:
            mail.elsewhere.says.update(self.says)
            self.add(mail, recording, "one", BOB, DAVE)
            mail.clock.advance(2)

        self.replay(operate, 100)

    def test_failure_together(self) -> None:
        """
        Two recipients of different hosts fail: one notification tells of
        both, unless a crash comes between.
        """
        self.says = {BOB: FAILED, DAVE: FAILED}
        self.most_bounces = 2

        def operate(mail: Queueing, recording: Recording) -> None:
            mail.elsewhere.says.update(self.says)
            mail.elsewhere.waits.add("pommes.be")
            self.add(mail, recording, "one", BOB, DAVE)
            mail.elsewhere.answer("pommes.be")
            mail.clock.advance(2)
            self.assertEqual(len(mail.inbox(account(mail, ALICE))), 1)

        self.replay(operate, 100)

    def test_failed_notification(self) -> None:
        """
        The sender cannot take the notification at once.
        """
        self.says = {BOB: FAILED}
        self.most_bounces = 1

        def operate(mail: Queueing, recording: Recording) -> None:
            mail.elsewhere.says.update(self.says)
            alice = local(mail, ALICE)
            mail.store.moods[alice.route.account] = StoreBusy()
            self.add(mail, recording, "one", BOB)
            mail.clock.advance(2)
            mail.store.moods.clear()
            mail.clock.advance(5 * MINUTE)
            mail.clock.advance(2)

        self.replay(operate, 80)

    def test_warning(self) -> None:
        """
        The sender is told after four hours that it is late, once.
        """
        self.says = {BOB: DEFERRED}
        self.most_bounces = 2

        def operate(mail: Queueing, recording: Recording) -> None:
            mail.elsewhere.says.update(self.says)
            self.add(mail, recording, "one", BOB)
            mail.clock.pump([5 * MINUTE] * 50)

        self.replay(operate, 150)

    def test_expiry(self) -> None:
        """
        After five days the message fails.
        """
        self.says = {BOB: DEFERRED}
        self.most_bounces = 2

        def operate(mail: Queueing, recording: Recording) -> None:
            mail.elsewhere.says.update(self.says)
            self.add(
                mail,
                recording,
                "one",
                Recipient(Address.parse(BOB), notify=frozenset({"FAILURE"})),
            )
            mail.clock.pump([2 * HOUR] * 62)
            self.assertEqual(mail.count(), 0)

        self.replay(operate, 300)

    def test_quota(self) -> None:
        """
        A copy that an account will never take, beside one that was kept.
        """
        self.most_bounces = 1

        def operate(mail: Queueing, recording: Recording) -> None:
            erin = local(mail, ERIN)
            outcome = Outcome(Kind.FAILED, "5.2.2", OverQuota.public)
            self.add(
                mail,
                recording,
                "one",
                Arriving(erin.recipient, erin.route, outcome),
            )
            mail.clock.advance(2)

        self.replay(operate, 60)

    def test_operator(self) -> None:
        """
        Held, released, held again, dropped.
        """

        def operate(mail: Queueing, recording: Recording) -> None:
            mail.elsewhere.says[BOB] = DEFERRED
            self.add(mail, recording, "one", BOB)
            mail.clock.advance(2)
            self.assertEqual(now(mail.operator.hold(Filter(), "why")), 1)
            mail.clock.advance(2)
            now(mail.operator.release(Filter()))
            mail.clock.advance(HOUR)
            recording.steps.append(Forgone((BOB, "one")))
            now(mail.operator.drop(Filter(), "no good"))
            mail.clock.advance(2)
            self.assertEqual(mail.files(), [])

        self.patch(Queueing, "start", started_and_released)
        self.replay(operate, 100)

    def test_remaking(self) -> None:
        """
        A message is made anew in seven bits, once, and sent so.
        """

        def operate(mail: Queueing, recording: Recording) -> None:
            deliver = mail.elsewhere.deliver

            async def picky(outgoing: Outgoing) -> dict[int, Outcome]:
                if outgoing.remade is not None:
                    outgoing = await outgoing.remade()
                return await deliver(outgoing)

            self.patch(mail.elsewhere, "deliver", picky)
            mail.elsewhere.says[BOB] = DEFERRED
            self.add(mail, recording, "one", BOB)
            mail.clock.advance(2)
            mail.elsewhere.says.clear()
            mail.clock.advance(5 * MINUTE)
            self.assertTrue(mail.elsewhere.taken[0][1].isascii())

        self.replay(operate, 80)

    def test_rewriting(self) -> None:
        """
        An entry that has grown long is written anew.
        """

        def operate(mail: Queueing, recording: Recording) -> None:
            for module in (queue, recorder):
                self.patch(module, "MOST_LINES", 300)
            mail.elsewhere.says[BOB] = DEFERRED
            self.add(mail, recording, "one", BOB)
            for _ in range(6):
                mail.clock.advance(5 * MINUTE)
            mail.elsewhere.says.clear()
            mail.clock.advance(HOUR)

        self.replay(operate, 80)

    def test_end_in_order(self) -> None:
        """
        Stopped, and started twice again, with a message that waits.
        """
        self.most_bounces = 1

        def operate(mail: Queueing, recording: Recording) -> None:
            mail.elsewhere.says[BOB] = DEFERRED
            self.add(mail, recording, "one", BOB)
            now(mail.queue.stop())
            for name in ("two", "three"):
                mail = Queueing(
                    mail.folder,
                    mail.disk,
                    mail.clock,
                    mail.elsewhere,
                    mail.directory,
                    mail.store,
                ).start()
                self.note(mail, recording)
                self.add(mail, recording, name, CAROL, DAVE)
                mail.clock.advance(5 * MINUTE)
                self.assertEqual(mail.count(), 1)
                now(mail.queue.stop())

        self.replay(operate, 60)


def local(mail: Queueing, address: str) -> Arriving:
    """
    A copy for an account here.
    """
    record = account(mail, address)
    return Arriving(
        Recipient(Address.parse(address)), Local(record.number, address)
    )


def account(mail: Queueing, address: str) -> AccountRecord:
    """
    The account of an address.
    """
    found = now(mail.directory.resolve(Address.parse(address)))
    assert found is not None
    return found.accounts[0]


async def waited(what: Any) -> None:
    """
    Wait for it.
    """
    await what


def started_and_released(mail: Queueing) -> Queueing:
    """
    Start a queue, and release all that it holds.
    """
    now(mail.queue.start())
    mail.clock.advance(0)
    now(mail.operator.release(Filter()))
    return mail

"""
Every crash of every kind of step, replayed on the real store.

What was answered is there, once, with its UID and flags; no UID is given
twice; no modseq goes back; every uidlist is one that Dovecot believes.

``MAILSUITE_CRASH_STATES`` sets how many states are tried a crash point, and
``MAILSUITE_CRASH_COUNTS`` names a file that gets a line with the counts of each
path.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

from twisted.logger import Logger
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.mail.flags import FlagMode
from mailsuite.mail.uids import UID, UIDSet
from tests.crash.promises import bad_uidlists, broken_promises, reused_uids
from tests.crash.replay import CrashState, Recording, forget
from tests.crash.running import Box, Message, Running, View, record, view

_STATES = int(os.environ.get("MAILSUITE_CRASH_STATES", "12"))
_COUNTS = os.environ.get("MAILSUITE_CRASH_COUNTS")

#: Where files need no real disk: what is durable is the model's affair.
_MEMORY = "/dev/shm" if os.path.isdir("/dev/shm") else None


def _message(text: str) -> bytes:
    return f"Subject: {text}\r\n\r\n{text * 20}\r\n".encode()


class ReplayTests(SynchronousTestCase):
    """
    One test for each kind of step.
    """

    _log = Logger()

    def setUp(self) -> None:
        self.root = tempfile.mkdtemp(prefix="mailsuite-crash-", dir=_MEMORY)
        self.addCleanup(forget, self.root)

    async def base(self, running: Running, accounts: int) -> None:
        """
        Accounts with three messages in INBOX and one in Archive.
        """
        for number in range(1, accounts + 1):
            account = await running.account(number)
            inbox = await account.mailbox("INBOX")
            for text, flags in (
                ("one", ("\\Seen",)),
                ("two", ("$Work",)),
                ("three", ()),
            ):
                content = await running.content(_message(text))
                await inbox.append(content, flags)
            archive = await account.mailbox("Archive")
            await archive.append(await running.content(_message("four")))
            inbox.release()
            archive.release()
            account.release()

    def replay(
        self,
        path: str,
        operate: Callable[[Running, View], Coroutine[Any, Any, View]],
        *,
        prepare: Callable[[Running], Coroutine[Any, Any, None]] | None = None,
        accounts: int = 1,
        together: bool = False,
    ) -> None:
        """
        Record a step, and try all its crashes.

        :param operate: makes the step, and returns what clients know then.
        :param prepare: what is done before.
        :param together: it is made whole or not at all.
        """
        numbers = range(1, accounts + 1)
        base = f"{self.root}/base"
        running = Running(base)
        running.wait(self.base(running, accounts))
        if prepare is not None:
            running.wait(prepare(running))
        running.close()
        running = Running(base)
        before = running.wait(view(running, numbers))
        running.close()
        after: View = {}

        def step(recorded: Running) -> None:
            after.update(recorded.wait(operate(recorded, before)))

        recording = Recording(base, step)
        tried = 0
        for state in recording.states(_STATES):
            tried += 1
            problems = self.problems(
                state, recording, before, after, accounts, together
            )
            self.assertEqual(problems, [], f"{path}, point {state.point}")
        self._log.info(
            "Replayed {path}: {points} crash points, {tried} states",
            path=path,
            points=recording.steps + 1,
            tried=tried,
        )
        if _COUNTS:
            with open(_COUNTS, "a") as file:
                file.write(f"{path}\t{recording.steps + 1}\t{tried}\n")
        self.assertGreater(tried, recording.steps)

    def problems(
        self,
        state: CrashState,
        recording: Recording,
        before: View,
        after: View,
        accounts: int,
        together: bool,
    ) -> list[str]:
        """
        What is wrong after a crash, opened again twice.
        """
        numbers = range(1, accounts + 1)
        root = f"{self.root}/crashed"
        state.lay_out(root, recording.inodes)
        running = Running(root)
        found = running.wait(view(running, numbers))
        problems = broken_promises(
            found, before, after, answered=state.answered, together=together
        )
        problems += bad_uidlists(root)
        running.close()
        again = Running(root)
        if again.wait(view(again, numbers)) != found:
            problems.append("it is another after an orderly close")
        told = [before, after] if state.answered else [before]
        problems += again.wait(reused_uids(again, [*told, found]))
        again.close()
        forget(root)
        return problems

    # --- The steps ------------------------------------------------------------

    def test_delivery(self) -> None:
        """
        A delivery to one account.
        """

        async def deliver(running: Running, before: View) -> View:
            content = await running.content(_message("new"))
            results = await running.store.deliver(
                content, [record(running.root, 1)]
            )
            self.assertEqual(results, (None,))
            return _adding(before, (1, "INBOX"), Message(_message("new")))

        self.replay("delivery", deliver)

    def test_delivery_to_five(self) -> None:
        """
        A delivery to five accounts.
        """

        async def deliver(running: Running, before: View) -> View:
            content = await running.content(_message("new"))
            results = await running.store.deliver(
                content, [record(running.root, x) for x in range(1, 6)]
            )
            self.assertEqual(results, (None,) * 5)
            after = before
            for number in range(1, 6):
                after = _adding(
                    after, (number, "INBOX"), Message(_message("new"))
                )
            return after

        self.replay("delivery to five", deliver, accounts=5)

    def test_append(self) -> None:
        """
        An APPEND with flags, among them a new keyword.
        """

        async def append(running: Running, before: View) -> View:
            account = await running.account(1)
            mailbox = await account.mailbox("INBOX")
            flags = ("\\Flagged", "$New")
            appended = await mailbox.append(
                await running.content(_message("new")), flags, 1e9
            )
            message = Message(
                _message("new"), frozenset(flags), appended.uids[0]
            )
            after = _adding(before, (1, "INBOX"), message)
            mailbox.release()
            account.release()
            return after

        self.replay("append", append)

    def test_flags(self) -> None:
        """
        A change of flags of three messages, one of which has none of them.
        """

        async def store(running: Running, before: View) -> View:
            account = await running.account(1)
            mailbox = await account.mailbox("INBOX")
            stored = await mailbox.store(
                UIDSet.of([1, 2, 3]), FlagMode.REPLACE, ("\\Seen", "$New")
            )
            box = before[1, "INBOX"]
            flags = frozenset(["\\Seen", "$New"])
            changed = [replace(x, flags=flags) for x in box.messages]
            mailbox.release()
            account.release()
            return before | {
                (1, "INBOX"): replace(
                    box, messages=tuple(changed), modseq=stored.modseq
                )
            }

        self.replay("flags", store)

    def test_expunge(self) -> None:
        """
        An EXPUNGE of two messages.
        """

        async def flag(running: Running) -> None:
            account = await running.account(1)
            mailbox = await account.mailbox("INBOX")
            await mailbox.store(UIDSet.of([1, 3]), FlagMode.ADD, ("\\Deleted",))
            mailbox.release()
            account.release()

        async def expunge(running: Running, before: View) -> View:
            account = await running.account(1)
            mailbox = await account.mailbox("INBOX")
            gone = await mailbox.expunge()
            self.assertEqual(list(gone), [1, 3])
            modseq = mailbox.highestmodseq
            mailbox.release()
            account.release()
            return _removing(before, (1, "INBOX"), gone, modseq)

        self.replay("expunge", expunge, prepare=flag)

    def test_copy(self) -> None:
        """
        A COPY of three messages to another mailbox: all or none.
        """

        async def copy(running: Running, before: View) -> View:
            account = await running.account(1)
            mailbox = await account.mailbox("INBOX")
            copied = await mailbox.copy(UIDSet.of([1, 2, 3]), "Archive")
            after = before
            for message, uid in zip(
                before[1, "INBOX"].messages, copied.destination, strict=True
            ):
                after = _adding(
                    after, (1, "Archive"), replace(message, uid=uid)
                )
            mailbox.release()
            account.release()
            return after

        self.replay("copy", copy, together=True)

    def test_move(self) -> None:
        """
        A MOVE of two messages to another mailbox: each is in one of the two.
        """

        async def move(running: Running, before: View) -> View:
            account = await running.account(1)
            mailbox = await account.mailbox("INBOX")
            moved = await mailbox.move(UIDSet.of([1, 2]), "Archive")
            after = _removing(
                before,
                (1, "INBOX"),
                UIDSet.of(moved.source),
                mailbox.highestmodseq,
            )
            for message, uid in zip(
                before[1, "INBOX"].messages[:2], moved.destination, strict=True
            ):
                after = _adding(
                    after, (1, "Archive"), replace(message, uid=uid)
                )
            mailbox.release()
            account.release()
            return after

        self.replay("move", move)

    def test_rename(self) -> None:
        """
        A RENAME of a mailbox with one below it: both, or none.
        """

        async def prepare(running: Running) -> None:
            account = await running.account(1)
            await account.create("Archive/Old")
            mailbox = await account.mailbox("Archive/Old")
            await mailbox.append(await running.content(_message("five")))
            mailbox.release()
            account.release()

        async def rename(running: Running, before: View) -> View:
            account = await running.account(1)
            await account.rename("Archive", "Store")
            account.release()
            names = {
                (1, "Archive"): (1, "Store"),
                (1, "Archive/Old"): (1, "Store/Old"),
            }
            return {
                names.get(place, place): box for place, box in before.items()
            }

        self.replay("rename", rename, prepare=prepare, together=True)

    def test_create(self) -> None:
        """
        A CREATE.
        """

        async def create(running: Running, before: View) -> View:
            account = await running.account(1)
            mailbox_id = await account.create("Lists/Python")
            account.release()
            return before | {(1, "Lists/Python"): Box(mailbox_id, 0, 0)}

        self.replay("create", create)

    def test_delete(self) -> None:
        """
        A DELETE.
        """

        async def delete(running: Running, before: View) -> View:
            account = await running.account(1)
            await account.delete("Archive")
            account.release()
            return {
                place: box
                for place, box in before.items()
                if place != (1, "Archive")
            }

        self.replay("delete", delete, together=True)


def _adding(boxes: View, place: tuple[int, str], message: Message) -> View:
    box = boxes[place]
    return boxes | {place: replace(box, messages=(*box.messages, message))}


def _removing(
    boxes: View, place: tuple[int, str], uids: UIDSet, modseq: int
) -> View:
    box = boxes[place]
    kept = tuple(x for x in box.messages if UID(x.uid or 0) not in uids)
    return boxes | {
        place: replace(box, messages=kept, gone=frozenset(uids), modseq=modseq)
    }

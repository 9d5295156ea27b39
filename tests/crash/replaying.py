"""
Test cases that record a step of the real store and try all its crashes.

``MAILSUITE_CRASH_STATES`` sets how many states are tried a crash point, and
``MAILSUITE_CRASH_COUNTS`` names a file that gets a line with the counts of each
path: crash points, states.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, replace
from typing import Any

from twisted.logger import Logger
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.disksteps import Step
from mailsuite.mail.uids import UID, UIDSet
from tests.crash.promises import bad_uidlists, broken_promises, reused_uids
from tests.crash.replay import CrashState, Recording, forget
from tests.crash.running import Box, Message, Running, View, view

_STATES = int(os.environ.get("MAILSUITE_CRASH_STATES", "12"))
_COUNTS = os.environ.get("MAILSUITE_CRASH_COUNTS")

#: Where files need no real disk: what is durable is the model's affair.
_MEMORY = "/dev/shm" if os.path.isdir("/dev/shm") else None

#: Makes a step, and returns what clients know then.
Operation = Callable[[Running, View], Coroutine[Any, Any, View]]


def new_message(text: str) -> bytes:
    """
    A message that is told from others by its text.
    """
    return f"Subject: {text}\r\n\r\n{text * 20}\r\n".encode()


@dataclass(frozen=True, slots=True)
class Path:
    """
    A kind of step.

    :param prepare: what is done before it.
    :param fresh: there is nothing yet, and clients know nothing.
    :param together: it is made whole or not at all.
    """

    name: str
    operate: Operation
    prepare: Callable[[Running], Coroutine[Any, Any, None]] | None = None
    accounts: int = 1
    fresh: bool = False
    together: bool = False


class StepTestCase(SynchronousTestCase):
    """
    A test with accounts on a disk in memory.
    """

    _log = Logger()

    def setUp(self) -> None:
        self.root = tempfile.mkdtemp(prefix="mailsuite-crash-", dir=_MEMORY)
        self.addCleanup(forget, self.root)

    def base(self, path: Path) -> View:
        """
        Make the folder ``base`` with what is there before the step.

        :return: what clients know of it.
        """
        base = f"{self.root}/base"
        if path.fresh:
            os.mkdir(base)
            running = Running(f"{self.root}/elsewhere")
            usual = running.wait(view(running, range(1, path.accounts + 1)))
            running.close()
            return {place: Box("", 0, 0) for place in usual}
        running = Running(base)
        running.wait(self._fill(running, path.accounts))
        if path.prepare is not None:
            running.wait(path.prepare(running))
        running.close()
        running = Running(base)
        before = running.wait(view(running, range(1, path.accounts + 1)))
        running.close()
        return before

    async def _fill(self, running: Running, accounts: int) -> None:
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
                content = await running.content(new_message(text))
                await inbox.append(content, flags)
            archive = await account.mailbox("Archive")
            await archive.append(await running.content(new_message("four")))
            inbox.release()
            archive.release()
            account.release()


class ReplayTestCase(StepTestCase):
    """
    A test that crashes.
    """

    def replay(self, path: Path) -> None:
        """
        Record a step, and try all its crashes.
        """
        before = self.base(path)
        recording, after = self._recorded(path, before)
        tried = 0
        for state, problems in self._outcomes(path, recording, before, after):
            tried += 1
            self.assertEqual(problems, [], f"{path.name}, {state.point}")
        self._count(path.name, recording.points, tried)
        self.assertGreaterEqual(tried, recording.points)

    def breaks(self, path: Path, forgets: Callable[[Step], bool]) -> bool:
        """
        Whether a promise is broken if some of the steps had not been made.
        """
        before = self.base(path)
        recording, after = self._recorded(path, before, forgets)
        return any(
            problems
            for _, problems in self._outcomes(path, recording, before, after)
        )

    def _recorded(
        self,
        path: Path,
        before: View,
        forgets: Callable[[Step], bool] = lambda step: False,
    ) -> tuple[Recording, View]:
        after: View = {}

        def step(recorded: Running) -> None:
            after.update(recorded.wait(path.operate(recorded, before)))

        return Recording(f"{self.root}/base", step, forgets), after

    def replay_twice(self, path: Path, crashes: int) -> None:
        """
        Crash again, everywhere, while what a crash left is being mended.

        :param crashes: first crashes, of those with a step written down.
        """
        before = self.base(path)
        recording, after = self._recorded(path, before)
        begun = [
            state
            for state in recording.states(_STATES)
            if any(name.endswith("/intent") for name in state.tree)
        ]
        tried = 0
        for state in begun[:: max(len(begun) // crashes, 1)]:
            root = f"{self.root}/first"
            state.lay_out(root, recording.inodes)
            mending = Recording(root, self._open(path), lambda step: False)
            for again in mending.states(4):
                tried += 1
                problems = self._problems(
                    path, again, mending, before, after, state.answered
                )
                self.assertEqual(
                    problems, [], f"{path.name}, {state.point}, {again.point}"
                )
            forget(root)
        self._count(f"{path.name}, twice", len(begun), tried)
        self.assertGreater(tried, crashes)

    def _open(self, path: Path) -> Callable[[Running], None]:
        numbers = range(1, path.accounts + 1)

        def look(running: Running) -> None:
            running.wait(view(running, numbers))

        return look

    def _count(self, name: str, points: int, tried: int) -> None:
        self._log.info(
            "Replayed {path}: {points} crash points, {tried} states",
            path=name,
            points=points,
            tried=tried,
        )
        if _COUNTS:
            with open(_COUNTS, "a") as file:
                file.write(f"{name}\t{points}\t{tried}\n")

    def _outcomes(
        self, path: Path, recording: Recording, before: View, after: View
    ) -> Iterator[tuple[CrashState, list[str]]]:
        """
        What is wrong after each crash.
        """
        for state in recording.states(_STATES):
            yield (
                state,
                self._problems(
                    path, state, recording, before, after, state.answered
                ),
            )

    def _problems(
        self,
        path: Path,
        state: CrashState,
        recording: Recording,
        before: View,
        after: View,
        answered: bool,
    ) -> list[str]:
        """
        What is wrong after a crash, opened again twice.
        """
        numbers = range(1, path.accounts + 1)
        root = f"{self.root}/crashed"
        state.lay_out(root, recording.inodes)
        running = Running(root)
        found = running.wait(view(running, numbers))
        problems = broken_promises(
            found, before, after, answered=answered, together=path.together
        )
        problems += bad_uidlists(root)
        running.close()
        again = Running(root)
        if again.wait(view(again, numbers)) != found:
            problems.append("it is another after an orderly close")
        told = [before, after] if answered else [before]
        problems += again.wait(reused_uids(again, [*told, found]))
        again.close()
        forget(root)
        return problems


def adding(boxes: View, place: tuple[int, str], message: Message) -> View:
    """
    With one message more.
    """
    box = boxes[place]
    return boxes | {place: replace(box, messages=(*box.messages, message))}


def removing(
    boxes: View, place: tuple[int, str], uids: UIDSet, modseq: int
) -> View:
    """
    Without some messages, as an answer with that modseq told.
    """
    box = boxes[place]
    kept = tuple(x for x in box.messages if UID(x.uid or 0) not in uids)
    return boxes | {
        place: replace(box, messages=kept, gone=frozenset(uids), modseq=modseq)
    }

"""
An account's lane: its steps, one after another, whoever asks for them.

Implementation notes

- A lane is a queue, not a thread: a thread of the pool works off what waits
  and goes.
- Steps of one kind that stand next to each other in the queue are made as one
  step, with one sync and one commit for all of them.
- What a step committed is told before its answer is given, and both in the
  order of the steps.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from mailsuite.store.pool import Pool

T = TypeVar("T")
ItemT = TypeVar("ItemT")

#: One result for each item of a gathered step, an exception for one that
#: failed alone.
Gathered = Callable[[list[ItemT]], "Sequence[T | Exception]"]


@dataclass(slots=True)
class _Step(Generic[ItemT, T]):
    done: Deferred[T]
    work: Callable[[], T] | None = None
    kind: Hashable = None
    gathered: Gathered[ItemT, T] | None = None
    item: ItemT | None = None
    bare: bool = False


class Lane:
    """
    A serial queue of steps.

    :param holding: held while steps are made; may raise what then fails them
        all.
    :param after: called in the thread after each step, also one that failed,
        before its answer is given.
    """

    def __init__(
        self,
        pool: Pool,
        holding: Callable[[], AbstractContextManager[object]],
        after: Callable[[], None],
    ) -> None:
        self._pool = pool
        self._holding = holding
        self._after = after
        self._waiting: deque[_Step[Any, Any]] = deque()
        self._busy = False
        self._idle: list[Deferred[None]] = []

    @property
    def busy(self) -> bool:
        """
        Whether steps wait or are being made.
        """
        return self._busy

    def run(self, work: Callable[[], T]) -> Deferred[T]:
        """
        Make a step of its own.
        """
        done: Deferred[T] = Deferred()
        self._add(_Step(done, work=work))
        return done

    def gather(
        self, kind: Hashable, gathered: Gathered[ItemT, T], item: ItemT
    ) -> Deferred[T]:
        """
        Make a step together with all of its kind that wait beside it.

        :param gathered: called with the items of them all.
        """
        done: Deferred[T] = Deferred()
        self._add(_Step(done, kind=kind, gathered=gathered, item=item))
        return done

    def gather_bare(
        self, kind: Hashable, gathered: Gathered[ItemT, T], item: ItemT
    ) -> Deferred[T]:
        """
        As ``gather``, without what other steps hold.
        """
        done: Deferred[T] = Deferred()
        self._add(
            _Step(done, kind=kind, gathered=gathered, item=item, bare=True)
        )
        return done

    def run_bare(self, work: Callable[[], T]) -> Deferred[T]:
        """
        Make a step in its turn, but without what the others hold.
        """
        done: Deferred[T] = Deferred()
        self._add(_Step(done, work=work, bare=True))
        return done

    def when_idle(self) -> Deferred[None]:
        """
        Fires when no step waits.
        """
        done: Deferred[None] = Deferred()
        if self._busy:
            self._idle.append(done)
        else:
            done.callback(None)
        return done

    def _add(self, step: _Step[Any, Any]) -> None:
        self._waiting.append(step)
        if not self._busy:
            self._busy = True
            self._pool.submit(self._work_off)

    # In a thread

    def _work_off(self) -> None:
        steps = [self._waiting.popleft() for _ in range(len(self._waiting))]
        try:
            while steps:
                if steps[0].bare:
                    self._make(_next_group(steps))
                    continue
                with self._holding():
                    while steps and not steps[0].bare:
                        self._make(_next_group(steps))
        except BaseException:  # noqa: BLE001 - it is handed on whole
            self._fail(steps, Failure())
        self._pool.post(self._worked_off)

    def _make(self, group: list[_Step[Any, Any]]) -> None:
        first = group[0]
        results: Sequence[Any]
        try:
            if first.gathered is not None:
                results = first.gathered([step.item for step in group])
            else:
                assert first.work is not None
                results = (first.work(),)
        except BaseException:  # noqa: BLE001 - it is handed on whole
            failure = Failure()
            self._after()
            self._fail(group, failure)
            return
        self._after()
        self._pool.post(lambda: _answer(group, results))

    def _fail(self, steps: list[_Step[Any, Any]], failure: Failure) -> None:
        failed = list(steps)
        steps.clear()
        failure.cleanFailure()

        def tell() -> None:
            for step in failed:
                step.done.errback(failure)

        self._pool.post(tell)

    # In the reactor

    def _worked_off(self) -> None:
        if self._waiting:
            self._pool.submit(self._work_off)
            return
        self._busy = False
        idle, self._idle = self._idle, []
        for done in idle:
            done.callback(None)


def _next_group(steps: list[_Step[Any, Any]]) -> list[_Step[Any, Any]]:
    """
    Take off the first step, with those of its kind that follow it at once.
    """
    kind = steps[0].kind
    end = 1
    while kind is not None and end < len(steps) and steps[end].kind == kind:
        end += 1
    group = steps[:end]
    del steps[:end]
    return group


def _answer(group: list[_Step[Any, Any]], results: Sequence[Any]) -> None:
    for step, result in zip(group, results, strict=True):
        if isinstance(result, Exception):
            step.done.errback(result)
        else:
            step.done.callback(result)

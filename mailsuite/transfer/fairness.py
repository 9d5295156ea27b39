"""
Turns and shares: nobody's backlog keeps the others from being served.
"""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from collections.abc import Callable

from mailsuite.transfer.remoteattempt import RemoteAttempt


class FairQueue:
    """
    Attempts that wait, one of each backlog in turn.
    """

    def __init__(self) -> None:
        self._waiting: OrderedDict[str, deque[RemoteAttempt]] = OrderedDict()
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def add(self, attempt: RemoteAttempt) -> None:
        """
        At the end of its backlog.
        """
        waiting = self._waiting.get(attempt.backlog)
        if waiting is None:
            waiting = self._waiting[attempt.backlog] = deque()
        waiting.append(attempt)
        self._size += 1

    def put_back(self, attempt: RemoteAttempt) -> None:
        """
        It comes next of all.
        """
        self._waiting.setdefault(attempt.backlog, deque()).appendleft(attempt)
        self._waiting.move_to_end(attempt.backlog, last=False)
        self._size += 1

    def take(self, may: Callable[[str], bool]) -> RemoteAttempt | None:
        """
        The next, of a backlog that may have another slot.
        """
        for backlog, waiting in self._waiting.items():
            if may(backlog):
                attempt = waiting.popleft()
                self._size -= 1
                if waiting:
                    self._waiting.move_to_end(backlog)
                else:
                    del self._waiting[backlog]
                return attempt
        return None

    def remove(self, attempt: RemoteAttempt) -> None:
        """
        It waits no more, if it did.
        """
        waiting = self._waiting.get(attempt.backlog)
        if waiting is None or attempt not in waiting:
            return
        waiting.remove(attempt)
        self._size -= 1
        if not waiting:
            del self._waiting[attempt.backlog]


class Slots:
    """
    How many connections there may be, and whose messages they carry.

    One backlog has at most half of them.

    :param limit: connections in all.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.share = max(1, limit // 2)
        self._taken = 0
        self._by_backlog: Counter[str] = Counter()

    @property
    def are_free(self) -> bool:
        """
        Whether another connection may be opened.
        """
        return self._taken < self.limit

    def may_have(self, backlog: str) -> bool:
        """
        Whether a backlog may have one more.
        """
        return self._by_backlog[backlog] < self.share

    def take(self, backlog: str) -> None:
        """
        A connection is opened for this backlog.
        """
        self._taken += 1
        self._by_backlog[backlog] += 1

    def hand_over(self, old: str, new: str) -> None:
        """
        A connection carries another backlog's messages.
        """
        self._leave(old)
        self._by_backlog[new] += 1

    def give_back(self, backlog: str) -> None:
        """
        A connection is gone.
        """
        self._taken -= 1
        self._leave(backlog)

    def _leave(self, backlog: str) -> None:
        self._by_backlog[backlog] -= 1
        if not self._by_backlog[backlog]:
            del self._by_backlog[backlog]

"""
Which accounts have their database open, and which mailboxes are in memory.
"""

from __future__ import annotations

import ctypes
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING

from twisted.internet.interfaces import IDelayedCall, IReactorTime

if TYPE_CHECKING:
    from mailsuite.store.account import Account
    from mailsuite.store.mailbox import Mailbox

#: What a mailbox costs beside its messages, as so many messages.
_MAILBOX = 200

#: What Python takes for a rendering beside its octets.
_RENDERING = 120

#: Closing a database takes syncs: so many at once, then a pause in seconds, so
#: that others' steps find a thread.
_AT_ONCE = 8
_PAUSE = 0.1

#: So many databases that are closed in one sweep are worth a thorough clean-up.
_MANY = 16


class OpenAccounts:
    """
    The accounts used last.

    :param most: how many there are at most.
    :param idle_seconds: one that was not used for so long is let go.
    :param let_go: called with each that is let go.
    :param swept: called after many were let go at once.
    """

    def __init__(
        self,
        clock: IReactorTime,
        most: int,
        idle_seconds: float,
        let_go: Callable[[Account], None],
        swept: Callable[[], object],
    ) -> None:
        self._clock = clock
        self._most = most
        self._idle_seconds = idle_seconds
        self._let_go = let_go
        self._swept = swept
        self._used: OrderedDict[Account, float] = OrderedDict()
        self._sweep: IDelayedCall | None = None
        self._let_go_lately = 0

    def __contains__(self, account: Account) -> bool:
        return account in self._used

    def used(self, account: Account) -> None:
        """
        An account is used now.
        """
        self._used[account] = self._clock.seconds()
        self._used.move_to_end(account)
        if len(self._used) > self._most:
            oldest = next(iter(self._used))
            del self._used[oldest]
            self._let_go(oldest)
        if self._sweep is None:
            self._sweep = self._clock.callLater(
                self._idle_seconds, self._sweep_out
            )

    def forget(self, account: Account) -> None:
        """
        An account is closed.
        """
        self._used.pop(account, None)

    def stop(self) -> None:
        """
        Let nobody go from here on.
        """
        self._used.clear()
        if self._sweep is not None:
            self._sweep.cancel()
            self._sweep = None

    def _sweep_out(self) -> None:
        self._sweep = None
        before = self._clock.seconds() - self._idle_seconds
        idle: list[Account] = []
        for account, used in self._used.items():
            if used > before or len(idle) == _AT_ONCE:
                break
            idle.append(account)
        for account in idle:
            del self._used[account]
            self._let_go(account)
        self._let_go_lately += len(idle)
        if len(idle) == _AT_ONCE:
            self._sweep = self._clock.callLater(_PAUSE, self._sweep_out)
            return
        if self._let_go_lately >= _MANY:
            self._swept()
        self._let_go_lately = 0
        if self._used and self._sweep is None:
            self._sweep = self._clock.callLater(
                self._idle_seconds, self._sweep_out
            )


class MailboxCache:
    """
    The mailboxes in memory, those that nobody has open among them.

    :param most: messages, of all of them.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._sizes: OrderedDict[tuple[Account, Mailbox], int] = OrderedDict()
        self._total = 0

    def used(self, account: Account, mailbox: Mailbox) -> None:
        """
        A mailbox is used now; others may have to go.
        """
        key = (account, mailbox)
        self._total -= self._sizes.pop(key, 0)
        self._sizes[key] = _MAILBOX + len(mailbox.messages)
        self._total += self._sizes[key]
        if self._total > self._most:
            self._make_room()

    def _make_room(self) -> None:
        for key, size in list(self._sizes.items()):
            if self._total <= self._most:
                return
            account, mailbox = key
            if not mailbox.users:
                del self._sizes[key]
                self._total -= size
                account.forget_mailbox(mailbox)

    def forget(self, account: Account) -> None:
        """
        An account is no more in memory.
        """
        for key in [k for k in self._sizes if k[0] is account]:
            self._total -= self._sizes.pop(key)


class RecentRenderings:
    """
    The renderings that were asked for last, of all mailboxes.

    :param most: octets, with what Python takes for each.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: OrderedDict[Hashable, dict[int, bytes]] = OrderedDict()
        self._sizes: dict[Hashable, int] = {}
        self._total = 0

    def of(self, key: Hashable) -> dict[int, bytes]:
        """
        What is held under a key, by UID; not to be changed.
        """
        held = self._held.get(key)
        if held is None:
            return {}
        self._held.move_to_end(key)
        return held

    def add(self, key: Hashable, found: dict[int, bytes]) -> None:
        """
        Hold more under a key; others may have to go, and it with them.
        """
        held = self._held.setdefault(key, {})
        new = found.keys() - held.keys()
        size = sum(len(found[uid]) for uid in new) + _RENDERING * len(new)
        held.update(found)
        self._held.move_to_end(key)
        self._sizes[key] = self._sizes.get(key, 0) + size
        self._total += size
        while self._total > self._most:
            gone, _ = self._held.popitem(last=False)
            self._total -= self._sizes.pop(gone)


def give_back_memory() -> None:
    """
    Give to the system what was freed, as far as the C library can.

    A closed database's memory lies between what is still used, in the arenas
    of the threads that opened it, and would stay there.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)

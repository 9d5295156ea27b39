"""
The real store on a folder, driven step by step; and what a client sees of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from mailsuite.disk import Disk
from mailsuite.disksteps import Step
from mailsuite.interfaces import AccountRecord, IAccount, IIncoming
from mailsuite.store.pool import Pool
from mailsuite.store.service import MailboxService, StoreLimits

T = TypeVar("T")


def record(root: str, number: int) -> AccountRecord:
    """
    An account below ``root``.
    """
    home = f"{root}/mail/{number}"
    return AccountRecord(
        number, f"user{number}@localhost", home, f"{home}/Maildir"
    )


class Running:
    """
    A store with threads of its own, whose results are waited for here.

    :param recorder: of what it does on the disk.
    :param disk: in place of an ordinary one.
    """

    def __init__(
        self,
        root: str,
        recorder: Callable[[Step], None] | None = None,
        disk: Disk | None = None,
    ) -> None:
        self._posted: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._disk = disk or Disk(recorder)
        self._pool = Pool("crash", 2, self._posted.put)
        self.root = root
        self.store = MailboxService(
            self._disk,
            self._pool,
            spool=f"{root}/spool",
            clock=Clock(),
            now=time.time,
            sleep=time.sleep,
            renderers=(),
            watcher=None,
            limits=StoreLimits(),
        )

    def wait(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """
        The coroutine's result.
        """
        results: list[Any] = []
        Deferred.fromCoroutine(coroutine).addBoth(results.append)
        while not results:
            self._posted.get(timeout=30)()
        if isinstance(results[0], Failure):
            results[0].raiseException()
        result: T = results[0]
        return result

    def close(self) -> None:
        """
        Close the store in order.
        """
        self.wait(self.store.close())
        self._pool.stop()
        self._disk.close()

    async def content(self, octets: bytes) -> IIncoming:
        """
        Content on its way in, complete.
        """
        incoming = await self.store.incoming(len(octets))
        incoming.write(octets)
        return incoming

    async def account(self, number: int) -> IAccount:
        """
        An open account.
        """
        return await self.store.account(record(self.root, number))


@dataclass(frozen=True, slots=True)
class Message:
    """
    A message as a client knows it.

    :param uid: None if it was not told.
    """

    content: bytes
    flags: frozenset[str] = frozenset()
    uid: int | None = None


@dataclass(frozen=True, slots=True)
class Box:
    """
    A mailbox as a client knows it.

    :param gone: UIDs that it was told are gone.
    """

    mailbox_id: str
    uidvalidity: int
    modseq: int
    messages: tuple[Message, ...] = ()
    gone: frozenset[int] = field(default=frozenset())


#: All that a client knows, by account and mailbox.
View = dict[tuple[int, str], Box]


async def view(running: Running, numbers: Sequence[int]) -> View:
    """
    All that is in these accounts.
    """
    found: View = {}
    for number in numbers:
        account = await running.account(number)
        for entry in await account.entries():
            if entry.selectable:
                found[number, entry.name] = await _box(account, entry.name)
        account.release()
    return found


async def _box(account: IAccount, name: str) -> Box:
    mailbox = await account.mailbox(name)
    messages = []
    for uid, flags in zip(
        list(mailbox.messages.uids), list(mailbox.messages.flags), strict=True
    ):
        content = await mailbox.open(uid)
        octets = await content.read(0, 1 << 20)
        content.close()
        names = frozenset(mailbox.flag_names.names(flags))
        messages.append(Message(octets, names, uid))
    box = Box(
        mailbox.mailbox_id,
        mailbox.uidvalidity,
        mailbox.highestmodseq,
        tuple(messages),
    )
    mailbox.release()
    return box

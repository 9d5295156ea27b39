"""
How quick the store is, without any protocol: durable deliveries, the opening
of a large mailbox, renderings, contents.

Usage::

    python benchmarks/store_bench.py [deliver|select|read|idle] [--folder F]
"""

from __future__ import annotations

import argparse
import gc
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable

from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import deferLater, react

from mailsuite.disk import Disk
from mailsuite.imap.renderers import renderers
from mailsuite.interfaces import AccountRecord
from mailsuite.mail.flags import SEEN, FlagMode
from mailsuite.mail.uids import UID, UIDSet
from mailsuite.store.pool import Pool
from mailsuite.store.service import MailboxService, StoreLimits
from mailsuite.store.watcher import Watcher

ACCOUNTS = 2_000
CONCURRENT = 20


def message(size: int) -> bytes:
    """
    A message of about ``size`` octets.
    """
    head = (
        b"From: Alice <alice@example.org>\r\nTo: bob@example.org\r\n"
        b"Subject: A message of some length\r\n"
        b"Message-ID: <1@example.org>\r\n"
        b"Date: Wed, 17 Jul 1996 23:30:00 -0700\r\n\r\n"
    )
    line = b"Do you like ketchup? How about pickles, then?\r\n"
    return head + line * ((size - len(head)) // len(line))


class Bench:
    """
    One service in one folder.
    """

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.start()

    def start(self) -> None:
        self.watcher = Watcher(reactor)
        self.pool = Pool("store", 16, reactor.callFromThread)
        self.service = MailboxService(
            Disk(),
            self.pool,
            spool=f"{self.folder}/spool",
            clock=reactor,
            now=time.time,
            sleep=time.sleep,
            renderers=renderers(),
            watcher=self.watcher,
            limits=StoreLimits(),
        )

    async def stop(self) -> None:
        await self.service.close()
        self.watcher.stop()
        self.pool.stop()

    def record(self, number: int) -> AccountRecord:
        home = f"{self.folder}/mail/user{number}"
        return AccountRecord(
            number, f"user{number}@localhost", home, f"{home}/Maildir"
        )


async def timed(what: str, work: Callable[[], Awaitable[object]]) -> float:
    """
    Do it, and print how long it took.
    """
    cpu, start = time.process_time(), time.perf_counter()
    await work()
    took = time.perf_counter() - start
    cpu = time.process_time() - cpu
    print(f"{what:48} {took * 1000:10.1f} ms  (cpu {cpu * 1000:.0f} ms)")
    return took


async def concurrently(
    count: int, work: Callable[[int], Awaitable[object]]
) -> None:
    """
    Do it for 0 to ``count``, ``CONCURRENT`` at a time.
    """
    numbers = iter(range(count))

    async def worker() -> None:
        for number in numbers:
            await work(number)

    await gatherResults(
        [Deferred.fromCoroutine(worker()) for _ in range(CONCURRENT)]
    )


async def deliveries(bench: Bench) -> None:
    """
    Durable deliveries a second.
    """
    octets = message(4096)

    async def make(number: int) -> None:
        account = await bench.service.open_account(bench.record(number))
        account.release()

    await timed(
        f"{ACCOUNTS} new accounts", lambda: concurrently(ACCOUNTS, make)
    )

    async def deliver(number: int) -> None:
        incoming = await bench.service.incoming(len(octets))
        incoming.write(octets)
        [failed] = await bench.service.deliver(
            incoming, [bench.record(number * 7 % ACCOUNTS)]
        )
        assert failed is None
        incoming.discard()

    for _ in range(2):
        took = await timed(
            "5,000 deliveries of 4 kB, 20 at a time",
            lambda: concurrently(5_000, deliver),
        )
        print(f"{5_000 / took:60.0f} a second")

    async def to_many(number: int) -> None:
        incoming = await bench.service.incoming(len(octets))
        incoming.write(octets)
        await bench.service.deliver(
            incoming, [bench.record(n) for n in range(50)]
        )
        incoming.discard()

    took = await timed(
        "200 deliveries to 50, 20 at a time",
        lambda: concurrently(200, to_many),
    )
    print(f"{200 * 50 / took:60.0f} copies a second")


def fill(bench: Bench, number: int, count: int, size: int) -> None:
    """
    A mailbox of so many messages, made past the store.
    """
    record = bench.record(number)
    octets = message(size)
    for place in ("new", "cur", "tmp"):
        os.makedirs(f"{record.maildir}/{place}", exist_ok=True)
    lines = [f"3 V1700000000 N{count + 1} G{'0' * 32}\n"]
    for uid in range(1, count + 1):
        base = f"17{uid:08}.M{uid}P1Q{uid}.host,S={len(octets)}"
        with open(f"{record.maildir}/cur/{base}:2,S", "wb") as file:
            file.write(octets)
        lines.append(f"{uid} :{base}\n")
    with open(f"{record.maildir}/dovecot-uidlist", "w") as file:
        file.writelines(lines)


async def selects(bench: Bench) -> None:
    """
    The opening of a mailbox of 100,000.
    """
    print("making 100,000 files")
    fill(bench, 1, 100_000, 400)
    await open_once(bench, "SELECT of 100,000, no index yet")
    await open_once(bench, "the same, cached")
    await bench.stop()
    bench.start()
    await open_once(bench, "the same, first after a start")
    await open_once(bench, "the same, cached")
    account = await bench.service.account(bench.record(1))
    mailbox = await account.mailbox("INBOX")
    await timed("NOOP (look)", mailbox.look)
    await timed(
        "10,000 flags",
        lambda: mailbox.store(UIDSet(((1, 10_000),)), FlagMode.REMOVE, [SEEN]),
    )
    await timed(
        "1 flag", lambda: mailbox.store(UIDSet.of([77]), FlagMode.ADD, [SEEN])
    )
    await timed("NOOP (look)", mailbox.look)
    await timed("STATUS", lambda: account.status("INBOX"))
    mailbox.release()
    account.release()


async def open_once(bench: Bench, what: str) -> None:
    async def select() -> None:
        account = await bench.service.account(bench.record(1))
        mailbox = await account.mailbox("INBOX")
        mailbox.release()
        account.release()

    await timed(what, select)


async def reading(bench: Bench) -> None:
    """
    10,000 messages of 3 kB.
    """
    print("making 10,000 files")
    fill(bench, 1, 10_000, 3_000)
    account = await bench.service.account(bench.record(1))
    mailbox = await account.mailbox("INBOX")
    uids = list(mailbox.messages.uids)

    async def render() -> None:
        for start in range(0, len(uids), 500):
            await mailbox.renderings("imap.envelope", uids[start : start + 500])

    async def contents() -> None:
        for uid in uids:
            content = await mailbox.open(UID(uid))
            await content.read(0, 65536)
            content.close()

    names = list(bench.service.tools.renderers)
    print("renderers:", ", ".join(names))
    global NAME
    for name in names:

        async def made(name: str = name) -> None:
            for start in range(0, len(uids), 500):
                await mailbox.renderings(name, uids[start : start + 500])

        await timed(f"10,000 renderings {name}, made", made)
        await timed(f"10,000 renderings {name}, kept", made)
    await timed("10,000 contents of 3 kB", contents)
    await timed("10,000 contents of 3 kB", contents)
    await timed("maildrop (UIDL)", account.maildrop)


class Clocked:
    """
    A listener that notes when it was told.
    """

    def __init__(self) -> None:
        self.told: list[float] = []

    def changed(self, change: object) -> None:
        self.told.append(time.perf_counter())


async def idling(bench: Bench) -> None:
    """
    News to 1,000 open mailboxes, and what each costs.
    """
    gc.collect()
    before = resident()
    listeners = [Clocked() for _ in range(1_000)]
    kept = []

    async def opened(number: int) -> None:
        account = await bench.service.account(bench.record(number))
        mailbox = await account.mailbox("INBOX")
        mailbox.listen(listeners[number])
        kept.append((account, mailbox))

    await timed("1,000 mailboxes opened", lambda: concurrently(1_000, opened))
    await deferLater(reactor, 1.0)
    print(f"{(resident() - before) / 1_000:46.1f} kB each")
    octets = message(4096)
    waits: list[float] = []

    async def deliver(number: int) -> None:
        number = number * 7 % 1_000
        incoming = await bench.service.incoming(len(octets))
        incoming.write(octets)
        listeners[number].told.clear()
        start = time.perf_counter()
        await bench.service.deliver(incoming, [bench.record(number)])
        while not listeners[number].told:
            await deferLater(reactor, 0.001)
        waits.append(listeners[number].told[0] - start)

    took = await timed(
        "2,000 deliveries until told, 20 at a time",
        lambda: concurrently(2_000, deliver),
    )
    print(f"{2_000 / took:46.0f} a second")
    waits.sort()
    print(f"p50 {waits[1000] * 1000:.1f} ms, p99 {waits[1980] * 1000:.1f} ms")
    for account, mailbox in kept:
        mailbox.release()
        account.release()


def resident() -> int:
    """
    Memory of this process, in kB.
    """
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4


async def main(_: object, *arguments: str) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("what", nargs="*")
    parser.add_argument("--folder")
    options = parser.parse_args(arguments)
    works = {
        "deliver": deliveries,
        "select": selects,
        "read": reading,
        "idle": idling,
    }
    for name in options.what or works:
        folder = tempfile.mkdtemp(dir=options.folder)
        bench = Bench(folder)
        try:
            await works[name](bench)
            await timed("close", bench.stop)
        finally:
            shutil.rmtree(folder)


if __name__ == "__main__":
    react(main, sys.argv[1:])

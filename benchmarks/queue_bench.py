"""
A queue of 100,000 messages: starts, listing, sending, memory.

    python benchmarks/queue_bench.py [--count 100000]

The messages are held until tomorrow, so that nothing is due while the starts
are measured; then all are sent to smtp-sink (Debian's ``postfix``), for some
seconds.
"""

from __future__ import annotations

import argparse
import signal
import sqlite3
import time
import zlib
from collections.abc import Callable
from pathlib import Path

from relays import DOMAIN, Ours
from sending import Sink

from mailsuite.disk import Disk
from mailsuite.mail.address import Address
from mailsuite.mail.envelope import Origin, Recipient, Sender
from mailsuite.transfer.entry import (
    Entry,
    QueuedRecipient,
    Remote,
    Standing,
    Stored,
)
from mailsuite.transfer.spool import Kept, Spool

_PORTS = {"mailsuite": 16025, "sink": 16225}
_IN_A_SHARD = 1024
_AT_ONCE = 64
_DAY = 86400.0
_SENDING = 10.0
_CONTENT = b"Subject: x\r\n\r\n" + (b"y" * 78 + b"\r\n") * 51


def fill(folder: Path, count: int) -> None:
    """
    Put so many messages into a queue that nobody has open.
    """
    spool = Spool(Disk(), str(folder))
    folder.mkdir(parents=True)
    shard, waiting = "", []
    for number in range(count):
        if number % _IN_A_SHARD == 0:
            shard = spool.new_shard(time.time())
        waiting.append(_message(f"{shard}{number:03x}", number))
        if len(waiting) == _AT_ONCE or number == count - 1:
            failed = [x for x in spool.keep(waiting) if not isinstance(x, int)]
            if failed:
                raise SystemExit(f"the queue cannot be filled: {failed[0]}")
            waiting = []


def _message(queue_id: str, number: int) -> Kept:
    now = time.time()
    sender = Sender(Address("alice", "relay.test"), hold_until=now + _DAY)
    recipient = Recipient(Address(f"bob{number}", DOMAIN))
    entry = Entry(
        queue_id=queue_id,
        origin=Origin("ESMTP", "mx", peer="127.0.0.1", helo="x.test"),
        sender=sender,
        arrival=now,
        expiry=now + 6 * _DAY,
        content=Stored(len(_CONTENT), zlib.crc32(_CONTENT)),
        recipients=(QueuedRecipient(1, recipient, Remote(DOMAIN)),),
    )
    return Kept(Standing(entry), _CONTENT)


def _tell(what: str, seconds: float, relay: Ours) -> None:
    memory = relay.resident() / 1e6
    print(f"{what:44} {seconds:8.2f} s {memory:8.0f} MB", flush=True)


def _timed(work: Callable[[], object]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


def _until_known(relay: Ours, count: int) -> None:
    """
    Wait until the index has every message.
    """
    path = relay.queue / "index.sqlite3"
    while True:
        database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        try:
            ((known,),) = database.execute("SELECT count(*) FROM message")
        except sqlite3.OperationalError:
            known = 0
        finally:
            database.close()
        if known >= count:
            return
        time.sleep(0.05)


def _starts(relay: Ours, count: int) -> None:
    _tell("start with the index lost", relay.start_again(), relay)
    rest = _timed(lambda: _until_known(relay, count))
    _tell("  until all are known, mail goes on", rest, relay)
    relay.stop()
    _tell("start after a clean end", relay.start_again(), relay)
    relay.stop(signal.SIGKILL)
    _tell("start after SIGKILL", relay.start_again(), relay)


def _questions(relay: Ours) -> None:
    """
    What an operator asks; each command's own start is in it.
    """
    _tell("(a command that asks nothing)", _timed(_nothing(relay)), relay)
    for words in (
        ("queue", "list", "--to", f"bob7@{DOMAIN}"),
        ("queue", "list", "--domain", "nowhere.test"),
        ("queue", "list"),
    ):
        asked = _timed(lambda w=words: relay.ask(*w))  # type: ignore[misc]
        _tell(f"mailsuite {' '.join(words)}", asked, relay)


def _nothing(relay: Ours) -> Callable[[], str]:
    return lambda: relay.ask("queue", "--help")


def _sending(relay: Ours, count: int) -> None:
    sink = Sink()
    try:
        _tell("mailsuite queue flush", _timed(relay.flush), relay)
        began = time.monotonic()
        time.sleep(_SENDING)
        sent = count - relay.waiting()
        rate = sent / (time.monotonic() - began)
        _tell(f"sending: {rate:.0f} messages a second", _SENDING, relay)
    finally:
        sink.close()


def main() -> None:
    """
    The command.
    """
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument(
        "--folder", type=Path, default=Path("/var/tmp/mailsuite-sending")
    )
    given = parser.parse_args()
    relay = Ours(
        given.folder.absolute() / "ours",
        port=_PORTS["mailsuite"],
        sink=_PORTS["sink"],
    )
    relay.prepare()
    seconds = _timed(lambda: fill(relay.queue, given.count))
    print(f"filled in {seconds:.0f} s", flush=True)
    _starts(relay, given.count)
    try:
        _questions(relay)
        _sending(relay, given.count)
    finally:
        relay.stop()


if __name__ == "__main__":
    main()

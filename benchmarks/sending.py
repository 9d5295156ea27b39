"""
How fast a queue fills and empties: Mailsuite beside Postfix, in turn.

    python benchmarks/sending.py [--count 5000] [--rounds 3]

Wants root and Debian's ``postfix``, with its smtp-source and smtp-sink.

- "filled": the sink is away while the queue is filled; then it is there, and
  the queue is flushed.  Counted from the flush to the last message's end.
- "at once": messages come in and go out at the same time.  Counted from the
  first connection of the source to the last message's end at the sink.

Both servers have the same core in turn, source and sink the others: what loads
them takes nothing from them.  ``--cores all`` gives all to all.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from relays import DOMAIN, Ours, Postfix, Relay

_PORTS = {"mailsuite": 16025, "postfix": 16125, "sink": 16225}
_SECONDS = 300.0
_COUNTED = re.compile(rb"mesg=(\d+)")


class Sink:
    """
    A server that takes messages and forgets them.
    """

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            ["smtp-sink", "-4", "-u", "nobody", "-c", "-m", "1000"]
            + [f"127.0.0.1:{_PORTS['sink']}", "1000"],
            stdout=subprocess.PIPE,
        )
        time.sleep(0.2)

    def wait_for(self, count: int) -> float:
        """
        Wait until it has taken so many messages.

        :return: when the last one came.
        """
        assert self._process.stdout is not None
        rest, taken, until = b"", 0, time.monotonic() + _SECONDS
        while taken < count:
            octets = os.read(self._process.stdout.fileno(), 65536)
            numbers = _COUNTED.findall(rest + octets)
            taken = int(numbers[-1]) if numbers else taken
            rest = octets[-20:]
            if not octets or time.monotonic() > until:
                raise SystemExit(f"only {taken} messages came to the sink")
        return time.monotonic()

    def close(self) -> None:
        """
        End it.
        """
        self._process.kill()
        self._process.communicate()


@dataclass(slots=True)
class Figures:
    """
    What one server did: seconds of each round, by what was measured.
    """

    seconds: dict[str, list[float]] = field(default_factory=dict)
    cpu: dict[str, list[float]] = field(default_factory=dict)

    def add(self, what: str, seconds: float, cpu: float) -> None:
        """
        One more round.
        """
        self.seconds.setdefault(what, []).append(seconds)
        self.cpu.setdefault(what, []).append(cpu)


@dataclass(frozen=True, slots=True)
class Work:
    """
    What is to be sent.

    :ivar pause: seconds before each measurement.
    :ivar cores: of the servers.
    :ivar others: of what loads them.
    """

    count: int
    octets: int
    sessions: int
    pause: float
    cores: frozenset[int]
    others: frozenset[int]

    def source(self, port: int) -> subprocess.Popen[bytes]:
        """
        The source, at work.
        """
        return subprocess.Popen(
            ["smtp-source", "-4", "-d", "-N"]
            + ["-m", str(self.count), "-s", str(self.sessions)]
            + ["-l", str(self.octets), "-f", "alice@relay.test"]
            + ["-t", f"bob@{DOMAIN}", f"127.0.0.1:{port}"]
        )

    def rest(self) -> None:
        """
        Leave the disk time for what it put off.
        """
        os.sync()
        time.sleep(self.pause)


def filled(relay: Relay, work: Work, figures: Figures) -> None:
    """
    Fill the queue, then empty it.
    """
    began, cpu = time.monotonic(), relay.cpu()
    _finish(work.source(relay.port))
    took = time.monotonic() - began
    figures.add("queued", took, relay.cpu() - cpu)
    _settle(relay, work)
    sink = Sink()
    try:
        began, cpu = time.monotonic(), relay.cpu()
        relay.flush()
        took = sink.wait_for(work.count) - began
        figures.add("filled", took, relay.cpu() - cpu)
        _until_empty(relay)
    finally:
        sink.close()


def at_once(relay: Relay, work: Work, figures: Figures) -> None:
    """
    Messages come in and go out.
    """
    sink = Sink()
    try:
        began, cpu = time.monotonic(), relay.cpu()
        source = work.source(relay.port)
        took = sink.wait_for(work.count) - began
        _finish(source)
        figures.add("at once", took, relay.cpu() - cpu)
        _until_empty(relay)
    finally:
        sink.close()


def alone(work: Work) -> float:
    """
    Seconds that source and sink take with no server between them.
    """
    sink = Sink()
    try:
        began = time.monotonic()
        source = work.source(_PORTS["sink"])
        took = sink.wait_for(work.count) - began
        _finish(source)
    finally:
        sink.close()
    return took


def _settle(relay: Relay, work: Work) -> None:
    """
    Wait until every message was tried in vain, and the server is idle.
    """
    until = time.monotonic() + _SECONDS
    while (waiting := relay.waiting()) != work.count:
        # One that is moved while its folder is read may be counted twice.
        if time.monotonic() > until:
            raise SystemExit(f"{relay.name} has {waiting} messages waiting")
        time.sleep(0.5)
    before = -1.0
    while relay.cpu() - before > 0.05:
        before = relay.cpu()
        work.rest()


def _until_empty(relay: Relay) -> None:
    until = time.monotonic() + _SECONDS
    while relay.waiting():
        if time.monotonic() > until:
            raise SystemExit(f"{relay.name} keeps {relay.waiting()} messages")
        time.sleep(0.1)


def _finish(source: subprocess.Popen[bytes]) -> None:
    if source.wait(_SECONDS):
        raise SystemExit("smtp-source failed")


def _measured(
    relay: Relay,
    work: Work,
    figures: Figures,
    measure: Callable[[Relay, Work, Figures], None],
) -> None:
    work.rest()
    os.sched_setaffinity(0, work.cores)
    relay.start()
    os.sched_setaffinity(0, work.others)
    try:
        work.rest()
        measure(relay, work, figures)
    finally:
        relay.stop()


def _table(work: Work, ours: Figures, theirs: Figures) -> None:
    print(f"{'messages a second':18} {'mailsuite':>10} {'postfix':>10} ratio")
    for what, mine in ours.seconds.items():
        rates = [work.count / x for x in mine]
        others = [work.count / x for x in theirs.seconds[what]]
        ratio = median(rates) / median(others)
        print(f"{what:18} {median(rates):10.0f} {median(others):10.0f}", end="")
        print(f" {ratio:5.2f}   ({_list(rates)} : {_list(others)})")
    print("CPU seconds")
    for what, mine in ours.cpu.items():
        other = median(theirs.cpu[what])
        print(f"{what:18} {median(mine):10.2f} {other:10.2f}", end="")
        print(f" {other / median(mine):5.2f}")


def _list(rates: list[float]) -> str:
    return " ".join(f"{x:.0f}" for x in rates)


def _given() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--count", type=int, default=5000)
    parser.add_argument("--octets", type=int, default=4096)
    parser.add_argument("--sessions", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pause", type=float, default=8.0, help="seconds")
    parser.add_argument(
        "--only", choices=("filled", "at-once"), help="one of both"
    )
    parser.add_argument(
        "--cores", default="0", help="of the servers, such as 0 or 0,1; all"
    )
    parser.add_argument(
        "--postfix",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="another value than its default, such as in_flow_delay=0",
    )
    parser.add_argument(
        "--folder", type=Path, default=Path("/var/tmp/mailsuite-sending")
    )
    return parser.parse_args()


def main() -> None:
    """
    The command.
    """
    given = _given()
    if os.geteuid() != 0:
        raise SystemExit("Postfix has to be started as root")
    every = frozenset(os.sched_getaffinity(0))
    cores = every
    if given.cores != "all":
        cores = every & frozenset(map(int, given.cores.split(",")))
    if not cores:
        raise SystemExit(f"--cores {given.cores}: there are {sorted(every)}")
    work = Work(
        given.count,
        given.octets,
        given.sessions,
        given.pause,
        cores,
        (every - cores) or every,
    )
    folder = given.folder.absolute()
    sink = _PORTS["sink"]
    ours = Ours(folder / "ours", port=_PORTS["mailsuite"], sink=sink)
    theirs = Postfix(
        folder / "postfix",
        port=_PORTS["postfix"],
        sink=sink,
        options=tuple(given.postfix),
    )
    figures = {ours.name: Figures(), theirs.name: Figures()}
    rate = work.count / alone(work)
    print(f"source and sink alone: {rate:.0f} messages a second", flush=True)
    for number in range(given.rounds):
        for measure in (filled, at_once):
            if given.only in (None, measure.__name__.replace("_", "-")):
                for relay in (ours, theirs):
                    _measured(relay, work, figures[relay.name], measure)
        print(f"round {number + 1} of {given.rounds} done", flush=True)
    _table(work, figures[ours.name], figures[theirs.name])


if __name__ == "__main__":
    main()

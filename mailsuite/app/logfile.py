"""
The log as twistd's options want it, for a server that writes much of it.

Implementation notes

- The lines are Twisted's own, octet for octet; only that a time is printed once
  a second, a usual line by ``str.format``, and all lines of a round of the
  reactor are written in one piece: for each line alone the rest of the server
  waited.
- What is logged while the reactor does not run is written at once.
- What cannot be written is lost: to log that would fail as well, in each round.
"""

from __future__ import annotations

import atexit
import io
import signal
import sys
from collections import deque
from contextlib import suppress
from typing import IO, Any, cast

from twisted.logger import (
    FileLogObserver,
    ILogObserver,
    LogEvent,
    formatEventAsClassicLogText,
    formatTime,
)
from twisted.python import usage
from twisted.python.logfile import LogFile
from twisted.python.threadable import isInIOThread


def observer(twistd: usage.Options, reactor: Any) -> ILogObserver | None:
    """
    An observer that writes where twistd's own would.

    :raises SystemExit: the file cannot be opened.
    :return: None where twistd was told to log otherwise than to a file.
    """
    if twistd.get("logger") or twistd.get("syslog"):
        return None
    name = twistd.get("logfile")
    if name == "-" or (not name and twistd.get("nodaemon")):
        if not twistd.get("nodaemon"):
            # twistd refuses that in its own words.
            return None
        return _to(sys.stdout, reactor)
    name = name or "twistd.log"
    try:
        file: Any = LogFile.fromFullPath(name)
    except OSError as error:
        raise SystemExit(
            f"mailsuite: --logfile {name}: {error.strerror}"
        ) from error
    if not signal.getsignal(signal.SIGUSR1):
        # As twistd does, so that the log can be rotated from outside.
        signal.signal(
            signal.SIGUSR1, lambda *_: reactor.callFromThread(file.rotate)
        )
    return _to(file, reactor)


def _to(file: IO[Any], reactor: Any) -> ILogObserver:
    # A file of the standard library is none of its own types.
    gathered = cast(IO[str], Gathered(file, reactor))
    return FileLogObserver(gathered, Lines())


class Gathered(io.TextIOBase):
    """
    A text file to which what is written in one round of the reactor goes in
    one piece.  Written to in any thread.
    """

    def __init__(self, file: IO[Any], reactor: Any) -> None:
        self._file = file
        self._reactor = reactor
        self._waiting: deque[str] = deque()
        self._called = False
        self._octets = isinstance(file, LogFile)
        atexit.register(self.write_out)

    def write(self, text: str) -> int:
        """
        Write, soon.
        """
        self._waiting.append(text)
        return len(text)

    def flush(self) -> None:
        """
        What was written is to get into the file.
        """
        if not self._reactor.running:
            self.write_out()
        elif self._called:
            return
        elif isInIOThread():
            self._called = True
            self._reactor.callLater(0, self.write_out)
        else:
            self._called = True
            self._reactor.callFromThread(self.write_out)

    def write_out(self) -> None:
        """
        On return all is in the file.
        """
        # Before anything is taken: who writes from here on calls again.
        self._called = False
        lines: list[str] = []
        with suppress(IndexError):
            while True:
                lines.append(self._waiting.popleft())
        if lines:
            text = "".join(lines)
            # The disk is full, or the terminal gone.
            with suppress(OSError, ValueError):
                self._file.write(text.encode() if self._octets else text)
                self._file.flush()


class Lines:
    """
    Prints events as ``formatEventAsClassicLogText`` does.
    """

    def __init__(self) -> None:
        self._second = -1
        self._time = ""

    def __call__(self, event: LogEvent) -> str | None:
        """
        The line of an event; None if it has none.
        """
        if "log_failure" not in event and "log_flattened" not in event:
            try:
                return self._usual(event)
            except Exception:  # noqa: BLE001 - what it is Twisted will tell
                pass
        return formatEventAsClassicLogText(event)

    def _usual(self, event: LogEvent) -> str:
        form = event["log_format"]
        if "(" in form:
            # A call, perhaps, which str.format does not know.
            raise ValueError
        text = form.format_map(event).replace("\n", "\n\t")
        if not text:
            raise ValueError
        system = event.get("log_system")
        if system is None:
            namespace, level = event["log_namespace"], event["log_level"]
            system = f"{namespace}#{level.name}"
        second = int(event["log_time"])
        if second != self._second:
            self._second, self._time = second, formatTime(second)
        return f"{self._time} [{system}] {text}\n"

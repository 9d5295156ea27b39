"""
Tests for ``mailsuite.app.logfile``.
"""

from __future__ import annotations

import io
import os
from pathlib import Path

from twisted.internet.testing import MemoryReactorClock
from twisted.logger import (
    LogEvent,
    Logger,
    LogLevel,
    formatEventAsClassicLogText,
)
from twisted.python.failure import Failure
from twisted.python.logfile import LogFile
from twisted.python.threadable import registerAsIOThread
from twisted.scripts.twistd import ServerOptions
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.app.logfile import Gathered, Lines, observer


class _Text:
    """
    Lends itself to formats in each way that Twisted knows.
    """

    name = "a\nb"

    def __call__(self) -> str:
        return "called"


class LinesTests(SynchronousTestCase):
    """
    Every line is the one that Twisted prints.
    """

    def assert_same(self, **event: object) -> None:
        """
        Both print the same, at two times.
        """
        lines = Lines()
        for time in (1795579297.9, 1795579298.1, 1795579298.2):
            known: LogEvent = {
                "log_time": time,
                "log_namespace": "a.b",
                "log_level": LogLevel.info,
                **event,
            }
            self.assertEqual(lines(known), formatEventAsClassicLogText(known))

    def test_usual(self) -> None:
        """
        Fields, conversions, attributes, items and braces.
        """
        self.assert_same(
            log_format="{{x}} {a} {a!r:>9} {b.name} {c[k]}",
            a="1\n2",
            b=_Text(),
            c={"k": 5},
        )

    def test_system(self) -> None:
        """
        Its own name for where it comes from.
        """
        self.assert_same(log_format="x", log_system="HTTP,1")

    def test_unusual(self) -> None:
        """
        Calls, failures, fields that are missing, formats of no text.
        """
        self.assert_same(log_format="{b()} {b}", b=_Text())
        self.assert_same(log_format="{nothing}")
        self.assert_same(log_format="")
        self.assert_same(log_format=b"octets {a}", a=1)
        self.assert_same()
        try:
            raise ValueError("x")
        except ValueError:
            self.assert_same(log_format="bug", log_failure=Failure())

    def test_no_time(self) -> None:
        """
        What was not logged by a Logger.
        """
        event: LogEvent = {"log_format": "x"}

        self.assertEqual(Lines()(event), "- [-#-] x\n")


class GatheredTests(SynchronousTestCase):
    """
    Tests for ``Gathered``.
    """

    def setUp(self) -> None:
        self.reactor = MemoryReactorClock()
        self.writes: list[str] = []
        file = io.StringIO()
        self.patch(file, "write", self.writes.append)
        self.gathered = Gathered(file, self.reactor)
        registerAsIOThread()

    def log(self, *lines: str) -> None:
        """
        What an observer does for each.
        """
        for line in lines:
            self.gathered.write(line)
            self.gathered.flush()

    def test_one_piece_a_round(self) -> None:
        """
        What comes in a round is one write; the next round has its own.
        """
        self.reactor.running = True
        self.log("a\n", "b\n")
        self.assertEqual(self.writes, [])

        self.reactor.advance(0)
        self.log("c\n")
        self.reactor.advance(0)

        self.assertEqual(self.writes, ["a\nb\n", "c\n"])

    def test_no_rounds(self) -> None:
        """
        Before the reactor runs and after its end it is written at once, what
        waits too.
        """
        self.log("a\n")
        self.reactor.running = True
        self.log("b\n")
        self.reactor.running = False
        self.log("c\n")

        self.assertEqual(self.writes, ["a\n", "b\nc\n"])

    def test_no_space(self) -> None:
        """
        A full disk costs the lines alone; what follows is written again.
        """
        full = io.StringIO()
        errors = [OSError(28, "No space left on device")]

        def write(text: str) -> int:
            if errors:
                raise errors.pop()
            self.writes.append(text)
            return len(text)

        self.patch(full, "write", write)
        self.gathered = Gathered(full, self.reactor)
        self.reactor.running = True
        self.log("a\n")
        self.reactor.advance(0)
        self.assertEqual(self.reactor.getDelayedCalls(), [])

        self.log("b\n")
        self.reactor.advance(0)

        self.assertEqual(self.writes, ["b\n"])


class ObserverTests(SynchronousTestCase):
    """
    Tests for ``observer``.
    """

    def options(self, *arguments: str) -> ServerOptions:
        """
        What twistd was told.
        """
        options = ServerOptions()
        options.parseOptions([*arguments, "ftp"])
        return options

    def test_file(self) -> None:
        """
        In the file that was named, as text of UTF-8.
        """
        name = os.path.abspath(self.mktemp())
        found = observer(self.options("--logfile", name), MemoryReactorClock())
        assert found is not None

        Logger("a.b", observer=found).info("né {x}", x=1)

        self.assertTrue(
            Path(name).read_text("utf-8").endswith(" [a.b#info] né 1\n")
        )

    def test_no_such_folder(self) -> None:
        """
        A file that cannot be opened is said in one line.
        """
        name = os.path.join(os.path.abspath(self.mktemp()), "log")
        options = self.options("--logfile", name)

        refused = self.assertRaises(
            SystemExit, observer, options, MemoryReactorClock()
        )

        self.assertEqual(
            refused.code,
            f"mailsuite: --logfile {name}: No such file or directory",
        )

    def test_elsewhere(self) -> None:
        """
        Where twistd is to log otherwise, it does.
        """
        for arguments in (
            ("--syslog",),
            ("--logger", "twisted.logger.LogPublisher"),
            ("--logfile", "-"),
        ):
            reactor = MemoryReactorClock()
            self.assertIsNone(observer(self.options(*arguments), reactor))

    def test_rotation(self) -> None:
        """
        What is written after the file is rotated is in the new one.
        """
        name = os.path.abspath(self.mktemp())
        file = LogFile.fromFullPath(name)
        gathered = Gathered(file, MemoryReactorClock())
        gathered.write("a\n")
        gathered.flush()

        file.rotate()
        gathered.write("b\n")
        gathered.flush()

        self.assertEqual(Path(name).read_text(), "b\n")
        self.assertEqual(Path(f"{name}.1").read_text(), "a\n")

"""
The real suite as a process, for tests that drive it with real programs.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SkipTest, TestCase

from mailsuite.app.config import EMBEDDED_PORTS

_START_SECONDS = 60.0
_STOP_SECONDS = 30.0


class SuiteDidNotStart(Exception):
    """
    The text is what it said.
    """


class RunningSuite:
    """
    ``twistd mailsuite start``, in a process of its own.

    :ivar facts: the content of ``first-start.json``.
    """

    def __init__(
        self, folder: Path, *options: str, twistd: tuple[str, ...] = ()
    ) -> None:
        """
        Start it; on return it accepts connections.

        :param folder: made if it is missing; the state lies in its ``state``.
        :param options: for ``start``; without ``--port``s or ``--config``,
            free ports are taken.
        :param twistd: options for ``twistd``.
        """
        self.folder = folder.absolute()
        self.state = self.folder / "state"
        self.folder.mkdir(parents=True, exist_ok=True)
        self._output = self.folder / "output"
        chosen = [] if "--config" in options else free_ports()
        command = [
            *_twistd(),
            "--nodaemon",
            "--pidfile=",
            *twistd,
            "mailsuite",
            "start",
            "--state",
            str(self.state),
            *chosen,
            *options,
        ]
        ready = self.state / "first-start.json"
        before = _written(ready)
        with self._output.open("ab") as output:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self.folder,
                env=environment(),
            )
        until = time.monotonic() + _START_SECONDS
        while _written(ready) == before:
            if self.process.poll() is not None or time.monotonic() > until:
                self.kill()
                raise SuiteDidNotStart(self.output())
            time.sleep(0.02)
        self.facts: dict[str, Any] = json.loads(ready.read_text())

    def output(self) -> str:
        """
        What it said on the terminal, and its log.
        """
        return self._output.read_text(errors="replace")

    def port(self, protocol: str) -> int:
        """
        Where a protocol is served.
        """
        [found] = [
            one["port"]
            for one in self.facts["listeners"]
            if one["protocol"] == protocol
        ]
        assert isinstance(found, int)
        return found

    def password(self, user: str) -> str:
        """
        The first password of ``alice`` or ``bob``.
        """
        [found] = [
            one["password"]
            for one in self.facts["accounts"]
            if one["user"].partition("@")[0] == user
        ]
        assert isinstance(found, str)
        return found

    def command(self, *words: str, stdin: str = "") -> str:
        """
        A ``mailsuite`` command's output; it must succeed.
        """
        done = subprocess.run(
            [sys.executable, "-m", "mailsuite.app", "--state", str(self.state)]
            + list(words),
            input=stdin,
            capture_output=True,
            text=True,
            cwd=self.folder,
            env=environment(),
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def stop(self) -> None:
        """
        End it in order; on return it is gone.
        """
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()
                raise

    def kill(self) -> None:
        """
        End it at once.
        """
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


class SuiteTestCase(TestCase):
    """
    A test with a suite of its own, ended with it.
    """

    timeout = 180
    programs: tuple[str, ...] = ()

    def setUp(self) -> None:
        """
        Start it; skip if a program is not there that the test drives.
        """
        for program in self.programs:
            need(program)
        self.folder = Path(self.mktemp()).absolute()
        self.suite = RunningSuite(self.folder)
        self.addCleanup(self.suite.stop)


def need(program: str) -> str:
    """
    The path of a program.

    :raises SkipTest: it is not installed.
    """
    found = shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin:/sbin")
    if found is None:
        raise SkipTest(f"{program} is not installed")
    return found


def environment() -> dict[str, str]:
    """
    For processes that run this very code.
    """
    root = str(Path(__file__).parents[2])
    paths = [root, os.environ.get("PYTHONPATH", "")]
    return os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}


def free_ports() -> list[str]:
    """
    Options for a free port for each protocol.
    """
    return [f"--port={protocol}=0" for protocol in EMBEDDED_PORTS]


def _twistd() -> list[str]:
    # The interpreter of these tests, wherever its scripts lie.
    program = "from twisted.scripts.twistd import run; run()"
    return [sys.executable, "-c", program]


def _written(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns

"""
A real Thunderbird reads, writes and sends.

The driver is not part of this project: it is looked for in MAILSUITE_SHARED,
else in ``../shared``.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from twisted.internet.threads import deferToThread
from twisted.trial.unittest import SkipTest, TestCase

from tests.support.suite import RunningSuite, environment, need

_ROOT = Path(__file__).parents[2]
_STEPS = "imap,pop3,smtp,draft,restart,badpassword,screenshot"
_SECONDS = 600
_PROTOCOLS = {
    "plain": ("imap", "pop3", "submission"),
    "starttls": ("imap", "pop3", "submission"),
    "tls": ("imaps", "pop3s", "submissions"),
}


def _driver() -> Path:
    shared = Path(os.environ.get("MAILSUITE_SHARED", _ROOT.parent / "shared"))
    driver = shared / "thunderbird" / "drive.py"
    if not driver.is_file():
        raise SkipTest(f"{driver} is not there; MAILSUITE_SHARED names it")
    return driver


class ThunderbirdTests(TestCase):
    """
    Every check of the driver, in each way to be secure.
    """

    timeout = _SECONDS + 60

    def setUp(self) -> None:
        """
        A first start as it is, and a third account by the command.
        """
        self.driver = _driver()
        need("thunderbird")
        need("Xvfb")
        self.folder = Path(self.mktemp()).absolute()
        self.suite = RunningSuite(self.folder)
        self.addCleanup(self.suite.stop)
        self.suite.command(
            "user", "add", "carol@localhost", stdin="carol-secret\n"
        )

    async def _drive(self, security: str) -> None:
        suite = self.suite
        imap, pop3, submission = _PROTOCOLS[security]
        options = {
            "domain": "localhost",
            "server-name": "localhost",
            "ca": suite.facts["ca_file"],
            "security": security,
            "imap-port": suite.port(imap),
            "pop3-port": suite.port(pop3),
            "smtp-port": suite.port(submission),
            "mx-port": suite.port("smtp"),
            "alice": f"alice@localhost:{suite.password('alice')}",
            "bob": f"bob@localhost:{suite.password('bob')}",
            "carol": "carol@localhost:carol-secret",
            "steps": _STEPS,
            "patience": os.environ.get("MAILSUITE_PATIENCE", "3"),
            "out": self.folder / "thunderbird",
        }
        words = [
            word
            for name, value in options.items()
            for word in (f"--{name}", str(value))
        ]
        done = await deferToThread(
            subprocess.run,
            [sys.executable, str(self.driver), *words],
            cwd=self.folder,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=_SECONDS,
        )
        log = suite.output()
        self.assertEqual(
            done.returncode, 0, f"{done.stdout}\n{done.stderr}\n{log[-4000:]}"
        )
        self.assertNotIn("Traceback", log)

    async def test_in_clear(self) -> None:
        """
        On loopback passwords may go in clear.
        """
        await self._drive("plain")

    async def test_by_starttls(self) -> None:
        """
        STARTTLS and STLS.
        """
        await self._drive("starttls")

    async def test_by_tls(self) -> None:
        """
        TLS from the first octet.
        """
        await self._drive("tls")

"""
Killed at random moments while it takes and sends mail, again and again.

``MAILSUITE_KILLS`` is how often, 15 if it is not set; ``MAILSUITE_SEED``
repeats a run's choices.
"""

from __future__ import annotations

import os
import random
import smtplib
import socket
import sys
import threading
import time
from collections import Counter
from itertools import pairwise
from pathlib import Path

from twisted.trial.unittest import TestCase

from mailsuite.transfer.gate import MOST_UNRECORDED
from tests.support.counting_peer import Copy, CountingPeer
from tests.support.suite import RunningSuite

_KILLS = int(os.environ.get("MAILSUITE_KILLS", "15"))
_SENDERS = 4
_SECONDS = 120.0

#: Connections to the peer, so messages that it may be about to answer for.
_CONNECTIONS = 20

#: Copies that may wait, so that the queue does not outgrow the peer.
_MOST_WAITING = 1500

#: Octets of messages: in one piece, in several, in a file of their own.
_SIZES = (300, 300, 300, 4_000, 4_000, 70_000)
_LARGE = 1_200_000

_CONFIGURATION = """\
host_name = "relay.test"
default_domain = "relay.test"
[relay]
networks = ["127.0.0.1"]
[queue]
retry_minutes = [0.01, 0.02]
later_minutes = 0.03
[sending]
connections_per_destination = {connections}
[[route]]
to = "*"
via = "127.0.0.1:{peer}"
[[listen]]
protocol = "smtp"
port = {port}
"""


class Sender(threading.Thread):
    """
    Hands in numbered messages until the connection breaks.

    :ivar answered: the copies that were answered for with 250.
    :ivar begun: all that may have been taken.
    """

    def __init__(self, port: int, numbers: range, seed: int) -> None:
        super().__init__()
        self._port = port
        self._numbers = numbers
        self._chance = random.Random(seed)
        self.waits = threading.Event()
        self.answered: list[Copy] = []
        self.begun: list[Copy] = []

    def run(self) -> None:
        """
        Go on until the server is killed.
        """
        try:
            with smtplib.SMTP("127.0.0.1", self._port, "x.test") as client:
                client.ehlo()
                for number in self._numbers:
                    while self.waits.is_set():
                        time.sleep(0.05)
                        client.noop()
                    self._send(client, number)
        except (OSError, smtplib.SMTPException):
            pass

    def _send(self, client: smtplib.SMTP, number: int) -> None:
        recipients = [f"bob@{self._chance.randrange(5)}.test"]
        if self._chance.random() < 0.2:
            recipients += ["carol@5.test", "dave@6.test", "erin@6.test"]
        octets = self._chance.choice(_SIZES)
        if self._chance.random() < 0.01:
            octets = _LARGE
        copies = [Copy(number, recipient) for recipient in recipients]
        self.begun += copies
        client.sendmail(
            "alice@relay.test",
            recipients,
            b"Subject: x\r\nX-Number: %d\r\n\r\n" % number
            + (b"y" * 98 + b"\r\n") * (octets // 100 + 1),
        )
        self.answered += copies


class QueueKilledTests(TestCase):
    """
    SIGKILL: what was answered for arrives, and little of it twice.
    """

    timeout = 200 + 20 * _KILLS

    def setUp(self) -> None:
        """
        With a server that sends all it has to a peer that counts.
        """
        seed = os.environ.get("MAILSUITE_SEED", str(time.time_ns()))
        self.seed = seed
        self.chance = random.Random(seed)
        self.peer = CountingPeer(self.chance.randrange(1 << 30))
        self.addCleanup(self.peer.close)
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir()
        self.port = _free_port()
        (self.folder / "mailsuite.toml").write_text(
            _CONFIGURATION.format(
                peer=self.peer.port,
                port=self.port,
                connections=_CONNECTIONS,
            )
        )
        self.answered: list[Copy] = []
        self.begun: set[Copy] = set()

    def test_killed_at_random(self) -> None:
        """
        Every copy that was answered for arrives.  One that comes twice came
        the first time in a life that was killed later, and no kill leaves
        more of them than may be unrecorded or under way.
        """
        for number in range(1, _KILLS + 1):
            self.live(number)
        self.end()

        lost = [copy for copy in self.answered if copy not in self.peer.came]
        self.assertEqual(lost, [], f"seed {self.seed}")
        unknown = set(self.peer.came) - self.begun
        self.assertEqual(unknown, set(), f"seed {self.seed}")
        repeated = self.repeated()
        most = max(repeated.values(), default=0)
        self.assertLessEqual(most, MOST_UNRECORDED + _CONNECTIONS, self.seed)
        self.assertEqual(
            [life for life in repeated if life > _KILLS],
            [],
            f"twice with no kill between, seed {self.seed}",
        )
        output = (self.folder / "output").read_text(errors="replace")
        self.assertNotIn("Traceback", output)
        if "MAILSUITE_KILLS" in os.environ:
            sys.stderr.write(
                f"{_KILLS} kills: {len(self.answered)} copies answered for,"
                f" {len(lost)} lost, {sum(repeated.values())} came again, at"
                f" most {most} of one kill\n"
            )

    def repeated(self) -> Counter[int]:
        """
        Of each life, the copies that came in it and then once more.
        """
        found: Counter[int] = Counter()
        for copy, lives in self.peer.came.items():
            for earlier, later in pairwise(sorted(lives)):
                self.assertLess(earlier, later, f"{copy}, seed {self.seed}")
                found[earlier] += 1
        return found

    def suite(self) -> RunningSuite:
        """
        A running one.
        """
        configuration = str(self.folder / "mailsuite.toml")
        suite = RunningSuite(self.folder, "--config", configuration)
        self.addCleanup(suite.kill)
        return suite

    def live(self, life: int) -> None:
        """
        Start it, have it take and send mail, kill it.
        """
        self.peer.life = life
        suite = self.suite()
        senders = [
            Sender(
                self.port,
                range(life * 1_000_000 + n, (life + 1) * 1_000_000, _SENDERS),
                self.chance.randrange(1 << 30),
            )
            for n in range(_SENDERS)
        ]
        waiting = len(self.answered) - len(self.peer.came)
        for sender in senders:
            if waiting > _MOST_WAITING:
                sender.waits.set()
            sender.start()
        time.sleep(self.chance.uniform(0.0, 1.5))
        suite.kill()
        for sender in senders:
            sender.waits.clear()
            sender.join()
            self.answered += sender.answered
            self.begun.update(sender.begun)

    def end(self) -> None:
        """
        Let it send what is left.
        """
        self.peer.life = _KILLS + 1
        suite = self.suite()
        until = time.monotonic() + _SECONDS
        while left := _waiting(suite.state / "queue"):
            self.assertLess(time.monotonic(), until, f"{left} wait")
            time.sleep(0.2)
        suite.stop()


def _waiting(queue: Path) -> int:
    """
    How many messages wait; what was half written at a kill, and so never
    answered for, lies in ``broken``.
    """
    return sum(x.parent.name != "broken" for x in queue.glob("*/*.q"))


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert isinstance(port, int)
    return port

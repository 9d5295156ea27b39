"""
Killed at a moment of its own choosing, again and again.

``MAILSUITE_KILLS`` is how often, 5 if it is not set; ``MAILSUITE_SEED`` repeats
a run's choices.
"""

from __future__ import annotations

import os
import random
import re
import threading
import time
from collections import Counter
from pathlib import Path

from twisted.trial.unittest import TestCase

from tests.support.adversary import Adversary, leftovers
from tests.support.suite import RunningSuite

_KILLS = int(os.environ.get("MAILSUITE_KILLS", "5"))
_SENDERS = 4
_USERS = ("alice", "bob")
_ROW = re.compile(rb"\* [0-9]+ FETCH \(UID ([0-9]+) FLAGS \(([^)]*)\)")

#: Octets of messages: in one piece, in several, in a file of their own.
_SIZES = (300, 300, 5_000, 70_000, 1_500_000)


class Sender(threading.Thread):
    """
    Hands in numbered messages for all users until the connection breaks.

    :ivar answered: those that were answered 250.
    :ivar lost: the one whose answer did not come.
    """

    def __init__(self, suite: RunningSuite, first: int, seed: int) -> None:
        super().__init__()
        self._suite = suite
        self._chance = random.Random(seed)
        self._number = first
        self.answered: list[int] = []
        self.lost: int | None = None

    def run(self) -> None:
        """
        Go on until it is killed.
        """
        try:
            client = Adversary(self._suite, "smtp")
            client.line()
            client.send(b"EHLO client.test\r\n")
            client.until(b"250 ")
            while self._sent(client):
                self._number += _SENDERS
        except (ConnectionError, AssertionError):
            pass

    def _sent(self, client: Adversary) -> bool:
        content = b"Subject: %d\r\n\r\n" % self._number
        content += b"y" * self._chance.choice(_SIZES)
        recipients = b"".join(
            b"RCPT TO:<%b@localhost>\r\n" % user.encode() for user in _USERS
        )
        client.send(b"MAIL FROM:<x@client.test>\r\n" + recipients)
        client.until(b"250 2.1.0")
        client.until(b"250 2.1.5")
        client.until(b"250 2.1.5")
        self.lost = self._number
        client.send(b"BDAT %d LAST\r\n" % len(content) + content)
        reply = client.line()
        if reply.startswith(b"250 "):
            self.answered.append(self._number)
            self.lost = None
        return bool(reply)


class Flagger(threading.Thread):
    """
    Looks at each message of a user as it comes, and flags it.

    :ivar subjects: by UID, as told.
    :ivar flagged: UIDs whose flag was answered OK.
    """

    def __init__(self, suite: RunningSuite, user: str, first: int) -> None:
        super().__init__()
        self._suite = suite
        self._user = user
        self._next = first
        self.subjects: dict[int, int] = {}
        self.flagged: set[int] = set()

    def run(self) -> None:
        """
        Go on until it is killed.
        """
        try:
            client = opened(self._suite, self._user)
            while True:
                found = listed(client, f"{self._next}:*")
                for uid, (subject, _) in found.items():
                    self.subjects[uid] = subject
                    client.send(b"s UID STORE %d +FLAGS (\\Flagged)\r\n" % uid)
                    client.until(b"s OK")
                    self.flagged.add(uid)
                    self._next = max(self._next, uid + 1)
        except (ConnectionError, AssertionError):
            pass


def opened(suite: RunningSuite, user: str) -> Adversary:
    """
    A session with INBOX selected.
    """
    client = Adversary(suite, "imap")
    client.line()
    password = suite.password(user)
    client.send(f"a LOGIN {user} {password}\r\nb SELECT INBOX\r\n".encode())
    client.until(b"b OK")
    return client


def listed(client: Adversary, uids: str) -> dict[int, tuple[int, bytes]]:
    """
    The numbers and flags of messages, by UID.
    """
    items = "(UID FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])"
    client.send(f"n NOOP\r\nf UID FETCH {uids} {items}\r\n".encode())
    client.until(b"n OK")
    found: dict[int, tuple[int, bytes]] = {}
    uid, flags = 0, b""
    for line in client.until(b"f OK"):
        if row := _ROW.match(line):
            uid, flags = int(row[1]), row[2]
        elif line.startswith(b"Subject: "):
            found[uid] = (int(line.removeprefix(b"Subject: ")), flags)
    return found


class KilledTests(TestCase):
    """
    Nothing that was answered is lost, doubled or renumbered.
    """

    timeout = 120 + 30 * _KILLS

    def test_killed_while_mail_arrives(self) -> None:
        """
        By four clients, for two users, whose clients set flags.
        """
        seed = int(os.environ.get("MAILSUITE_SEED", time.time_ns() % 10**6))
        self.chance = random.Random(seed)
        self.answered: list[int] = []
        self.lost: Counter[int] = Counter()
        self.subjects: dict[str, dict[int, int]] = {u: {} for u in _USERS}
        self.flagged: dict[str, set[int]] = {user: set() for user in _USERS}
        self.suite = self.started()

        for kill in range(_KILLS):
            self._run_and_kill(kill)
            self.suite = self.started()
            for user in _USERS:
                self._compare(user, f"seed {seed}, kill {kill}")

        self.assertTrue(self.answered)
        said = self.suite.output()
        self.assertNotIn("Traceback", said)
        self.assertEqual(leftovers(self.suite), [])

    def started(self) -> RunningSuite:
        """
        Start it; ended with the test.
        """
        if not hasattr(self, "folder"):
            self.folder = Path(self.mktemp()).absolute()
        suite = RunningSuite(self.folder)
        self.addCleanup(suite.kill)
        return suite

    def _run_and_kill(self, kill: int) -> None:
        first = max([0, *self.answered, *self.lost]) + 1
        senders = [
            Sender(self.suite, first + n, self.chance.randrange(10**6))
            for n in range(_SENDERS)
        ]
        flaggers = [
            Flagger(self.suite, user, max([0, *self.subjects[user]]) + 1)
            for user in _USERS
        ]
        for thread in (*senders, *flaggers):
            thread.start()
        time.sleep(self.chance.uniform(0.2, 1.0))
        self.suite.kill()
        for thread in (*senders, *flaggers):
            thread.join()
        for sender in senders:
            self.answered += sender.answered
            if sender.lost is not None:
                self.lost[sender.lost] += 1
        for user, flagger in zip(_USERS, flaggers, strict=True):
            self.subjects[user].update(flagger.subjects)
            self.flagged[user] |= flagger.flagged

    def _compare(self, user: str, moment: str) -> None:
        client = opened(self.suite, user)
        found = listed(client, "1:*")
        client.close()

        counted = Counter(subject for subject, _ in found.values())
        wrong = {
            number: counted[number]
            for number in self.answered
            if counted[number] != 1
        }
        self.assertEqual(wrong, {}, f"not there once, {moment}")
        unknown = set(counted) - set(self.answered) - set(self.lost)
        self.assertEqual(unknown, set(), f"sent by nobody, {moment}")
        doubled = {n for n in self.lost if counted[n] > 1}
        self.assertEqual(doubled, set(), f"doubled, {moment}")
        for uid, subject in self.subjects[user].items():
            self.assertEqual(found[uid][0], subject, f"UID {uid}, {moment}")
        for uid in self.flagged[user]:
            self.assertIn(b"\\Flagged", found[uid][1], f"UID {uid}, {moment}")
        # What was not told before has a UID above all that were.
        told = max([0, *self.subjects[user]])
        late = [u for u in found if u < told and u not in self.subjects[user]]
        self.assertEqual(late, [], f"below UID {told}, {moment}")
        self.subjects[user] = {u: subject for u, (subject, _) in found.items()}

"""
Killed while IMAP clients change their mailboxes, again and again.

``MAILSUITE_KILLS`` is how often, 2 if it is not set; ``MAILSUITE_SEED`` repeats
a run's choices.
"""

from __future__ import annotations

import os
import random
import re
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from twisted.trial.unittest import TestCase

from tests.support.adversary import Adversary
from tests.support.suite import RunningSuite

_KILLS = int(os.environ.get("MAILSUITE_KILLS", "2"))
_USERS = ("alice", "bob")
_MAILBOXES = ("INBOX", "Archive", "Trash")
_FLAGS = ("\\Seen", "\\Flagged", "red", "blue")
_SIZES = (10, 5_000, 1_500_000)
_ROW = re.compile(r"\* [0-9]+ FETCH \(UID ([0-9]+) FLAGS \(([^)]*)\)")

#: A message's number and its flags.
Message = tuple[int, frozenset[str]]


@dataclass
class Picture:
    """
    What one user's only client was told.

    :ivar mailboxes: messages by UID, by mailbox.
    :ivar number: of the message that was made last.
    :ivar touched: numbers of the messages of the command that was not
        answered: they may be as before it or as behind it.
    :ivar expunging: and that command takes them away.
    """

    mailboxes: dict[str, dict[int, Message]] = field(
        default_factory=lambda: {name: {} for name in _MAILBOXES}
    )
    number: int = 0
    touched: set[int] = field(default_factory=set)
    expunging: bool = False


class Client(threading.Thread):
    """
    Does what comes to mind until the connection breaks.
    """

    def __init__(
        self, suite: RunningSuite, user: str, picture: Picture, seed: int
    ) -> None:
        super().__init__()
        self._suite = suite
        self._user = user
        self._picture = picture
        self._chance = random.Random(seed)
        self._connection: Adversary

    def run(self) -> None:
        """
        Go on until it is killed.
        """
        try:
            self._connection = logged_in(self._suite, self._user)
            while True:
                self._change(self._chance.choice(_MAILBOXES))
                self._picture.touched.clear()
        except (ConnectionError, AssertionError):
            pass

    def _change(self, name: str) -> None:
        mailbox = self._picture.mailboxes[name]
        if not mailbox or self._chance.random() < 0.4:
            self._append(name)
            return
        uids = self._chance.sample(sorted(mailbox), min(len(mailbox), 3))
        self._picture.touched |= {mailbox[uid][0] for uid in uids}
        self._ask(f"SELECT {name}")
        work = self._chance.choice((self._flag, self._move, self._expunge))
        work(name, uids)

    def _append(self, name: str) -> None:
        picture = self._picture
        picture.number += 1
        picture.touched.add(picture.number)
        content = f"Subject: {picture.number}\r\n\r\n"
        content += "x" * self._chance.choice(_SIZES)
        said = self._ask(f"APPEND {name} {{{len(content)}+}}\r\n{content}")
        found = re.search(r"APPENDUID [0-9]+ ([0-9]+)", said)
        assert found is not None, said
        message = (picture.number, frozenset[str]())
        picture.mailboxes[name][int(found[1])] = message

    def _flag(self, name: str, uids: list[int]) -> None:
        flag = self._chance.choice(_FLAGS)
        self._ask(f"UID STORE {printed(uids)} +FLAGS.SILENT ({flag})")
        mailbox = self._picture.mailboxes[name]
        for uid in uids:
            number, flags = mailbox[uid]
            mailbox[uid] = (number, flags | {flag})

    def _move(self, name: str, uids: list[int]) -> None:
        other = self._chance.choice([m for m in _MAILBOXES if m != name])
        said = self._ask(f"UID MOVE {printed(uids)} {other}")
        found = re.search(r"COPYUID [0-9]+ (\S+) ([0-9:,]+)", said)
        assert found is not None, said
        mailboxes = self._picture.mailboxes
        for old, new in zip(read(found[1]), read(found[2]), strict=True):
            mailboxes[other][new] = mailboxes[name].pop(old)

    def _expunge(self, name: str, uids: list[int]) -> None:
        self._picture.expunging = True
        self._ask(f"UID STORE {printed(uids)} +FLAGS.SILENT (\\Deleted)")
        self._ask(f"UID EXPUNGE {printed(uids)}")
        for uid in uids:
            del self._picture.mailboxes[name][uid]
        self._picture.expunging = False

    def _ask(self, command: str) -> str:
        self._connection.send(f"t {command}\r\n".encode())
        said = b"\n".join(self._connection.until(b"t "))
        assert b"t OK" in said, said
        return said.decode()


def logged_in(suite: RunningSuite, user: str) -> Adversary:
    """
    A session.
    """
    client = Adversary(suite, "imap")
    client.line()
    client.send(f"a LOGIN {user} {suite.password(user)}\r\n".encode())
    client.until(b"a OK")
    return client


def listed(suite: RunningSuite, user: str) -> dict[str, dict[int, Message]]:
    """
    All that a user has.
    """
    client = logged_in(suite, user)
    items = "(UID FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])"
    found: dict[str, dict[int, Message]] = {}
    for name in _MAILBOXES:
        client.send(f"e EXAMINE {name}\r\nf UID FETCH 1:* {items}\r\n".encode())
        client.until(b"e OK")
        mailbox = found[name] = {}
        for line in (octets.decode() for octets in client.until(b"f OK")):
            if row := _ROW.match(line):
                uid = int(row[1])
                flags = frozenset(row[2].split()) - {"\\Recent"}
            elif line.startswith("Subject: "):
                mailbox[uid] = (int(line.removeprefix("Subject: ")), flags)
    client.close()
    return found


def printed(uids: list[int]) -> str:
    """
    As a sequence-set.
    """
    return ",".join(map(str, uids))


def read(uids: str) -> list[int]:
    """
    The UIDs of a uid-set.
    """
    found: list[int] = []
    for part in uids.split(","):
        first, _, last = part.partition(":")
        found += range(int(first), int(last or first) + 1)
    return found


class KilledSessionsTests(TestCase):
    """
    What was answered OK is done, and nothing else is.
    """

    timeout = 120 + 30 * _KILLS

    def test_killed_while_mailboxes_change(self) -> None:
        """
        By APPEND, STORE, MOVE and EXPUNGE of two users.
        """
        seed = int(os.environ.get("MAILSUITE_SEED", time.time_ns() % 10**6))
        chance = random.Random(seed)
        self.folder = Path(self.mktemp()).absolute()
        pictures = {user: Picture() for user in _USERS}
        suite = self.started()

        for kill in range(_KILLS):
            clients = [
                Client(suite, user, picture, chance.randrange(10**6))
                for user, picture in pictures.items()
            ]
            for client in clients:
                client.start()
            time.sleep(chance.uniform(0.3, 1.2))
            suite.kill()
            for client in clients:
                client.join()
            suite = self.started()
            for user, picture in pictures.items():
                found = listed(suite, user)
                self._compare(picture, found, f"{user}, {seed=}, {kill=}")
                picture.mailboxes = found
                picture.touched.clear()
                picture.expunging = False

        self.assertTrue(all(picture.number for picture in pictures.values()))
        self.assertNotIn("Traceback", suite.output())

    def started(self) -> RunningSuite:
        """
        Start it; ended with the test.
        """
        suite = RunningSuite(self.folder)
        self.addCleanup(suite.kill)
        return suite

    def _compare(
        self,
        picture: Picture,
        found: dict[str, dict[int, Message]],
        moment: str,
    ) -> None:
        numbers = [n for box in found.values() for n, _ in box.values()]
        self.assertEqual(len(numbers), len(set(numbers)), f"twice, {moment}")
        if not picture.expunging:
            known = {
                n for box in picture.mailboxes.values() for n, _ in box.values()
            }
            self.assertEqual(known - set(numbers), set(), f"lost, {moment}")
        for name in _MAILBOXES:
            told, there = picture.mailboxes[name], found[name]
            self.assertEqual(
                _without(picture.touched, there),
                _without(picture.touched, told),
                f"{name}, {moment}",
            )
            for uid in there.keys() & told.keys():
                self.assertEqual(there[uid][0], told[uid][0], moment)
            late = [
                u for u in there.keys() - told.keys() if u < max([0, *told])
            ]
            self.assertEqual(late, [], f"UIDs given late, {name}, {moment}")


def _without(
    numbers: set[int], mailbox: dict[int, Message]
) -> dict[int, Message]:
    """
    The messages of a mailbox that have none of these numbers.
    """
    return {u: m for u, m in mailbox.items() if m[0] not in numbers}

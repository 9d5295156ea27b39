"""
A Dovecot tree opened where it lies, and left again the same way.
"""

from __future__ import annotations

import imaplib
import poplib
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from twisted.trial.unittest import TestCase

from tests.support.dovecot import Dovecot
from tests.support.suite import RunningSuite

_FOLDERS = {"INBOX": 600, "Projects": 250, "Projects/Caf&AOk-": 150}
_FETCH = re.compile(
    rb"UID (\d+).*FLAGS \(([^)]*)\)|FLAGS \(([^)]*)\).*UID (\d+)"
)


@dataclass(frozen=True)
class Seen:
    """
    What a client remembers of a mailbox.
    """

    uidvalidity: bytes
    messages: dict[int, frozenset[str]]


def _look(port: int, user: str, password: str) -> dict[str, Seen]:
    """
    UIDVALIDITY, UIDs and flags of each folder, as a client sees them.
    """
    client = imaplib.IMAP4("127.0.0.1", port, timeout=60)
    client.login(user, password)
    seen = {}
    for name in _FOLDERS:
        client.select(f'"{name}"', readonly=True)
        _, [uidvalidity] = client.response("UIDVALIDITY")
        _, rows = client.uid("FETCH", "1:*", "(UID FLAGS)")
        messages = {}
        for row in rows:
            found = _FETCH.search(row)
            assert found is not None, row
            uid = int(found[1] or found[4])
            flags = (found[2] if found[1] else found[3]).decode().split()
            messages[uid] = frozenset(flags) - {"\\Recent"}
        seen[name] = Seen(uidvalidity, messages)
    client.logout()
    return seen


def _fill(port: int) -> None:
    """
    1,000 messages in three folders, with flags and keywords.
    """
    client = imaplib.IMAP4("127.0.0.1", port, timeout=60)
    client.login("alice", "secret")
    for name, count in _FOLDERS.items():
        if name != "INBOX":
            client.create(f'"{name}"')
            client.subscribe(f'"{name}"')
        for number in range(count):
            flags = ["\\Seen"] * (number % 2) + ["\\Flagged"] * (
                number % 7 == 0
            )
            flags += ["$label1"] * (number % 5 == 0) + ["Work"] * (
                number % 11 == 0
            )
            text = f"From: a@b\r\nSubject: {number}\r\n\r\ntext {number}\r\n"
            client.append(
                f'"{name}"', f"({' '.join(flags)})", None, text.encode()
            )
        client.select(f'"{name}"')
        client.uid("STORE", "3,5:7", "+FLAGS", "(\\Deleted)")
        client.expunge()
    client.logout()


class DovecotTests(TestCase):
    """
    The tree of Debian's Dovecot.
    """

    timeout = 240

    def setUp(self) -> None:
        """
        Dovecot has filled a tree where ours will look for alice's.
        """
        # Where Dovecot's user gets through; trial's own folders may be ours.
        self.folder = Path(tempfile.mkdtemp(prefix="adopted"))
        self.folder.chmod(0o711)
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.maildir = self.folder / "state/mail/localhost/alice/Maildir"
        self.maildir.parent.mkdir(parents=True)
        dovecot = Dovecot(self.maildir)
        try:
            _fill(dovecot.imap_port)
            self.before = _look(dovecot.imap_port, "alice", "secret")
            self.uidls_before = _uidls(dovecot.pop3_port, "alice", "secret")
        finally:
            dovecot.stop()

    def start(self) -> RunningSuite:
        """
        Ours, on the tree.
        """
        suite = RunningSuite(self.folder)
        self.addCleanup(suite.stop)
        return suite

    def test_there_and_back(self) -> None:
        """
        No client downloads anything again, neither here nor after the return;
        what was delivered here is there too.
        """
        suite = self.start()
        password = suite.password("alice")
        imap = suite.port("imap")

        self.assertEqual(_look(imap, "alice", password), self.before)
        self.assertEqual(
            _uidls(suite.port("pop3"), "alice", password), self.uidls_before
        )

        client = imaplib.IMAP4("127.0.0.1", imap, timeout=60)
        client.login("alice", password)
        [subscribed] = [
            [row.decode().split(' "/" ')[1].strip('"') for row in rows]
            for _, rows in [client.lsub()]
        ]
        self.assertEqual(
            {n for n in subscribed if n.startswith("Proj")},
            {n for n in _FOLDERS if n != "INBOX"},
        )
        client.append(
            "Projects", "($label1 New)", None, b"Subject: n\r\n\r\nx\r\n"
        )
        client.select("INBOX")
        client.uid("STORE", "10", "+FLAGS", "(\\Answered Fresh)")
        client.uid("MOVE", "20", "Projects")
        client.logout()
        changed = _look(imap, "alice", password)
        self.assertIn("Fresh", changed["INBOX"].messages[10])
        suite.stop()

        dovecot = Dovecot(self.maildir)
        try:
            after = _look(dovecot.imap_port, "alice", "secret")
            log = dovecot.log()
        finally:
            dovecot.stop()
        self.assertEqual(after, changed)
        self.assertNotIn("rror", log)

    def test_the_index_may_go(self) -> None:
        """
        Deleted between two starts: the same UIDs, flags and keywords, and a
        CONDSTORE client is told everything again rather than too little.
        """
        suite = self.start()
        password = suite.password("alice")
        first = _look(suite.port("imap"), "alice", password)
        modseq = _highestmodseq(suite.port("imap"), password)
        suite.stop()
        removed = list(self.maildir.parent.glob("index.sqlite3*"))
        self.assertTrue(removed)
        for path in removed:
            path.unlink()

        suite = self.start()
        port = suite.port("imap")

        self.assertEqual(_look(port, "alice", password), first)
        self.assertGreater(_highestmodseq(port, password), modseq)
        client = imaplib.IMAP4("127.0.0.1", port, timeout=60)
        client.login("alice", password)
        client.select("INBOX")
        _, rows = client.uid("FETCH", "1:*", f"(FLAGS) (CHANGEDSINCE {modseq})")
        self.assertEqual(len(rows), len(first["INBOX"].messages))
        client.logout()


def _highestmodseq(port: int, password: str) -> int:
    client = imaplib.IMAP4("127.0.0.1", port, timeout=60)
    client.login("alice", password)
    _, [row] = client.status("INBOX", "(HIGHESTMODSEQ)")
    client.logout()
    found = re.search(rb"HIGHESTMODSEQ (\d+)", row)
    assert found is not None
    return int(found[1])


def _uidls(port: int, user: str, password: str) -> list[bytes]:
    client = poplib.POP3("127.0.0.1", port, timeout=60)
    client.user(user)
    client.pass_(password)
    listed = client.uidl()[1]
    client.quit()
    return list(listed)

"""
A maildir in which others have been at work.
"""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
import time
from pathlib import Path

from twisted.trial.unittest import TestCase

from tests.support.adversary import Adversary, eventually
from tests.support.imapaccess import logged_in, subjects
from tests.support.suite import RunningSuite

_NOBODY = 65534


def content(subject: str, end: str = "\r\n") -> bytes:
    """
    A message that is known by its subject.
    """
    lines = [f"Subject: {subject}", "From: a@b.test", "", "Hello.", ""]
    return end.join(lines).encode()


class ForeignMaildirTests(TestCase):
    """
    The suite runs as nobody if it can, since root may read everything.
    """

    timeout = 180

    def setUp(self) -> None:
        """
        A suite to which alice has logged in once: her maildir is there.
        """
        self.folder = Path(tempfile.mkdtemp(dir="/var/tmp"))
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.folder.chmod(0o755)
        self.suite = self.start()
        self.maildir = self.suite.state / "mail/localhost/alice/Maildir"
        self.password = self.suite.password("alice")
        logged_in(self.suite).logout()

    def start(self) -> RunningSuite:
        """
        Start it; ended with the test.
        """
        twistd: tuple[str, ...] = ()
        if os.geteuid() == 0:
            twistd = (f"--uid={_NOBODY}", f"--gid={_NOBODY}")
        suite = RunningSuite(self.folder, twistd=twistd)
        self.addCleanup(suite.stop)
        return suite

    def put(self, path: str, octets: bytes, *, mode: int = 0o600) -> Path:
        """
        Make a file in the maildir, as the program does that delivers.
        """
        whole = self.maildir / path
        hidden = self.maildir / "tmp" / f"put{os.getpid()}"
        hidden.write_bytes(octets)
        hidden.chmod(mode)
        self.give(hidden)
        hidden.rename(whole)
        return whole

    def give(self, path: Path) -> None:
        """
        Make it belong to who the suite runs as.
        """
        if os.geteuid() == 0:
            os.lchown(path, _NOBODY, _NOBODY)

    def session(self) -> Adversary:
        """
        Alice's IMAP session, with INBOX selected.
        """
        client = Adversary(self.suite, "imap")
        self.addCleanup(client.close)
        client.line()
        login = f"a LOGIN alice {self.password}\r\nb SELECT INBOX\r\n"
        client.send(login.encode())
        client.until(b"b OK")
        return client

    def warnings(self, path: str) -> int:
        """
        How many lines of the log name this file.
        """
        said = self.suite.output().splitlines()
        return sum(path in line for line in said)

    def assertCalm(self) -> None:
        """
        It says nothing of a bug.
        """
        said = self.suite.output()
        self.assertNotIn("Traceback", said)
        self.assertNotIn("Unhandled", said)

    def test_files_that_are_odd(self) -> None:
        """
        What can be read is served, also beside what cannot; one warning a
        file, however often it is looked at.
        """
        (self.maildir / "cur/folder:2,S").mkdir()
        (self.maildir / "cur/link:2,S").symlink_to("/nowhere")
        os.mkfifo(self.maildir / "cur/pipe:2,S")
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(str(self.maildir / "cur/socket:2,S"))
        for name in ("folder", "link", "pipe", "socket"):
            self.give(self.maildir / f"cur/{name}:2,S")
        self.put("cur/good:2,S", content("good"))
        self.put("cur/unreadable:2,S", content("hidden"), mode=0)
        self.put("cur/empty:2,", b"")
        self.put("cur/truncated:2,", b"Subject: truncated\r\nFro")
        self.put("cur/feeds:2,F", content("feeds", "\n"))
        self.put("cur/size,S=99999:2,S", content("size"))
        self.put("cur/wide,W=7:2,S", content("wide"))

        client = self.session()
        client.send(b"f UID FETCH 1:* (FLAGS RFC822.SIZE ENVELOPE BODY[])\r\n")
        said = b"\r\n".join(client.until(b"f "))
        client.send(b"g SEARCH TEXT nowhere\r\nh UID FETCH 1:* BODY[1]\r\n")
        client.until(b"g OK")
        client.until(b"h ")
        again = self.session()
        again.send(b"f UID FETCH 1:* BODY[]\r\n")
        again.until(b"f ")

        for subject in (b"good", b"truncated", b"feeds", b"size", b"wide"):
            self.assertIn(b"Subject: " + subject, said)
        for name in ("folder", "link", "pipe", "socket", "empty", "size,S"):
            self.assertEqual(self.warnings(f"cur/{name}"), 1, name)
        if os.geteuid() == 0:
            self.assertEqual(self.warnings("cur/unreadable"), 1)
        self.assertEqual(self.warnings("cur/good"), 0)
        self.assertEqual(self.warnings("cur/feeds"), 0)
        self.assertCalm()

    def test_odd_files_by_pop3(self) -> None:
        """
        A message that cannot be read is -ERR, and the next one comes.
        """
        self.put("cur/a:2,S", content("hidden"), mode=0)
        self.put("cur/b:2,S", content("feeds", "\n"))
        self.put("cur/c,S=1:2,S", content("size"))
        self.put("cur/d:2,S", b"")

        client = Adversary(self.suite, "pop3")
        self.addCleanup(client.close)
        client.line()
        client.send(f"USER alice\r\nPASS {self.password}\r\n".encode())
        client.line()
        client.line()

        self.assertEqual(client.ask(b"STAT\r\n")[:6], b"+OK 4 ")
        kinds = []
        for number in (1, 2, 3, 4):
            kinds.append(client.ask(b"RETR %d\r\n" % number)[:4])
            if kinds[-1] == b"+OK ":
                client.until(b".")
        # In the order of their arrival, which is that of their names here.
        hidden = b"-ERR" if os.geteuid() == 0 else b"+OK "
        self.assertEqual(sorted(kinds), sorted([hidden, *[b"+OK "] * 3]))
        self.assertEqual(client.ask(b"QUIT\r\n")[:3], b"+OK")
        self.assertCalm()

    def test_names_that_are_odd(self) -> None:
        """
        Every file is one message, with the flags that can be understood.
        """
        names = {
            "no-info": "",
            "empty-info:2,": "",
            "all:2,DFRST": "\\Answered \\Deleted \\Flagged \\Seen",
            "unordered:2,TSSSS": "\\Deleted \\Seen",
            "unknown:2,!?9XS": "\\Seen",
            "experimental:1,abc": "",
            "half:2": "",
            "colon:": "",
            "more:2,S:2,F": "\\Seen",
            "spaced out:2,S": "\\Seen",
            "\N{SNOWMAN}:2,S": "\\Seen",
            "\udcff\udcfe:2,S": "\\Seen",
            "feed\nfeed:2,S": "\\Seen",
            "long" + "x" * 240 + ":2,S": "\\Seen",
        }
        for number, name in enumerate(names):
            self.put(f"cur/{name}", content(f"n{number}"))
        self.put("cur/.hidden:2,S", content("hidden"))

        client = logged_in(self.suite)
        self.addCleanup(client.logout)

        found = subjects(client)
        expected = {f"n{n}": flags for n, flags in enumerate(names.values())}
        self.assertEqual(set(found), set(expected))
        self.assertEqual(
            {s: found[s].replace("\\Draft ", "") for s in found}, expected
        )
        self.assertCalm()

    def test_lists_that_are_none(self) -> None:
        """
        Rubbish in place of the uidlist, keywords, subscriptions.
        """
        self.put("cur/one:2,Sa", content("one"))
        self.put("dovecot-uidlist", b"\0\xff rubbish\n" * 99)
        self.put("dovecot-keywords", b"\0\xff rubbish\n" * 99)
        self.put("subscriptions", b"\0\xff\n..\n/\n" * 99)
        self.put(".stray", b"a file, not a folder")
        for name in (".empty", ".half", ".half/cur", ".a..b", ".a..b/cur"):
            (self.maildir / name).mkdir()
            self.give(self.maildir / name)

        client = logged_in(self.suite)
        self.addCleanup(client.logout)

        self.assertEqual(set(subjects(client)), {"one"})
        self.assertEqual(client.list()[0], "OK")
        self.assertEqual(client.lsub()[0], "OK")
        self.assertEqual(client.select("empty")[0], "NO")
        self.assertEqual(client.select("stray")[0], "NO")
        self.assertEqual(client.select("half")[0], "OK")
        self.assertEqual(client.append("half", "", "", content("x"))[0], "OK")
        self.assertCalm()

    def test_a_mailbox_that_cannot_be_entered(self) -> None:
        """
        Is refused; all others are served.
        """
        if os.geteuid() != 0:
            # Else it would be ours to enter all the same.
            self.skipTest("needs root")
        client = logged_in(self.suite)
        self.addCleanup(client.logout)
        self.assertEqual(client.create("Closed")[0], "OK")
        for path in (self.maildir / ".Closed/cur", self.maildir / ".Closed"):
            path.chmod(0)
            os.chown(path, 0, 0)
        self.put("cur/one:2,S", content("one"))

        self.assertEqual(client.select("Closed")[0], "NO")
        self.assertEqual(client.status("Closed", "(MESSAGES)")[0], "NO")
        self.assertEqual(client.list()[0], "OK")
        self.assertEqual(set(subjects(client)), {"one"})
        self.assertCalm()

    def test_what_others_do_is_told_to_who_idles(self) -> None:
        """
        Delivered into new, flagged by renaming, removed: each within a second
        or so.
        """
        client = self.session()
        client.send(b"i IDLE\r\n")
        client.until(b"+ ")

        began = time.monotonic()
        self.put("new/1795557832.M1P1.other", content("dropped"))
        self.assertEqual(client.until(b"* 1 EXISTS")[-1], b"* 1 EXISTS")
        path = self._only_file()
        flagged = path.parent.parent / "cur" / f"{path.name.split(':')[0]}:2,FS"
        path.rename(flagged)
        client.until(b"* 1 FETCH (FLAGS (\\Flagged \\Seen")
        flagged.unlink()
        client.until(b"* 1 EXPUNGE")
        took = time.monotonic() - began

        client.send(b"DONE\r\n")
        client.until(b"i OK")
        self.assertLess(took, 6)
        self.assertCalm()

    def test_a_mailbox_is_made_and_goes(self) -> None:
        """
        Another program's folder is listed, and gone when it is.
        """
        client = logged_in(self.suite)
        self.addCleanup(client.logout)
        folder = self.maildir / ".Made"
        for name in ("", "cur", "new", "tmp"):
            (folder / name).mkdir()
            self.give(folder / name)

        self.assertIn(b"Made", b"".join(client.list()[1]))
        self.put(".Made/cur/one:2,S", content("one"))
        self.assertEqual(set(subjects(client, "Made")), {"one"})
        client.unselect()
        shutil.rmtree(folder)

        self.assertTrue(
            eventually(lambda: b"Made" not in b"".join(client.list()[1]))
        )
        self.assertCalm()

    def _only_file(self) -> Path:
        [path] = [*self.maildir.glob("new/*"), *self.maildir.glob("cur/*")]
        return path

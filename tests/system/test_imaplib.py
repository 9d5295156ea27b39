"""
Python's imaplib against the suite.
"""

from __future__ import annotations

import imaplib
import re
from email import message_from_bytes

from tests.support.imapaccess import (
    append,
    checked,
    logged_in,
    message,
    subjects,
    trusting,
    uids,
)
from tests.support.suite import SuiteTestCase


class ImaplibTests(SuiteTestCase):
    """
    A client of the plainest kind.
    """

    def setUp(self) -> None:
        """
        With alice logged in.
        """
        super().setUp()
        self.client = logged_in(self.suite)
        self.addCleanup(self.client.logout)

    def test_a_message_comes_back_as_it_was(self) -> None:
        """
        APPEND, then BODY[], its parts and its size.
        """
        content = message("one")

        uid = append(self.client, content, flags="(\\Seen $Own)")

        self.assertEqual(uids(self.client), [uid])
        self.assertEqual(self.fetched(uid, "BODY[]"), content)
        attachment = message_from_bytes(content).get_payload()[1]
        self.assertEqual(
            self.fetched(uid, "BODY[2]").strip(),
            attachment.get_payload().encode().strip(),
        )
        self.assertEqual(
            self.fetched(uid, "BINARY[2]"), attachment.get_payload(decode=True)
        )
        row = self.row(uid, "(FLAGS RFC822.SIZE)")
        self.assertIn(b"RFC822.SIZE %d" % len(content), row)
        self.assertIn(b"\\Seen", row)
        self.assertIn(b"$Own", row)

    def test_a_large_message(self) -> None:
        """
        Of 6 MB: its structure, a part behind its first MiB, and slices.
        """
        content = message("large", "A line of text.\n" * 400_000)
        uid = append(self.client, content)
        uids(self.client)

        structure = self.row(uid, "(BODYSTRUCTURE)")

        self.assertIn(b'"text" "plain"', structure)
        self.assertIn(b'"application" "pdf"', structure)
        self.assertEqual(self.fetched(uid, "BINARY.PEEK[2]"), b"\0\1\2" * 100)
        got = b"".join(
            self.fetched(uid, f"BODY.PEEK[]<{offset}.1000000>")
            for offset in range(0, len(content), 1_000_000)
        )
        self.assertEqual(got, content)

    def test_search(self) -> None:
        """
        By flags, header, body and size.
        """
        one = append(self.client, message("Über one"), flags="(\\Flagged)")
        two = append(self.client, message("two", "zebrafish\n" * 500))
        uids(self.client)

        self.assertEqual(self.search("FLAGGED"), [one])
        self.assertEqual(self.search("NOT", "FLAGGED"), [two])
        self.assertEqual(self.search("SUBJECT", "TWO"), [two])
        self.assertEqual(self.search("BODY", "ZebraFish"), [two])
        self.assertEqual(self.search("LARGER", "3000"), [two])
        self.assertEqual(self.search("FROM", "alice", "TO", "bob"), [one, two])
        self.assertEqual(self.search("SENTON", "24-Nov-2026"), [one, two])
        self.client.literal = "über".encode()
        [found] = checked(
            self.client.uid("SEARCH", "CHARSET", "UTF-8", "SUBJECT")
        )
        self.assertEqual(found, b"%d" % one)

    def test_flags_copies_and_expunge(self) -> None:
        """
        STORE, COPY, MOVE, EXPUNGE between mailboxes of its own.
        """
        first, second, third = (
            append(self.client, message(name)) for name in ("1", "2", "3")
        )
        checked(self.client.create("Work/2026"))
        uids(self.client)

        checked(self.client.uid("STORE", f"{first}", "+FLAGS", "(\\Answered)"))
        checked(self.client.uid("COPY", f"{first}:{second}", "Work/2026"))
        checked(self.client.uid("MOVE", f"{third}", "Work/2026"))
        checked(self.client.uid("STORE", f"{second}", "+FLAGS", "(\\Deleted)"))
        checked(self.client.expunge())

        self.assertEqual(subjects(self.client), {"1": "\\Answered"})
        self.assertEqual(
            subjects(self.client, "Work/2026"),
            {"1": "\\Answered", "2": "", "3": ""},
        )

    def test_mailboxes(self) -> None:
        """
        CREATE, RENAME, SUBSCRIBE, LIST, LSUB, STATUS, DELETE.
        """
        checked(
            self.client.create(
                "Pläne".encode("utf-7").replace(b"+", b"&").decode()
            )
        )
        checked(self.client.create("Old"))
        checked(self.client.subscribe("Old"))
        checked(self.client.rename("Old", "New"))
        append(self.client, message("1"), "New")

        listed = b"\n".join(checked(self.client.list()))
        subscribed = b"\n".join(checked(self.client.lsub()))
        [status] = checked(
            self.client.status("New", "(MESSAGES UNSEEN UIDNEXT SIZE)")
        )

        self.assertIn(b"Pl&AOQ-ne", listed)
        self.assertIn(b"New", listed)
        self.assertIn(b"Old", subscribed)
        for name in (b"Drafts", b"Sent", b"Junk", b"Trash", b"Archive"):
            self.assertIn(b"\\" + name, listed)
            self.assertIn(name, subscribed)
        self.assertIn(b"MESSAGES 1 UNSEEN 1 UIDNEXT 2", status)
        checked(self.client.delete("New"))
        self.assertNotIn(b"New", b"\n".join(checked(self.client.list())))

    def test_two_sessions_see_each_other(self) -> None:
        """
        What one does the other is told at its next command.
        """
        other = logged_in(self.suite)
        self.addCleanup(other.logout)
        uid = append(self.client, message("1"))
        uids(self.client)
        uids(other)

        checked(self.client.uid("STORE", f"{uid}", "+FLAGS", "(\\Deleted)"))
        checked(other.noop())
        self.assertIn(b"\\Deleted", b"".join(untagged(other, "FETCH")))
        checked(self.client.expunge())
        append(self.client, message("2"))
        checked(other.noop())

        self.assertEqual(untagged(other, "EXPUNGE"), [b"1"])
        self.assertEqual(untagged(other, "EXISTS")[-1], b"1")

    def test_errors_leave_the_session_usable(self) -> None:
        """
        NO and BAD, and then an answer.
        """
        self.assertEqual(self.client.select("Nowhere")[0], "NO")
        kind, data = self.client.append("Nowhere", "", "", message("1"))
        self.assertEqual(kind, "NO")
        self.assertIn(b"TRYCREATE", data[0])
        self.assertRaises(
            imaplib.IMAP4.error, self.client.uid, "FETCH", "1", "(RUBBISH)"
        )
        checked(self.client.noop())

    # --- Asking ---------------------------------------------------------------

    def row(self, uid: int, items: str) -> bytes:
        """
        The FETCH response, literals and all.
        """
        return b" ".join(checked(self.client.uid("FETCH", str(uid), items)))

    def fetched(self, uid: int, item: str) -> bytes:
        """
        The octets of the one literal or quoted string asked for.
        """
        kind, data = self.client.uid("FETCH", str(uid), f"({item})")
        assert kind == "OK", data
        for part in data:
            if isinstance(part, tuple):
                octets = part[1]
                assert isinstance(octets, bytes)
                return octets
        quoted = re.search(rb'\] "([^"]*)"', data[0])
        assert quoted is not None, data
        return quoted[1]

    def search(self, *keys: str) -> list[int]:
        """
        UIDs that match.
        """
        [found] = checked(self.client.uid("SEARCH", *keys))
        return [int(uid) for uid in found.split()]


class TLSTests(SuiteTestCase):
    """
    The same client over TLS.
    """

    def test_implicit(self) -> None:
        """
        imaps, with the suite's own authority.
        """
        client = imaplib.IMAP4_SSL(
            "localhost",
            self.suite.port("imaps"),
            ssl_context=trusting(self.suite),
            timeout=60,
        )
        self.addCleanup(client.logout)

        checked(client.login("bob@localhost", self.suite.password("bob")))

        self.assertEqual(uids(client), [])

    def test_starttls(self) -> None:
        """
        STARTTLS, then AUTHENTICATE PLAIN.
        """
        client = imaplib.IMAP4("localhost", self.suite.port("imap"), 60)
        self.addCleanup(client.logout)
        checked(client.starttls(trusting(self.suite)))
        secret = f"\0bob@localhost\0{self.suite.password('bob')}".encode()

        checked(client.authenticate("PLAIN", lambda _: secret))

        self.assertEqual(uids(client), [])


def untagged(client: imaplib.IMAP4, name: str) -> list[bytes]:
    """
    Untagged data of that name that came with the last command.
    """
    _, data = client.response(name)
    return [item for item in data if isinstance(item, bytes)]

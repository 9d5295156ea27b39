"""
An account of a running suite, as Python's imaplib sees it.
"""

from __future__ import annotations

import imaplib
import re
import ssl
from email.message import EmailMessage
from email.policy import SMTP

from tests.support.suite import RunningSuite

_SECONDS = 60.0


def logged_in(suite: RunningSuite, user: str = "alice") -> imaplib.IMAP4:
    """
    A connection in clear, with that user logged in.
    """
    connection = imaplib.IMAP4("127.0.0.1", suite.port("imap"), _SECONDS)
    checked(connection.login(user, suite.password(user)))
    return connection


def trusting(suite: RunningSuite) -> ssl.SSLContext:
    """
    TLS that believes the suite's own authority and nobody else.
    """
    return ssl.create_default_context(cafile=suite.facts["ca_file"])


def checked(answer: tuple[str, list[object]]) -> list[bytes]:
    """
    The data of an answer that is OK; its literals joined to what is around.
    """
    kind, data = answer
    assert kind == "OK", answer
    return [
        b"".join(part) if isinstance(part, tuple) else part
        for part in data
        if isinstance(part, (bytes, tuple))
    ]


def append(
    connection: imaplib.IMAP4,
    content: bytes,
    mailbox: str = "INBOX",
    flags: str = "",
) -> int:
    """
    Put a message into a mailbox.

    :return: its UID.
    """
    [said] = checked(
        connection.append(mailbox, flags, None, content)  # type: ignore[arg-type]
    )
    found = re.match(rb"\[APPENDUID [0-9]+ ([0-9]+)\]", said)
    assert found is not None, said
    return int(found[1])


def uids(connection: imaplib.IMAP4, mailbox: str = "INBOX") -> list[int]:
    """
    Select a mailbox and list what is in it.
    """
    checked(connection.select(mailbox))
    rows = checked(connection.uid("FETCH", "1:*", "(UID)"))
    return [int(row.partition(b"UID ")[2].rstrip(b")")) for row in rows]


def subjects(
    connection: imaplib.IMAP4, mailbox: str = "INBOX"
) -> dict[str, str]:
    """
    Select a mailbox and list its messages: the flags of each subject.
    """
    found: dict[str, str] = {}
    for uid in uids(connection, mailbox):
        item = "(FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])"
        row = b" ".join(checked(connection.uid("FETCH", str(uid), item)))
        subject = re.search(rb"Subject: ([^\r]*)", row)
        flags = re.search(rb"FLAGS \(([^)]*)\)", row)
        assert subject is not None and flags is not None, row
        kept = [f for f in flags[1].decode().split() if f != "\\Recent"]
        found[subject[1].decode()] = " ".join(sorted(kept))
    return found


def message(subject: str, text: str = "Hello.\n") -> bytes:
    """
    A message from alice to bob, with an attachment.
    """
    made = EmailMessage(policy=SMTP)
    made["From"] = "Alice <alice@localhost>"
    made["To"] = "bob@localhost"
    made["Subject"] = subject
    made["Date"] = "Tue, 24 Nov 2026 12:00:00 +0000"
    made["Message-ID"] = f"<{subject.encode().hex()}@localhost>"
    made.set_content(text)
    made.add_attachment(b"\0\1\2" * 100, "application", "pdf", filename="a.pdf")
    return made.as_bytes()

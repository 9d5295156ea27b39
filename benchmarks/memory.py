"""
How much memory large messages take, above what the suite has when idle.

    python benchmarks/memory.py [--octets 52000000] [--bound 40]

Starts a suite of its own and, for each way in or out, resets and reads the
peak of its resident memory (Linux; resetting needs to be the same user).  Ends
with 1 if one peak is over the bound, in MB of 1,000,000 octets.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from base64 import b64encode
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.support.adversary import Adversary, memory, reset_peak
from tests.support.suite import RunningSuite

_MANY = 20
_MANY_OCTETS = 5_000_000
_PIECE = 1 << 16


class Bench:
    """
    A suite, and what it had when nothing was asked of it.

    :ivar highest: the highest peak above that, in octets.
    """

    def __init__(self, suite: RunningSuite) -> None:
        self.suite = suite
        self.idle = memory(suite)
        self.highest = 0

    def row(self, what: str, work: Callable[[], object]) -> None:
        """
        Do it, and print how much memory it took at the most.
        """
        reset_peak(self.suite)
        work()
        peak = memory(self.suite, "VmHWM") - self.idle
        left = memory(self.suite) - self.idle
        self.highest = max(self.highest, peak)
        print(
            f"{what:44} {peak / 1e6:8.1f} MB, then {left / 1e6:6.1f}",
            flush=True,
        )

    # --- In -------------------------------------------------------------------

    def smtp(self, protocol: str, content: bytes, *, chunked: bool) -> None:
        """
        Hand it in, by DATA or by BDAT.
        """
        client = Adversary(self.suite, protocol)
        client.line()
        hello = b"LHLO" if protocol == "lmtp" else b"EHLO"
        client.send(hello + b" client.test\r\n")
        client.until(b"250 ")
        if protocol == "submissions":
            client.send(b"AUTH PLAIN %b\r\n" % self.secret())
            client.until(b"235 ")
        client.send(b"MAIL FROM:<alice@localhost>\r\n")
        client.send(b"RCPT TO:<alice@localhost>\r\n")
        client.until(b"250 2.1.5")
        if chunked:
            client.send(b"BDAT %d LAST\r\n" % len(content))
            client.send(content)
        else:
            client.send(b"DATA\r\n")
            client.until(b"354 ")
            client.send(content + b".\r\n")
        client.until(b"250 2")
        client.close()

    def append(self, content: bytes) -> None:
        """
        Hand it in by IMAP.
        """
        client = self.imap("imap")
        client.send(b"a APPEND INBOX {%d+}\r\n" % len(content))
        client.send(content + b"\r\n")
        client.until(b"a OK")
        client.close()

    # --- Out ------------------------------------------------------------------

    def fetch(self, items: bytes, protocol: str = "imap") -> None:
        """
        FETCH items of all messages.
        """
        client = self.imap(protocol)
        client.send(b"n NOOP\r\nf FETCH 1:* (%b)\r\n" % items)
        client.discard_until(b"f OK")
        client.close()

    def search(self, keys: bytes) -> None:
        """
        SEARCH all messages.
        """
        client = self.imap("imap")
        client.send(b"n NOOP\r\nf SEARCH %b\r\n" % keys)
        client.discard_until(b"f OK")
        client.close()

    def pop3(self, command: bytes, protocol: str = "pop3") -> None:
        """
        Have messages sent by POP3.
        """
        client = Adversary(self.suite, protocol)
        client.line()
        client.send(b"AUTH PLAIN %b\r\n%b\r\n" % (self.secret(), command))
        client.until(b"+OK")
        client.discard_until(b".")
        client.send(b"QUIT\r\n")
        client.rest()

    def imap(self, protocol: str) -> Adversary:
        """
        A session with INBOX selected.
        """
        client = Adversary(self.suite, protocol)
        client.line()
        client.send(b"a AUTHENTICATE PLAIN %b\r\n" % self.secret())
        client.until(b"a OK")
        client.send(b"b SELECT INBOX\r\n")
        client.until(b"b OK")
        return client

    def secret(self) -> bytes:
        """
        Alice's PLAIN response.
        """
        password = self.suite.password("alice")
        return b64encode(f"\0alice\0{password}".encode())


def at_once(work: Callable[[], object]) -> None:
    """
    Do it by many clients at the same time.
    """
    with ThreadPoolExecutor(_MANY) as pool:
        for done in [pool.submit(work) for _ in range(_MANY)]:
            done.result()


def message(octets: int, line: bytes, fields: bytes = b"") -> bytes:
    """
    A message of that size at the most.
    """
    head = b"From: alice@localhost\r\nSubject: large\r\n%b\r\n" % fields
    return head + line * ((octets - len(head)) // len(line))


def with_attachment(octets: int) -> bytes:
    """
    A message as mail programs make it: a text and a file in base64.
    """
    head = (
        b"Content-Type: text/plain\r\n\r\nHere it is.\r\n--b\r\n"
        b"Content-Type: application/pdf\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\n"
    )
    fields = b"Content-Type: multipart/mixed; boundary=b\r\n"
    whole = message(octets - 8 - len(head), b64encode(b"\1" * 57) + b"\r\n")
    top, _, body = whole.partition(b"\r\n\r\n")
    return b"".join(
        (top, b"\r\n", fields, b"\r\n--b\r\n", head, body, b"--b--\r\n")
    )


def rows(bench: Bench, octets: int) -> Iterable[None]:
    """
    Every way in and out.
    """
    plain = message(octets, b"Do you like ketchup? How about pickles?\r\n")
    attached = with_attachment(octets - 200)
    smtp, row = bench.smtp, bench.row
    row("SMTP, DATA", lambda: smtp("smtp", plain, chunked=False))
    row("IMAP, FETCH BODY[]", lambda: bench.fetch(b"BODY[]"))
    row("POP3, RETR", lambda: bench.pop3(b"RETR 1"))
    yield
    row("SMTP, BDAT", lambda: smtp("smtp", attached, chunked=True))
    row("LMTP, DATA", lambda: smtp("lmtp", attached, chunked=False))
    row("submissions, DATA",
        lambda: smtp("submissions", attached, chunked=False))  # fmt: skip
    row("IMAP, APPEND", lambda: bench.append(plain))
    row("IMAP, APPEND of one line",
        lambda: bench.append(message(octets, b"x")))  # fmt: skip
    row("IMAP, APPEND of bare LF",
        lambda: bench.append(message(octets // 2, b"\n")))  # fmt: skip
    row("IMAP, ENVELOPE BODYSTRUCTURE of all",
        lambda: bench.fetch(b"ENVELOPE BODYSTRUCTURE"))  # fmt: skip
    row("IMAP, BODY[] of all over TLS",
        lambda: bench.fetch(b"BODY.PEEK[]", "imaps"))  # fmt: skip
    row("IMAP, BODY[1] BODY[2] of all",
        lambda: bench.fetch(b"BODY.PEEK[1] BODY.PEEK[2]"))  # fmt: skip
    row("IMAP, BINARY[1] BINARY[2] of all",
        lambda: bench.fetch(b"BINARY.PEEK[1] BINARY.PEEK[2]"))  # fmt: skip
    row("IMAP, SEARCH BODY", lambda: bench.search(b"BODY zebra"))
    row("POP3, RETR over TLS", lambda: bench.pop3(b"RETR 2", "pop3s"))
    row("POP3, TOP", lambda: bench.pop3(b"TOP 1 1000000"))
    yield
    small = message(_MANY_OCTETS, b"Do you like ketchup?\r\n")
    row(
        f"SMTP, {_MANY} of 5 MB at once",
        lambda: at_once(lambda: smtp("smtp", small, chunked=False)),
    )
    row(f"IMAP, APPEND, {_MANY} of 5 MB at once",
        lambda: at_once(lambda: bench.append(small)))  # fmt: skip
    row(f"IMAP, BODY[] of all by {_MANY} at once",
        lambda: at_once(lambda: bench.fetch(b"BODY.PEEK[]")))  # fmt: skip


def main() -> None:
    """
    The command.
    """
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--octets", type=int, default=52_000_000)
    parser.add_argument("--bound", type=float, default=40.0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mailsuite-memory-") as folder:
        suite = RunningSuite(Path(folder))
        try:
            bench = Bench(suite)
            print(f"{'idle':44} {bench.idle / 1e6:8.1f} MB")
            for _ in rows(bench, given.octets):
                print()
        finally:
            suite.stop()
    sys.exit(bench.highest > given.bound * 1e6)


if __name__ == "__main__":
    main()

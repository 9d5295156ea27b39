"""
How long a message takes to be signed with DKIM, and to be verified.

    python benchmarks/dkim_bench.py [--rounds N]

Prints milliseconds of CPU time for messages of 4 kB, 1 MB and 25 MB (base64,
and text with many blanks), with RSA-2048: ours in pieces of 64 KiB, dkimpy's in
one, one after another in the same run, and the ratio.  Then the longest piece
of ours, since it is what other connections wait for.

Needs dkimpy (the extra ``test``).
"""

from __future__ import annotations

import argparse
import base64
import os
import time
from collections.abc import Callable, Iterator
from functools import partial

import dkim as dkimpy

from mailsuite.emailauth import dkimkeys, signing
from mailsuite.emailauth.bodydigest import BodyDigests
from mailsuite.emailauth.canonicalization import Canonicalization
from mailsuite.emailauth.dkim import DKIMVerification
from mailsuite.emailauth.dkimkeys import SigningKey
from mailsuite.mail.dns import Answer, Found

_PIECE = 64 * 1024
_SIZES = (4_000, 1_000_000, 25_000_000)

_SECTION = (
    b"Received: from a.example (a.example [192.0.2.1])\r\n"
    b"\tby b.example; Tue, 24 Nov 2026 12:00:00 +0000\r\n"
    b"From: Ana <ana@example.org>\r\n"
    b"To: Bob <bob@example.net>\r\n"
    b"Subject: The quarterly figures\r\n"
    b"Date: Tue, 24 Nov 2026 12:00:00 +0000\r\n"
    b"Message-ID: <1@example.org>\r\n"
    b"MIME-Version: 1.0\r\n"
)
_TEXT = b"  Some words\tof a text,  with blanks at the end.  \r\n"


def bodies(size: int) -> Iterator[tuple[str, bytes]]:
    """
    Two of about that size, with what they are.
    """
    encoded = base64.encodebytes(os.urandom(size * 3 // 4))
    yield "base64", encoded.replace(b"\n", b"\r\n")
    yield "text", _TEXT * (size // len(_TEXT))


class Key:
    """
    An RSA key, where both implementations find it.
    """

    def __init__(self) -> None:
        self.signing = SigningKey("example.org", "s", dkimkeys.new_rsa())
        self.pem = dkimkeys.private_text(self.signing.private)
        self.record = dkimkeys.record(self.signing.private).encode()


def sign(key: Key, body: bytes) -> bytes:
    """
    Our signature.
    """
    digests = BodyDigests([signing.CANONICALIZATION])
    for start in range(0, len(body), _PIECE):
        digests.update(body[start : start + _PIECE])
    digest = digests.digest(signing.CANONICALIZATION)
    now = int(time.time())
    return signing.signature_fields([key.signing], _SECTION, digest, now)


def verify(key: Key, field: bytes, body: bytes) -> None:
    """
    Verify it; it must be good.
    """
    verification = DKIMVerification(field + _SECTION, "example.org")
    digests = BodyDigests(verification.canonicalizations)
    for start in range(0, len(body), _PIECE):
        digests.update(body[start : start + _PIECE])
    inquiry = verification.check(digests, int(time.time()))
    next(inquiry)
    try:
        inquiry.send(Answer(Found.RECORDS, (key.record,)))
    except StopIteration as stop:
        assert [result.why for result in stop.value] == [""]


def their_sign(key: Key, body: bytes) -> bytes:
    """
    dkimpy's signature.
    """
    message = _SECTION + b"\r\n" + body
    relaxed = (b"relaxed", b"relaxed")
    field: bytes = dkimpy.sign(
        message, b"s", b"example.org", key.pem, canonicalize=relaxed
    )
    return field


def their_verify(key: Key, field: bytes, body: bytes) -> None:
    """
    dkimpy's verification of the same.
    """
    message = field + _SECTION + b"\r\n" + body
    good = dkimpy.verify(message, dnsfunc=lambda name, timeout=0: key.record)
    assert good


def milliseconds(rounds: int, work: Callable[[], object]) -> float:
    """
    CPU time of one call, in the best of three runs.
    """
    best = float("inf")
    for _ in range(3):
        start = time.process_time()
        for _ in range(rounds):
            work()
        best = min(best, time.process_time() - start)
    return best / rounds * 1_000


def longest_piece(body: bytes) -> float:
    """
    Milliseconds that one piece takes at most, in both canonicalizations.
    """
    digests = BodyDigests(Canonicalization)
    longest = 0.0
    for start in range(0, len(body), _PIECE):
        piece = body[start : start + _PIECE]
        before = time.process_time()
        digests.update(piece)
        longest = max(longest, time.process_time() - before)
    return longest * 1_000


def main() -> None:
    """
    Run, and print a table.
    """
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=100)
    most = options.parse_args().rounds
    key = Key()
    print(f"{'':24}{'ours ms':>10}{'MB/s':>8}{'dkimpy ms':>12}{'ratio':>8}")
    for size in _SIZES:
        rounds = max(1, min(most, 4_000_000 // size))
        for kind, body in bodies(size):
            field = sign(key, body)
            works = (
                (
                    "sign",
                    partial(sign, key, body),
                    partial(their_sign, key, body),
                ),
                (
                    "verify",
                    partial(verify, key, field, body),
                    partial(their_verify, key, field, body),
                ),
            )
            for name, ours, theirs in works:
                mine = milliseconds(rounds, ours)
                other = milliseconds(rounds, theirs)
                print(
                    f"{size / 1_000:>9,.0f} kB {kind:7}{name:7}{mine:8.3f}"
                    f"{size / mine / 1_000:8.0f}{other:12.3f}"
                    f"{other / mine:8.1f}"
                )
            if size == _SIZES[-1]:
                print(f"   longest piece {longest_piece(body):.3f} ms")


if __name__ == "__main__":
    main()

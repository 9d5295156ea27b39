"""
How long a message takes to be understood, and its answers to be given.

    python benchmarks/mime_bench.py [--rounds N]

Prints CPU microseconds a message for messages of about 3 kB, 50 kB and 1 MB
(multipart/alternative, with an attachment in the larger ones): the standard
library's parser for comparison, our structure alone, everything IMAP keeps of
a message at its arrival; and for what is kept, microseconds an answer.
"""

from __future__ import annotations

import argparse
import email
import time
from base64 import encodebytes
from collections.abc import Callable
from functools import partial

from mailsuite.imap import headerfields, outline, renderers
from mailsuite.mail import addresslists, mime

THUNDERBIRD = (
    b"From To Cc Bcc Subject Date Message-ID Priority X-Priority References"
    b" Newsgroups In-Reply-To Content-Type Reply-To"
).split()

_HEADER = (
    b"Return-Path: <ana@example.org>\r\n"
    b"Received: from a.example (a.example [192.0.2.1])\r\n"
    b"\tby b.example with ESMTPS id 1234; Tue, 24 Nov 2026 12:00:00 +0000\r\n"
    b"DKIM-Signature: v=1; a=rsa-sha256; d=example.org; s=k; h=from:to;\r\n"
    b"\tbh=" + b"x" * 43 + b"=;\r\n\tb=" + b"y" * 340 + b"\r\n"
    b"From: =?utf-8?q?An=C3=A0?= <ana@example.org>\r\n"
    b'To: Bob <bob@example.net>, "C, D" <c@example.net>,\r\n'
    b"\te@example.net, F G <f@example.net>\r\n"
    b"Subject: The quarterly figures, at last\r\n"
    b"Date: Tue, 24 Nov 2026 12:00:00 +0000\r\n"
    b"Message-ID: <1234@example.org>\r\n"
    b"In-Reply-To: <1233@example.org>\r\n"
    b"References: <1231@example.org> <1232@example.org>\r\n"
    b" <1233@example.org>\r\n"
    b"User-Agent: Bench/1\r\n"
    b"MIME-Version: 1.0\r\n"
)


def message(size: int) -> bytes:
    """
    A message of about so many octets.
    """
    text = b"Some words of a text that goes on for a while.\r\n"
    body = min(size - 1_500, 20_000)
    parts = (
        b"--a\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
        + text * (body // 3 // len(text))
        + b"\r\n--a\r\nContent-Type: text/html; charset=utf-8\r\n"
        b"Content-Transfer-Encoding: quoted-printable\r\n\r\n"
        + text * (body * 2 // 3 // len(text))
        + b"\r\n--a--\r\n"
    )
    kind = b"Content-Type: multipart/alternative; boundary=a\r\n\r\n"
    if size < 20_000:
        return _HEADER + kind + parts
    blob = encodebytes(bytes((size - body) * 3 // 4)).replace(b"\n", b"\r\n")
    return (
        _HEADER
        + b"Content-Type: multipart/mixed; boundary=m\r\n\r\n--m\r\n"
        + kind
        + parts
        + b'\r\n--m\r\nContent-Type: application/pdf; name="a.pdf"\r\n'
        b'Content-Disposition: attachment; filename="a.pdf"\r\n'
        b"Content-Transfer-Encoding: base64\r\n\r\n" + blob + b"\r\n--m--\r\n"
    )


def microseconds(rounds: int, work: Callable[[], object]) -> float:
    """
    CPU time of one call, in the best of five runs.
    """
    best = float("inf")
    for _ in range(5):
        start = time.process_time()
        for _ in range(rounds):
            work()
        best = min(best, time.process_time() - start)
    return best / rounds * 1e6


def report(rounds: int) -> None:
    """
    Measure and print.
    """
    print(f"{'octets':>9}{'email':>9}{'structure':>11}{'all kept':>10}")
    for size in (3_000, 50_000, 1_000_000):
        content = message(size)
        times = max(rounds * 3_000 // size, 3)
        parsed, structure, kept = (
            microseconds(times, partial(work, content))
            for work in (email.message_from_bytes, mime.parse, everything)
        )
        print(f"{len(content):>9}{parsed:>9.0f}{structure:>11.1f}{kept:>10.1f}")
    report_answers(rounds, message(3_000))


def everything(content: bytes) -> None:
    """
    All renderings of a message that was not seen before.
    """
    for renderer in renderers.renderers():
        renderer.render(content, len(content))


def report_answers(rounds: int, content: bytes) -> None:
    """
    Measure and print what is made of the kept octets.
    """
    kept = {
        renderer.name: renderer.render(content, len(content))
        for renderer in renderers.renderers()
    }
    fields = kept[renderers.HEADER_FIELDS]
    places = kept[renderers.OUTLINE]
    wanted = headerfields.WantedFields.of(THUNDERBIRD)
    to = b'Bob <bob@example.net>, "C, D" <c@example.net>, e@example.net'
    rows: list[tuple[str, Callable[[], object]]] = [
        ("HEADER.FIELDS", lambda: headerfields.answer(fields, wanted)),
        ("outline", lambda: outline.decode(places)),
        ("address list of 3", lambda: addresslists.parse(to)),
    ]
    for name, work in rows:
        print(f"{name:>20}{microseconds(rounds, work):>10.2f}")
    octets = sum(len(value) for value in kept.values())
    print(f"{'octets kept':>20}{octets:>10}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=2_000)
    report(parser.parse_args().rounds)


if __name__ == "__main__":
    main()

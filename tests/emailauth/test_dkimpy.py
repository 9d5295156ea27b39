"""
DKIM and ARC against dkimpy, another implementation: both ways.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product
from unittest import skipIf

from twisted.trial.unittest import SynchronousTestCase

from mailsuite.emailauth import dkimkeys
from mailsuite.mail.dns import Question, RecordType
from tests.emailauth.signatures import (
    BODY,
    SECTION,
    chain_of,
    ed25519_key,
    outcomes,
    rsa_key,
    sealed,
    short_key,
    signed,
    verified,
    zone_of,
)

try:
    import dkim as dkimpy
except ImportError:
    dkimpy = None

ZONE = zone_of(rsa_key(), short_key(), ed25519_key())
PASS = ("pass", "")

_LINE = b"Some  words \t of a text, and  UTF-8: \xc3\xa4. \r\n"
_SIZES = (1_000, 1_000_000, 25_000_000)

#: Bodies with all that canonicalization has to do with.
_BODIES = (
    b"",
    b"\r\n",
    b"\r\n\r\n \r\n",
    BODY,
    b" \t a\r\n\r\n\r\n\tb \t\r\n",
    b"a\r\n" + b"\r\n" * 50 + b"b\r\n" * 3 + b"\r\n" * 50,
    b"\xff\xfe\x00 binary\r\n",
)


def asked(name: bytes, timeout: int = 0) -> bytes | None:
    """
    The zone as dkimpy asks it.
    """
    question = Question(name.decode().rstrip("."), RecordType.TXT)
    records = ZONE.answer(question).records
    return records[0] if records and isinstance(records[0], bytes) else None


def theirs(message: bytes) -> list[bool]:
    """
    What dkimpy finds of each signature.
    """
    count = message.partition(b"\r\n\r\n")[0].count(b"DKIM-Signature:")
    verifier = dkimpy.DKIM(message)
    return [verifier.verify(idx=n, dnsfunc=asked) for n in range(count)]


def canonicalizations() -> Iterator[tuple[bytes, bytes]]:
    """
    All four pairs.
    """
    return product((b"simple", b"relaxed"), repeat=2)


def dkimpy_signed(
    message: bytes, canonicalize: tuple[bytes, bytes] = (b"relaxed", b"simple")
) -> bytes:
    """
    A message signed by dkimpy.
    """
    key = rsa_key()
    field = dkimpy.sign(
        message,
        key.selector.encode(),
        key.domain.encode(),
        dkimkeys.private_text(key.private),
        canonicalize=canonicalize,
    )
    return field + message


def dkimpy_sealed(message: bytes) -> bytes:
    """
    A message with one more ARC set, by dkimpy.
    """
    key = rsa_key()
    fields = dkimpy.arc_sign(
        b"Authentication-Results: mx.example.org; spf=pass\r\n" + message,
        key.selector.encode(),
        key.domain.encode(),
        dkimkeys.private_text(key.private),
        b"mx.example.org",
    )
    return b"".join(fields) + message


@skipIf(dkimpy is None, "dkimpy is not installed")
class DKIMTests(SynchronousTestCase):
    """
    Signatures.
    """

    def test_they_verify_ours(self) -> None:
        """
        Both signatures, whatever the body.
        """
        for body in _BODIES:
            message = signed(rsa_key(), ed25519_key(), body=body)
            self.assertEqual(theirs(message), [True, True], body)

    def test_we_verify_theirs(self) -> None:
        """
        In all canonicalizations, whatever the body.
        """
        for body, pair in product(_BODIES, canonicalizations()):
            message = dkimpy_signed(SECTION + b"\r\n" + body, pair)
            self.assertEqual(outcomes(verified(message, ZONE)), [PASS], body)

    def test_sizes(self) -> None:
        """
        1 kB, 1 MB and 25 MB: they verify ours, we verify theirs.
        """
        for size in _SIZES:
            body = _LINE * (size // len(_LINE))
            message = dkimpy_signed(signed(ed25519_key(), body=body))
            self.assertEqual(outcomes(verified(message, ZONE)), [PASS, PASS])
            self.assertEqual(theirs(message)[-1], True)

    def test_odd_fields(self) -> None:
        """
        Folds in odd places, names in capitals, repeated fields.
        """
        section = (
            b"SUBJECT: a\r\n \r\n\t b\t\r\n"
            b"subject:\r\n"
            b"From:\r\n\tana@example.org\r\n"
            b"To:b@example.net\t \r\n"
            b"Date:  now \r\n"
        )
        message = section + b"\r\n" + BODY

        for pair in canonicalizations():
            ours = verified(dkimpy_signed(message, pair), ZONE)
            self.assertEqual(outcomes(ours), [PASS])
        self.assertEqual(theirs(signed(rsa_key(), section=section)), [True])

    def test_what_was_changed(self) -> None:
        """
        Neither takes what the other does not, one octet of the header
        section changed.
        """
        message = dkimpy_signed(signed(short_key()))
        ends = len(message) - len(BODY)

        for at in range(0, len(message), 11):
            if message[at : at + 1] in b"\r\n:" or at > ends:
                continue
            changed = message[:at] + b"X" + message[at + 1 :]
            ours = [
                result == PASS for result in outcomes(verified(changed, ZONE))
            ]
            # In another order: the author's come first.
            self.assertEqual(sorted(ours), sorted(_sound(changed)), changed)


@skipIf(dkimpy is None, "dkimpy is not installed")
class ARCTests(SynchronousTestCase):
    """
    Chains.
    """

    def theirs(self, message: bytes) -> str:
        """
        What dkimpy finds of a chain.
        """
        verdict = dkimpy.arc_verify(message, dnsfunc=asked)[0]
        return "fail" if verdict is None else verdict.decode()

    def ours(self, message: bytes) -> str:
        """
        What we find.
        """
        return chain_of(message, ZONE).verdict.value

    def test_both_ways(self) -> None:
        """
        Sets of both in one chain, longer and longer: all of them agree.
        """
        message = signed(rsa_key())

        for number in range(6):
            if number % 2:
                message = dkimpy_sealed(message)
            else:
                message = sealed(message, rsa_key(), ZONE)
            self.assertEqual(self.theirs(message), "pass")
            self.assertEqual(self.ours(message), "pass")

    def test_bodies(self) -> None:
        """
        Whatever the body.
        """
        for body in _BODIES:
            message = SECTION + b"\r\n" + body
            self.assertEqual(
                self.theirs(sealed(message, rsa_key(), ZONE)), "pass", body
            )
            self.assertEqual(self.ours(dkimpy_sealed(message)), "pass", body)

    def test_what_was_changed(self) -> None:
        """
        We agree about a chain with a field or a tag that is not as it was.
        """
        message = signed(rsa_key())
        for _ in range(3):
            message = sealed(message, rsa_key(), ZONE)
        self.assertEqual(self.theirs(message), "pass")

        for changed in _changes(message):
            self.assertEqual(self.ours(changed), self.theirs(changed), changed)


def _sound(message: bytes) -> list[bool]:
    """
    As ``theirs``; where they cannot read it, it does not verify.
    """
    found = []
    count = len(
        re.findall(rb"(?mi)^DKIM-Signature:", message.partition(b"\r\n\r\n")[0])
    )
    for number in range(count):
        try:
            verifier = dkimpy.DKIM(message)
            found.append(verifier.verify(idx=number, dnsfunc=asked))
        except dkimpy.DKIMException:
            found.append(False)
    return found


def _changes(message: bytes) -> Iterator[bytes]:
    """
    The message with one ARC field gone, doubled, or with one tag changed.
    """
    fields = re.compile(rb"(?m)^ARC-[A-Z][A-Za-z-]+:.*\n(?:[ \t].*\n)*")
    changes = (
        (rb"([;:] )i=\d", rb"\1i=9"),
        (rb"([;:] )i=\d;", rb"\1"),
        (rb"cv=\w+", b"cv=none"),
        (rb"cv=\w+", b"cv=fail"),
        (rb"cv=\w+;", b""),
        (rb"a=rsa-sha256", b"a=rsa-sha1"),
        (rb"d=example", b"d=exampl"),
        (rb"s=r1", b"s=r0"),
        (rb"s=r1;", b""),
        (rb"b=\w\w", b"b=AA"),
        (rb"bh=\w\w", b"bh=AA"),
        (rb"t=\d+", b"t=now"),
        (rb"h=From", b"h=ARC-Seal:From"),
        (rb"c=relaxed/relaxed", b"c=simple/simple"),
        (rb"c=relaxed/relaxed;", b""),
        (rb"; d=", b"; d=example.org; d="),
        (rb"; d=", b";; d="),
        (rb"; d=", b"; 1=; d="),
        (rb"bh=\S+", b"bh="),
        (rb"a=rsa-sha256", b"a="),
        (rb"t=\d+", b"t=1; h=From"),
        (rb"spf=pass", b"spf=fail"),
    )
    for found in fields.finditer(message):
        head, tail = message[: found.start()], message[found.end() :]
        yield head + tail
        yield head + found[0] * 2 + tail
        for old, new in changes:
            changed, count = re.subn(old, new, found[0], count=1)
            if count and changed != found[0]:
                yield head + changed + tail

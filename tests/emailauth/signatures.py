"""
Keys, zones and messages for the tests of signatures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from time import process_time

from mailsuite.emailauth import dkimkeys, signing
from mailsuite.emailauth.arc import ARCResult, ARCVerification
from mailsuite.emailauth.arcseal import seal
from mailsuite.emailauth.bodydigest import BodyDigest, BodyDigests
from mailsuite.emailauth.canonicalization import Canonicalization
from mailsuite.emailauth.dkim import DKIMResult, DKIMVerification
from mailsuite.emailauth.dkimkeys import SigningKey
from mailsuite.mail.dns import RecordType
from tests.emailauth.zone import Zone

NOW = 1_795_000_000

SECTION = (
    b"Received: from a.example (a.example [192.0.2.1])\r\n"
    b"\tby b.example; Tue, 24 Nov 2026 12:00:00 +0000\r\n"
    b"From: Ana <ana@example.org>\r\n"
    b"To: Bob <bob@example.net>,\r\n"
    b"  Carl  <carl@example.net> \r\n"
    b"Subject: The  quarterly\tfigures\r\n"
    b"Date: Tue, 24 Nov 2026 12:00:00 +0000\r\n"
    b"Message-ID: <1@example.org>\r\n"
    b"MIME-Version: 1.0\r\n"
    b"X-Empty:\r\n"
)
BODY = b"Hello  Bob,\r\n\r\nhere they are. \t\r\n \r\n\r\n"


@cache
def rsa_key() -> SigningKey:
    """
    One of 2048 bits.
    """
    return SigningKey("example.org", "r1", dkimkeys.new_rsa())


@cache
def short_key() -> SigningKey:
    """
    One of 1024 bits, for what need not be strong.
    """
    return SigningKey("example.org", "r0", dkimkeys.new_rsa(1024))


@cache
def ed25519_key() -> SigningKey:
    """
    An Ed25519 key.
    """
    return SigningKey("example.org", "e1", dkimkeys.new_ed25519())


def text_zone(
    records: dict[str, str | bytes | Sequence[bytes]],
    silent: Sequence[str] = (),
) -> Zone:
    """
    A zone of TXT records.
    """
    table = {}
    for name, found in records.items():
        if isinstance(found, str):
            found = found.encode()
        texts = (found,) if isinstance(found, bytes) else tuple(found)
        table[name] = {RecordType.TXT: texts}
    return Zone(table, silent)


def zone_of(*keys: SigningKey) -> Zone:
    """
    A zone that publishes these keys.
    """
    return text_zone(
        {
            dkimkeys.record_name(key): dkimkeys.record(key.private)
            for key in keys
        }
    )


def parts(message: bytes) -> tuple[bytes, bytes]:
    """
    The header section and the body.
    """
    section, _, body = message.partition(b"\r\n\r\n")
    return section + b"\r\n", body


def digest(
    body: bytes | Iterable[bytes],
    canonicalization: Canonicalization = signing.CANONICALIZATION,
) -> BodyDigest:
    """
    The digest of a body, whole or in pieces.
    """
    digests = BodyDigests([canonicalization])
    for piece in [body] if isinstance(body, bytes) else body:
        digests.update(piece)
    return digests.digest(canonicalization)


def signed(
    *keys: SigningKey, section: bytes = SECTION, body: bytes = BODY
) -> bytes:
    """
    A message with our signatures.
    """
    fields = signing.signature_fields(keys, section, digest(body), NOW)
    return fields + section + b"\r\n" + body


def verified(
    message: bytes, zone: Zone, author: str = "example.org", now: int = NOW
) -> tuple[DKIMResult, ...]:
    """
    What we find of a message's signatures.
    """
    section, body = parts(message)
    verification = DKIMVerification(section, author)
    digests = BodyDigests(verification.canonicalizations)
    digests.update(body)
    return zone.resolve(verification.check(digests, now))


def chain_of(message: bytes, zone: Zone, now: int = NOW) -> ARCResult:
    """
    What we find of a message's ARC sets.
    """
    section, body = parts(message)
    verification = ARCVerification(section)
    digests = BodyDigests(verification.canonicalizations)
    digests.update(body)
    return zone.resolve(verification.check(digests, now))


def sealed(
    message: bytes,
    key: SigningKey,
    zone: Zone,
    chain: ARCResult | None = None,
) -> bytes:
    """
    A message with one more ARC set.
    """
    section, body = parts(message)
    fields = seal(
        key,
        section,
        digest(body),
        chain=chain or chain_of(message, zone),
        results=b"mx.example.org;\r\n\tspf=pass smtp.mailfrom=example.org",
        now=NOW,
    )
    return fields + message


def outcomes(results: Iterable[DKIMResult]) -> list[tuple[str, str]]:
    """
    The verdicts, and why.
    """
    return [(result.verdict.value, result.why) for result in results]


def seconds(work: Callable[[], object]) -> float:
    """
    The CPU time that it needs, undisturbed: the best of three.
    """
    times = []
    for _ in range(3):
        start = process_time()
        work()
        times.append(process_time() - start)
    return min(times)

"""
Adding an ARC set to a message that goes on to somebody else (RFC 8617 5.1).
"""

from __future__ import annotations

import hashlib

from mailsuite.emailauth import arcsets
from mailsuite.emailauth.arc import ARCResult
from mailsuite.emailauth.bodydigest import BodyDigest
from mailsuite.emailauth.canonicalization import relaxed_field
from mailsuite.emailauth.dkimkeys import SigningKey
from mailsuite.emailauth.signedsection import SignedSection
from mailsuite.emailauth.signing import (
    CANONICALIZATION,
    key_tags,
    message_tags,
    signed_field,
    signed_names,
)
from mailsuite.emailauth.verdict import Verdict


def seal(
    key: SigningKey,
    section: bytes,
    body: BodyDigest,
    *,
    chain: ARCResult,
    results: bytes,
    now: int,
) -> bytes:
    """
    The fields of one more set, for the top of the header section.

    :param key: RSA, since few verifiers of ARC know another.
    :param section: of the message as it leaves, but for this set.
    :param body: as it leaves, in ``signing.CANONICALIZATION``.
    :param chain: what came of the message as it arrived.
    :param results: the value of an Authentication-Results field.
    :param now: seconds since 1970.
    :return: ARC-Seal, ARC-Message-Signature and ARC-Authentication-Results;
        empty where none may be added: the chain has ended, or has 50 sets,
        or there are too many header fields.
    """
    signed = SignedSection(section)
    if chain.ended or chain.instances >= arcsets.MOST_SETS or not signed.whole:
        return b""
    verdict, covered = _covered(signed, chain)
    instance = chain.instances + 1
    first = b"i=%d" % instance

    found = b"ARC-Authentication-Results: i=%d; %b\r\n" % (
        instance,
        results.strip(b" \t\r\n"),
    )
    names = signed_names(signed, [b"DKIM-Signature"])
    inner = hashlib.sha256()
    for field in signed.selected(
        [name.lower() for name in names], CANONICALIZATION
    ):
        inner.update(field)
    tags = message_tags(key, names, body, now)
    message = signed_field(b"ARC-Message-Signature", key, (first, *tags), inner)
    covered.update(relaxed_field(found))
    covered.update(relaxed_field(message))
    status = b"cv=" + verdict.value.encode()
    sealed = signed_field(
        b"ARC-Seal", key, (first, status, *key_tags(key, now)), covered
    )
    return sealed + message + found


def _covered(
    section: SignedSection, chain: ARCResult
) -> tuple[Verdict, hashlib._Hash]:
    """
    What the chain has come to, and what the new seal covers of it.

    Of a chain that failed, or was broken since, nothing (RFC 8617 5.1.2).
    """
    here = arcsets.collect(section)
    if chain.verdict is Verdict.FAIL or here.instances != chain.instances:
        return Verdict.FAIL, hashlib.sha256()
    if here.broken:
        return Verdict.FAIL, hashlib.sha256()
    _, covered = arcsets.covered(section, here.sets)
    return chain.verdict, covered

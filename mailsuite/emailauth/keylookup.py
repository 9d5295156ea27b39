"""
From a signer to a key that proves the signature, by way of the DNS.
"""

from __future__ import annotations

from mailsuite.emailauth.keyrecord import (
    LEAST_RSA_BITS,
    MOST_RSA_BITS,
    BadKeyRecord,
    KeyRecord,
)
from mailsuite.emailauth.signaturefield import NotVerified, Signer
from mailsuite.emailauth.verdict import Verdict
from mailsuite.mail.dns import Answer, Found, Inquiry, Question, RecordType

#: A name should have one key record (RFC 6376 3.6.2.2); of more, these.
_MOST_RECORDS = 4


def question(signer: Signer) -> Question:
    """
    What the DNS is asked for a signer's key (RFC 6376 3.6.2.1).
    """
    return Question(
        f"{signer.selector}._domainkey.{signer.domain}", RecordType.TXT
    )


class KeyLookup:
    """
    The keys of one message's signers, each asked for once.
    """

    def __init__(self) -> None:
        self._answers: dict[Question, Answer] = {}

    def prove(
        self, signer: Signer, identity_domain: str, sha256: bytes
    ) -> Inquiry[KeyRecord]:
        """
        Find the key that made the signature.

        Where a name has several records one that fits is enough.

        :param identity_domain: for whom it signs: its own domain or one below.
        :raises NotVerified: there is none, for the moment or for good.
        """
        asked = question(signer)
        if asked not in self._answers:
            self._answers[asked] = yield asked
        refused: NotVerified | None = None
        for octets in _records(self._answers[asked]):
            try:
                key = KeyRecord.parse(octets)
            except BadKeyRecord as bad:
                # Not worth telling if another record is a key.
                refused = refused or _permanent(str(bad))
                continue
            refused = _refusal(key, signer, identity_domain)
            if refused is None:
                if key.verifies(signer.signature, sha256):
                    return key
                refused = NotVerified(Verdict.FAIL, "signature did not verify")
        raise refused or _permanent("no key for signature")


def _records(answer: Answer) -> list[bytes]:
    if answer.found is Found.FAILED:
        raise NotVerified(Verdict.TEMPERROR, "key unavailable")
    records = [r for r in answer.records if isinstance(r, bytes)]
    return records[:_MOST_RECORDS]


def _refusal(
    key: KeyRecord, signer: Signer, identity_domain: str
) -> NotVerified | None:
    """
    What is wrong with a key for this signer (RFC 6376 6.1.2).
    """
    if key.public is None:
        return _permanent("key revoked")
    if key.algorithm is not signer.algorithm or not key.accepted:
        return _permanent("inappropriate key")
    if key.strict and identity_domain != signer.domain:
        return _permanent("key is not for subdomains")
    # RFC 8301 3.2
    if key.bits is not None and key.bits < LEAST_RSA_BITS:
        return NotVerified(Verdict.POLICY, "key is too short")
    if key.bits is not None and key.bits > MOST_RSA_BITS:
        return NotVerified(Verdict.POLICY, "key is too long")
    return None


def _permanent(why: str) -> NotVerified:
    return NotVerified(Verdict.PERMERROR, why)

"""
Verifying DKIM signatures (RFC 6376 6.1).

Implementation notes

- The header section comes first: it says in which canonicalizations the body
  must be hashed, and which keys to ask for.  Once the body has streamed by,
  everything is compared.
- A signature whose ``l=`` leaves a part of the body unsigned proves nothing of
  what the reader sees, and is no pass.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from mailsuite.emailauth import signaturefield
from mailsuite.emailauth.bodydigest import BodyDigest, BodyDigests
from mailsuite.emailauth.canonicalization import Canonicalization
from mailsuite.emailauth.domains import is_within
from mailsuite.emailauth.keylookup import KeyLookup, question
from mailsuite.emailauth.keyrecord import KeyRecord
from mailsuite.emailauth.signaturefield import NotVerified, Signature
from mailsuite.emailauth.signedsection import SignedSection, signing_form
from mailsuite.emailauth.verdict import Verdict
from mailsuite.mail.dns import Inquiry, Question

#: More signatures than this are not looked at.
_MOST_READ = 16

#: More than this are not verified.
_MOST_VERIFIED = 8

#: As many characters of ``b=`` tell signatures apart (RFC 6008 4).
_NAMING_OCTETS = 8

_FIELD = b"dkim-signature"


@dataclass(frozen=True, slots=True)
class DKIMResult:
    """
    What came of one signature.

    :param domain: ``d=``, and
    :param selector: ``s=``, as A-labels; empty where they are no names.
    :param identity: ``i=``, as it is written; empty with the domain.
    :param algorithm: ``a=``; empty if it is not known.
    :param signature: the first characters of ``b=``.
    :param why: empty for a pass.
    :param testing: the key's owner only tries DKIM (``t=y``).
    """

    verdict: Verdict
    domain: str
    selector: str
    identity: str
    algorithm: str
    signature: str
    why: str = ""
    testing: bool = False


@dataclass(frozen=True, slots=True)
class _Candidate:
    """
    A DKIM-Signature field, read.
    """

    place: int
    domain: str
    selector: str
    naming: str
    read: Signature | NotVerified


class DKIMVerification:
    """
    The signatures of one message.

    :param section: the header section as it was received.
    :param author_domain: From's, as A-labels; its signatures, and those of
        domains above and below it, are verified first.
    """

    def __init__(self, section: bytes, author_domain: str) -> None:
        self._section = SignedSection(section)
        found = [
            _candidate(self._section, place)
            for place in self._section.places(_FIELD)[:_MOST_READ]
        ]
        found.sort(key=lambda one: _distance(one.domain, author_domain))
        self._candidates = found[:_MOST_VERIFIED]

    @property
    def canonicalizations(self) -> frozenset[Canonicalization]:
        """
        How the body must be hashed; empty if it need not be.
        """
        return frozenset(signature.body for signature in self._readable())

    @property
    def questions(self) -> tuple[Question, ...]:
        """
        What ``check`` will ask, to be asked while the body still comes.
        """
        asked = (question(signature.signer) for signature in self._readable())
        return tuple(dict.fromkeys(asked))

    def check(
        self, body: BodyDigests, now: int
    ) -> Inquiry[tuple[DKIMResult, ...]]:
        """
        Verify up to eight signatures.

        :param body: the whole body's, in ``canonicalizations`` at least.
        :param now: seconds since 1970.
        :return: empty if the message has none.
        """
        keys = KeyLookup()
        results: list[DKIMResult] = []
        for candidate in self._candidates:
            try:
                key = yield from self._prove(candidate, keys, body, now)
            except NotVerified as failed:
                results.append(_result(candidate, failed))
            else:
                results.append(_result(candidate, key))
        return tuple(results)

    def _prove(
        self,
        candidate: _Candidate,
        keys: KeyLookup,
        body: BodyDigests,
        now: int,
    ) -> Inquiry[KeyRecord]:
        signature = candidate.read
        if isinstance(signature, NotVerified):
            raise signature
        authors = len(self._section.places(b"from"))
        if not 0 < authors <= signature.signed.count(b"from"):
            # RFC 6376 5.4: From must be signed, and it is what is shown.
            raise NotVerified(Verdict.PERMERROR, "a From is not signed")
        if signature.expires is not None and signature.expires < now:
            raise NotVerified(Verdict.FAIL, "signature expired")
        compare_body(signature, body.digest(signature.body))
        return (
            yield from keys.prove(
                signature.signer,
                signature.identity_domain,
                header_digest(self._section, candidate.place, signature),
            )
        )

    def _readable(self) -> Iterator[Signature]:
        for candidate in self._candidates:
            if isinstance(candidate.read, Signature):
                yield candidate.read


def compare_body(signature: Signature, body: BodyDigest) -> None:
    """
    See whether a signature is of this body, and of all of it.

    :raises NotVerified: it is not.
    """
    if signature.octets is not None and signature.octets < body.octets:
        raise NotVerified(Verdict.POLICY, "only a part of the body is signed")
    if signature.octets is not None and signature.octets > body.octets:
        raise NotVerified(Verdict.FAIL, "the body is shorter than was signed")
    if signature.body_hash != body.sha256:
        raise NotVerified(Verdict.FAIL, "body hash did not verify")


def header_digest(
    section: SignedSection, place: int, signature: Signature
) -> bytes:
    """
    SHA-256 of the fields that a signature covers, with its own
    (RFC 6376 3.7).

    :param place: of the signature's field.
    """
    digest = hashlib.sha256()
    for field in section.selected(signature.signed, signature.header, place):
        digest.update(field)
    own = signaturefield.unsigned(section.field(place))
    digest.update(signing_form(own, signature.header))
    return digest.digest()


def _candidate(section: SignedSection, place: int) -> _Candidate:
    domain = selector = naming = ""
    read: Signature | NotVerified
    try:
        tags = signaturefield.tags(section.value(place))
        domain, selector = signaturefield.claimed(tags)
        naming = signaturefield.naming(tags, _NAMING_OCTETS)
        read = signaturefield.dkim_signature(tags)
        if not section.whole:
            read = NotVerified(Verdict.POLICY, "too many header fields")
    except NotVerified as failed:
        read = failed
    return _Candidate(place, domain, selector, naming, read)


def _distance(domain: str, author_domain: str) -> int:
    """
    How little a signature says of the author: DMARC wants the near ones.
    """
    if not domain:
        return 3
    if domain == author_domain:
        return 0
    if is_within(author_domain, domain) or is_within(domain, author_domain):
        return 1
    return 2


def _result(
    candidate: _Candidate, outcome: KeyRecord | NotVerified
) -> DKIMResult:
    read = candidate.read
    identity = algorithm = why = ""
    if isinstance(read, Signature):
        identity, algorithm = read.identity, read.signer.algorithm.value
    verdict, testing = Verdict.PASS, False
    if isinstance(outcome, NotVerified):
        verdict, why = outcome.verdict, outcome.why
    else:
        testing = outcome.testing
    return DKIMResult(
        verdict,
        candidate.domain,
        candidate.selector,
        identity,
        algorithm,
        candidate.naming,
        why,
        testing,
    )

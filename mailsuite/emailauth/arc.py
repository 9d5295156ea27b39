"""
Verifying an Authenticated Received Chain (RFC 8617 5.2).

Implementation notes

- All failures are permanent (RFC 8617 5.2.1): a DNS that does not answer fails
  the chain as well.
- Each seal covers all sets below it.  Their hash is made once, from the first
  set up, and copied before each seal: fifty seals cost no more than one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mailsuite.emailauth import arcsets, signaturefield
from mailsuite.emailauth.arcsets import ARCFields
from mailsuite.emailauth.bodydigest import BodyDigests
from mailsuite.emailauth.canonicalization import Canonicalization
from mailsuite.emailauth.dkim import compare_body, header_digest
from mailsuite.emailauth.keylookup import KeyLookup, question
from mailsuite.emailauth.signaturefield import NotVerified, Signature
from mailsuite.emailauth.signedsection import SignedSection
from mailsuite.emailauth.verdict import Verdict
from mailsuite.mail.dns import Inquiry, Question


@dataclass(frozen=True, slots=True)
class ARCSet:
    """
    What one intermediary vouched for.

    :param domain: of its seal, and
    :param selector: both as A-labels.
    :param authentication_results: what it found, as in an
        Authentication-Results field, on one line.
    """

    instance: int
    domain: str
    selector: str
    authentication_results: bytes


@dataclass(frozen=True, slots=True)
class ARCResult:
    """
    What came of a chain.

    :param verdict: NONE, PASS or FAIL.
    :param sets: the newest first; empty unless the chain passed.
    :param instances: how many sets there are, whatever their worth.
    :param why: for a failure; empty else.
    :param oldest_pass: the first instance whose signature, and those after
        it, hold for the message as it is; 0 if all do (RFC 8617 5.2, 5).
    :param ended: the chain had failed before it came here.
    """

    verdict: Verdict
    sets: tuple[ARCSet, ...] = ()
    instances: int = 0
    why: str = ""
    oldest_pass: int = 0
    ended: bool = False


class ARCVerification:
    """
    The chain of one message.

    :param section: the header section as it was received.
    """

    def __init__(self, section: bytes) -> None:
        self._section = SignedSection(section)
        self._chain = arcsets.collect(self._section)
        self._signatures = {
            each.instance: _signature(self._section, each)
            for each in self._chain.sets
        }

    @property
    def canonicalizations(self) -> frozenset[Canonicalization]:
        """
        How the body must be hashed; empty if it need not be.
        """
        return frozenset(signature.body for signature in self._readable())

    @property
    def questions(self) -> tuple[Question, ...]:
        """
        What ``check`` may ask, to be asked while the body still comes.
        """
        signers = [each.seal.signer for each in self._chain.sets]
        signers += [signature.signer for signature in self._readable()]
        return tuple(dict.fromkeys(question(signer) for signer in signers))

    def check(self, body: BodyDigests, now: int) -> Inquiry[ARCResult]:
        """
        Verify the newest signature, then all seals, then older signatures.

        :param body: the whole body's, in ``canonicalizations`` at least.
        :param now: seconds since 1970.
        """
        chain = self._chain
        if chain.broken:
            return self._failed(chain.broken)
        if not chain.sets:
            return ARCResult(Verdict.NONE)
        keys = KeyLookup()
        try:
            yield from self._prove_message(chain.sets[-1], keys, body, now)
        except NotVerified as failed:
            return self._failed(f"message signature: {failed.why}")
        digests, _ = arcsets.covered(self._section, chain.sets)
        for each, digest in reversed(
            list(zip(chain.sets, digests, strict=True))
        ):
            signer = each.seal.signer
            try:
                yield from keys.prove(signer, signer.domain, digest)
            except NotVerified as failed:
                return self._failed(f"seal {each.instance}: {failed.why}")
        oldest = yield from self._oldest_pass(keys, body, now)
        return ARCResult(
            Verdict.PASS,
            tuple(_vouched(each) for each in reversed(chain.sets)),
            chain.instances,
            oldest_pass=oldest,
        )

    def _prove_message(
        self, each: ARCFields, keys: KeyLookup, body: BodyDigests, now: int
    ) -> Inquiry[None]:
        signature = self._signatures[each.instance]
        if isinstance(signature, NotVerified):
            raise signature
        if signature.expires is not None and signature.expires < now:
            raise NotVerified(Verdict.FAIL, "signature expired")
        compare_body(signature, body.digest(signature.body))
        digest = header_digest(self._section, each.places[1], signature)
        yield from keys.prove(
            signature.signer, signature.identity_domain, digest
        )

    def _oldest_pass(
        self, keys: KeyLookup, body: BodyDigests, now: int
    ) -> Inquiry[int]:
        for each in reversed(self._chain.sets[:-1]):
            try:
                yield from self._prove_message(each, keys, body, now)
            except NotVerified:
                return each.instance + 1
        return 0

    def _failed(self, why: str) -> ARCResult:
        return ARCResult(
            Verdict.FAIL,
            instances=self._chain.instances,
            why=why,
            ended=self._chain.ended,
        )

    def _readable(self) -> Iterator[Signature]:
        for signature in self._signatures.values():
            if isinstance(signature, Signature):
                yield signature


def _signature(
    section: SignedSection, each: ARCFields
) -> Signature | NotVerified:
    try:
        tags = signaturefield.tags(section.value(each.places[1]))
        return signaturefield.message_signature(tags)
    except NotVerified as bad:
        return bad


def _vouched(each: ARCFields) -> ARCSet:
    return ARCSet(
        each.instance,
        each.seal.signer.domain,
        each.seal.signer.selector,
        each.authentication_results,
    )

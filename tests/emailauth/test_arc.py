"""
Tests for ``mailsuite.emailauth.arc``, ``arcsets`` and ``arcseal``.
"""

from __future__ import annotations

import hashlib
import re
from functools import partial

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.emailauth import dkimkeys, signaturefield, taglist
from mailsuite.emailauth.arc import ARCResult, ARCVerification
from mailsuite.emailauth.canonicalization import (
    Canonicalization,
    relaxed_field,
)
from mailsuite.emailauth.keyrecord import KeyRecord
from mailsuite.emailauth.signedsection import signing_form
from mailsuite.emailauth.verdict import Verdict
from mailsuite.mail import headers
from mailsuite.mail.dns import Question, RecordType
from tests.emailauth.signatures import (
    BODY,
    NOW,
    SECTION,
    chain_of,
    outcomes,
    parts,
    rsa_key,
    sealed,
    seconds,
    short_key,
    signed,
    text_zone,
    verified,
    zone_of,
)

ZONE = zone_of(short_key(), rsa_key())


def chained(sets: int) -> bytes:
    """
    A message with so many ARC sets, by two sealers in turn.
    """
    message = signed(short_key())
    for number in range(sets):
        key = rsa_key() if number % 2 else short_key()
        message = sealed(message, key, ZONE)
    return message


def without(message: bytes, name: bytes, instance: int) -> bytes:
    """
    The message less one field of one set.
    """
    pattern = rb"(?m)^%b: i=%d;.*\n(?:[ \t].*\n)*" % (name, instance)
    left, count = re.subn(pattern, b"", message)
    assert count == 1
    return left


def told(found: ARCResult) -> tuple[str, str]:
    """
    The verdict, and why.
    """
    return found.verdict.value, found.why


class ChainTests(SynchronousTestCase):
    """
    Tests for ``ARCVerification``.
    """

    def test_no_chain(self) -> None:
        """
        Nothing to hash, to ask or to tell.
        """
        verification = ARCVerification(SECTION)

        self.assertEqual(verification.canonicalizations, frozenset())
        self.assertEqual(verification.questions, ())
        self.assertEqual(
            chain_of(SECTION + b"\r\n" + BODY, ZONE), ARCResult(Verdict.NONE)
        )

    def test_a_chain(self) -> None:
        """
        Who sealed, the newest first, with what each had found.
        """
        found = chain_of(chained(3), ZONE)

        self.assertEqual(told(found), ("pass", ""))
        self.assertEqual(found.instances, 3)
        self.assertEqual(
            [(each.instance, each.selector) for each in found.sets],
            [(3, "r0"), (2, "r1"), (1, "r0")],
        )
        self.assertEqual(
            found.sets[0].authentication_results,
            b"mx.example.org;\tspf=pass smtp.mailfrom=example.org",
        )
        self.assertEqual(found.oldest_pass, 0)

    def test_questions_beforehand(self) -> None:
        """
        What may be asked is known from the header section.
        """
        verification = ARCVerification(parts(chained(3))[0])

        self.assertEqual(
            verification.questions,
            (
                Question("r0._domainkey.example.org", RecordType.TXT),
                Question("r1._domainkey.example.org", RecordType.TXT),
            ),
        )
        self.assertEqual(
            verification.canonicalizations, {Canonicalization.RELAXED}
        )

    def test_a_body_that_was_changed_on_the_way(self) -> None:
        """
        Before the newest set it may be; which signature still holds is told.
        """
        message = chained(2).replace(BODY, BODY + b"list\r\n")
        self.assertEqual(
            told(chain_of(message, ZONE)),
            ("fail", "message signature: body hash did not verify"),
        )

        changed = sealed(message, short_key(), ZONE, chain_of(chained(2), ZONE))
        found = chain_of(changed, ZONE)

        self.assertEqual(told(found), ("pass", ""))
        self.assertEqual(found.oldest_pass, 3)

    def test_a_changed_field(self) -> None:
        """
        The newest signature covers it.
        """
        message = chained(2).replace(b"figures", b"figure5")

        self.assertEqual(
            told(chain_of(message, ZONE)),
            ("fail", "message signature: signature did not verify"),
        )

    def test_changed_results(self) -> None:
        """
        Each seal covers the results below it.
        """
        head, tail = chained(2).rsplit(b"ARC-Authentication-Results", 1)
        message = (
            head
            + b"ARC-Authentication-Results"
            + tail.replace(b"spf=pass", b"spf=fail", 1)
        )

        self.assertEqual(
            told(chain_of(message, ZONE)),
            ("fail", "seal 2: signature did not verify"),
        )

    def test_a_missing_field(self) -> None:
        """
        A set is three fields, and no instance is left out.
        """
        message = chained(3)

        for name in (
            b"ARC-Seal",
            b"ARC-Message-Signature",
            b"ARC-Authentication-Results",
        ):
            for instance in (1, 2, 3):
                found = chain_of(without(message, name, instance), ZONE)
                self.assertEqual(told(found), ("fail", "a set is not whole"))

    def test_a_missing_set(self) -> None:
        """
        Instances count from 1 without a gap.
        """
        message = chained(3)
        for name in (
            b"ARC-Seal",
            b"ARC-Message-Signature",
            b"ARC-Authentication-Results",
        ):
            message = without(message, name, 2)

        self.assertEqual(
            told(chain_of(message, ZONE)), ("fail", "a set is not whole")
        )

    def test_a_field_twice(self) -> None:
        """
        Nobody can know which is meant.
        """
        message = chained(2)
        seal = re.search(rb"ARC-Seal: i=1;.*\n(?:[ \t].*\n)*", message)
        assert seal is not None

        found = chain_of(seal[0] + message, ZONE)

        self.assertEqual(told(found), ("fail", "an instance twice, or none"))

    def test_fields_without_instance(self) -> None:
        """
        Such a field breaks the chain, even alone.
        """
        for field in (
            b"ARC-Seal: a=rsa-sha256\r\n",
            b"ARC-Seal: nonsense\r\n",
            b"ARC-Message-Signature: i=0; a=rsa-sha256\r\n",
            b"ARC-Authentication-Results: mx.example.org; none\r\n",
            b"ARC-Authentication-Results: i=1000; mx.example.org; none\r\n",
        ):
            for message in (chained(1), signed(short_key())):
                found = chain_of(field + message, ZONE)
                self.assertEqual(found.verdict, Verdict.FAIL)

    def test_the_order_of_fields(self) -> None:
        """
        Does not matter (RFC 8617 4.1.4): instances say what belongs where.
        """
        section, body = parts(chained(2))
        fields = [
            section[field.offset : field.end]
            for field in headers.fields(section)
        ]
        arc = [field for field in fields if field.startswith(b"ARC-")]
        rest = [field for field in fields if not field.startswith(b"ARC-")]

        message = b"".join(rest + arc[::-1]) + b"\r\n" + body

        self.assertEqual(told(chain_of(message, ZONE)), ("pass", ""))

    def test_comments_in_the_results(self) -> None:
        """
        RFC 8617 4.1.1 lets them stand around the instance.
        """
        message = chained(1).replace(
            b"ARC-Authentication-Results: i=1;",
            b"ARC-Authentication-Results: (a) i =\r\n\t1 (b) ;",
        )

        self.assertEqual(
            told(chain_of(message, ZONE)),
            ("fail", "seal 1: signature did not verify"),
        )

    def test_a_wrong_status(self) -> None:
        """
        The first says none, all others pass.
        """
        message = chained(2)

        for old, new in (
            (b"i=1; cv=none", b"i=1; cv=pass"),
            (b"i=2; cv=pass", b"i=2; cv=none"),
            (b"i=1; cv=none", b"i=1; cv=fail"),
        ):
            self.assertIn(old, message)
            found = chain_of(message.replace(old, new), ZONE)
            self.assertEqual(
                told(found), ("fail", "a seal has the wrong status")
            )

    def test_the_dns_does_not_answer(self) -> None:
        """
        All failures are permanent (RFC 8617 5.2.1).
        """
        name = dkimkeys.record_name(short_key())

        found = chain_of(chained(1), text_zone({}, silent=[name]))

        self.assertEqual(
            told(found), ("fail", "message signature: key unavailable")
        )

    def test_too_many_sets(self) -> None:
        """
        Fifty-one are no chain, and nobody is asked (RFC 8617 4.2.1).
        """
        zone = zone_of(short_key())
        fields = b"".join(
            b"ARC-Seal: i=%d; cv=pass\r\n"
            b"ARC-Message-Signature: i=%d; a=x\r\n"
            b"ARC-Authentication-Results: i=%d; x; none\r\n"
            % (number, number, number)
            for number in range(51, 0, -1)
        )

        found = chain_of(fields + signed(short_key()), zone)

        self.assertEqual(told(found), ("fail", "too many sets"))
        self.assertEqual(zone.asked, [])

    def test_more_fields_than_fifty_sets_have(self) -> None:
        """
        Are not even read.
        """
        fields = b"ARC-Seal: i=1; cv=none\r\n" * 151

        found = chain_of(fields + signed(short_key()), ZONE)

        self.assertEqual(told(found), ("fail", "too many sets"))

    def test_too_many_header_fields(self) -> None:
        """
        Thousands of fields are not looked at, and so cannot be proven.
        """
        message = chained(1).replace(b"X-Empty:\r\n", b"X:\r\n" * 2_000)

        self.assertEqual(
            told(chain_of(message, ZONE)), ("fail", "too many header fields")
        )
        self.assertEqual(sealed(message, short_key(), ZONE), message)

    @given(st.binary(max_size=200), st.integers(0, 2_000), st.integers(0, 9))
    def test_any_octets(self, octets: bytes, at: int, cut: int) -> None:
        """
        Nothing is raised whatever comes, or is changed.
        """
        good = _TWO_SETS

        chain_of(octets, ZONE)
        chain_of(b"ARC-Seal: " + octets, ZONE)
        chain_of(good[:at] + octets + good[at + cut :], ZONE)


class SealTests(SynchronousTestCase):
    """
    Tests for ``seal``.
    """

    def seals(self, message: bytes) -> list[dict[str, str]]:
        """
        The tags of a message's seals.
        """
        return [
            taglist.parse(value)
            for value in headers.every(message, b"ARC-Seal")
        ]

    def test_the_first(self) -> None:
        """
        Instance 1, no chain before it, in the order of RFC 8617 4.1.
        """
        message = chained(1)

        names = [field.name for field in headers.fields(message)][:4]
        self.assertEqual(
            names,
            [
                b"ARC-Seal",
                b"ARC-Message-Signature",
                b"ARC-Authentication-Results",
                b"DKIM-Signature",
            ],
        )
        (found,) = self.seals(message)
        self.assertEqual(list(found), ["i", "cv", "a", "d", "s", "t", "b"])
        self.assertEqual((found["i"], found["cv"]), ("1", "none"))

    def test_the_signature_below_is_covered(self) -> None:
        """
        ARC-Message-Signature names DKIM-Signature, and nothing of ARC.
        """
        value = headers.first(chained(2), b"ARC-Message-Signature")
        assert value is not None

        names = taglist.words(taglist.parse(value)["h"])

        self.assertIn("dkim-signature", names)
        self.assertFalse([name for name in names if name.startswith("arc")])

    def test_dkim_still_holds(self) -> None:
        """
        A seal on top changes no signature below.
        """
        self.assertEqual(outcomes(verified(chained(2), ZONE)), [("pass", "")])

    def test_a_chain_that_failed(self) -> None:
        """
        Is sealed once, as failed, by a seal that covers its own set alone;
        then no more (RFC 8617 5.1.2).
        """
        broken = chained(2).replace(BODY, b"other\r\n")

        message = sealed(broken, short_key(), ZONE)

        self.assertEqual(self.seals(message)[0]["cv"], "fail")
        self.assertEqual(self.seals(message)[0]["i"], "3")
        found = chain_of(message, ZONE)
        self.assertEqual(told(found), ("fail", "the chain had failed before"))
        self.assertEqual(sealed(message, short_key(), ZONE), message)

    def test_what_a_seal_of_failure_covers(self) -> None:
        """
        Its own set alone: nobody could agree about the rest.
        """
        broken = chained(2).replace(BODY, b"other\r\n")

        message = sealed(broken, short_key(), ZONE)

        seal, signature, results = list(headers.whole_fields(message))[:3]
        own = signaturefield.unsigned(seal[1])
        covered = (
            relaxed_field(results[1])
            + relaxed_field(signature[1])
            + signing_form(own, Canonicalization.RELAXED)
        )
        tags = signaturefield.tags(seal[1].partition(b":")[2])
        public = dkimkeys.record(short_key().private).encode()
        self.assertTrue(
            KeyRecord.parse(public).verifies(
                signaturefield.seal(tags).signer.signature,
                hashlib.sha256(covered).digest(),
            )
        )

    def test_a_chain_that_was_dropped_here(self) -> None:
        """
        Is known to have been there, and has failed.
        """
        chain = chain_of(chained(2), ZONE)

        message = sealed(signed(short_key()), short_key(), ZONE, chain)

        self.assertEqual(self.seals(message)[0]["cv"], "fail")
        self.assertEqual(self.seals(message)[0]["i"], "3")

    def test_a_chain_that_is_none(self) -> None:
        """
        Its highest instance is counted on from.
        """
        broken = without(chained(3), b"ARC-Seal", 2)

        message = sealed(broken, short_key(), ZONE)

        self.assertEqual(self.seals(message)[0]["cv"], "fail")
        self.assertEqual(self.seals(message)[0]["i"], "4")
        again = chain_of(message, ZONE)
        self.assertTrue(again.ended)
        self.assertEqual(sealed(message, short_key(), ZONE), message)

    def test_a_chain_that_was_broken_here(self) -> None:
        """
        If a field of it is missing as the message leaves, it has failed.
        """
        whole = chained(2)
        chain = chain_of(whole, ZONE)

        message = sealed(
            without(whole, b"ARC-Seal", 1), short_key(), ZONE, chain
        )

        self.assertEqual(self.seals(message)[0]["cv"], "fail")

    def test_fifty(self) -> None:
        """
        All of them verify, soon; there is no fifty-first.
        """
        message = chained(50)

        found = chain_of(message, ZONE)

        self.assertLess(seconds(partial(chain_of, message, ZONE)), 0.1)
        self.assertEqual(told(found), ("pass", ""))
        self.assertEqual(len(found.sets), 50)
        self.assertEqual(sealed(message, short_key(), ZONE, found), message)

    def test_lines(self) -> None:
        """
        78 octets at most.
        """
        added = chained(12)[: -len(signed(short_key()))]

        self.assertLessEqual(max(map(len, added.split(b"\r\n"))), 78)

    def test_time(self) -> None:
        """
        Seals say when.
        """
        self.assertEqual(self.seals(chained(1))[0]["t"], str(NOW))


_TWO_SETS = chained(2)

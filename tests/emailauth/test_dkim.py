"""
Tests for ``mailsuite.emailauth.dkim`` and ``keylookup``.
"""

from __future__ import annotations

import base64
import hashlib
from functools import partial

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.emailauth import dkimkeys
from mailsuite.emailauth.bodydigest import BodyDigests
from mailsuite.emailauth.canonicalization import Canonicalization
from mailsuite.emailauth.dkim import DKIMVerification
from mailsuite.emailauth.dkimkeys import SigningKey
from mailsuite.emailauth.signedsection import SignedSection, signing_form
from mailsuite.mail.dns import Question, RecordType
from tests.emailauth.signatures import (
    BODY,
    NOW,
    SECTION,
    digest,
    ed25519_key,
    outcomes,
    rsa_key,
    seconds,
    short_key,
    signed,
    text_zone,
    verified,
    zone_of,
)

SIMPLE, RELAXED = Canonicalization
PASS = ("pass", "")


def signature(
    key: SigningKey | None = None,
    section: bytes = SECTION,
    body: bytes = BODY,
    *,
    names: bytes = b"From:To:Subject:Date",
    header: Canonicalization = RELAXED,
    more: str = "",
    domain: str = "example.org",
) -> bytes:
    """
    A signature as others may make one, with whatever tags.
    """
    key = key or short_key()
    digested = digest(body, SIMPLE)
    field = (
        b"DKIM-Signature: v=1; a=%b; c=%b; d=%b; s=%b;%b\r\n\th=%b; bh=%b; b="
    ) % (
        key.algorithm.value.encode(),
        header.value.encode(),
        domain.encode(),
        key.selector.encode(),
        more.encode(),
        names,
        base64.b64encode(digested.sha256),
    )
    covered = SignedSection(section).selected(names.lower().split(b":"), header)
    octets = b"".join([*covered, signing_form(field, header)])
    made = key.sign(hashlib.sha256(octets).digest())
    return field + base64.b64encode(made) + b"\r\n"


def message(*fields: bytes, section: bytes = SECTION) -> bytes:
    """
    A message with fields on top.
    """
    return b"".join(fields) + section + b"\r\n" + BODY


class VerificationTests(SynchronousTestCase):
    """
    Tests for ``DKIMVerification``.
    """

    def test_no_signature(self) -> None:
        """
        There is nothing to hash, to ask or to tell.
        """
        verification = DKIMVerification(SECTION, "example.org")

        self.assertEqual(verification.canonicalizations, frozenset())
        self.assertEqual(verification.questions, ())
        self.assertEqual(verified(message(), zone_of()), ())

    def test_what_it_tells_of_a_pass(self) -> None:
        """
        Domain, selector, identity, algorithm and the signature's beginning.
        """
        (found,) = verified(
            message(signature(more=" i=Ana@x.example.org;")),
            zone_of(short_key()),
        )

        self.assertEqual(outcomes([found]), [PASS])
        self.assertEqual(
            (found.domain, found.selector, found.identity, found.algorithm),
            ("example.org", "r0", "Ana@x.example.org", "rsa-sha256"),
        )
        self.assertEqual(len(found.signature), 8)

    def test_what_may_change(self) -> None:
        """
        Folds and blanks in relaxed fields, and fields that are not signed.
        """
        changed = message(
            b"X-More: 1\r\n",
            signature(),
            section=SECTION.replace(b"Carl  <", b"Carl\r\n\t<").replace(
                b"Subject: ", b"SUBJECT :"
            ),
        )

        self.assertEqual(
            outcomes(verified(changed, zone_of(short_key()))), [PASS]
        )

    def test_what_may_not_change(self) -> None:
        """
        A letter of a signed field, or of the body.
        """
        zone = zone_of(short_key())
        good = message(signature())

        self.assertEqual(
            outcomes(verified(good.replace(b"figures", b"figure5"), zone)),
            [("fail", "signature did not verify")],
        )
        self.assertEqual(
            outcomes(verified(good.replace(b"here", b"hear"), zone)),
            [("fail", "body hash did not verify")],
        )
        self.assertEqual(
            outcomes(verified(good.replace(b"h=From:To", b"h=From"), zone)),
            [("fail", "signature did not verify")],
        )

    def test_simple_fields(self) -> None:
        """
        Not even a fold may change.
        """
        zone = zone_of(short_key())
        good = message(signature(header=SIMPLE))

        self.assertEqual(outcomes(verified(good, zone)), [PASS])
        self.assertEqual(
            outcomes(verified(good.replace(b"Carl  <", b"Carl <"), zone)),
            [("fail", "signature did not verify")],
        )

    def test_fields_beyond_ascii(self) -> None:
        """
        UTF-8, and octets that are none, are signed as they are.
        """
        section = SECTION + "Subject: Grüße\r\nX: ".encode() + b"\xff\xfe\r\n"
        names = b"From:Subject:Subject:X"

        for header in Canonicalization:
            field = signature(section=section, names=names, header=header)
            self.assertEqual(
                outcomes(
                    verified(
                        message(field, section=section), zone_of(short_key())
                    )
                ),
                [PASS],
            )

    def test_domains_beyond_ascii(self) -> None:
        """
        U-labels are looked up as A-labels (RFC 8616 5).
        """
        record = dkimkeys.record(short_key().private)
        zone = text_zone({"r0._domainkey.xn--exmple-cua.org": record})

        (found,) = verified(message(signature(domain="exämple.org")), zone)

        self.assertEqual(outcomes([found]), [PASS])
        self.assertEqual(found.domain, "xn--exmple-cua.org")

    def test_a_second_from(self) -> None:
        """
        One that is not signed is what would be shown (RFC 6376 8.15).
        """
        forged = b"From: Eve <eve@example.com>\r\n"

        self.assertEqual(
            outcomes(
                verified(message(forged, signature()), zone_of(short_key()))
            ),
            [("permerror", "a From is not signed")],
        )

    def test_no_from(self) -> None:
        """
        A message without an author has nobody to vouch for.
        """
        section = b"To: b@example.net\r\n"
        field = signature(section=section, names=b"From:To")

        self.assertEqual(
            outcomes(
                verified(message(field, section=section), zone_of(short_key()))
            ),
            [("permerror", "a From is not signed")],
        )

    def test_from_must_be_named(self) -> None:
        """
        A signature over other fields alone is none, and nobody is asked.
        """
        zone = zone_of(short_key())
        field = signature(names=b"To:Subject")

        self.assertEqual(
            outcomes(verified(message(field), zone)),
            [("permerror", "From is not signed")],
        )
        self.assertEqual(zone.asked, [])

    def test_a_part_of_the_body(self) -> None:
        """
        What is added below is not signed, so the whole is not.
        """
        zone = zone_of(short_key())
        octets = digest(BODY, SIMPLE).octets
        whole = message(signature(more=f" l={octets};"))

        self.assertEqual(outcomes(verified(whole, zone)), [PASS])
        self.assertEqual(
            outcomes(verified(whole + b"added\r\n", zone)),
            [("policy", "only a part of the body is signed")],
        )
        self.assertEqual(
            outcomes(verified(message(signature(more=" l=0;")), zone)),
            [("policy", "only a part of the body is signed")],
        )
        longer = message(signature(more=f" l={octets + 1};"))
        self.assertEqual(
            outcomes(verified(longer, zone)),
            [("fail", "the body is shorter than was signed")],
        )

    def test_expired(self) -> None:
        """
        After ``x=``, not at it.
        """
        zone = zone_of(short_key())
        field = message(signature(more=f" x={NOW};"))

        self.assertEqual(outcomes(verified(field, zone)), [PASS])
        self.assertEqual(
            outcomes(verified(field, zone, now=NOW + 1)),
            [("fail", "signature expired")],
        )

    def test_the_signature_does_not_sign_itself(self) -> None:
        """
        ``h=`` with its own name means those of others.
        """
        first = signature(ed25519_key())
        names = b"From:DKIM-Signature:DKIM-Signature"
        second = signature(section=first + SECTION, names=names)

        results = verified(
            message(second, first), zone_of(short_key(), ed25519_key())
        )

        self.assertEqual(outcomes(results), [PASS, PASS])

    def test_an_unreadable_one_beside_a_good_one(self) -> None:
        """
        Each stands for itself, as far as it can be read.
        """
        bad = b"DKIM-Signature: v=1; d=example.org; s=x; b=AA; a=\r\n"

        results = verified(message(bad, signature()), zone_of(short_key()))

        self.assertEqual(outcomes(results), [("permerror", "no a="), PASS])
        self.assertEqual(results[0].domain, "example.org")
        self.assertEqual(results[0].algorithm, "")

    def test_the_authors_come_first(self) -> None:
        """
        Then those above and below, then the others, each from the top.
        """
        fields = [
            signature(domain=domain)
            for domain in (
                "list.example",
                "example.org",
                "a.b.example.org",
                "other.example",
                "b.example.org",
            )
        ]

        found = verified(message(*fields), zone_of(), "b.example.org")

        self.assertEqual(
            [result.domain for result in found],
            [
                "b.example.org",
                "example.org",
                "a.b.example.org",
                "list.example",
                "other.example",
            ],
        )

    def test_no_more_than_eight(self) -> None:
        """
        Are verified; the author's is one of them, if it is among the first
        sixteen.
        """
        fields = [signature(domain="list.example")] * 15
        zone = zone_of(short_key())

        found = verified(message(*fields, signature()), zone)

        self.assertEqual(len(found), 8)
        self.assertEqual(outcomes(found)[0], PASS)
        self.assertEqual(len(zone.asked), 2)

    def test_questions_beforehand(self) -> None:
        """
        What will be asked is known from the header section.
        """
        fields = (signature(), signature(), signature(ed25519_key()))

        verification = DKIMVerification(message(*fields), "example.org")

        self.assertEqual(
            verification.questions,
            (
                Question("r0._domainkey.example.org", RecordType.TXT),
                Question("e1._domainkey.example.org", RecordType.TXT),
            ),
        )
        self.assertEqual(verification.canonicalizations, {SIMPLE})


class KeyTests(SynchronousTestCase):
    """
    What the DNS says of the key.
    """

    def found(self, *records: str, key: SigningKey | None = None) -> object:
        """
        What comes of a good signature if these records stand at its name.
        """
        key = key or short_key()
        zone = text_zone(
            {dkimkeys.record_name(key): [text.encode() for text in records]}
        )
        (result,) = outcomes(verified(message(signature(key)), zone))
        return result

    def good(self, tags: str = "v=DKIM1; ") -> str:
        """
        The right key with other tags.
        """
        text = dkimkeys.record(short_key().private).partition("p=")[2]
        return f"{tags}p={text}"

    def test_no_answer(self) -> None:
        """
        Nobody knows for the moment: that is no verdict.
        """
        name = dkimkeys.record_name(short_key())
        zone = text_zone({}, silent=[name])

        self.assertEqual(
            outcomes(verified(message(signature()), zone)),
            [("temperror", "key unavailable")],
        )

    def test_no_key(self) -> None:
        """
        No name, or no record there.
        """
        self.assertEqual(
            outcomes(verified(message(signature()), text_zone({}))),
            [("permerror", "no key for signature")],
        )
        self.assertEqual(self.found(), ("permerror", "no key for signature"))

    def test_what_is_no_key(self) -> None:
        """
        The reason says what is wrong.
        """
        self.assertEqual(
            self.found("v=spf1 -all"), ("permerror", "not a DKIM key record")
        )
        self.assertEqual(
            self.found("nonsense"),
            ("permerror", "key record: a tag without a name or value"),
        )

    def test_revoked(self) -> None:
        """
        An empty ``p=``.
        """
        self.assertEqual(
            self.found("v=DKIM1; p="), ("permerror", "key revoked")
        )

    def test_another_key(self) -> None:
        """
        Does not verify.
        """
        other = dkimkeys.record(rsa_key().private)

        self.assertEqual(
            self.found(other), ("fail", "signature did not verify")
        )

    def test_a_key_for_something_else(self) -> None:
        """
        Its type, its service and its hash must fit.
        """
        for text in (
            dkimkeys.record(ed25519_key().private),
            self.good("s=other; "),
            self.good("h=sha1; "),
        ):
            self.assertEqual(
                self.found(text), ("permerror", "inappropriate key")
            )

    def test_several_records(self) -> None:
        """
        One that fits is enough; else what is said of a key counts more than
        that something is none.
        """
        other = dkimkeys.record(rsa_key().private)

        self.assertEqual(self.found("v=spf1 -all", other, self.good()), PASS)
        self.assertEqual(
            self.found(other, "v=spf1 -all"),
            ("fail", "signature did not verify"),
        )

    def test_more_records_than_anybody_needs(self) -> None:
        """
        Are not tried.
        """
        others = [dkimkeys.record(rsa_key().private)] * 4

        self.assertEqual(
            self.found(*others, self.good()),
            ("fail", "signature did not verify"),
        )

    def test_keys_that_are_too_long(self) -> None:
        """
        RFC 8301 3.2 asks for 4096 bits; more would cost too much.
        """
        # Nobody has signed with it: its size alone is looked at.
        modulus = (1 << 4103) + 1
        octets = base64.b64encode(_rsa_public(modulus)).decode()

        self.assertEqual(
            self.found(f"p={octets}"), ("policy", "key is too long")
        )

    def test_keys_that_are_too_short(self) -> None:
        """
        Less than 1024 bits prove nothing (RFC 8301 3.2).
        """
        octets = base64.b64encode(_rsa_public((1 << 1015) + 1)).decode()

        self.assertEqual(
            self.found(f"p={octets}"), ("policy", "key is too short")
        )

    def test_testing(self) -> None:
        """
        ``t=y`` is told, and changes nothing.
        """
        record = self.good("t=y; ")
        zone = text_zone({dkimkeys.record_name(short_key()): record})

        (result,) = verified(message(signature()), zone)

        self.assertEqual(outcomes([result]), [PASS])
        self.assertTrue(result.testing)

    def test_not_for_subdomains(self) -> None:
        """
        ``t=s`` wants ``i=`` in the domain itself.
        """
        zone = text_zone(
            {dkimkeys.record_name(short_key()): self.good("t=s; ")}
        )
        below = message(signature(more=" i=a@x.example.org;"))
        same = message(signature(more=" i=a@example.org;"))

        self.assertEqual(
            outcomes(verified(below, zone)),
            [("permerror", "key is not for subdomains")],
        )
        self.assertEqual(outcomes(verified(same, zone)), [PASS])


class AnyOctetsTests(SynchronousTestCase):
    """
    Messages from anybody.
    """

    def check(self, section: bytes) -> None:
        """
        Verify whatever it is; nothing may be raised.
        """
        verification = DKIMVerification(section, "example.org")
        body = BodyDigests(verification.canonicalizations)
        body.update(BODY)
        zone_of(short_key()).resolve(verification.check(body, NOW))

    @given(
        st.binary(max_size=300),
        st.integers(0, 700),
        st.integers(0, 20),
    )
    def test_nothing_is_raised(self, octets: bytes, at: int, cut: int) -> None:
        """
        Any octets, and any change of a good message.
        """
        good = signed(short_key())

        self.check(octets)
        self.check(b"DKIM-Signature: " + octets)
        self.check(good[:at] + octets + good[at + cut :])

    def test_too_many_fields(self) -> None:
        """
        Thousands of fields are not looked at, and so cannot be proven.
        """
        section = b"A:\r\n" * 2_000 + SECTION

        self.assertEqual(
            outcomes(
                verified(
                    message(signature(), section=section), zone_of(short_key())
                )
            ),
            [("policy", "too many header fields")],
        )

    def test_half_a_megabyte(self) -> None:
        """
        The longest section that is received takes 50 ms at worst.
        """
        tiny = b"A:\r\n" * 130_000
        blanks = b"X: " + b" \ta" * 170_000 + b"\r\n"
        tags = b"".join(b"a%d=1;" % number for number in range(2_500))

        for section in (
            signature() + tiny + SECTION,
            b"DKIM-Signature:\r\n" * 30_000 + SECTION,
            (b"DKIM-Signature: " + tags + b"\r\n") * 25 + SECTION,
            signature(names=b"From:X") * 8 + blanks + SECTION,
        ):
            spent = seconds(partial(self.check, section))
            self.assertLess(spent, 0.05, section[:80])

    def test_long_sections_take_little_time(self) -> None:
        """
        10 kB of whatever is worst are verified in 10 ms.
        """
        many = b"".join(b"A%d: x\r\n" % n for n in range(1_000))
        names = b"From" + b":a" * 4_000

        for section in (
            b"DKIM-Signature: v=1\r\n" * 500 + SECTION,
            signature(names=names) + SECTION,
            signature(names=b"From" + b":A1:A2" * 900) * 8 + many + SECTION,
            b"DKIM-Signature:" + b"\r\n " * 3_000 + b"\r\n" + SECTION,
            b"From: " + b" \t" * 5_000 + b"\r\n" + signature() + SECTION,
        ):
            spent = seconds(partial(self.check, section))
            self.assertLess(spent, 0.01, section[:80])


def _rsa_public(modulus: int) -> bytes:
    """
    An RSAPublicKey in DER, with the exponent 65537 (RFC 8017 A.1.1).
    """

    def tagged(tag: int, octets: bytes) -> bytes:
        length = len(octets)
        if length < 128:
            return bytes([tag, length]) + octets
        size = length.to_bytes((length.bit_length() + 7) // 8, "big")
        return bytes([tag, 128 + len(size)]) + size + octets

    def integer(number: int) -> bytes:
        return tagged(2, number.to_bytes(number.bit_length() // 8 + 1, "big"))

    return tagged(0x30, integer(modulus) + integer(65537))

"""
Tests for ``mailsuite.emailauth.signaturefield``.
"""

from __future__ import annotations

import contextlib
from functools import partial

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.emailauth import signaturefield
from mailsuite.emailauth.canonicalization import Canonicalization
from mailsuite.emailauth.signaturefield import (
    Algorithm,
    NotVerified,
    Seal,
    Signature,
)
from mailsuite.emailauth.verdict import Verdict
from tests.emailauth.signatures import seconds

SIMPLE, RELAXED = Canonicalization

_GOOD = {
    "v": "1",
    "a": "rsa-sha256",
    "d": "example.org",
    "s": "sel",
    "h": "From : To",
    "bh": "AAAA",
    "b": "BB BB",
}
_SEAL = {
    "i": "1",
    "a": "rsa-sha256",
    "d": "example.org",
    "s": "sel",
    "cv": "none",
    "b": "BBBB",
}


def field(tags: dict[str, str], **other: str | None) -> bytes:
    """
    A field's value; a tag that is None is left out.
    """
    found = {**tags, **other}
    return "; ".join(
        f"{name}={value}" for name, value in found.items() if value is not None
    ).encode()


class DKIMSignatureTests(SynchronousTestCase):
    """
    Tests for ``dkim_signature``.
    """

    def read(self, **other: str | None) -> Signature:
        """
        A good field with other tags.
        """
        tags = signaturefield.tags(field(_GOOD, **other))
        return signaturefield.dkim_signature(tags)

    def refused(self, **other: str | None) -> tuple[str, str]:
        """
        Why such a field cannot count.
        """
        bad = self.assertRaises(NotVerified, self.read, **other)
        return bad.verdict.value, bad.why

    def test_what_must_be_there(self) -> None:
        """
        The least that a signature has, and what is meant by the rest.
        """
        found = self.read()

        self.assertEqual(found.signer.domain, "example.org")
        self.assertEqual(found.signer.selector, "sel")
        self.assertIs(found.signer.algorithm, Algorithm.RSA)
        self.assertEqual(found.signer.signature, b"\x04\x10\x41")
        self.assertEqual(found.identity, "@example.org")
        self.assertEqual((found.header, found.body), (SIMPLE, SIMPLE))
        self.assertEqual(found.signed, (b"from", b"to"))
        self.assertEqual(found.body_hash, bytes(3))
        self.assertIsNone(found.octets)
        self.assertIsNone(found.expires)

    def test_what_is_missing(self) -> None:
        """
        Without one of them there is no signature.
        """
        for name in _GOOD:
            self.assertEqual(
                self.refused(**{name: None}), ("permerror", f"no {name}=")
            )
            self.assertEqual(
                self.refused(**{name: ""}), ("permerror", f"no {name}=")
            )

    def test_version(self) -> None:
        """
        There is one (RFC 6376 3.5).
        """
        self.assertEqual(
            self.refused(v="0.5"), ("permerror", "unknown version")
        )

    def test_algorithms(self) -> None:
        """
        SHA-1 never counts (RFC 8301 3.1), nor does what is not known.
        """
        found = self.read(a="ED25519-SHA256")
        self.assertIs(found.signer.algorithm, Algorithm.ED25519)
        self.assertEqual(
            self.refused(a="rsa-sha1"), ("policy", "SHA-1 is not accepted")
        )
        self.assertEqual(
            self.refused(a="rsa-md5"), ("permerror", "unknown algorithm")
        )

    def test_canonicalizations(self) -> None:
        """
        One alone is the header's (RFC 6376 3.5).
        """
        found = self.read(c="relaxed")
        self.assertEqual((found.header, found.body), (RELAXED, SIMPLE))
        found = self.read(c="simple/relaxed")
        self.assertEqual((found.header, found.body), (SIMPLE, RELAXED))
        self.assertEqual(
            self.refused(c="nofws"),
            ("permerror", "unknown canonicalization"),
        )

    def test_from_must_be_signed(self) -> None:
        """
        RFC 6376 5.4
        """
        self.assertEqual(
            self.refused(h="To:Subject"), ("permerror", "From is not signed")
        )

    def test_names_of_fields(self) -> None:
        """
        An empty name, or one with a space, names nothing.
        """
        for text in ("From:", ":From", "From::To", "From: a b"):
            self.assertEqual(
                self.refused(h=text),
                ("permerror", "h= names no header fields"),
            )

    def test_more_names_than_anybody_signs(self) -> None:
        """
        500 are enough.
        """
        self.read(h="From" + ":x" * 499)
        self.assertEqual(
            self.refused(h="From" + ":x" * 500),
            ("permerror", "h= names too many header fields"),
        )

    def test_domains(self) -> None:
        """
        They come to the DNS as A-labels in lower case (RFC 8616 5).
        """
        found = self.read(d="EXÄMPLE.org", s="Brisbane.x")

        self.assertEqual(found.signer.domain, "xn--exmple-cua.org")
        self.assertEqual(found.signer.selector, "brisbane.x")

    def test_what_is_no_domain(self) -> None:
        """
        Neither an address nor a name that no question can have.
        """
        for text in ("org", "a@b.org", "a..org", "-a.org", "x" * 64 + ".org"):
            self.assertEqual(
                self.refused(d=text), ("permerror", "d= is no domain")
            )
        for text in ("a/b", ".a", "x" * 64):
            self.assertEqual(
                self.refused(s=text), ("permerror", "s= is no selector")
            )

    def test_a_name_that_is_too_long_in_all(self) -> None:
        """
        Selector and domain together have 253 octets at most.
        """
        label = "x" * 60

        self.assertEqual(
            self.refused(d=".".join([label] * 3), s=label),
            ("permerror", "s= is no selector"),
        )

    def test_identities(self) -> None:
        """
        ``i=`` is within ``d=`` (RFC 6376 3.5); its local part may be empty.
        """
        found = self.read(i="Joe@Sub.Example.ORG")
        self.assertEqual(found.identity, "Joe@Sub.Example.ORG")
        self.assertEqual(found.identity_domain, "sub.example.org")
        self.assertEqual(self.read(i="@example.org").identity, "@example.org")
        for text in ("a@example.net", "a@notexample.org", "a@org"):
            self.assertEqual(
                self.refused(i=text), ("permerror", "i= is outside of d=")
            )
        self.assertEqual(
            self.refused(i="example.org"), ("permerror", "i= is no identity")
        )

    def test_an_identity_without_end(self) -> None:
        """
        Of one that is no address, the domain is told.
        """
        found = self.read(i="x" * 400 + "@example.org")

        self.assertEqual(found.identity, "@example.org")

    def test_queries(self) -> None:
        """
        The DNS is among them (RFC 6376 3.5).
        """
        self.read(q="other : dns/txt")
        self.assertEqual(
            self.refused(q="other"), ("permerror", "unknown query method")
        )

    def test_numbers(self) -> None:
        """
        ``l=``, ``t=`` and ``x=`` are digits, as many as RFC 6376 allows.
        """
        self.assertEqual(self.read(l="9" * 76).octets, int("9" * 76))
        for name in ("l", "t", "x"):
            for text in ("-1", "1.5", "", "9" * 77, "\u0661"):
                self.assertEqual(
                    self.refused(**{name: text}),
                    ("permerror", f"{name}= is no number"),
                )

    def test_times(self) -> None:
        """
        A signature expires after it was made.
        """
        self.assertEqual(self.read(t="5", x="6").expires, 6)
        self.assertEqual(
            self.refused(t="5", x="5"),
            ("permerror", "expires before it was made"),
        )

    def test_base64(self) -> None:
        """
        Folds may stand in it, other letters not.
        """
        self.read(b="BB\r\n\tBB")
        for name in ("b", "bh"):
            for text in ("A", "AAA*", "AAÄÄ"):
                self.assertEqual(
                    self.refused(**{name: text}),
                    ("permerror", f"{name}= is not base64"),
                )

    def test_what_is_no_list(self) -> None:
        """
        The reason says so.
        """
        bad = self.assertRaises(NotVerified, signaturefield.tags, b"v=1; v=1")

        self.assertEqual(bad.why, "syntax: a tag twice")


class ARCTests(SynchronousTestCase):
    """
    Tests for ``message_signature`` and ``seal``.
    """

    def seal(self, **other: str | None) -> Seal:
        """
        A good seal with other tags.
        """
        tags = signaturefield.tags(field(_SEAL, **other))
        return signaturefield.seal(tags)

    def test_a_message_signature(self) -> None:
        """
        It has no version, and ``i=`` is no identity.
        """
        tags = signaturefield.tags(field(_GOOD, v=None, i="3", h="Subject"))

        found = signaturefield.message_signature(tags)

        self.assertEqual(found.identity_domain, "example.org")
        self.assertEqual(found.signed, (b"subject",))

    def test_a_message_signature_without_canonicalization(self) -> None:
        """
        Is relaxed, as dkimpy and the drafts have it.
        """
        tags = signaturefield.tags(field(_GOOD, v=None, i="1"))
        found = signaturefield.message_signature(tags)
        self.assertEqual((found.header, found.body), (RELAXED, RELAXED))

    def test_a_signed_seal(self) -> None:
        """
        A message signature covers no seal (RFC 8617 4.1.2).
        """
        tags = signaturefield.tags(field(_GOOD, h="From:ARC-Seal"))

        self.assertRaises(NotVerified, signaturefield.message_signature, tags)

    def test_seals(self) -> None:
        """
        ``cv=`` is one of three.
        """
        self.assertIs(self.seal(cv="Pass").chain, Verdict.PASS)
        self.assertIs(self.seal(cv="fail").chain, Verdict.FAIL)
        self.assertIs(self.seal().chain, Verdict.NONE)
        for text in ("", "neutral", "temperror"):
            self.assertRaises(NotVerified, self.seal, cv=text)

    def test_what_no_seal_has(self) -> None:
        """
        It covers fixed fields (RFC 8617 4.1.3).
        """
        self.assertRaises(NotVerified, self.seal, h="From")

    def test_what_must_be_there(self) -> None:
        """
        All but the instance, which is read before.
        """
        for name in ("a", "d", "s", "cv", "b"):
            self.assertRaises(NotVerified, self.seal, **{name: None})
        self.assertRaises(NotVerified, self.seal, t="now")


class UnsignedTests(SynchronousTestCase):
    """
    Tests for ``unsigned``, ``naming`` and ``claimed``.
    """

    def test_only_the_value_goes(self) -> None:
        """
        With the spaces around it; ``bh=`` stays, whatever the order.
        """
        self.assertEqual(
            signaturefield.unsigned(
                b"X: bh=1;\r\n\tb =\r\n\tAA\r\n BB ; c=2\r\n"
            ),
            b"X: bh=1;\r\n\tb =; c=2\r\n",
        )
        self.assertEqual(
            signaturefield.unsigned(b"X: bh=1; b=AA==\r\n"), b"X: bh=1; b="
        )
        self.assertEqual(
            signaturefield.unsigned(b"X:b=AA==;d=b=1\r\n"), b"X:b=;d=b=1\r\n"
        )

    def test_naming(self) -> None:
        """
        The first characters, if that is what they are.
        """
        self.assertEqual(signaturefield.naming({"b": "ab\r\n cdef"}, 4), "abcd")
        self.assertEqual(signaturefield.naming({"b": "a;\x22"}, 4), "")
        self.assertEqual(signaturefield.naming({}, 4), "")

    def test_claimed(self) -> None:
        """
        What are no names is left out.
        """
        self.assertEqual(
            signaturefield.claimed({"d": "A.org", "s": "B"}), ("a.org", "b")
        )
        self.assertEqual(signaturefield.claimed({"d": "a b@c"}), ("", ""))


class AnyOctetsTests(SynchronousTestCase):
    """
    Fields from anybody.
    """

    @given(
        st.dictionaries(
            st.sampled_from([*"vabcdhilqstx", "bh", "cv"]),
            st.text("arxsel-/.:@0123 \r\n\t=ä", max_size=12)
            | st.sampled_from(["1", "rsa-sha256", "a.org", "from", "AAAA"]),
        )
        | st.just({})
    )
    def test_nothing_else_is_raised(self, found: dict[str, str]) -> None:
        """
        Whatever the tags say, they are read or refused.
        """
        for read in (
            signaturefield.dkim_signature,
            signaturefield.message_signature,
            signaturefield.seal,
        ):
            try:
                read(found)
            except NotVerified as bad:
                self.assertTrue(bad.why.isascii())
        signaturefield.claimed(found)
        signaturefield.naming(found, 8)

    def test_long_fields_take_little_time(self) -> None:
        """
        10 kB of whatever is worst are read in 5 ms.
        """
        for tags in (
            {"h": "From" + ":x" * 5_000},
            {"i": "@" * 10_000},
            {"d": "a." * 5_000},
            {"d": "ä" * 5_000},
            {"s": "a-" * 5_000},
            {"b": "A\r\n " * 2_500},
            {"bh": " " * 10_000},
            {"c": "/" * 10_000},
            {f"a{n}": "x" for n in range(2_000)},
        ):
            octets = field(_GOOD, **tags)
            spent = seconds(partial(self.tried, octets))
            self.assertLess(spent, 0.005, octets[:120])

    def tried(self, octets: bytes) -> None:
        """
        Read, if that is possible.
        """
        with contextlib.suppress(NotVerified):
            signaturefield.dkim_signature(signaturefield.tags(octets))
        signaturefield.unsigned(b"X:" + octets)

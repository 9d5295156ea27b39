"""
Tests for ``mailsuite.transfer.dane``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from cryptography import x509
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.mail.dns import Answer, Found, Question, RecordType, TLSARecord
from mailsuite.smtp.wire.failures import NotAuthenticated
from mailsuite.transfer.dane import TLSA, DANEJudge, tlsa_of
from mailsuite.transfer.inquiries import answered
from mailsuite.transfer.mx import MailHost
from tests.support.authorities import Holder, authority, certificate
from tests.support.memory_resolver import MemoryResolver, failing, records
from tests.support.remotes import now

_HOST = "mx.example.org"
_NAMES = (_HOST, "example.org")


def _digest(usage: int, selector: int, matching: int, of: Holder) -> TLSARecord:
    octets = of.der if selector == 0 else of.key_der
    if matching == 1:
        octets = hashlib.sha256(octets).digest()
    elif matching == 2:
        octets = hashlib.sha512(octets).digest()
    return TLSARecord(usage, selector, matching, octets)


def _judged(
    found: Sequence[TLSARecord], chain: Sequence[x509.Certificate]
) -> str:
    return DANEJudge(TLSA(_HOST, tuple(found)), _NAMES)(chain, _HOST)


class EndEntityTests(SynchronousTestCase):
    """
    Tests for ``DANEJudge`` with usage 3.
    """

    def test_every_way_of_matching(self) -> None:
        """
        Certificate or key, whole or by its digest.
        """
        host = certificate([_HOST])
        for selector in (0, 1):
            for matching in (0, 1, 2):
                record = _digest(3, selector, matching, host)
                self.assertEqual(_judged([record], host.chain), "DANE-EE")

    def test_names_and_dates_do_not_count(self) -> None:
        """
        The record binds the key to the host (RFC 7672 3.1.1).
        """
        host = certificate(["other.example"], expired=True)
        record = _digest(3, 1, 1, host)
        self.assertEqual(_judged([record], host.chain), "DANE-EE")

    def test_another_key(self) -> None:
        """
        A certificate that no record names is refused.
        """
        record = _digest(3, 1, 1, certificate([_HOST]))
        other = certificate([_HOST])
        self.assertRaises(NotAuthenticated, _judged, [record], other.chain)

    def test_one_of_several(self) -> None:
        """
        The key of today or the next one.
        """
        host = certificate([_HOST])
        found = [_digest(3, 1, 1, certificate([_HOST])), _digest(3, 1, 1, host)]
        self.assertEqual(_judged(found, host.chain), "DANE-EE")

    def test_only_the_leaf(self) -> None:
        """
        The key of an authority in the chain is not the host's.
        """
        root = authority("root")
        between = authority("between", root)
        host = certificate([_HOST], between)
        record = _digest(3, 1, 1, between)
        self.assertRaises(NotAuthenticated, _judged, [record], host.chain)

    def test_the_stronger_digest_counts(self) -> None:
        """
        Where both digests of a kind are there, SHA-256 is not enough
        (RFC 7671 9).
        """
        host, other = certificate([_HOST]), certificate([_HOST])
        found = [_digest(3, 1, 1, host), _digest(3, 1, 2, other)]
        self.assertRaises(NotAuthenticated, _judged, found, host.chain)

    def test_no_certificate(self) -> None:
        """
        Nothing to judge is refused.
        """
        record = _digest(3, 1, 1, certificate([_HOST]))
        self.assertRaises(NotAuthenticated, _judged, [record], ())


class TrustAnchorTests(SynchronousTestCase):
    """
    Tests for ``DANEJudge`` with usage 2.
    """

    def setUp(self) -> None:
        self.root = authority("root")
        self.between = authority("between", self.root)
        self.record = _digest(2, 0, 1, self.between)

    def test_authority_in_the_chain(self) -> None:
        """
        It need not be a root.
        """
        host = certificate([_HOST], self.between)
        self.assertEqual(_judged([self.record], host.chain), "DANE-TA")

    def test_authority_in_the_record(self) -> None:
        """
        One that stands in the record whole need not be sent.
        """
        host = certificate([_HOST], self.root)
        self.assertEqual(
            _judged([_digest(2, 0, 0, self.root)], host.chain), "DANE-TA"
        )

    def test_names(self) -> None:
        """
        The host's name or the domain's will do, no other (RFC 7672 3.2.2).
        """
        for name in (_HOST, "example.org", "*.example.org"):
            host = certificate([name], self.between)
            self.assertEqual(_judged([self.record], host.chain), "DANE-TA")
        host = certificate(["mx.example.net"], self.between)
        self.assertRaises(NotAuthenticated, _judged, [self.record], host.chain)

    def test_expired(self) -> None:
        """
        Dates count here.
        """
        host = certificate([_HOST], self.between, expired=True)
        fact = self.assertRaises(
            NotAuthenticated, _judged, [self.record], host.chain
        )
        self.assertIn("expired", str(fact))

    def test_authority_shown_but_not_above(self) -> None:
        """
        To append the authority's certificate to a chain proves nothing.
        """
        host = certificate([_HOST], authority("evil"))
        chain = (*host.chain, self.between.certificate)
        self.assertRaises(NotAuthenticated, _judged, [self.record], chain)

    def test_broken_record(self) -> None:
        """
        A record whose certificate cannot be read names nobody.
        """
        host = certificate([_HOST], self.between)
        record = TLSARecord(2, 0, 0, b"no certificate")
        self.assertRaises(NotAuthenticated, _judged, [record], host.chain)


class UnusableTests(SynchronousTestCase):
    """
    Tests for records that authenticate nobody.
    """

    def test_all_unusable(self) -> None:
        """
        Encrypted, to whomever (RFC 7672 2.2).
        """
        host = certificate([_HOST])
        for record in (
            _digest(0, 0, 1, host),
            _digest(1, 1, 1, host),
            TLSARecord(3, 2, 1, b"x" * 32),
            TLSARecord(3, 1, 3, b"x" * 32),
            TLSARecord(3, 1, 1, b"x" * 31),
            TLSARecord(3, 1, 2, b"x" * 32),
            TLSARecord(3, 0, 0, b""),
        ):
            self.assertEqual(_judged([record], host.chain), "")

    def test_some_unusable(self) -> None:
        """
        They change nothing about the others.
        """
        host, other = certificate([_HOST]), certificate([_HOST])
        found = [_digest(1, 1, 1, host), _digest(3, 1, 1, other)]
        self.assertRaises(NotAuthenticated, _judged, found, host.chain)


class TLSAOfTests(SynchronousTestCase):
    """
    Tests for ``tlsa_of``.
    """

    def setUp(self) -> None:
        self.resolver = MemoryResolver()
        self.text = "3 1 1 " + "ab" * 32
        self.record = TLSARecord(3, 1, 1, b"\xab" * 32)

    def found(self, host: MailHost) -> TLSA | Found:
        """
        What the resolver has for a host.
        """
        return now(answered(tlsa_of(host, 25), self.resolver))

    def test_secure_records(self) -> None:
        """
        They stand below port and host.
        """
        name = f"_25._tcp.{_HOST}"
        self.resolver.answers |= records(name, secure=True, TLSA=[self.text])
        host = MailHost(_HOST, ("192.0.2.1",), secure=True)
        self.assertEqual(self.found(host), TLSA(_HOST, (self.record,)))

    def test_insecure_records(self) -> None:
        """
        They are as none.
        """
        self.resolver.answers |= records(f"_25._tcp.{_HOST}", TLSA=[self.text])
        host = MailHost(_HOST, ("192.0.2.1",), secure=True)
        self.assertIs(self.found(host), Found.NO_RECORDS)

    def test_alias(self) -> None:
        """
        The name at the end of CNAMEs comes first, then the host's own
        (RFC 7672 2.2.2).
        """
        host = MailHost(
            _HOST, ("192.0.2.1",), secure=True, canonical="real.example"
        )
        name = f"_25._tcp.{_HOST}"
        self.resolver.answers |= records(name, secure=True, TLSA=[self.text])
        self.assertEqual(self.found(host), TLSA(_HOST, (self.record,)))

        name = "_25._tcp.real.example"
        self.resolver.answers |= records(name, secure=True, TLSA=[self.text])
        self.assertEqual(self.found(host), TLSA("real.example", (self.record,)))

    def test_nobody_knows(self) -> None:
        """
        A question without an answer is not the answer that there is none.
        """
        host = MailHost(_HOST, ("192.0.2.1",), secure=True)
        name = f"_25._tcp.{_HOST}"
        self.resolver.answers |= failing(name, RecordType.TLSA)
        self.assertIs(self.found(host), Found.FAILED)

    def test_secure_absence(self) -> None:
        """
        A signed zone without TLSA records has none.
        """
        name = f"_25._tcp.{_HOST}"
        self.resolver.answers[Question(name, RecordType.TLSA)] = Answer(
            Found.NO_NAME, secure=True
        )
        host = MailHost(_HOST, ("192.0.2.1",), secure=True)
        self.assertIs(self.found(host), Found.NO_RECORDS)

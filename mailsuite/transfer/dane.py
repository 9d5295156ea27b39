"""
Whether a certificate is the one that a host's TLSA records name (RFC 6698,
7671, 7672).

Implementation notes

- pyOpenSSL does not know DANE, so the chain is judged here.  For usage 3 the
  key or certificate is all that counts, not its name nor its dates (RFC 7672
  3.1.1); for usage 2 everything, from the authority that the record names.
- Usages 0 and 1 have no use in mail (RFC 7672 3.1.3) and are unusable.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from OpenSSL import crypto

from mailsuite.mail.dns import (
    Answer,
    Found,
    Inquiry,
    Question,
    RecordType,
    TLSARecord,
)
from mailsuite.smtp.wire.failures import NotAuthenticated
from mailsuite.transfer.certificates import verify_name
from mailsuite.transfer.mx import MailHost

# RFC 7671 5
_TRUST_ANCHOR = 2
_END_ENTITY = 3

#: Octets of the digests (RFC 6698 2.1.3).
_DIGESTS = {1: 32, 2: 64}


@dataclass(frozen=True, slots=True)
class TLSA:
    """
    The TLSA records that hold for a host.

    :param base: the name that they stand below, and that SNI has (RFC 7672
        2.2.2, 8.1).
    """

    base: str
    records: tuple[TLSARecord, ...]

    @property
    def usable(self) -> tuple[TLSARecord, ...]:
        """
        Those that can authenticate a host; of the digests of one kind only
        the stronger (RFC 7671 9).
        """
        fit = [record for record in self.records if _is_usable(record)]
        strongest: dict[tuple[int, int], int] = {}
        for record in fit:
            kind = record.usage, record.selector
            known = strongest.get(kind, 0)
            strongest[kind] = max(known, record.matching_type)
        return tuple(
            record
            for record in fit
            if record.matching_type
            in (0, strongest[record.usage, record.selector])
        )


def tlsa_of(host: MailHost, port: int) -> Inquiry[TLSA | Found]:
    """
    The TLSA records of a host with secure addresses (RFC 7672 2.2).

    :return: ``NO_RECORDS`` if there are none that DNSSEC vouches for,
        ``FAILED`` if nobody knows.
    """
    for name in dict.fromkeys((host.canonical or host.name, host.name)):
        answer: Answer = yield Question(f"_{port}._tcp.{name}", RecordType.TLSA)
        if answer.found is Found.FAILED:
            return Found.FAILED
        records = tuple(
            record
            for record in answer.records
            if isinstance(record, TLSARecord)
        )
        if records and answer.secure:
            return TLSA(name, records)
    return Found.NO_RECORDS


@dataclass(frozen=True, slots=True)
class DANEJudge:
    """
    Judges chains by TLSA records.

    :param names: of which a certificate that an authority vouches for must
        have one (RFC 7672 3.2.2).
    """

    tlsa: TLSA
    names: tuple[str, ...]

    def __call__(self, chain: Sequence[x509.Certificate], name: str) -> str:
        """
        How the host was authenticated; empty if no record can do that, which
        leaves it encrypted (RFC 7672 2.2).

        :raises NotAuthenticated: it was not.
        """
        usable = self.tlsa.usable
        if not usable:
            return ""
        if not chain:
            raise NotAuthenticated("no certificate")
        for record in usable:
            if record.usage == _END_ENTITY and _matches(record, chain[0]):
                return "DANE-EE"
        anchors = [
            anchor
            for record in usable
            if record.usage == _TRUST_ANCHOR
            for anchor in _anchors(record, chain)
        ]
        if not anchors:
            raise NotAuthenticated("no TLSA record matches the certificate")
        _verify_chain(chain, anchors)
        self._verify_names(chain[0])
        return "DANE-TA"

    def _verify_names(self, leaf: x509.Certificate) -> None:
        for name in self.names[:-1]:
            try:
                verify_name(leaf, name)
            except NotAuthenticated:
                continue
            return
        verify_name(leaf, self.names[-1])


def _is_usable(record: TLSARecord) -> bool:
    if record.usage not in (_TRUST_ANCHOR, _END_ENTITY):
        return False
    if record.selector not in (0, 1):
        return False
    if record.matching_type == 0:
        return bool(record.association)
    return _DIGESTS.get(record.matching_type) == len(record.association)


def _matches(record: TLSARecord, certificate: x509.Certificate) -> bool:
    """
    RFC 6698 2.1
    """
    try:
        octets = _selected(record.selector, certificate)
    except (ValueError, UnsupportedAlgorithm):
        return False
    match record.matching_type:
        case 1:
            octets = hashlib.sha256(octets).digest()
        case 2:
            octets = hashlib.sha512(octets).digest()
    return octets == record.association


def _selected(selector: int, certificate: x509.Certificate) -> bytes:
    if selector == 0:
        return certificate.public_bytes(Encoding.DER)
    return certificate.public_key().public_bytes(
        Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    )


def _anchors(
    record: TLSARecord, chain: Sequence[x509.Certificate]
) -> list[x509.Certificate]:
    """
    The authorities that a record names: out of the chain, or out of itself,
    since one that stands in the record whole need not be sent.
    """
    if record.selector == 0 and record.matching_type == 0:
        try:
            return [x509.load_der_x509_certificate(record.association)]
        except ValueError:
            return []
    return [each for each in chain if _matches(record, each)]


def _verify_chain(
    chain: Sequence[x509.Certificate], anchors: Sequence[x509.Certificate]
) -> None:
    store = crypto.X509Store()
    # The authority need not be a root.
    store.set_flags(crypto.X509StoreFlags.PARTIAL_CHAIN)
    for anchor in anchors:
        store.add_cert(crypto.X509.from_cryptography(anchor))
    leaf, *others = (crypto.X509.from_cryptography(each) for each in chain)
    try:
        crypto.X509StoreContext(store, leaf, others).verify_certificate()
    except crypto.X509StoreContextError as error:
        raise NotAuthenticated(f"certificate: {error}") from error

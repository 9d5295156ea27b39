"""
What each method found, as Authentication-Results tells it (RFC 8601 2.7).
"""

from __future__ import annotations

from mailsuite.emailauth.dmarc import DMARCResult
from mailsuite.emailauth.domains import ascii_domain
from mailsuite.emailauth.iprev import IPRevResult
from mailsuite.emailauth.results import MethodResult, Property
from mailsuite.emailauth.spf import Scope, SPFIdentity, SPFResult


def of_iprev(found: IPRevResult) -> MethodResult:
    """
    RFC 8601 2.7.3
    """
    return MethodResult(
        "iprev",
        found.verdict.value,
        found.name,
        properties=(Property("policy", "iprev", found.address),),
    )


def of_spf(found: SPFResult) -> MethodResult:
    """
    RFC 8601 2.7.2
    """
    return MethodResult(
        "spf",
        found.verdict.value,
        found.why,
        properties=(_identity(found.identity),),
    )


def of_dmarc(found: DMARCResult) -> MethodResult:
    """
    DMARC's (RFC 9989 9.1): with the record that applied, and its ``p``.
    """
    properties = [Property("header", "from", found.domain)]
    published = found.published
    if published is not None:
        properties += [
            Property("polrec", "p", published.record.p.value),
            Property("polrec", "domain", published.domain),
        ]
    if not found.domain:
        properties = []
    return MethodResult(
        "dmarc", found.verdict.value, found.why, properties=tuple(properties)
    )


def _identity(identity: SPFIdentity) -> Property:
    domain = ascii_domain(identity.domain) or identity.domain
    if identity.scope is Scope.HELO:
        return Property("smtp", "helo", domain)
    address = f"{identity.local_part}@{domain}"
    return Property(
        "smtp", "mailfrom", address if address.isascii() else domain
    )

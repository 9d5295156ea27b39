"""
DKIM-Signature, ARC-Message-Signature and ARC-Seal, read and judged by
themselves: before a key is asked for and a body is known.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from mailsuite.emailauth import taglist
from mailsuite.emailauth.canonicalization import Canonicalization
from mailsuite.emailauth.domains import ascii_domain, is_within
from mailsuite.emailauth.verdict import Verdict

#: No identity is longer that could be an address (RFC 5321 4.5.3.1).
_LONGEST_IDENTITY = 320

#: More names than this are not looked up in the header section.
_MOST_SIGNED = 500

_NAME = re.compile(
    r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?"
    r"(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*"
)
_FIELD_NAME = re.compile(r"[!-9;-~]+")
_BASE64 = re.compile(r"[A-Za-z0-9+/=]*")
_NUMBER = re.compile(r"[0-9]{1,76}")
_SIGNATURE_TAG = re.compile(rb"((?:\A|;)[ \t\r\n]*b[ \t\r\n]*=)[^;]*")


class NotVerified(Exception):
    """
    A signature cannot count; ``why`` may be told to anybody.
    """

    def __init__(self, verdict: Verdict, why: str) -> None:
        super().__init__(why)
        self.verdict = verdict
        self.why = why


class Algorithm(Enum):
    """
    The algorithms that count (RFC 8301 3.1, RFC 8463 3).
    """

    RSA = "rsa-sha256"
    ED25519 = "ed25519-sha256"

    @property
    def key_type(self) -> str:
        """
        What ``k=`` of its keys says.
        """
        return self.value.partition("-")[0]


@dataclass(frozen=True, slots=True)
class Signer:
    """
    Who signed, with which key, and what came of it.

    :param domain: ``d=``, and
    :param selector: ``s=``, as A-labels in lower case.
    :param signature: the octets of ``b=``.
    """

    domain: str
    selector: str
    algorithm: Algorithm
    signature: bytes


@dataclass(frozen=True, slots=True)
class Signature:
    """
    A signature over header fields and a body (RFC 6376 3.5).

    :param identity: ``i=``; ``@`` and the domain where there is none.
    :param identity_domain: its part after the ``@``, as A-labels.
    :param signed: ``h=`` in lower case, in its order.
    :param octets: ``l=``.
    :param expires: ``x=``, seconds since 1970.
    """

    signer: Signer
    identity: str
    identity_domain: str
    header: Canonicalization
    body: Canonicalization
    signed: tuple[bytes, ...]
    body_hash: bytes
    octets: int | None
    expires: int | None


@dataclass(frozen=True, slots=True)
class Seal:
    """
    An ARC-Seal (RFC 8617 4.1.3).

    :param chain: ``cv=``: NONE, PASS or FAIL.
    """

    signer: Signer
    chain: Verdict


def tags(value: bytes) -> dict[str, str]:
    """
    The tags of a signature's field.

    :raises NotVerified: it is no tag list.
    """
    try:
        return taglist.parse(value)
    except taglist.BadTagList as bad:
        raise _permanent(f"syntax: {bad}") from None


def dkim_signature(found: Mapping[str, str]) -> Signature:
    """
    What the tags of a DKIM-Signature say.

    :raises NotVerified: a verifier must not accept them (RFC 6376 6.1.1).
    """
    if _required(found, "v") != "1":
        raise _permanent("unknown version")
    signature = _signature(found, found.get("i"), "simple/simple")
    if b"from" not in signature.signed:
        raise _permanent("From is not signed")
    return signature


def message_signature(found: Mapping[str, str]) -> Signature:
    """
    What the tags of an ARC-Message-Signature say (RFC 8617 4.1.2).

    :raises NotVerified: it can never verify.
    """
    # RFC 8617 has DKIM's default, simple/simple.  Its drafts had this one, and
    # so have the verifiers and the test suite of that time.
    signature = _signature(found, None, "relaxed/relaxed")
    if b"arc-seal" in signature.signed:
        raise _permanent("a seal is signed by what it seals")
    return signature


def seal(found: Mapping[str, str]) -> Seal:
    """
    What the tags of an ARC-Seal say.

    :raises NotVerified: it can never verify.
    """
    if "h" in found:
        raise _permanent("a seal chooses its header fields")
    chain = _required(found, "cv").lower()
    if chain not in {"none", "pass", "fail"}:
        raise _permanent("unknown chain validation status")
    _number(found, "t")
    return Seal(_signer(found), Verdict(chain))


def claimed(found: Mapping[str, str]) -> tuple[str, str]:
    """
    The domain and selector that the tags name; empty where they are no names.
    """
    names = (_name(found.get("d", "")), _name(found.get("s", "")))
    return names[0] or "", names[1] or ""


def naming(found: Mapping[str, str], octets: int) -> str:
    """
    The beginning of ``b=``, to tell signatures apart (RFC 6008).
    """
    text = taglist.unspaced(found.get("b", ""))[:octets]
    return text if _BASE64.fullmatch(text) else ""


def unsigned(field: bytes) -> bytes:
    """
    A signature's field as it signs itself: nothing after ``b=``
    (RFC 6376 3.7).
    """
    name, colon, value = field.partition(b":")
    return name + colon + _SIGNATURE_TAG.sub(rb"\1", value, count=1)


def _signature(
    found: Mapping[str, str], identity: str | None, canonical: str
) -> Signature:
    signer = _signer(found)
    if "dns/txt" not in taglist.words(found.get("q", "dns/txt")):
        raise _permanent("unknown query method")
    header, body = _canonicalizations(found.get("c", canonical))
    expires = _number(found, "x")
    signed_at = _number(found, "t")
    if expires is not None and signed_at is not None and expires <= signed_at:
        raise _permanent("expires before it was made")
    identity, identity_domain = _identity(identity, signer.domain)
    return Signature(
        signer,
        identity,
        identity_domain,
        header,
        body,
        _signed(_required(found, "h")),
        _base64(found, "bh"),
        _number(found, "l"),
        expires,
    )


def _signer(found: Mapping[str, str]) -> Signer:
    domain, selector = (
        _name(_required(found, "d")),
        _name(_required(found, "s")),
    )
    if domain is None or "." not in domain:
        raise _permanent("d= is no domain")
    if (
        selector is None
        or ascii_domain(f"{selector}._domainkey.{domain}") is None
    ):
        raise _permanent("s= is no selector")
    return Signer(
        domain,
        selector,
        _algorithm(_required(found, "a").lower()),
        _base64(found, "b"),
    )


def _algorithm(name: str) -> Algorithm:
    if name == "rsa-sha1":
        # RFC 8301 3.1
        raise NotVerified(Verdict.POLICY, "SHA-1 is not accepted")
    try:
        return Algorithm(name)
    except ValueError:
        raise _permanent("unknown algorithm") from None


def _canonicalizations(
    value: str,
) -> tuple[Canonicalization, Canonicalization]:
    header, _, body = value.lower().partition("/")
    try:
        return (
            Canonicalization(header.strip()),
            Canonicalization(body.strip() or "simple"),
        )
    except ValueError:
        raise _permanent("unknown canonicalization") from None


def _identity(value: str | None, domain: str) -> tuple[str, str]:
    if value is None:
        return f"@{domain}", domain
    value = taglist.unspaced(value)
    _, at, text = value.rpartition("@")
    identity_domain = _name(text)
    if not at or identity_domain is None:
        raise _permanent("i= is no identity")
    if not is_within(identity_domain, domain):
        raise _permanent("i= is outside of d=")
    if len(value) > _LONGEST_IDENTITY:
        value = f"@{identity_domain}"
    return value, identity_domain


def _signed(value: str) -> tuple[bytes, ...]:
    if value.count(":") >= _MOST_SIGNED:
        raise _permanent("h= names too many header fields")
    names = taglist.words(value)
    if not all(map(_FIELD_NAME.fullmatch, names)):
        raise _permanent("h= names no header fields")
    return tuple(name.encode() for name in names)


def _name(value: str) -> str | None:
    name = ascii_domain(taglist.unspaced(value))
    return name if name and _NAME.fullmatch(name) else None


def _required(found: Mapping[str, str], tag: str) -> str:
    value = found.get(tag)
    if not value:
        raise _permanent(f"no {tag}=")
    return value


def _base64(found: Mapping[str, str], tag: str) -> bytes:
    text = taglist.unspaced(_required(found, tag))
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise _permanent(f"{tag}= is not base64") from None


def _number(found: Mapping[str, str], tag: str) -> int | None:
    value = found.get(tag)
    if value is None:
        return None
    if not _NUMBER.fullmatch(value):
        raise _permanent(f"{tag}= is no number")
    return int(value)


def _permanent(why: str) -> NotVerified:
    return NotVerified(Verdict.PERMERROR, why)

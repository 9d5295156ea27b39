"""
A DMARC record as a value (RFC 9989 4.7 and 4.8).

Implementation notes

- Only ``v`` must be right.  Any other tag that is wrong counts as not there
  (RFC 9989 4.7), but for the policies: see ``parse``.
- ``pct``, ``rf``, ``ri`` and the size after ``!`` of an address are RFC 7489's
  and ignored.  ``ruf`` is not read: no failure reports are sent.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

#: Octets of a record that are looked at.
LONGEST_RECORD = 8192
#: Addresses of a record that count.
MOST_ADDRESSES = 5

_VERSION = re.compile(rb"v[ \t]*=[ \t]*DMARC1[ \t]*(?:;|\Z)")
# RFC 9989 4.8: a URI, in which comma and exclamation mark are encoded; and
# the size that RFC 7489 allowed after it.
_URI = re.compile(
    r"([A-Za-z][A-Za-z0-9+.-]*:[A-Za-z0-9$%&'()*+./:;=?@\[\]_~#-]+)"
    r"(?:![0-9]+[kmgtKMGT]?)?"
)
_FAILURE_OPTIONS = re.compile(r"[01dsDS](?:[ \t]*:[ \t]*[01dsDS])*")


class Policy(Enum):
    """
    What an owner asks for, from the mildest to the strictest.
    """

    NONE = "none"
    QUARANTINE = "quarantine"
    REJECT = "reject"

    @property
    def milder(self) -> Policy:
        """
        One step milder, as for ``t=y`` (RFC 9989 4.7).
        """
        if self is Policy.REJECT:
            return Policy.QUARANTINE
        return Policy.NONE


class PublicSuffix(Enum):
    """
    Whether the domain is one below which others register (tag ``psd``).
    """

    YES = "y"
    NO = "n"
    UNSAID = "u"


@dataclass(frozen=True, slots=True)
class DMARCRecord:
    """
    What a domain publishes at ``_dmarc``.

    :param p: for the domain itself; ``NONE`` also if it says nothing.
    :param sp: for domains below it that exist; None if it says nothing.
    :param np: for those that do not.
    :param strict_dkim: ``adkim=s``: the same domain, not only the same
        organization's.
    :param testing: ``t=y``.
    :param failure_options: ``fo``, of which only reports speak.
    :param rua: URIs for aggregate reports, of any scheme.
    """

    p: Policy = Policy.NONE
    sp: Policy | None = None
    np: Policy | None = None
    strict_dkim: bool = False
    strict_spf: bool = False
    public_suffix: PublicSuffix = PublicSuffix.UNSAID
    testing: bool = False
    failure_options: str = "0"
    rua: tuple[str, ...] = ()

    @classmethod
    def parse(cls, octets: bytes) -> DMARCRecord:
        """
        Read a record that ``is_dmarc`` knows as one.

        A wrong policy makes all of it ``none`` if there is somebody to tell
        by ``rua``, and the record none otherwise (RFC 9989 4.10.1).

        :raises ValueError: there is no record that counts.
        """
        if len(octets) > LONGEST_RECORD:
            raise ValueError("the record is too long")
        tags = _tags(octets.decode("ascii", "replace"))
        rua = _uris(tags.get("rua", ""))
        try:
            policies = {
                name: Policy(tags[name].lower())
                for name in ("p", "sp", "np")
                if name in tags
            }
        except ValueError:
            if not rua:
                raise ValueError("a policy that there is not") from None
            policies = {}
        return cls(
            policies.get("p", Policy.NONE),
            policies.get("sp"),
            policies.get("np"),
            strict_dkim=tags.get("adkim", "").lower() == "s",
            strict_spf=tags.get("aspf", "").lower() == "s",
            public_suffix=_public_suffix(tags.get("psd", "")),
            testing=tags.get("t", "").lower() == "y",
            failure_options=_failure_options(tags.get("fo", "")),
            rua=rua,
        )


def is_dmarc(octets: bytes) -> bool:
    """
    Whether a TXT record is one of DMARC's current version.
    """
    return _VERSION.match(octets) is not None


def _tags(text: str) -> dict[str, str]:
    """
    The tags in lower case; of one that is there twice, the first.
    """
    tags: dict[str, str] = {}
    for tag in text.split(";"):
        name, equals, value = tag.partition("=")
        if equals:
            tags.setdefault(name.strip(" \t").lower(), value.strip(" \t"))
    return tags


def _uris(text: str) -> tuple[str, ...]:
    found = (
        _URI.fullmatch(uri.strip(" \t"))
        for uri in text.split(",", MOST_ADDRESSES)[:MOST_ADDRESSES]
    )
    return tuple(match[1] for match in found if match is not None)


def _public_suffix(text: str) -> PublicSuffix:
    try:
        return PublicSuffix(text.lower())
    except ValueError:
        return PublicSuffix.UNSAID


def _failure_options(text: str) -> str:
    if not _FAILURE_OPTIONS.fullmatch(text):
        return "0"
    return "".join(text.split()).lower()

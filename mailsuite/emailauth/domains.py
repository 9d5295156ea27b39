"""
Domain names as the DNS is asked for them.
"""

from __future__ import annotations

import re

import idna

#: RFC 1035 2.3.4, without the dot of the root.
LONGEST_NAME = 253

# What a question may hold.  Names of hosts have less, but a macro of SPF may
# put anything into a label; a backslash is left out, since resolvers read it.
_LABEL = r"[ -\-/-\[\]-~]{1,63}+"
_LABELS = re.compile(rf"{_LABEL}(?:\.{_LABEL})*+")
_MAIL_DOMAIN = re.compile(r"[a-z0-9_.-]+\.[a-z0-9_-]+")


def ascii_domain(domain: str) -> str | None:
    """
    A domain in A-labels and lower case, without a last dot.

    :return: None if no question can be asked for it: an empty label, one of
        over 63 octets, a name of over 253, what IDNA does not allow, or
        octets that a zone file would have to escape.
    """
    name = domain.removesuffix(".")
    if not name.isascii():
        # No name needs more; and IDNA's rules take long for long ones.
        if len(name) > LONGEST_NAME:
            return None
        try:
            name = idna.encode(name, uts46=True).decode("ascii")
        except (idna.IDNAError, UnicodeError):
            return None
    name = name.lower()
    if not 0 < len(name) <= LONGEST_NAME:
        return None
    return name if _LABELS.fullmatch(name) else None


def mail_domain(domain: str) -> str | None:
    """
    A domain that can have mail, as ``ascii_domain`` gives it.

    :return: None also for address literals, names of one label and names that
        no host could have.
    """
    name = ascii_domain(domain)
    if name is None or not _MAIL_DOMAIN.fullmatch(name):
        return None
    return name


def is_within(name: str, domain: str) -> bool:
    """
    Whether a name is a domain itself or below it; both as A-labels.
    """
    return name == domain or name.endswith("." + domain)

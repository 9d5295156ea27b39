"""
What domains publish about TLS for MTA-STS: the record in the DNS and the text
of the policy (RFC 8461 3), read.

Implementation notes

- A record that breaks the grammar is no record.  A policy's fields may come in
  any order; of a field that may stand once the first counts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from mailsuite.mail.dns import Record

#: RFC 8461 3.2: about a year, seconds.
_LONGEST_AGE = 31_557_600

#: Patterns that a policy may have; by its size alone it could have thousands,
#: and it is kept in memory.
_MOST_PATTERNS = 200

#: A name and the star in front of it (RFC 1035 2.3.4).
_LONGEST_PATTERN = 255

# RFC 8461 3.1
_RECORD_FIELD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}=[!-:<>-~]+")
_ID = re.compile(r"[A-Za-z0-9]{1,32}")

# RFC 8461 3.2
_POLICY_FIELD = re.compile(
    r"([A-Za-z0-9][A-Za-z0-9_.-]{0,31})[ \t]*:[ \t]*(.*)"
)
_PATTERN = re.compile(r"(?:\*\.)?[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})*")
_AGE = re.compile(r"[0-9]{1,10}")


class Mode(Enum):
    """
    What is to be done about hosts that fail.
    """

    ENFORCE = "enforce"
    TESTING = "testing"
    NONE = "none"


class BadPolicy(ValueError):
    """
    The octets are no policy.
    """


@dataclass(frozen=True, slots=True)
class STSPolicy:
    """
    A policy.

    :param mx: patterns in lower case.
    :param max_age: for how long it may be kept, seconds.
    """

    mode: Mode
    mx: tuple[str, ...]
    max_age: int

    def names(self, host: str) -> bool:
        """
        Whether a host, in A-labels, may take the domain's mail (RFC 8461
        4.1).
        """
        label, dot, rest = host.partition(".")
        below = f"*.{rest}" if label and dot else None
        return host in self.mx or below in self.mx

    def lines(self) -> tuple[str, ...]:
        """
        As reports repeat it (RFC 8460 4.4).
        """
        return (
            "version: STSv1",
            f"mode: {self.mode.value}",
            *(f"mx: {pattern}" for pattern in self.mx),
            f"max_age: {self.max_age}",
        )


def policy_id(records: Sequence[Record]) -> str | None:
    """
    The id of the policy that a domain has (RFC 8461 3.1).

    :param records: the TXT records of ``_mta-sts`` below it.
    :return: None if it has no policy.
    """
    texts = [
        record.decode("latin-1")
        for record in records
        if isinstance(record, bytes)
    ]
    found = [text for text in texts if re.match(r"v=STSv1[ \t]*;", text)]
    if len(found) != 1:
        return None
    _, *fields = (part.strip(" \t") for part in found[0].split(";"))
    if fields and not fields[-1]:
        fields.pop()
    if not all(_RECORD_FIELD.fullmatch(field) for field in fields):
        return None
    ids = [field[3:] for field in fields if field.startswith("id=")]
    if not ids or not _ID.fullmatch(ids[0]):
        return None
    return ids[0]


def parse_policy(octets: bytes) -> STSPolicy:
    """
    Read the text of a policy (RFC 8461 3.2).

    :raises BadPolicy: it is none.
    """
    try:
        text = octets.decode()
    except UnicodeDecodeError:
        raise BadPolicy("not UTF-8") from None
    once: dict[str, str] = {}
    patterns: list[str] = []
    for line in re.split(r"\r?\n", text):
        if not line.strip(" \t"):
            continue
        field = _POLICY_FIELD.fullmatch(line.rstrip(" \t"))
        if field is None:
            raise BadPolicy("a line that is no field")
        name, value = field.groups()
        if name == "mx":
            patterns.append(_pattern(value))
        else:
            once.setdefault(name, value)
    if once.get("version") != "STSv1":
        raise BadPolicy("not of version STSv1")
    return _policy(once, patterns)


def _pattern(value: str) -> str:
    pattern = value.lower().removesuffix(".")
    if len(pattern) > _LONGEST_PATTERN or not _PATTERN.fullmatch(pattern):
        raise BadPolicy("a pattern that is no host")
    return pattern


def _policy(once: dict[str, str], patterns: list[str]) -> STSPolicy:
    try:
        mode = Mode(once.get("mode"))
    except ValueError:
        raise BadPolicy("an unknown mode, or none") from None
    age = once.get("max_age", "")
    if not _AGE.fullmatch(age):
        raise BadPolicy("no max_age")
    if not patterns and mode is not Mode.NONE:
        raise BadPolicy("no mx")
    if len(patterns) > _MOST_PATTERNS:
        raise BadPolicy("too many patterns")
    unique = tuple(dict.fromkeys(patterns))
    return STSPolicy(mode, unique, min(int(age), _LONGEST_AGE))

"""
Dovecot's quota rules: ``userdb_quota_rule=*:storage=2G:messages=500``.

Implementation notes

- An account has one limit of octets and one of messages: of the rules those
  for ``*`` are taken, whatever is for one mailbox alone is told.
- What is relative to Dovecot's own configuration (``+``, ``-``, ``%``) cannot
  be known from the line.
- Nothing is lost unsaid: each part is either taken or told.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from mailsuite.accounts.account_rows import MOST_LIMIT
from mailsuite.accounts.errors import BadLine

PREFIX = "userdb_quota_rule"
"""
With what the extra fields of quota rules begin.
"""

#: So much of a line is shown to the operator.
_SHOWN_CHARACTERS = 80

_SIZE = re.compile(r"(\d{1,20})([bkmgt]?)", re.IGNORECASE)

_UNITS = {"b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}

#: What a number without a unit counts.
_WITHOUT_UNIT = {"storage": 1 << 10, "bytes": 1, "messages": 1}


@dataclass(frozen=True, slots=True)
class Quota:
    """
    An account's limits; None where there is none.
    """

    octets: int | None = None
    messages: int | None = None


class _NotTaken(Exception):
    """
    A part of a rule is not kept.
    """


def read(fields: Iterable[str]) -> tuple[Quota, list[str]]:
    """
    The limits of the account, and what should be known of them.

    Dovecot takes 0 for no limit.

    :param fields: extra fields that begin with ``PREFIX``.
    :raises BadLine: a limit is more than can be kept.
    """
    quota, notes = Quota(), []
    for one in fields:
        name, _, rule = one.partition("=")
        mailbox, _, limits = rule.partition(":")
        if not re.fullmatch(PREFIX + r"\d*", name):
            notes.append(f"{shown(name)} is not taken")
        elif not limits:
            notes.append(f"{shown(one)} is not understood: not taken")
        elif mailbox != "*":
            notes.append(
                f"{shown(one)} is a rule for one mailbox: not taken, an account"
                " has one quota"
            )
        else:
            quota, untaken = _limited(quota, limits)
            notes += [f"{shown(one)}: {why}" for why in untaken]
    return quota, notes


def shown(text: str) -> str:
    """
    What a line has, shortened, and safe for a terminal.
    """
    printable = "".join(
        character if character.isprintable() else "?"
        for character in text[:_SHOWN_CHARACTERS]
    )
    return printable + "..." * (len(text) > _SHOWN_CHARACTERS)


def _limited(quota: Quota, limits: str) -> tuple[Quota, list[str]]:
    """
    A quota with the limits that are understood, and why others are not taken.

    :raises BadLine: a limit is more than can be kept.
    """
    untaken = []
    for part in limits.split(":"):
        kind, _, value = part.partition("=")
        try:
            limit = _limit(kind, value)
        except _NotTaken as error:
            untaken.append(f"{shown(part)} {error}")
            continue
        if limit > MOST_LIMIT:
            raise BadLine("the quota is too large", f"remove it from {PREFIX}")
        if kind == "messages":
            quota = replace(quota, messages=limit or None)
        else:
            quota = replace(quota, octets=limit or None)
    return quota, untaken


def _limit(kind: str, value: str) -> int:
    """
    :raises _NotTaken: no limit can be made of it.
    """
    if kind not in _WITHOUT_UNIT:
        raise _NotTaken("is not taken")
    if value.startswith(("+", "-")) or value.endswith("%"):
        raise _NotTaken(
            "is relative to another limit: not taken, set it with mailsuite"
            " quota set"
        )
    found = _SIZE.fullmatch(value)
    if found is None:
        raise _NotTaken("is no number: not taken")
    unit = found[2].lower()
    return int(found[1]) * (_UNITS[unit] if unit else _WITHOUT_UNIT[kind])

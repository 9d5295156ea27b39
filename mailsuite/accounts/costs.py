"""
What it costs to verify a hash that somebody else made, and the most of it
that is borne.

Implementation notes

- Two threads judge everybody's passwords.  Two accounts whose hashes take
  hours would shut all others out, and nothing ends such a check from outside:
  one at the bounds below takes two or three seconds.
- A crypt(3) hash of another form than its kind's own is never the result of
  crypt(3), so that no password could ever fit it.
- Of yescrypt the parameters that crypt_gensalt(3) chooses are known, no others.
"""

from __future__ import annotations

import re
from collections.abc import Callable

MOST_ITERATIONS = 3_000_000
"""
Of PBKDF2, SCRAM's included.
"""

MOST_STEPS = 9_999
"""
Of one-time passwords.
"""

MOST_MEMORY = 1 << 20
"""
Of Argon2, in KiB.
"""

MOST_MEMORY_TIMES = 2 << 20
"""
Of Argon2, in KiB: its memory by the times that it goes through it.
"""

#: SHA-crypt takes seven times as long for a password of 500 octets.
_MOST_ROUNDS = 1_000_000
_MOST_DES_ROUNDS = 4_000_000
_MOST_BCRYPT_COST = 14

#: Of yescrypt and scrypt, in octets, by the times that they go through it.
_MOST_BLOCKS = 512 << 20


class TooCostly(ValueError):
    """
    Verifying it would keep others from logging in.
    """


def require_at_most(found: int, most: int, what: str) -> None:
    """
    :param what: is counted.
    :raises TooCostly: there are more than are borne.
    """
    if found > most:
        raise TooCostly(
            f"{found} {what} would take too long, {most} are the most"
        )


def require_bearable(hashed: str) -> None:
    """
    Takes a crypt(3) hash that some password fits, and soon enough.

    :raises TooCostly: verifying it would take too long.
    :raises ValueError: no password could ever fit it.
    """
    for form, require in _FORMS:
        found = form.fullmatch(hashed)
        if found is not None:
            require(found)
            return
    raise ValueError("not the form of any kind")


# --- Forms of crypt(3), crypt(5) ---------------------------------------------

_ALPHABET = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def _number(text: str) -> int:
    """
    A number in crypt's characters, the low six bits first.
    """
    return sum(
        _ALPHABET.index(character) << 6 * place
        for place, character in enumerate(text)
    )


def _nothing(found: re.Match[str]) -> None:
    """
    Always the same cost.
    """


def _rounds(found: re.Match[str]) -> None:
    require_at_most(int(found["rounds"] or 0), _MOST_ROUNDS, "rounds")


def _bcrypt(found: re.Match[str]) -> None:
    cost = int(found["cost"])
    if cost > _MOST_BCRYPT_COST:
        raise TooCostly(
            f"a cost of {cost} would take too long, {_MOST_BCRYPT_COST} is"
            " the most"
        )


def _des(found: re.Match[str]) -> None:
    require_at_most(_number(found["rounds"]), _MOST_DES_ROUNDS, "rounds")


def _yescrypt(found: re.Match[str]) -> None:
    # Both are one more than what is written.
    rows, blocks = (_number(found[name]) + 1 for name in ("rows", "blocks"))
    _require_blocks(rows, blocks)


def _scrypt(found: re.Match[str]) -> None:
    _require_blocks(
        _number(found["rows"]),
        _number(found["blocks"]) * _number(found["lanes"]),
    )


def _require_blocks(rows: int, blocks: int) -> None:
    """
    :param rows: how many there are, as a power of two.
    :param blocks: of 128 octets in each row.
    """
    require_at_most((128 * blocks << rows) >> 20, _MOST_BLOCKS >> 20, "MiB")


def _form(
    pattern: str, require: Callable[[re.Match[str]], None]
) -> tuple[re.Pattern[str], Callable[[re.Match[str]], None]]:
    """
    :param pattern: ``@`` stands for one of crypt's characters.
    """
    return re.compile(pattern.replace("@", "[./0-9A-Za-z]")), require


_FORMS = (
    _form(r"@{13}", _nothing),
    _form(r"_(?P<rounds>@{4})@{15}", _des),
    _form(r"\$1\$[^$:\s]{0,8}\$@{22}", _nothing),
    _form(r"\$5\$(rounds=(?P<rounds>[1-9]\d{3,8})\$)?[^$:\s]{0,16}\$@{43}",
          _rounds),
    _form(r"\$6\$(rounds=(?P<rounds>[1-9]\d{3,8})\$)?[^$:\s]{0,16}\$@{86}",
          _rounds),
    _form(r"\$sha1\$(?P<rounds>[1-9]\d{0,9})\$@{1,64}\$@{28}", _rounds),
    # Of the salt's last character two bits count, and crypt(3) clears the rest.
    _form(r"\$2[aby]\$(?P<cost>0[4-9]|[12]\d|3[01])\$@{21}[.Oeu]@{31}",
          _bcrypt),
    _form(r"\$g?y\$j(?P<rows>@)(?P<blocks>@)\$@{1,86}\$@{43}", _yescrypt),
    _form(r"\$7\$(?P<rows>@)(?P<blocks>@{5})(?P<lanes>@{5})[^$:\s]*\$@{43}",
          _scrypt),
)  # fmt: skip

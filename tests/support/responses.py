"""
Reads what IMAP prints in parentheses, so that tests can look inside.
"""

from __future__ import annotations

import re

_QUOTED = re.compile(rb'"((?:[^"\\\r\n]|\\["\\])*)"')
_LITERAL = re.compile(rb"\{(\d+)\}\r\n")
_ATOM = re.compile(rb"[^ ()\"{]+")

#: A string is bytes, NIL is None, a number is an int, a list a list.
Value = bytes | int | list["Value"] | None


def read(octets: bytes) -> Value:
    """
    The one value that these octets are.
    """
    value, at = _read(octets, 0)
    if at != len(octets):
        raise AssertionError(f"rubbish at {octets[at:]!r}")
    return value


def _read(octets: bytes, at: int) -> tuple[Value, int]:
    if octets[at : at + 1] == b"(":
        return _read_list(octets, at + 1)
    if found := _QUOTED.match(octets, at):
        return re.sub(rb"\\(.)", rb"\1", found[1]), found.end()
    if found := _LITERAL.match(octets, at):
        end = found.end() + int(found[1])
        return octets[found.end() : end], end
    if found := _ATOM.match(octets, at):
        atom = found[0]
        return None if atom == b"NIL" else int(atom), found.end()
    raise AssertionError(f"no value at {octets[at:]!r}")


def _read_list(octets: bytes, at: int) -> tuple[Value, int]:
    values: list[Value] = []
    while octets[at : at + 1] != b")":
        if octets[at : at + 1] == b" ":
            at += 1
        value, at = _read(octets, at)
        values.append(value)
    return values, at + 1

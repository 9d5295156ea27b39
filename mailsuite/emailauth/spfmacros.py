"""
The macro strings of SPF (RFC 7208 7).

Implementation notes

- Parsing finds every error, before anything is looked up; expanding cannot
  fail.
- ``%{p}`` costs questions.  Who expands asks ``letters`` first, and does not
  ask the DNS where the letter is not used.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

# RFC 7208 7.1: macro-expand, or a run of macro-literal.
_PART = re.compile(
    r"%\{([A-Za-z])([0-9]*)([rR]?)([.+,/_=-]*)\}"
    r"|(%[%_-])"
    r"|([!-$&-~]++)"
)
_EXPLANATION_PART = re.compile(_PART.pattern + r"|(\x20++)")
_ESCAPES = {"%%": "%", "%_": " ", "%-": "%20"}
#: Those of RFC 7208 7.2, and those that only an explanation may use.
_LETTERS = frozenset("slodiphv")
_EXPLANATION_LETTERS = _LETTERS | frozenset("crt")
# RFC 7208 7.1: toplabel, but that one of digits alone is excluded where it is
# used.
_TOP_LABEL = re.compile(r"[0-9A-Za-z](?:[0-9A-Za-z-]*[0-9A-Za-z])?")
#: More labels than any name has.
_ALL = 999


@dataclass(frozen=True, slots=True)
class Macro:
    """
    One ``%{...}``.

    :param letter: in lower case.
    :param keep: how many parts from the right; ``_ALL`` if it does not say.
    :param escaped: the letter was in upper case: the value is put as in a URL.
    """

    letter: str
    keep: int
    reverse: bool
    delimiters: str
    escaped: bool

    def expand(self, values: Mapping[str, str]) -> str:
        """
        RFC 7208 7.3: split, turn round, take from the right, join with dots.
        """
        value = values[self.letter]
        if self.reverse or self.keep < _ALL or self.delimiters != ".":
            for delimiter in self.delimiters[1:]:
                value = value.replace(delimiter, self.delimiters[0])
            parts = value.split(self.delimiters[0])
            if self.reverse:
                parts.reverse()
            value = ".".join(parts[-self.keep :])
        return quote(value, safe="-._~") if self.escaped else value


@dataclass(frozen=True, slots=True)
class MacroString:
    """
    Text with macros in it.
    """

    parts: tuple[str | Macro, ...]

    @property
    def letters(self) -> frozenset[str]:
        """
        The letters of its macros, in lower case.
        """
        return frozenset(
            part.letter for part in self.parts if isinstance(part, Macro)
        )

    def expand(self, values: Mapping[str, str]) -> str:
        """
        The text with the values of its letters put in.
        """
        return "".join(
            part if isinstance(part, str) else part.expand(values)
            for part in self.parts
        )


def parse_macros(text: str) -> MacroString:
    """
    RFC 7208 7.1's macro-string.

    :raises ValueError: it is none.
    """
    return _read(text, _PART, _LETTERS)[0]


def parse_explanation(text: str) -> MacroString:
    """
    RFC 7208 6.2's explain-string: with spaces, and three more letters.

    :raises ValueError: it is none.
    """
    return _read(text, _EXPLANATION_PART, _EXPLANATION_LETTERS)[0]


def parse_domain_spec(text: str) -> MacroString:
    """
    RFC 7208 7.1's domain-spec: what expands to a name of two labels or more.

    :raises ValueError: it is none.
    """
    found, ends_in_macro = _read(text, _PART, _LETTERS)
    if not ends_in_macro and not _ends_in_top_label(text):
        raise ValueError(f"not a domain: {text}")
    return found


def _ends_in_top_label(text: str) -> bool:
    """
    Whether a dot and a label that is not a number alone come last.
    """
    _, dot, label = text.removesuffix(".").rpartition(".")
    return bool(dot and _TOP_LABEL.fullmatch(label) and not label.isdecimal())


def _read(
    text: str, pattern: re.Pattern[str], letters: frozenset[str]
) -> tuple[MacroString, bool]:
    """
    The text, and whether RFC 7208 7.1's macro-expand is its last part.
    """
    parts: list[str | Macro] = []
    at = 0
    is_literal = True
    while at < len(text):
        found = pattern.match(text, at)
        if found is None:
            raise ValueError(f"not a macro string: {text}")
        at = found.end()
        letter = found[1]
        is_literal = letter is None and found[0] not in _ESCAPES
        if letter is None:
            parts.append(_ESCAPES.get(found[0], found[0]))
        elif letter.lower() in letters:
            parts.append(_macro(letter, found[2], found[3], found[4]))
        else:
            raise ValueError(f"no such macro: {found[0]}")
    return MacroString(tuple(parts)), not is_literal


def _macro(letter: str, digits: str, reverse: str, delimiters: str) -> Macro:
    keep = _ALL
    if digits:
        significant = digits.lstrip("0")
        if not significant:
            raise ValueError("a macro that keeps no part")
        keep = int(significant) if len(significant) < 3 else _ALL
    return Macro(
        letter.lower(),
        keep,
        bool(reverse),
        delimiters or ".",
        letter.isupper(),
    )

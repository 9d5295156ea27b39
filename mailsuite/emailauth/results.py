"""
The Authentication-Results field (RFC 8601).

Implementation notes

- What is printed is ASCII, folded between the parts of a result; a part that
  a stranger chose (a domain, a comment) is cut and cleaned.
- A field is taken for ours if its authserv-id is; and also, since readers
  differ in what they forgive, if it cannot be read and our name is in it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from mailsuite.emailauth.domains import ascii_domain
from mailsuite.mail import headers

_NAME = b"authentication-results"
_LINE = 78
#: Characters of a value, and of a comment, that are printed.
_LONGEST_VALUE = 320
_LONGEST_COMMENT = 160
#: Octets of a field, and results in it, that are read.
_LONGEST_FIELD = 8_192
_MOST_RESULTS = 64

# RFC 2045 5.1's token; and what may also stand bare after a property's name,
# an address or a domain (RFC 8601 2.2's pvalue).
_TOKEN = r"[!#-'*+.0-9A-Z^-~-]+"
_BARE = re.compile(_TOKEN)
_BARE_PROPERTY = re.compile(
    rf"{_TOKEN}|[!#-'*+./0-9=?A-Z^-~-]*@[A-Za-z0-9._-]+",
)
# RFC 5322 3.2.2's CFWS, but for comments within comments.
_FLAT_SKIP = re.compile(
    r"(?:[ \t\r\n]++|\(((?:[^()\\]++|\\.)*+)\))++", re.DOTALL
)
#: Comments within comments are read one by one: so many, of that length.
_MOST_NESTED = 8
_LONGEST_NESTED = 1_000
_COMMENT_MARK = re.compile(r"\\.|[()]", re.DOTALL)
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*+)"', re.DOTALL)
# RFC 6532 3.2 lets a name stand in U-labels.
_ID = re.compile(rf"(?:{_TOKEN}|[\x80-\U0010ffff])++")
_KEYWORD = re.compile(r"[A-Za-z0-9_-]+")
_DIGITS = re.compile(r"[0-9]+")
# Many leave unquoted what must be quoted, as the slash in a signature.
_UNQUOTED = re.compile(r'[^ \t\r\n;()"]+')

_NOT_PRINTABLE = re.compile(r"[^ -~]")
_NOT_IN_COMMENTS = re.compile(r"[^ -'*-\[\]-~]")


@dataclass(frozen=True, slots=True)
class Property:
    """
    What a result was found for: ``smtp.mailfrom=a@example.org``.
    """

    type: str
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class MethodResult:
    """
    What one method found.

    :param result: RFC 8601 2.7's keyword.
    :param comment: for people; may hold what strangers wrote.
    """

    method: str
    result: str
    comment: str = ""
    reason: str = ""
    properties: tuple[Property, ...] = ()


@dataclass(frozen=True, slots=True)
class AuthenticationResults:
    """
    A field's content.
    """

    authserv_id: str
    results: tuple[MethodResult, ...]


def field(found: AuthenticationResults) -> bytes:
    """
    The field, with its line end.
    """
    return b"Authentication-Results: %b\r\n" % value(found)


def value(found: AuthenticationResults) -> bytes:
    """
    What stands after the colon and a space: without a line end at its end.
    """
    lines = [_printed(found.authserv_id, _BARE)]
    for result in found.results:
        lines[-1] += ";"
        lines += _lines(_parts(result))
    if not found.results:
        lines[-1] += "; none"
    return "\r\n\t".join(lines).encode("ascii")


def without(section: bytes, our_names: Collection[str]) -> bytes:
    """
    A header section less the fields that claim to be ours (RFC 8601 5).

    :param our_names: our authserv-id and the names of our hosts.
    """
    if _NAME not in section.lower():
        return section
    ours = {_comparable(name) for name in our_names}
    kept: list[bytes] = []
    done = 0
    for found in headers.fields(section):
        if found.name.lower() == _NAME and _claims(found.value, ours):
            kept.append(section[done : found.offset])
            done = found.end
    kept.append(section[done:])
    return b"".join(kept)


def _claims(octets: bytes, ours: set[str]) -> bool:
    text = octets.decode("utf-8", "replace")
    try:
        authserv_id = _Reader(text).authserv_id()
    except _BadSyntax:
        lower = text.lower()
        return any(name in lower for name in ours)
    return _comparable(authserv_id) in ours


def _comparable(name: str) -> str:
    return ascii_domain(name) or name.lower()


def _printed(text: str, bare: re.Pattern[str]) -> str:
    """
    A value: as it is where it matches, else as a quoted string.
    """
    text = _NOT_PRINTABLE.sub("?", text[:_LONGEST_VALUE])
    if bare.fullmatch(text):
        return text
    quoted = re.sub(r'(["\\])', r"\\\1", text)
    return f'"{quoted}"'


def _parts(result: MethodResult) -> Iterator[str]:
    yield f"{result.method}={result.result}"
    comment = _NOT_IN_COMMENTS.sub("", result.comment[:_LONGEST_COMMENT])
    if comment.strip():
        yield f"({comment.strip()})"
    if result.reason:
        yield f"reason={_printed(result.reason, _BARE)}"
    for each in result.properties:
        printed = _printed(each.value, _BARE_PROPERTY)
        yield f"{each.type}.{each.name}={printed}"


def _lines(parts: Iterator[str]) -> list[str]:
    """
    The parts with spaces between them, in lines as long as they may be.
    """
    lines = [next(parts)]
    for part in parts:
        # A tab counts for one, and a semicolon may follow.
        if len(lines[-1]) + len(part) + 3 > _LINE:
            lines.append(part)
        else:
            lines[-1] += " " + part
    return lines


def parse(octets: bytes) -> AuthenticationResults | None:
    """
    Read a field's value, folded or not.

    :return: None if it breaks the grammar, or is too long to be read.
    """
    if len(octets) > _LONGEST_FIELD:
        return None
    try:
        return _Reader(octets.decode("utf-8", "replace")).read()
    except _BadSyntax:
        return None


class _BadSyntax(Exception):
    """
    The value breaks RFC 8601 2.2.
    """


class _Reader:
    """
    Reads a value from its start to its end (RFC 8601 2.2).
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._comment = ""
        self._nested = 0

    def read(self) -> AuthenticationResults:
        """
        All of it.

        :raises _BadSyntax: that cannot be.
        """
        authserv_id = self.authserv_id()
        if (self._take(_DIGITS) or "1") != "1":
            raise _BadSyntax
        found: list[MethodResult] = []
        while self._mark(";") and len(found) <= _MOST_RESULTS:
            if self._at == len(self._text):
                break
            result = self._result()
            if result is not None:
                found.append(result)
        if self._at != len(self._text) or len(found) > _MOST_RESULTS:
            raise _BadSyntax
        return AuthenticationResults(authserv_id, tuple(found))

    def authserv_id(self) -> str:
        """
        The first value.
        """
        self._skip()
        return self._value(_ID)

    def _result(self) -> MethodResult | None:
        """
        One result; None for RFC 8601 2.2's no-result.
        """
        method = self._expect(_KEYWORD).lower()
        if method == "none" and not self._text.startswith("=", self._at):
            return None
        if self._mark("/"):
            self._expect(_DIGITS)
        self._expect_mark("=")
        self._comment = ""
        keyword = self._expect(_KEYWORD).lower()
        comment = self._comment
        reason = ""
        properties: list[Property] = []
        while self._at < len(self._text) and self._text[self._at] != ";":
            name = self._expect(_KEYWORD).lower()
            if self._mark("="):
                if name != "reason" or properties:
                    raise _BadSyntax
                reason = self._value(_UNQUOTED)
                continue
            self._expect_mark(".")
            property_name = self._expect(_KEYWORD).lower()
            self._expect_mark("=")
            properties.append(
                Property(name, property_name, self._property_value())
            )
        return MethodResult(method, keyword, comment, reason, tuple(properties))

    def _property_value(self) -> str:
        """
        A value, or an address whose local part may be quoted.
        """
        found = self._value(_UNQUOTED)
        if self._text.startswith("@", self._at):
            found += self._expect(_UNQUOTED)
        return found

    def _value(self, unquoted: re.Pattern[str]) -> str:
        quoted = _QUOTED.match(self._text, self._at)
        if quoted is None:
            return self._expect(unquoted)
        self._at = quoted.end()
        self._skip()
        return re.sub(r"\\(.)", r"\1", quoted[1], flags=re.DOTALL)

    def _take(self, pattern: re.Pattern[str]) -> str:
        """
        What matches here, and what may be skipped after it.
        """
        found = pattern.match(self._text, self._at)
        if found is None:
            return ""
        self._at = found.end()
        self._skip()
        return found[0]

    def _expect(self, pattern: re.Pattern[str]) -> str:
        found = self._take(pattern)
        if not found:
            raise _BadSyntax
        return found

    def _mark(self, character: str) -> bool:
        if not self._text.startswith(character, self._at):
            return False
        self._at += 1
        self._skip()
        return True

    def _expect_mark(self, character: str) -> None:
        if not self._mark(character):
            raise _BadSyntax

    def _skip(self) -> None:
        """
        Spaces, folds and comments (RFC 5322 3.2.2's CFWS).
        """
        while True:
            flat = _FLAT_SKIP.match(self._text, self._at)
            if flat is not None:
                self._at = flat.end()
                self._comment = flat[1] or self._comment
            if not self._text.startswith("(", self._at):
                return
            self._skip_nested()

    def _skip_nested(self) -> None:
        """
        A comment with comments in it.
        """
        self._nested += 1
        if self._nested > _MOST_NESTED:
            raise _BadSyntax
        start = self._at
        depth = 0
        for mark in _COMMENT_MARK.finditer(
            self._text, start, start + _LONGEST_NESTED
        ):
            if mark[0] == "(":
                depth += 1
            elif mark[0] == ")":
                depth -= 1
            if depth == 0:
                self._comment = self._text[start + 1 : mark.start()]
                self._at = mark.end()
                return
        raise _BadSyntax

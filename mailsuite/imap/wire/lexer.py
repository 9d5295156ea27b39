"""
The tokens of a command (RFC 9051 9).

Implementation notes

- A command is one text: its lines joined, each literal's announcement left
  where it stood, and the literals themselves apart, by their places.  So a
  command is read once, when all of it has come, and no octet of a literal can
  be taken for syntax.
- Every token is one regular expression without backtracking, matched in
  place: the time is linear in the octets.
- ``BadSyntax`` never leaves this room; ``parser`` turns it into an event.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from mailsuite.imap.wire.sequences import SequenceSet
from mailsuite.mail import mutf7
from mailsuite.mail.flags import SYSTEM_FLAGS, spelled
from mailsuite.mail.mailboxes import INBOX
from mailsuite.mail.uids import MAXIMUM, UIDSet

_T = TypeVar("_T")

#: What may not stand in an atom, for a character class.
_SPECIALS = rb'\x00-\x20\x7f-\xff(){%*"\\'

TAG: Final = re.compile(rb"[^" + _SPECIALS + rb"+]+")
_ATOM = re.compile(rb"[^" + _SPECIALS + rb"\]]+")
_ASTRING_ATOM = re.compile(rb"[^" + _SPECIALS + rb"]+")
_LIST_ATOM = re.compile(rb'[^\x00-\x20\x7f-\xff(){"\\]+')
_FLAG = re.compile(rb"\\?[^" + _SPECIALS + rb"\]]+")
_QUOTED = re.compile(rb'"([^"\\\r\n\x00]*(?:\\["\\][^"\\\r\n\x00]*)*)"')
_ESCAPE = re.compile(rb"\\(.)")
_NUMBER = re.compile(rb"[0-9]{1,20}")
_NZ_NUMBER = re.compile(rb"[1-9][0-9]{0,9}")
_SEQUENCES = re.compile(rb"[0-9:,*$]+")

#: The largest number64 (RFC 9051 9).
MAXIMUM_64: Final = (1 << 63) - 1


class BadSyntax(Exception):
    """
    The client broke the grammar; the text is for its eyes.
    """


class Refused(Exception):
    """
    The grammar is kept, and what it says is not possible: answered NO.
    """

    def __init__(self, text: bytes, code: bytes) -> None:
        super().__init__(text)
        self.text = text
        self.code = code


@dataclass(frozen=True, slots=True)
class Literal:
    """
    Counted octets.

    :param octets: what was sent.
    :param end: where in the text its announcement ends.
    """

    octets: bytes
    end: int


class Cursor:
    """
    A place in a command's text; each method takes one token and moves on.

    :param literals: by the place of the ``{`` that announced each.
    :param utf8: names of mailboxes are UTF-8, not modified UTF-7.
    :raises BadSyntax: what stands there is something else; by every method.
    """

    __slots__ = ("at", "text", "utf8", "_literals", "_taken")

    def __init__(
        self, text: bytes, literals: Mapping[int, Literal], *, utf8: bool
    ) -> None:
        self.text = text
        self.at = 0
        self.utf8 = utf8
        self._literals = literals
        self._taken = 0

    # --- Structure ------------------------------------------------------------

    def looking_at(self, octets: bytes) -> bool:
        """
        Whether these octets are next; takes nothing.
        """
        return self.text.startswith(octets, self.at)

    def took(self, octets: bytes) -> bool:
        """
        Take these octets if they are next.
        """
        if self.text.startswith(octets, self.at):
            self.at += len(octets)
            return True
        return False

    def take(self, octets: bytes) -> None:
        """
        Take exactly these octets.
        """
        if not self.took(octets):
            raise BadSyntax(f"Expected {octets.decode('ascii')!r}")

    def space(self) -> None:
        """
        Take the one space between two arguments.
        """
        if not self.took(b" "):
            raise BadSyntax("Missing argument or space")

    def end(self) -> None:
        """
        Nothing follows, and no literal was passed over: one that was announced
        inside a quoted string, say.
        """
        if self.at != len(self.text) or self._taken != len(self._literals):
            raise BadSyntax("Unexpected argument")

    def listed(self, item: Callable[[], _T]) -> list[_T]:
        """
        A parenthesized list of whatever ``item`` takes; it may be empty.
        """
        self.take(b"(")
        items: list[_T] = []
        if self.took(b")"):
            return items
        items.append(item())
        while self.took(b" "):
            items.append(item())
        self.take(b")")
        return items

    # --- Words and strings ----------------------------------------------------

    def matched(self, pattern: re.Pattern[bytes], what: str) -> bytes:
        """
        What the pattern matches here.

        :param what: for the error.
        """
        found = self.perhaps(pattern)
        if found is None:
            raise BadSyntax(f"Expected {what}")
        return found

    def perhaps(self, pattern: re.Pattern[bytes]) -> bytes | None:
        """
        What the pattern matches here, or None: then nothing is taken.
        """
        found = pattern.match(self.text, self.at)
        if found is None:
            return None
        self.at = found.end()
        return found[0]

    def tag(self) -> bytes:
        """
        The command's tag.
        """
        return self.matched(TAG, "a tag")

    def atom(self) -> bytes:
        """
        An atom, as it stands.
        """
        return self.matched(_ATOM, "an atom")

    def word(self) -> bytes:
        """
        An atom, in capitals: a keyword of the grammar.
        """
        return self.matched(_ATOM, "a keyword").upper()

    def astring(self) -> bytes:
        """
        An atom or a string.
        """
        found = _ASTRING_ATOM.match(self.text, self.at)
        if found is None:
            return self.string()
        self.at = found.end()
        return found[0]

    def string(self) -> bytes:
        """
        A quoted string or a literal, as octets.
        """
        found = _QUOTED.match(self.text, self.at)
        if found is not None:
            self.at = found.end()
            if b"\\" in found[1]:
                return _ESCAPE.sub(rb"\1", found[1])
            return found[1]
        literal = self._literals.get(self.at)
        if literal is None:
            raise BadSyntax("Expected a string")
        self.at = literal.end
        self._taken += 1
        return literal.octets

    def nil(self) -> bool:
        """
        Take NIL if it is next.
        """
        if self.text[self.at : self.at + 3].upper() == b"NIL":
            self.at += 3
            return True
        return False

    # --- Numbers --------------------------------------------------------------

    def number(self, most: int = MAXIMUM_64) -> int:
        """
        A number in decimal digits, no larger than ``most``.
        """
        number = int(self.matched(_NUMBER, "a number"))
        if number > most:
            raise BadSyntax("Number is too large")
        return number

    def sequence_set(self) -> SequenceSet:
        """
        A sequence-set, ``$`` among it (RFC 9051 9).
        """
        text = self.matched(_SEQUENCES, "a sequence set")
        pairs: list[tuple[int, int]] = []
        to_last: int | None = None
        saved = False
        for part in text.split(b","):
            if _NZ_NUMBER.fullmatch(part):
                number = int(part)
                if number > MAXIMUM:
                    raise BadSyntax("Bad number in a sequence set")
                pairs.append((number, number))
            elif part == b"$":
                saved = True
            else:
                first, last = _range(part)
                if last is None:
                    to_last = min(first, to_last or MAXIMUM)
                else:
                    pairs.append((first, last))
        return SequenceSet(UIDSet.spanning(pairs), to_last, saved)

    # --- Mail's words ---------------------------------------------------------

    def flag(self) -> str:
        r"""
        A flag or keyword; system flags in the RFC's spelling.

        ``\Recent`` is taken for ``flags`` to leave out.
        """
        flag = spelled(self.matched(_FLAG, "a flag").decode("ascii"))
        if flag[0] == "\\" and flag not in SYSTEM_FLAGS:
            if flag.lower() != "\\recent":
                raise BadSyntax("Unknown system flag")
            return "\\Recent"
        return flag

    def flags(self) -> tuple[str, ...]:
        r"""
        A parenthesized list of flags, each once.

        ``\Recent`` is passed over: no client can set it, and some that copy
        mail from elsewhere send what they read there.
        """
        return unrepeated(self.listed(self.flag))

    def mailbox(self) -> str:
        """
        A mailbox's name in Unicode; INBOX in capitals.

        :raises Refused: it is not a name in its encoding.
        """
        name = self._name(self.astring())
        return INBOX if name.upper() == INBOX else name

    def reference(self) -> str:
        """
        A name that need not be whole: LIST's reference.
        """
        return self._name(self.astring())

    def pattern(self) -> str:
        """
        A name with wildcards.
        """
        found = _LIST_ATOM.match(self.text, self.at)
        if found is None:
            return self._name(self.string())
        self.at = found.end()
        return self._name(found[0])

    def text_string(self) -> str:
        """
        An astring that a person may have typed.

        It is UTF-8; what is not comes from a client of old, and is Latin-1.
        """
        octets = self.astring()
        try:
            return octets.decode("utf-8")
        except UnicodeDecodeError:
            return octets.decode("latin-1")

    def _name(self, octets: bytes) -> str:
        try:
            if self.utf8 or not octets.isascii():
                return octets.decode("utf-8")
            return mutf7.decode(octets.decode("ascii"))
        except ValueError:
            raise Refused(b"Mailbox name is badly encoded", b"CANNOT") from None


def _nz_number(octets: bytes) -> int:
    number = int(octets) if _NZ_NUMBER.fullmatch(octets) else 0
    if not 0 < number <= MAXIMUM:
        raise BadSyntax("Bad number in a sequence set")
    return number


def _range(octets: bytes) -> tuple[int, int | None]:
    """
    ``n:m``, ``n:*``, ``*:n`` or ``*``; None is ``*``, from a lone ``*`` too.
    """
    first, colon, last = octets.partition(b":")
    if first == b"*":
        first, last = (last, b"*") if colon else (b"*", b"*")
    start = MAXIMUM if first == b"*" else _nz_number(first)
    return start, None if last == b"*" else _nz_number(last)


def unrepeated(flags: list[str]) -> tuple[str, ...]:
    r"""
    Each flag once, whatever its case, and without ``\Recent``.
    """
    once: dict[str, str] = {}
    for flag in flags:
        once.setdefault(flag.lower(), flag)
    once.pop("\\recent", None)
    return tuple(once.values())

"""
A server's side of POP3, sans I/O: octets in, commands out.

Implementation notes

- A line with a control character in it is refused whole: a bare CR or LF must
  never become the start of a second command somewhere further on.
- An argument that is missing, superfluous or no number is ``BadSyntax``; what
  it means is not looked at here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from mailsuite.wire.buffer import InputBuffer, LineTooLong, NeedData

#: RFC 2449 4 asks for 255; names and passwords in UTF-8 may be long.
_COMMAND_LIMIT = 1024

#: RFC 5034 4: AUTH and the lines of its exchange are as long as the mechanism
#: makes them; RFC 4954's limit does.
_AUTH_LIMIT = 12288

_CONTROLS = re.compile(rb"[\x00-\x1f\x7f]")
_VERB = re.compile(rb"([A-Za-z0-9]{1,16})(?: (.*))?\Z", re.DOTALL)

#: What a client says most of all, one after another.
_RETR = re.compile(rb"RETR ([0-9]{1,10})\Z", re.IGNORECASE)

#: RFC 1939 3: message-numbers are decimal; ten digits are enough for any.
_NUMBER = re.compile(r"[0-9]{1,10}\Z")


# --- Commands ----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class User:
    """
    USER (RFC 1939 7).
    """

    name: str


@dataclass(frozen=True, slots=True)
class Pass:
    """
    PASS (RFC 1939 7); its argument may have spaces.
    """

    password: str


@dataclass(frozen=True, slots=True)
class Auth:
    """
    AUTH (RFC 5034 4); without a mechanism it asks which there are.
    """

    mechanism: str | None
    initial_response: str | None


@dataclass(frozen=True, slots=True)
class Stls:
    """
    STLS (RFC 2595 4).
    """


@dataclass(frozen=True, slots=True)
class Capa:
    """
    CAPA (RFC 2449 5).
    """


@dataclass(frozen=True, slots=True)
class Stat:
    """
    STAT (RFC 1939 5).
    """


@dataclass(frozen=True, slots=True)
class List:
    """
    LIST (RFC 1939 5); of all messages if there is no number.
    """

    number: int | None


@dataclass(frozen=True, slots=True)
class Uidl:
    """
    UIDL (RFC 1939 7); of all messages if there is no number.
    """

    number: int | None


@dataclass(frozen=True, slots=True)
class Retr:
    """
    RETR (RFC 1939 5).
    """

    number: int


@dataclass(frozen=True, slots=True)
class Top:
    """
    TOP (RFC 1939 7): the header and so many lines of the body.
    """

    number: int
    lines: int


@dataclass(frozen=True, slots=True)
class Dele:
    """
    DELE (RFC 1939 5).
    """

    number: int


@dataclass(frozen=True, slots=True)
class Noop:
    """
    NOOP (RFC 1939 5).
    """


@dataclass(frozen=True, slots=True)
class Rset:
    """
    RSET (RFC 1939 5).
    """


@dataclass(frozen=True, slots=True)
class Quit:
    """
    QUIT (RFC 1939 4 and 6).
    """


@dataclass(frozen=True, slots=True)
class Utf8:
    """
    UTF8 (RFC 6856 2.1).
    """


@dataclass(frozen=True, slots=True)
class Lang:
    """
    LANG (RFC 6856 3); without a language it asks which there are.
    """

    language: str | None


@dataclass(frozen=True, slots=True)
class Unknown:
    """
    A command that is none of ours.
    """


@dataclass(frozen=True, slots=True)
class BadSyntax:
    """
    A line that is no command.

    :param why: for the client to read.
    """

    why: str


@dataclass(frozen=True, slots=True)
class Response:
    """
    A client's line in an AUTH exchange, in base64 as it came.

    :param line: None if it was too long; it is gone whole.
    """

    line: bytes | None


Command = (
    User
    | Pass
    | Auth
    | Stls
    | Capa
    | Stat
    | List
    | Uidl
    | Retr
    | Top
    | Dele
    | Noop
    | Rset
    | Quit
    | Utf8
    | Lang
    | Unknown
    | BadSyntax
)


def parse_command(line: bytes) -> Command:
    """
    Read a line, given without its CR LF.
    """
    if retrieving := _RETR.match(line):
        return Retr(int(retrieving[1]))
    if _CONTROLS.search(line):
        return BadSyntax("Control characters are not allowed")
    found = _VERB.match(line)
    if found is None:
        return BadSyntax("Command is not recognized")
    parse = _PARSERS.get(found[1].upper())
    if parse is None:
        return Unknown()
    try:
        return parse((found[2] or b"").decode("utf-8"))
    except UnicodeDecodeError:
        return BadSyntax("Argument is not UTF-8")


def _bare(command: Command) -> Callable[[str], Command]:
    def parse(argument: str) -> Command:
        if argument.strip(" "):
            return BadSyntax("Command takes no argument")
        return command

    return parse


def _user(argument: str) -> Command:
    name = argument.strip(" ")
    return User(name) if name else BadSyntax("User name is missing")


def _pass(argument: str) -> Command:
    return Pass(argument) if argument else BadSyntax("Password is missing")


def _auth(argument: str) -> Command:
    match _words(argument):
        case []:
            return Auth(None, None)
        case [mechanism]:
            return Auth(mechanism, None)
        case [mechanism, initial_response]:
            return Auth(mechanism, initial_response)
        case _:
            return BadSyntax("AUTH takes a mechanism and a response")


def _lang(argument: str) -> Command:
    match _words(argument):
        case []:
            return Lang(None)
        case [language]:
            return Lang(language)
        case _:
            return BadSyntax("LANG takes one language")


def _one(make: Callable[[int], Command]) -> Callable[[str], Command]:
    def parse(argument: str) -> Command:
        match _numbers(argument):
            case [number]:
                return make(number)
            case _:
                return BadSyntax("Command takes one message number")

    return parse


def _one_or_all(
    make: Callable[[int | None], Command],
) -> Callable[[str], Command]:
    def parse(argument: str) -> Command:
        match _numbers(argument):
            case []:
                return make(None)
            case [number]:
                return make(number)
            case _:
                return BadSyntax("Command takes one message number or none")

    return parse


def _top(argument: str) -> Command:
    match _numbers(argument):
        case [number, lines]:
            return Top(number, lines)
        case _:
            return BadSyntax("TOP takes a message number and a line count")


def _words(argument: str) -> list[str]:
    return [word for word in argument.split(" ") if word]


def _numbers(argument: str) -> list[int] | None:
    """
    The numbers of an argument; None if anything else is in it.
    """
    words = _words(argument)
    if all(_NUMBER.match(word) for word in words):
        return [int(word) for word in words]
    return None


_PARSERS: dict[bytes, Callable[[str], Command]] = {
    b"USER": _user,
    b"PASS": _pass,
    b"AUTH": _auth,
    b"STLS": _bare(Stls()),
    b"CAPA": _bare(Capa()),
    b"STAT": _bare(Stat()),
    b"LIST": _one_or_all(List),
    b"UIDL": _one_or_all(Uidl),
    b"RETR": _one(Retr),
    b"TOP": _top,
    b"DELE": _one(Dele),
    b"NOOP": _bare(Noop()),
    b"RSET": _bare(Rset()),
    b"QUIT": _bare(Quit()),
    b"UTF8": _bare(Utf8()),
    b"LANG": _lang,
}


# --- The connection ----------------------------------------------------------


class POP3Connection:
    """
    One connection's octets.
    """

    def __init__(self) -> None:
        self._input = InputBuffer()
        self._response_due = False

    def receive_data(self, octets: bytes) -> None:
        """
        Octets arrived.
        """
        self._input.feed(octets)

    def pending(self) -> int:
        """
        How many octets wait to be understood.
        """
        return len(self._input)

    def expect_response(self) -> None:
        """
        The next line answers a challenge.
        """
        self._response_due = True

    def next_event(self) -> Command | Response | NeedData:
        """
        The next event.
        """
        line = self._input.line(_AUTH_LIMIT)
        if isinstance(line, NeedData):
            return line
        if self._response_due:
            self._response_due = False
            return Response(None if isinstance(line, LineTooLong) else line)
        if isinstance(line, LineTooLong) or (
            len(line) > _COMMAND_LIMIT - 2 and line[:5].upper() != b"AUTH "
        ):
            return BadSyntax("Line is too long")
        return parse_command(line)

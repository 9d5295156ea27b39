"""
SMTP's and LMTP's commands as values, read from lines.

Implementation notes

- A line is refused whole if it has a control character in it: a bare CR or LF
  must never become the start of a second command somewhere further on.
- What a parameter *means* is not looked at here (``smtp/parameters.py``), nor
  whether a command may come now.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from mailsuite.mail.address import Address
from mailsuite.smtp.wire import paths
from mailsuite.smtp.wire.replies import Reply


@dataclass(frozen=True, slots=True)
class Helo:
    """
    HELO, EHLO (RFC 5321 4.1.1.1) or LHLO (RFC 2033 4.1).

    :param verb: which of them, in upper case.
    :param name: what the client calls itself.
    """

    verb: str
    name: str


@dataclass(frozen=True, slots=True)
class Mail:
    """
    MAIL FROM; None is the null reverse-path.
    """

    reverse_path: Address | None
    parameters: paths.Parameters = ()


@dataclass(frozen=True, slots=True)
class Rcpt:
    """
    RCPT TO; an address without a domain is a bare ``postmaster``.
    """

    forward_path: Address
    parameters: paths.Parameters = ()


@dataclass(frozen=True, slots=True)
class Data:
    """
    DATA.
    """


@dataclass(frozen=True, slots=True)
class Bdat:
    """
    BDAT (RFC 3030 2): ``size`` octets follow at once.
    """

    size: int
    last: bool = False


@dataclass(frozen=True, slots=True)
class Rset:
    """
    RSET.
    """


@dataclass(frozen=True, slots=True)
class Noop:
    """
    NOOP; its argument means nothing.
    """


@dataclass(frozen=True, slots=True)
class Quit:
    """
    QUIT.
    """


@dataclass(frozen=True, slots=True)
class Help:
    """
    HELP; there is one text for all topics.
    """


@dataclass(frozen=True, slots=True)
class Vrfy:
    """
    VRFY.

    :param smtputf8: RFC 6531 3.7.4.2.
    """

    name: str
    smtputf8: bool = False


@dataclass(frozen=True, slots=True)
class Expn:
    """
    EXPN.

    :param smtputf8: RFC 6531 3.7.4.2.
    """

    name: str
    smtputf8: bool = False


@dataclass(frozen=True, slots=True)
class StartTLS:
    """
    STARTTLS (RFC 3207).
    """


@dataclass(frozen=True, slots=True)
class Auth:
    """
    AUTH (RFC 4954).

    :param initial_response: in base64, as it came; None if there is none.
    """

    mechanism: str
    initial_response: str | None = None


@dataclass(frozen=True, slots=True)
class Unfollowable:
    """
    A line behind which nobody knows where the next one begins: the connection
    must end.

    :param enhanced: the enhanced status code of the 421.
    :param why: its text.
    """

    enhanced: str
    why: str


@dataclass(frozen=True, slots=True)
class BadSyntax:
    """
    A line that is no command.

    :param reply: what is to be answered.
    """

    reply: Reply


Command = (
    Helo
    | Mail
    | Rcpt
    | Data
    | Bdat
    | Rset
    | Noop
    | Quit
    | Help
    | Vrfy
    | Expn
    | StartTLS
    | Auth
    | Unfollowable
    | BadSyntax
)

UNKNOWN = BadSyntax(Reply(500, "5.5.2", "Command unknown"))
#: A line with an LF in it, or at the end of it, that no CR precedes.
BARE_LINE_FEED = Unfollowable("4.5.2", "Lines must end with CR LF")
#: Its octets follow, and how many they are is not known.
UNREADABLE_BDAT = Unfollowable("4.5.4", "BDAT without a readable size")
LINE_TOO_LONG = BadSyntax(Reply(500, "5.5.2", "Line too long"))
_CONTROL = BadSyntax(Reply(500, "5.5.2", "Control character in command"))
_NOT_UTF8 = BadSyntax(Reply(500, "5.5.2", "Command is not UTF-8"))
_NOT_ASCII = BadSyntax(Reply(501, "5.5.4", "Argument is not ASCII"))
_NO_ARGUMENT = BadSyntax(Reply(501, "5.5.4", "No argument is allowed"))
_BAD_NAME = BadSyntax(Reply(501, "5.5.4", "Host name or address expected"))
_BAD_MAIL = BadSyntax(Reply(501, "5.5.2", "Syntax: MAIL FROM:<address>"))
_BAD_RCPT = BadSyntax(Reply(501, "5.5.2", "Syntax: RCPT TO:<address>"))
_BAD_SENDER = BadSyntax(Reply(501, "5.1.7", "Reverse-path is malformed"))
_BAD_RECIPIENT = BadSyntax(Reply(501, "5.1.3", "Forward-path is malformed"))
_BAD_PARAMETERS = BadSyntax(Reply(501, "5.5.4", "Parameters are malformed"))
_NAME_EXPECTED = BadSyntax(Reply(501, "5.5.4", "Name or address expected"))
_BAD_AUTH = BadSyntax(
    Reply(501, "5.5.4", "Syntax: AUTH mechanism [initial-response]")
)

_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")
# Wider than RFC 5321's Domain and address-literal, since a name is never
# refused for what it is (4.1.4); but nothing that would upset a Received field.
_HOST_NAME = re.compile(r"[!#-'*+./0-9:=?A-Z\[\]^_`a-z{|}~-]{1,255}")
_MECHANISM = re.compile(r"[A-Za-z0-9_-]{1,20}")
_BDAT_LINE = re.compile(rb"BDAT(?![A-Za-z0-9])", re.IGNORECASE)
# 20 digits, as RFC 1870 has it for SIZE.
_BDAT_SIZE = re.compile(r"([0-9]{1,20})(?: +(LAST))?", re.IGNORECASE)


def parse_command(line: bytes) -> Command:
    """
    Read one command.

    :param line: without its CR LF.
    """
    command = _command(line)
    if isinstance(command, BadSyntax) and _BDAT_LINE.match(line):
        return UNREADABLE_BDAT
    return command


def too_long(start: bytes) -> Command:
    """
    What a line is that is longer than a line may be.

    :param start: its first octets.
    """
    if _BDAT_LINE.match(start):
        return UNREADABLE_BDAT
    return LINE_TOO_LONG


def _command(line: bytes) -> Command:
    try:
        text = line.decode("utf-8").rstrip(" \t")
    except UnicodeDecodeError:
        return _NOT_UTF8
    if _CONTROLS.search(text):
        return _CONTROL
    verb, _, argument = text.partition(" ")
    verb = verb.upper()
    read = _READERS.get(verb)
    if read is None:
        return UNKNOWN
    if not argument.isascii() and verb not in _MAY_BE_UTF8:
        return _NOT_ASCII
    return read(argument.lstrip(" "))


def _hello(verb: str) -> Callable[[str], Command]:
    def read(argument: str) -> Command:
        if not _HOST_NAME.fullmatch(argument):
            return _BAD_NAME
        return Helo(verb, argument)

    return read


def _alone(command: Command) -> Callable[[str], Command]:
    """
    Reads a command that takes no argument.
    """
    return lambda argument: _NO_ARGUMENT if argument else command


def _mail(argument: str) -> Command:
    if argument[:5].upper() != "FROM:":
        return _BAD_MAIL
    try:
        path, rest = paths.reverse_path(argument[5:])
        return Mail(path, paths.parameters(rest))
    except paths.BadPath:
        return _BAD_SENDER
    except paths.BadParameters:
        return _BAD_PARAMETERS


def _rcpt(argument: str) -> Command:
    if argument[:3].upper() != "TO:":
        return _BAD_RCPT
    try:
        path, rest = paths.forward_path(argument[3:])
        return Rcpt(path, paths.parameters(rest))
    except paths.BadPath:
        return _BAD_RECIPIENT
    except paths.BadParameters:
        return _BAD_PARAMETERS


def _bdat(argument: str) -> Command:
    match = _BDAT_SIZE.fullmatch(argument)
    if match is None:
        return UNREADABLE_BDAT
    return Bdat(int(match[1]), match[2] is not None)


def _auth(argument: str) -> Command:
    mechanism, _, response = argument.partition(" ")
    if not _MECHANISM.fullmatch(mechanism):
        return _BAD_AUTH
    response = response.strip(" ")
    return Auth(mechanism.upper(), response or None)


def _named(
    command: Callable[[str, bool], Command],
) -> Callable[[str], Command]:
    def read(argument: str) -> Command:
        name, _, last = argument.rpartition(" ")
        smtputf8 = bool(name) and last.upper() == "SMTPUTF8"
        if not smtputf8:
            name = argument
        name = name.strip(" ")
        return command(name, smtputf8) if name else _NAME_EXPECTED

    return read


#: The commands whose arguments may go beyond ASCII (RFC 6531 3.5, 3.7.4.2);
#: those of NOOP and HELP mean nothing.
_MAY_BE_UTF8 = frozenset({"MAIL", "RCPT", "VRFY", "EXPN"})

_READERS: dict[str, Callable[[str], Command]] = {
    "HELO": _hello("HELO"),
    "EHLO": _hello("EHLO"),
    "LHLO": _hello("LHLO"),
    "MAIL": _mail,
    "RCPT": _rcpt,
    "DATA": _alone(Data()),
    "BDAT": _bdat,
    "RSET": _alone(Rset()),
    "NOOP": lambda _: Noop(),
    "QUIT": _alone(Quit()),
    "HELP": lambda _: Help(),
    "VRFY": _named(Vrfy),
    "EXPN": _named(Expn),
    "STARTTLS": _alone(StartTLS()),
    "AUTH": _auth,
}

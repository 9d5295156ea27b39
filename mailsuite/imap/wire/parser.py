"""
A command's text as a value (RFC 9051 9, RFC 3501 9).

Implementation notes

- One function a command, taking the arguments behind its name; two tables, here
  and in ``messagecommands``, say which commands there are.
- No octets make ``parse`` raise.
"""

from __future__ import annotations

import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from mailsuite.imap.wire import commands, listing
from mailsuite.imap.wire.commands import Command
from mailsuite.imap.wire.datetimes import DATE_TIME, parsed_moment
from mailsuite.imap.wire.events import BAD, NO, CommandReceived, Rejected
from mailsuite.imap.wire.lexer import BadSyntax, Cursor, Literal, Refused
from mailsuite.imap.wire.messagecommands import BY_UID


@dataclass(frozen=True, slots=True)
class AppendHead:
    """
    APPEND up to its message.

    :param append: without its size.
    :param wrapped: ``UTF8 (`` stands before the literal (RFC 6855 4): one
        ``)`` follows it.
    """

    append: commands.Append
    wrapped: bool


def parse(
    text: bytes, literals: Mapping[int, Literal], *, utf8: bool
) -> CommandReceived | Rejected:
    """
    A whole command.

    :param literals: by the place in ``text`` of the ``{`` of each.
    :param utf8: names of mailboxes are UTF-8, not modified UTF-7.
    """
    cursor = Cursor(text, literals, utf8=utf8)
    tag: bytes | None = None
    try:
        tag = cursor.tag()
        command = _command(cursor)
        cursor.end()
    except BadSyntax as error:
        return Rejected(tag, BAD, None, str(error).encode("ascii"))
    except Refused as refusal:
        return Rejected(tag, NO, refusal.code, refusal.text)
    return CommandReceived(tag, command)


def parse_append(
    text: bytes, literals: Mapping[int, Literal], *, utf8: bool
) -> AppendHead | Rejected | None:
    """
    The start of an APPEND, if what is announced at the end of ``text`` is its
    message; None if it is an argument of this or another command.

    :param text: without the announcement.
    """
    cursor = Cursor(text, literals, utf8=utf8)
    tag: bytes | None = None
    try:
        tag = cursor.tag()
        cursor.space()
        if cursor.word() != b"APPEND":
            return None
        cursor.space()
        if cursor.at == len(text):
            # The name of the mailbox is the literal.
            return None
        head = _append_head(cursor)
        cursor.end()
    except BadSyntax as error:
        return Rejected(tag, BAD, None, str(error).encode("ascii"))
    except Refused as refusal:
        return Rejected(tag, NO, refusal.code, refusal.text)
    return head


def knows(text: bytes) -> bool:
    """
    Whether a command's beginning has a name that is known here.
    """
    words = text.split(b" ", 3)
    if len(words) < 2:
        return False
    name = words[1].upper()
    if name == b"UID" and len(words) > 2:
        return words[2].upper() in BY_UID
    return name in _COMMANDS or name in BY_UID


def _append_head(cursor: Cursor) -> AppendHead:
    mailbox = cursor.mailbox()
    cursor.space()
    flags: tuple[str, ...] = ()
    if cursor.looking_at(b"("):
        flags = cursor.flags()
        cursor.space()
    moment: float | None = None
    if cursor.looking_at(b'"'):
        moment = parsed_moment(cursor.matched(DATE_TIME, "a date and time"))
        if moment is None:
            raise BadSyntax("No such date and time")
        cursor.space()
    wrapped = False
    if cursor.at != len(cursor.text):
        wrapped = cursor.word() == b"UTF8"
        if not wrapped:
            raise BadSyntax("Expected a literal")
        cursor.space()
        cursor.take(b"(")
    return AppendHead(commands.Append(mailbox, 0, flags, moment), wrapped)


def _command(cursor: Cursor) -> Command:
    cursor.space()
    name = cursor.word()
    if name == b"UID":
        cursor.space()
        of_uids = BY_UID.get(cursor.word())
        if of_uids is None:
            raise BadSyntax("Unknown command")
        cursor.space()
        return of_uids(cursor, True)
    of_numbers = BY_UID.get(name)
    if of_numbers is not None and name != b"EXPUNGE":
        cursor.space()
        return of_numbers(cursor, False)
    command = _COMMANDS.get(name)
    if command is None:
        raise BadSyntax("Unknown command")
    return command(cursor)


# --- Without a mailbox -------------------------------------------------------


def _id(cursor: Cursor) -> Command:
    cursor.space()
    if cursor.nil():
        return commands.Id(None)
    texts = cursor.listed(lambda: _nstring(cursor))
    names, values = texts[::2], texts[1::2]
    # RFC 2971 3.3
    if len(names) != len(values) or len(names) > 30:
        raise BadSyntax("Bad list of fields and values")
    pairs: list[tuple[str, str | None]] = []
    for name, value in zip(names, values, strict=True):
        if name is None:
            raise BadSyntax("Bad list of fields and values")
        pairs.append((name, value))
    return commands.Id(tuple(pairs))


def _nstring(cursor: Cursor) -> str | None:
    if cursor.nil():
        return None
    return cursor.string().decode("utf-8", "replace")


def _authenticate(cursor: Cursor) -> Command:
    cursor.space()
    mechanism = cursor.word().decode("ascii")
    if not cursor.took(b" "):
        return commands.Authenticate(mechanism)
    # ``=`` alone is a response of no octets (RFC 9051 6.2.2).
    base64 = cursor.text[cursor.at :]
    octets = b"" if base64 == b"=" else decoded(base64)
    if octets is None or not base64:
        raise BadSyntax("Initial response is not base64")
    cursor.at = len(cursor.text)
    return commands.Authenticate(mechanism, octets)


def decoded(base64: bytes) -> bytes | None:
    """
    A SASL response's octets; None if it is not base64 (RFC 4648 4).
    """
    try:
        return binascii.a2b_base64(base64, strict_mode=True)
    except binascii.Error:
        return None


def _login(cursor: Cursor) -> Command:
    cursor.space()
    user = cursor.text_string()
    cursor.space()
    return commands.Login(user, cursor.text_string())


def _enable(cursor: Cursor) -> Command:
    names: list[str] = []
    while cursor.took(b" "):
        names.append(cursor.word().decode("ascii"))
    if not names:
        raise BadSyntax("Nothing to enable")
    return commands.Enable(tuple(dict.fromkeys(names)))


def _select(cursor: Cursor) -> Command:
    mailbox, condstore = _select_arguments(cursor)
    return commands.Select(mailbox, read_only=False, condstore=condstore)


def _examine(cursor: Cursor) -> Command:
    mailbox, condstore = _select_arguments(cursor)
    return commands.Select(mailbox, read_only=True, condstore=condstore)


def _select_arguments(cursor: Cursor) -> tuple[str, bool]:
    cursor.space()
    mailbox = cursor.mailbox()
    if not cursor.took(b" "):
        return mailbox, False
    parameters = cursor.listed(cursor.word)
    if not parameters or set(parameters) != {b"CONDSTORE"}:
        raise BadSyntax("Unknown parameter")
    return mailbox, True


def _create(cursor: Cursor) -> Command:
    cursor.space()
    mailbox = cursor.mailbox()
    if not cursor.took(b" "):
        return commands.Create(mailbox)
    cursor.take(b"(")
    # RFC 6154 3
    if cursor.word() != b"USE":
        raise BadSyntax("Unknown parameter")
    cursor.space()
    uses = cursor.listed(lambda: listing.special_use(cursor))
    cursor.take(b")")
    return commands.Create(mailbox, tuple(dict.fromkeys(uses)))


def _rename(cursor: Cursor) -> Command:
    cursor.space()
    mailbox = cursor.mailbox()
    cursor.space()
    return commands.Rename(mailbox, cursor.mailbox())


def _get_quota(cursor: Cursor) -> Command:
    cursor.space()
    return commands.GetQuota(cursor.text_string())


def _set_quota(cursor: Cursor) -> Command:
    cursor.space()
    root = cursor.text_string()
    cursor.space()
    return commands.SetQuota(root, tuple(cursor.listed(lambda: _limit(cursor))))


def _limit(cursor: Cursor) -> tuple[str, int]:
    resource = cursor.word().decode("ascii")
    cursor.space()
    return resource, cursor.number()


# --- The tables --------------------------------------------------------------


def _append_without_literal(cursor: Cursor) -> Command:
    """
    APPEND comes as ``AppendBegin`` if it is right, so this one is not.
    """
    cursor.space()
    _append_head(cursor)
    raise BadSyntax("Expected a literal")


def _alone(make: Callable[[], Command]) -> Callable[[Cursor], Command]:
    return lambda cursor: make()


def _named(make: Callable[[str], Command]) -> Callable[[Cursor], Command]:
    def command(cursor: Cursor) -> Command:
        cursor.space()
        return make(cursor.mailbox())

    return command


_COMMANDS: Final[dict[bytes, Callable[[Cursor], Command]]] = {
    b"APPEND": _append_without_literal,
    b"AUTHENTICATE": _authenticate,
    b"CAPABILITY": _alone(commands.Capability),
    b"CHECK": _alone(commands.Check),
    b"CLOSE": _alone(commands.Close),
    b"CREATE": _create,
    b"DELETE": _named(commands.Delete),
    b"ENABLE": _enable,
    b"EXAMINE": _examine,
    b"EXPUNGE": _alone(commands.Expunge),
    b"GETQUOTA": _get_quota,
    b"GETQUOTAROOT": _named(commands.GetQuotaRoot),
    b"ID": _id,
    b"IDLE": _alone(commands.Idle),
    b"LIST": listing.parse_list,
    b"LOGIN": _login,
    b"LOGOUT": _alone(commands.Logout),
    b"LSUB": listing.parse_lsub,
    b"NAMESPACE": _alone(commands.Namespace),
    b"NOOP": _alone(commands.Noop),
    b"RENAME": _rename,
    b"SELECT": _select,
    b"SETQUOTA": _set_quota,
    b"STARTTLS": _alone(commands.StartTLS),
    b"STATUS": listing.parse_status,
    b"SUBSCRIBE": _named(commands.Subscribe),
    b"UNSELECT": _alone(commands.Unselect),
    b"UNSUBSCRIBE": _named(commands.Unsubscribe),
}

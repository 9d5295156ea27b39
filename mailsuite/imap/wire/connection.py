"""
IMAP's octets, the server's side: what arrived, as events.

Implementation notes

- What is to be read next is a method: a command's line, a literal, a message
  on its way in, a SASL response, DONE.
- A literal's size is looked at before ``+`` is said.  If it is too large, a
  client that waits is told so at once; one that does not (LITERAL+, RFC 7888)
  has it swallowed to the octet, and then is told: its octets are never read as
  commands.  So with every command that is refused while more of it comes.
- Whatever looks like the announcement of a literal at the end of a line is
  one, also where the grammar has none: the client has sent its octets, or
  waits for ``+``.
- The messages of APPEND pass through in pieces; every other literal is small
  and kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from mailsuite.imap.wire import parser
from mailsuite.imap.wire.events import (
    BAD,
    NO,
    AppendAborted,
    AppendBegin,
    AppendEnd,
    AppendOctets,
    CommandReceived,
    Event,
    IdleDone,
    LiteralWanted,
    Rejected,
    SASLCancelled,
    SASLResponse,
)
from mailsuite.imap.wire.lexer import TAG, Literal
from mailsuite.wire.buffer import NEED_DATA, InputBuffer, LineTooLong, NeedData

_ANNOUNCED = re.compile(rb"(~?)\{([0-9]+)(\+?)\}\Z")
_TAGGED = re.compile(rb"(" + TAG.pattern + rb") ")

#: Octets of one ``AppendOctets``.
_PIECE: Final = 65536

#: Digits of the largest number64; a size of more is as good as endless.
_MOST_DIGITS: Final = 19
#: A literal over the limit is read to its end up to so many times the largest
#: message; a larger one ends the connection.
_SWALLOWED: Final = 4

_HUGE: Final = 10**_MOST_DIGITS

_LITERAL_TOO_LARGE = b"Literal is too large"
_NUL_IN_LITERAL = b"NUL in a literal"


@dataclass(frozen=True, slots=True)
class Limits:
    """
    How much a client may send; all in octets.

    :param append: of one message.
    :param before_login: of any other literal, until the login.
    :param after_login: of any other literal from then on.
    :param command: of a command, its line ends and literals (but for the
        message of APPEND) counted.
    :param response: of one line of a SASL exchange (RFC 4954 4 has the same).
    """

    append: int = 50 * 1024 * 1024
    before_login: int = 4096
    after_login: int = 8192
    command: int = 65536
    response: int = 16384


@dataclass(slots=True)
class _Draft:
    """
    A command of which more is to come.

    :param size: octets of it so far.
    :param append: its head, if its literal is a message.
    :param verdict: what is said at its end instead of what it asks for; from
        then on the rest of it is only swallowed.
    :param silent: the session has answered it.
    """

    text: bytearray = field(default_factory=bytearray)
    literals: dict[int, Literal] = field(default_factory=dict)
    size: int = 0
    append: parser.AppendHead | None = None
    verdict: Rejected | AppendAborted | None = None
    silent: bool = False

    @property
    def tag(self) -> bytes | None:
        """
        Its tag, None if there is none.
        """
        found = _TAGGED.match(self.text)
        return bytes(found[1]) if found else None

    @property
    def refused(self) -> bool:
        """
        Whether nothing of it counts any more.
        """
        return self.silent or self.verdict is not None

    def reject(self, condition: bytes, code: bytes | None, text: bytes) -> None:
        """
        Say this at its end.
        """
        self.verdict = Rejected(self.tag, condition, code, text)

    def give_up(self, text: bytes) -> None:
        """
        Say at its end that it makes no sense; its message, if the session has
        begun to take one, is void.
        """
        if self.append is not None:
            self.verdict = AppendAborted(self.tag or b"", text)
        else:
            self.reject(BAD, None, text)


@dataclass(frozen=True, slots=True)
class _Announced:
    """
    The literal that a line announces at its end.

    :param at: where in the command's text its ``{`` stands.
    :param end: where the announcement ends.
    """

    at: int
    end: int
    size: int
    binary: bool
    synchronizing: bool


#: What is read next: a method without its object, since a bound one would tie
#: each connection into a circle.
_Reader = Callable[["Connection"], Event | NeedData | None]


class Connection:
    """
    The server's side of one connection; sans I/O.

    No octets make it raise.
    """

    def __init__(self, limits: Limits) -> None:
        #: The client has logged in: larger literals may come.
        self.authenticated = False
        #: Names of mailboxes are UTF-8, not modified UTF-7.
        self.utf8 = False
        self._limits = limits
        self._input = InputBuffer()
        self._read: _Reader = Connection._read_line
        self._draft = _Draft()
        self._announced = _Announced(0, 0, 0, False, False)
        self._left = 0
        self._tag = b""
        self._unread: bytes | LineTooLong | None = None

    # --- The shell's side -----------------------------------------------------

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

    def next_event(self) -> Event | NeedData:
        """
        The next event, or ``NEED_DATA``.
        """
        while True:
            event = self._read(self)
            if event is not None:
                return event

    # --- The session's side ---------------------------------------------------

    def reset(self) -> None:
        """
        Begin anew, behind a TLS handshake.
        """
        self._input.clear()
        self.authenticated = False
        self.utf8 = False
        self._unread = None
        self._draft = _Draft()
        self._read = Connection._read_line

    def await_response(self) -> None:
        """
        The next line belongs to the SASL exchange of the last command.
        """
        self._read = Connection._read_response

    def await_done(self) -> None:
        """
        The next line ends the IDLE that came last.
        """
        self._read = Connection._read_done

    def accept_literal(self) -> bytes:
        """
        Take the message that ``AppendBegin`` announced.

        :return: what to tell the client before it comes.
        """
        self._read = Connection._read_message
        return b"+ OK\r\n" if self._announced.synchronizing else b""

    def refuse_literal(self) -> None:
        """
        Take nothing of the command that ``AppendBegin`` announced: what the
        client sends of it all the same is swallowed.
        """
        if self._announced.synchronizing:
            self._begin()
        else:
            self._draft.silent = True
            self._read = Connection._swallow

    # --- A command's lines ----------------------------------------------------

    def _begin(self) -> None:
        self._draft = _Draft()
        self._read = Connection._read_line

    def _line(self, limit: int) -> bytes | NeedData | LineTooLong:
        if self._unread is None:
            return self._input.line(limit)
        line, self._unread = self._unread, None
        return line

    def _read_line(self) -> Event | NeedData | None:
        """
        Read a command's first line, or the next behind a literal.
        """
        draft = self._draft
        used = 0 if draft.refused else draft.size
        line = self._line(self._limits.command - used)
        if isinstance(line, NeedData):
            return line
        if isinstance(line, LineTooLong):
            start, line = self._input.discarded
            if not draft.text:
                draft.text += start
            if not draft.refused:
                draft.give_up(b"Command line is too long")
        elif not draft.refused:
            draft.text += line
            draft.size += len(line) + 2
        if line.endswith(b"}") and (found := _ANNOUNCED.search(line)):
            return self._announce(found)
        if draft.append is not None and not draft.refused:
            # RFC 6855 4: the message may be wrapped in ``UTF8 (...)``.
            if line == (b")" if draft.append.wrapped else b""):
                self._begin()
                return AppendEnd(draft.tag or b"")
            draft.give_up(b"Unexpected octets behind the message")
        return self._finish()

    def _finish(self) -> Event | None:
        """
        The command has ended: what there is to say of it.
        """
        draft = self._draft
        self._begin()
        if draft.silent:
            return None
        if draft.verdict is not None:
            return draft.verdict
        event = parser.parse(bytes(draft.text), draft.literals, utf8=self.utf8)
        if isinstance(event, CommandReceived):
            self._tag = event.tag
        return event

    # --- Literals -------------------------------------------------------------

    def _announce(self, found: re.Match[bytes]) -> Event | None:
        """
        A line has announced a literal.
        """
        draft = self._draft
        digits = found[2]
        size = int(digits) if len(digits) <= _MOST_DIGITS else _HUGE
        end = len(draft.text)
        length = len(found[0]) - len(found[1])
        self._announced = announced = _Announced(
            end - length, end, size, bool(found[1]), not found[3]
        )
        event: Event | None = None
        if not draft.refused:
            event = self._judge(announced)
        if not draft.refused:
            return event
        if announced.synchronizing:
            return self._finish()
        if size > _SWALLOWED * self._limits.append:
            # RFC 7888 4: the server may end the connection.
            event = self._finish()
            return (
                replace(event, ends=True)
                if isinstance(event, Rejected)
                else Rejected(None, BAD, None, _LITERAL_TOO_LARGE, ends=True)
            )
        self._left = size
        self._read = Connection._swallow
        return None

    def _judge(self, announced: _Announced) -> Event | None:
        """
        Get ready for the literal, or reject the command.
        """
        draft = self._draft
        self._left = announced.size
        if draft.append is not None:
            draft.give_up(b"One message at a time")
            return None
        # The literal of APPEND is its message, unless its mailbox was one.
        if len(draft.literals) < 2:
            head = self._append_head(announced)
            if isinstance(head, Rejected):
                draft.verdict = head
                return None
            if head is not None:
                return self._judge_message(head, announced)
            if not parser.knows(bytes(draft.text)):
                draft.give_up(b"Unknown command")
                return None
        limit = (
            self._limits.after_login
            if self.authenticated
            else self._limits.before_login
        )
        if announced.size > min(limit, self._limits.command - draft.size):
            draft.reject(BAD, b"TOOBIG", _LITERAL_TOO_LARGE)
            return None
        draft.size += announced.size
        self._read = Connection._read_literal
        return LiteralWanted() if announced.synchronizing else None

    def _append_head(
        self, announced: _Announced
    ) -> parser.AppendHead | Rejected | None:
        draft = self._draft
        start = announced.at - announced.binary
        return parser.parse_append(
            bytes(draft.text[:start]), draft.literals, utf8=self.utf8
        )

    def _judge_message(
        self, head: parser.AppendHead, announced: _Announced
    ) -> Event | None:
        draft = self._draft
        if announced.size > self._limits.append:
            # RFC 7889 5
            draft.reject(NO, b"TOOBIG", b"Message is too large")
            return None
        draft.append = head
        append = replace(head.append, size=announced.size)
        return AppendBegin(draft.tag or b"", append)

    def _read_literal(self) -> NeedData | None:
        if len(self._input) < self._left:
            return NEED_DATA
        octets = self._input.take(self._left)
        announced, draft = self._announced, self._draft
        if b"\0" in octets:
            draft.give_up(_NUL_IN_LITERAL)
        draft.literals[announced.at] = Literal(octets, announced.end)
        self._read = Connection._read_line
        return None

    def _read_message(self) -> Event | NeedData | None:
        if not self._left:
            self._read = Connection._read_line
            return None
        octets = self._input.take(min(self._left, _PIECE))
        if not octets:
            return NEED_DATA
        self._left -= len(octets)
        if not self._announced.binary and b"\0" in octets:
            # RFC 9051 9: a literal is made of CHAR8; literal8 has NUL too.
            self._draft.give_up(_NUL_IN_LITERAL)
            self._read = Connection._swallow
            return None
        return AppendOctets(octets)

    def _swallow(self) -> NeedData | None:
        self._left -= len(self._input.take(self._left))
        if self._left:
            return NEED_DATA
        self._read = Connection._read_line
        return None

    # --- Lines that are no commands -------------------------------------------

    def _read_response(self) -> Event | NeedData:
        line = self._line(self._limits.response)
        if isinstance(line, NeedData):
            return line
        self._begin()
        if isinstance(line, LineTooLong):
            return Rejected(self._tag, BAD, None, b"Response is too long")
        if line == b"*":
            return SASLCancelled(self._tag)
        octets = parser.decoded(line)
        if octets is not None:
            return SASLResponse(octets)
        if b" " in line:
            # Some clients leave an exchange by their next command.
            self._unread = line
        return Rejected(self._tag, BAD, None, b"Response is not base64")

    def _read_done(self) -> Event | NeedData:
        line = self._line(self._limits.command)
        if isinstance(line, NeedData):
            return line
        self._begin()
        if isinstance(line, bytes) and line.upper() == b"DONE":
            return IdleDone(self._tag)
        # Some clients leave IDLE by their next command.
        self._unread = line
        return Rejected(self._tag, BAD, None, b"Expected DONE")

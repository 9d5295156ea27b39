"""
A server's side of SMTP or LMTP, sans I/O: octets in, events out.

Implementation notes

- The session says when lines are not commands: ``expect_data`` with its 354,
  ``expect_response`` with a 334.  BDAT needs no such word, since its octets
  follow at once, whatever is answered to it.
- A client that ends lines with LF alone would wait for ever for the answer to
  what we do not take for a line: its first LF is an event, and the last.
- Content comes in pieces as large as what the network brought, and the last
  piece of a small message is its only one.
"""

from __future__ import annotations

from dataclasses import dataclass

from mailsuite.smtp.wire.commands import (
    BARE_LINE_FEED,
    Bdat,
    Command,
    parse_command,
    too_long,
)
from mailsuite.smtp.wire.data import ContentRules, DataDecoder
from mailsuite.wire.buffer import NEED_DATA, InputBuffer, LineTooLong, NeedData

#: RFC 5321 4.5.3.1.4: 512, and what SIZE (26), BODY (17), SMTPUTF8 (10), AUTH
#: (500), RET and ENVID (132), HOLDUNTIL (34) and REQUIRETLS (11) add to MAIL,
#: or NOTIFY and ORCPT (536) to RCPT; with room for long addresses.
_COMMAND_LIMIT = 2048

#: RFC 4954 4: AUTH and the lines of its exchange.
_AUTH_LIMIT = 12288


@dataclass(frozen=True, slots=True)
class Content:
    """
    A piece of a message, dot-stuffing undone.

    :param complete: the data, or BDAT's chunk, ends with it.
    :param broken: the message ends with it, and has somewhere a bare CR or LF
        or a NUL.
    """

    octets: bytes
    complete: bool
    broken: bool


@dataclass(frozen=True, slots=True)
class Response:
    """
    A client's line in an AUTH exchange, in base64 as it came.
    """

    line: bytes


@dataclass(frozen=True, slots=True)
class ResponseTooLong:
    """
    A client's line in an AUTH exchange was too long; it is gone whole.
    """


Event = Command | Content | Response | ResponseTooLong


class SMTPConnection:
    """
    One connection's octets.
    """

    def __init__(self) -> None:
        self._input = InputBuffer()
        self._rules = ContentRules()
        self._data: DataDecoder | None = None
        self._chunk: Bdat | None = None
        self._chunk_left = 0
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

    def expect_message(self) -> None:
        """
        A transaction begins: what DATA or BDAT bring is a message from its
        start.
        """
        self._rules = ContentRules()

    def expect_data(self) -> None:
        """
        What follows is a message, up to the end of data.
        """
        self._data = DataDecoder()

    def expect_response(self) -> None:
        """
        The next line answers a challenge.
        """
        self._response_due = True

    def next_event(self) -> Event | NeedData:
        """
        The next event.
        """
        if self._data is not None:
            return self._next_of_data(self._data)
        if self._chunk is not None:
            return self._next_of_chunk(self._chunk)
        line = self._input.line(_AUTH_LIMIT)
        if isinstance(line, NeedData):
            return BARE_LINE_FEED if b"\n" in self._input else line
        response_due, self._response_due = self._response_due, False
        if isinstance(line, LineTooLong):
            if response_due:
                return ResponseTooLong()
            return too_long(self._input.discarded[0])
        if b"\n" in line:
            return BARE_LINE_FEED
        return Response(line) if response_due else self._command(line)

    def _command(self, line: bytes) -> Command:
        if len(line) > _COMMAND_LIMIT - 2 and line[:5].upper() != b"AUTH ":
            return too_long(line)
        command = parse_command(line)
        if isinstance(command, Bdat):
            self._chunk = command
            self._chunk_left = command.size
        return command

    def _next_of_data(self, decoder: DataDecoder) -> Content | NeedData:
        if not self._input:
            return NEED_DATA
        octets = decoder.read(self._input)
        self._rules.look(octets)
        if decoder.ended:
            self._data = None
        elif not octets:
            return NEED_DATA
        broken = decoder.ended and self._rules.broken()
        return Content(octets, decoder.ended, broken)

    def _next_of_chunk(self, chunk: Bdat) -> Content | NeedData:
        if self._chunk_left and not self._input:
            return NEED_DATA
        octets = self._input.take(self._chunk_left)
        self._chunk_left -= len(octets)
        self._rules.look(octets)
        complete = not self._chunk_left
        if complete:
            self._chunk = None
        broken = complete and chunk.last and self._rules.broken()
        return Content(octets, complete, broken)

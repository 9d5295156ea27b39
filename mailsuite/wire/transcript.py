"""
A conversation in the course's notation, ``S:`` and ``C:``, secrets masked.

Implementation notes

- Passwords never reach the transcript: PASS, LOGIN, AUTH and AUTHENTICATE show
  their command and ``<secret>``; while an authentication goes on, so does every
  line of the client's.
- A literal of IMAP's LOGIN is masked as a line of an authentication would be.
- What looks like one of these commands, mistyped or without its tag, is masked
  too; a message's own lines are not, between SMTP's 354 and the lone dot.
"""

from __future__ import annotations

import re

_SECRET = "<secret>"

#: The octets of a line that are shown at the most.
_WIDTH = 400

_SMTP_AUTH = re.compile(rb"(?i)^(AUTH +\S+)( .*)?$")
_POP3_PASS = re.compile(rb"(?i)^(PASS)( .*)?$")
_IMAP_LOGIN = re.compile(rb"(?i)^(\S+ +LOGIN)( .*)?$")
_IMAP_AUTH = re.compile(rb"(?i)^(\S+ +AUTHENTICATE +\S+)( .*)?$")

#: A line whose first or second word is nearly one of these commands.
_ALMOST = re.compile(rb"(?i)^((?:\S+ +)?\S*(?:LOGIN|PASS|AUTH)\S*)( .*)$")

#: What ends an authentication: the server's last word of it.
_SMTP_END = re.compile(rb"^(?!334)\d{3}")
_POP3_END = re.compile(rb"^(\+OK|-ERR)")
_IMAP_END = re.compile(rb"^(?![+*])\S+ ")


class Transcript:
    """
    One conversation's lines, as they are to be shown.
    """

    def __init__(self, protocol: str) -> None:
        """
        :param protocol: ``smtp``, ``pop3`` or ``imap``.
        """
        self._protocol = protocol
        self._secret = False
        self._content = False
        self._client = b""
        self._server = b""

    def client(self, octets: bytes) -> list[str]:
        """
        The lines that the client's octets complete.
        """
        lines, self._client = _cut(self._client + octets)
        return [f"C: {self._from_client(line)}" for line in lines]

    def server(self, octets: bytes) -> list[str]:
        """
        The lines that our octets complete.
        """
        lines, self._server = _cut(self._server + octets)
        return [f"S: {self._from_server(line)}" for line in lines]

    def _from_client(self, line: bytes) -> str:
        if self._secret:
            return _SECRET
        if self._content:
            self._content = line != b"."
            return _shown(line)
        begun: re.Match[bytes] | None = None
        match self._protocol:
            case "smtp":
                begun = _SMTP_AUTH.match(line)
                self._secret = begun is not None
            case "pop3":
                begun = _POP3_PASS.match(line)
                if begun is None:
                    begun = _SMTP_AUTH.match(line)
                    self._secret = begun is not None
            case _:
                begun = _IMAP_LOGIN.match(line) or _IMAP_AUTH.match(line)
                self._secret = begun is not None
        if begun is None:
            begun = _ALMOST.match(line)
        if begun is None:
            return _shown(line)
        return _shown(begun[1]) + (f" {_SECRET}" if begun[2] else "")

    def _from_server(self, line: bytes) -> str:
        if self._secret:
            end = {"smtp": _SMTP_END, "pop3": _POP3_END}.get(
                self._protocol, _IMAP_END
            )
            self._secret = end.match(line) is None
            if line.startswith((b"334 ", b"+ ")):
                return _shown(line.split(b" ")[0]) + f" {_SECRET}"
        if self._protocol == "smtp" and line.startswith(b"354"):
            self._content = True
        return _shown(line)


def _cut(octets: bytes) -> tuple[list[bytes], bytes]:
    """
    Whole lines, and what is left; a very long line is cut.
    """
    *lines, rest = octets.split(b"\r\n")
    if len(rest) > _WIDTH * 4:
        lines.append(rest)
        rest = b""
    return lines, rest


def _shown(line: bytes) -> str:
    text = line[:_WIDTH].decode("utf-8", "backslashreplace")
    more = " ..." if len(line) > _WIDTH else ""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text) + more

"""
What a server told of itself in answer to EHLO.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mailsuite.smtp.wire.peerreplies import PeerReply


@dataclass(frozen=True, slots=True)
class Capabilities:
    """
    The extensions, those that a client makes use of.

    :param extended: it took EHLO (or LHLO); of HELO nothing can be known.
    :param size: octets it takes at most; 0 if it told no number, None if it
        does not know SIZE.
    :param mechanisms: of AUTH, in upper case.
    :param recipients_most: a transaction (LIMITS, RFC 9422), None if untold.
    :param messages_most: transactions, a connection; the same.
    """

    extended: bool = False
    pipelining: bool = False
    eight_bit: bool = False
    smtputf8: bool = False
    chunking: bool = False
    dsn: bool = False
    starttls: bool = False
    requiretls: bool = False
    size: int | None = None
    mechanisms: frozenset[str] = frozenset()
    recipients_most: int | None = None
    messages_most: int | None = None

    @classmethod
    def of(cls, reply: PeerReply) -> Capabilities:
        """
        Read a positive answer to EHLO (RFC 5321 4.1.1.1).

        A line that makes no sense is as good as none.
        """
        words = dict(_keywords(reply))
        limits = _limits(words.get("LIMITS", ""))
        size = _number(words["SIZE"]) or 0 if "SIZE" in words else None
        return cls(
            extended=True,
            pipelining="PIPELINING" in words,
            eight_bit="8BITMIME" in words,
            smtputf8="SMTPUTF8" in words,
            chunking="CHUNKING" in words,
            dsn="DSN" in words,
            starttls="STARTTLS" in words,
            requiretls="REQUIRETLS" in words,
            size=size,
            mechanisms=frozenset(words.get("AUTH", "").upper().split()),
            recipients_most=limits.get("RCPTMAX"),
            messages_most=limits.get("MAILMAX"),
        )


def _keywords(reply: PeerReply) -> Iterator[tuple[str, str]]:
    # The first line is the server's name.
    for line in reply.lines[1:]:
        keyword, _, parameters = line.partition(" ")
        # Old servers wrote AUTH=LOGIN.
        if keyword.upper().startswith("AUTH="):
            keyword, parameters = "AUTH", f"{keyword[5:]} {parameters}"
        yield keyword.upper(), parameters.strip()


def _limits(parameters: str) -> dict[str, int]:
    # RFC 9422 3: at least 1, six digits at most; what is unknown is ignored.
    found = {}
    for limit in parameters.split():
        name, _, value = limit.partition("=")
        number = _number(value)
        if number:
            found[name.upper()] = number
    return found


def _number(text: str) -> int | None:
    if text.isascii() and text.isdigit() and len(text) <= 20:
        return int(text)
    return None

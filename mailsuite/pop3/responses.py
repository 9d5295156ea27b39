"""
POP3's responses of one line, and what errors of mail are in them.
"""

from __future__ import annotations

from mailsuite.errors import LoginRefused, MaildropInUse, MailError


def ok(text: str = "") -> bytes:
    """
    A positive response.
    """
    return f"+OK {text}\r\n".encode() if text else b"+OK\r\n"


def err(text: str, code: str = "") -> bytes:
    """
    A negative response.

    :param code: a response code (RFC 2449 8), without its brackets.
    """
    words = f"[{code}] {text}" if code else text
    return f"-ERR {words}\r\n".encode()


def refusal(why: MailError) -> bytes:
    """
    What a client is told of an error.

    RFC 2449 8.1.1 has IN-USE, RFC 3206 the others.
    """
    match why:
        case MaildropInUse():
            return err(why.public, "IN-USE")
        case LoginRefused():
            return err(why.public, "AUTH")
        case _:
            return err(why.public, "SYS/TEMP" if why.temporary else "")

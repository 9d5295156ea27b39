"""
What the parameters of MAIL mean.

RFC 1870 (SIZE), RFC 6152 (BODY), RFC 6531 (SMTPUTF8), RFC 4954 5 (AUTH).
"""

from __future__ import annotations

import re

from mailsuite.mail.envelope import Sender
from mailsuite.smtp.wire import paths
from mailsuite.smtp.wire.commands import Mail
from mailsuite.smtp.wire.replies import Reply

# RFC 1870 4
_SIZE = re.compile("[0-9]{1,20}")

_UNKNOWN = Reply(555, "5.5.4", "Parameter not recognized")
_BAD_SIZE = Reply(501, "5.5.4", "SIZE takes a number of octets")
_BAD_BODY = Reply(501, "5.5.4", "BODY is 7BIT or 8BITMIME")
_BAD_SMTPUTF8 = Reply(501, "5.5.4", "SMTPUTF8 takes no value")
_BAD_AUTH = Reply(501, "5.5.4", "AUTH takes an address or <>, as xtext")

#: RFC 6531 3.5: the codes for an address that SMTPUTF8 was not asked for.
NEEDS_SMTPUTF8 = Reply(553, "5.6.7", "Address needs the SMTPUTF8 parameter")


def sender_of(mail: Mail, *, takes_auth: bool) -> Sender | Reply:
    """
    The sender that a MAIL command names, or why it is refused.

    :param takes_auth: whether AUTH was offered, and so its parameter.
    """
    size: int | None = None
    body = "7BIT"
    smtputf8 = False
    for keyword, value in mail.parameters:
        match keyword:
            case "SIZE":
                if value is None or not _SIZE.fullmatch(value):
                    return _BAD_SIZE
                size = int(value)
            case "BODY":
                body = (value or "").upper()
                if body not in {"7BIT", "8BITMIME"}:
                    return _BAD_BODY
            case "SMTPUTF8":
                if value is not None:
                    return _BAD_SMTPUTF8
                smtputf8 = True
            case "AUTH" if takes_auth:
                if not _is_submitter(value):
                    return _BAD_AUTH
            case _:
                return _UNKNOWN
    path = mail.reverse_path
    if path is not None and not smtputf8 and not path.is_ascii:
        return NEEDS_SMTPUTF8
    return Sender(path, size, body, smtputf8, mail.parameters)


def _is_submitter(value: str | None) -> bool:
    """
    RFC 4954 5: ``<>``, or a mailbox without brackets.
    """
    try:
        text = paths.decode_xtext(value or "")
        if text != "<>":
            _, rest = paths.forward_path(f"<{text}>")
            return not rest
    except (ValueError, paths.BadPath):
        return False
    return True

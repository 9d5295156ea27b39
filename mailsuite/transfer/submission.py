"""
What is asked of, and done to, a message that a login submits (RFC 6409).

Implementation notes

- Bcc goes: a client that leaves it in would show each recipient the hidden
  ones (RFC 5322 3.6.3 leaves the choice to whoever sends).
- Date, From and Message-ID are added, nothing is changed: a signature over
  what the client wrote stays good (RFC 6409 8.1 to 8.3).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from mailsuite.errors import SenderRefused
from mailsuite.mail.address import Address
from mailsuite.mail.addresslists import addresses
from mailsuite.mail.datetimes import print_date
from mailsuite.mail.envelope import Origin
from mailsuite.mail.headers import every
from mailsuite.transfer.header import without

_HIDDEN = (b"Bcc", b"Resent-Bcc")


def check_author(section: bytes, owns: Callable[[Address], bool]) -> None:
    """
    Every address in From belongs to the login.

    :raises SenderRefused: one does not, or a From field has none to check.
    """
    for value in every(section, b"From"):
        found = addresses(value)
        if not found:
            raise SenderRefused("From holds no address")
        if not all(owns(named.address) for named in found):
            raise SenderRefused("From does not belong to this login")


def missing_fields(
    section: bytes,
    when: datetime,
    queue_id: str,
    origin: Origin,
    author: Address | None,
) -> bytes:
    """
    The Date, From and Message-ID fields that the section lacks, with line
    ends.

    :param author: for From; None if nobody is known to be it.
    """
    added = b""
    if author is not None and not every(section, b"From"):
        added += f"From: {author}\r\n".encode()
    if not every(section, b"Date"):
        added += b"Date: %b\r\n" % print_date(when)
    if not every(section, b"Message-ID"):
        # A queue id is never given twice.
        added += f"Message-ID: <{queue_id}@{origin.our_name}>\r\n".encode()
    return added


def without_hidden_recipients(section: bytes) -> bytes:
    """
    The section less the fields that name hidden recipients.
    """
    return without(section, _HIDDEN)

"""
Mail from a machine: multipart/report about a message (RFC 6522), and what it
has in common with others.

Implementation notes

- What is returned of the message is opaque here.  A whole message stands as it
  is; a header section is quoted-printable where its octets or lines need it.
- The boundary is one that stands in no part, so that no message can end its
  part from inside.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from mailsuite.mail.address import Address
from mailsuite.mail.datetimes import print_date
from mailsuite.mail.transferencodings import quoted_printable

# RFC 5322 2.1.1
_TOO_LONG = re.compile(rb"[^\n]{999}")


@dataclass(frozen=True, slots=True)
class ReportHeader:
    """
    Whom a report goes to, and what it answers.

    :param our_name: our host name.
    :param report_id: unique among our messages, of letters and digits.
    :param subject: ASCII.
    :param message_id: of the message that is told of, with its brackets; None
        if it has none.
    """

    our_name: str
    report_id: str
    to: Address
    subject: str
    date: datetime
    message_id: bytes | None = None


@dataclass(frozen=True, slots=True)
class Returned:
    """
    What the sender gets back of his message.

    :param whole: it is all of it, else its header section.
    """

    octets: bytes
    whole: bool


def print_report(
    header: ReportHeader,
    text: str,
    status: bytes,
    returned: Returned,
    *,
    utf8: bool,
) -> bytes:
    """
    The whole report, as it goes through the network.

    :param text: for people; lines end with LF.
    :param status: what ``deliverystatus.print_status`` made.
    :param utf8: the way to the reader takes RFC 6532's messages, so that the
        parts that are not ASCII have RFC 6533's types.
    """
    parts = (
        text_part(text),
        _status_part(status, utf8=utf8),
        _returned_part(returned, utf8=utf8),
    )
    boundary = _boundary(header.report_id, parts)
    delimiter = b"--" + boundary
    return b"".join(
        (
            _header(header, boundary, eight_bit=not b"".join(parts).isascii()),
            *(delimiter + b"\r\n" + part + b"\r\n" for part in parts),
            delimiter + b"--\r\n",
        )
    )


def opening(header: ReportHeader, submitted: bytes) -> bytes:
    """
    The fields of a machine's mail, up to MIME-Version.

    :param submitted: RFC 3834 5: ``auto-replied`` or ``auto-generated``.
    """
    name = header.our_name.encode("ascii")
    answered = b""
    if header.message_id is not None:
        # RFC 3834 3.1.5
        answered = b"In-Reply-To: %b\r\nReferences: %b\r\n" % (
            (header.message_id,) * 2
        )
    return b"".join(
        (
            b"From: Mail delivery system <MAILER-DAEMON@%b>\r\n" % name,
            b"To: <%b>\r\n" % str(header.to).encode(),
            b"Subject: %b\r\n" % header.subject.encode("ascii"),
            b"Date: %b\r\n" % print_date(header.date),
            b"Message-ID: <%b@%b>\r\n" % (header.report_id.encode(), name),
            answered,
            b"Auto-Submitted: %b\r\n" % submitted,
            b"MIME-Version: 1.0\r\n",
        )
    )


def has_long_lines(octets: bytes) -> bool:
    """
    Whether a line is longer than mail allows (RFC 5322 2.1.1).
    """
    return _TOO_LONG.search(octets.replace(b"\r\n", b"\n")) is not None


def _boundary(report_id: str, parts: Sequence[bytes]) -> bytes:
    number = 0
    while True:
        # RFC 2045 6.7: =_ stands in no quoted-printable.
        boundary = f"=_{report_id}_{number}".encode("ascii")
        if not any(boundary in part for part in parts):
            return boundary
        number += 1


def _header(header: ReportHeader, boundary: bytes, *, eight_bit: bool) -> bytes:
    return b"".join(
        (
            opening(header, b"auto-replied"),
            b"Content-Type: multipart/report; report-type=delivery-status;\r\n",
            b'\tboundary="%b"\r\n' % boundary,
            b"Content-Transfer-Encoding: 8bit\r\n" if eight_bit else b"",
            b"\r\n",
        )
    )


def text_part(text: str) -> bytes:
    """
    Text for people, with the fields that say how it is written.

    :param text: lines end with LF.
    """
    octets = text.replace("\n", "\r\n").encode("utf-8", "replace")
    description = b"Content-Description: Explanation\r\n"
    if octets.isascii() and not has_long_lines(octets):
        return _part(b"text/plain; charset=us-ascii", octets, description)
    return _quoted_printable(b"text/plain; charset=utf-8", octets, description)


def _status_part(status: bytes, *, utf8: bool) -> bytes:
    # RFC 6533 4.4: the old types do for what is ASCII, and all know them.
    if utf8 and not status.isascii():
        return _part(b"message/global-delivery-status", status)
    return _part(b"message/delivery-status", status)


def _returned_part(returned: Returned, *, utf8: bool) -> bytes:
    octets = returned.octets
    utf8 = utf8 and not octets.isascii()
    if returned.whole:
        kind = b"message/global" if utf8 else b"message/rfc822"
        return _part(kind, octets)
    kind = b"message/global-headers" if utf8 else b"text/rfc822-headers"
    if has_long_lines(octets) or not (utf8 or octets.isascii()):
        return _quoted_printable(kind, octets)
    return _part(kind, octets)


def _part(kind: bytes, octets: bytes, description: bytes = b"") -> bytes:
    encoding = b"7bit" if octets.isascii() else b"8bit"
    return _encoded_part(kind, encoding, octets, description)


def _quoted_printable(
    kind: bytes, octets: bytes, description: bytes = b""
) -> bytes:
    encoded = quoted_printable(octets)
    return _encoded_part(kind, b"quoted-printable", encoded, description)


def _encoded_part(
    kind: bytes, encoding: bytes, octets: bytes, description: bytes
) -> bytes:
    return b"Content-Type: %b\r\nContent-Transfer-Encoding: %b\r\n%b\r\n%b" % (
        kind,
        encoding,
        description,
        octets,
    )

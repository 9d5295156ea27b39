"""
A DMARC aggregate report as the mail that carries it (RFC 9990 3.5).
"""

from __future__ import annotations

import base64
import gzip
import hashlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from mailsuite.emailauth.dmarcreport import (
    AggregateReport,
    ReportMetadata,
    filename,
    subject,
)
from mailsuite.emailauth.dmarcreportxml import LONGEST_REPORT, print_report
from mailsuite.mail.address import Address
from mailsuite.mail.datetimes import print_date
from mailsuite.mail.envelope import Recipient, Sender
from mailsuite.mail.report import text_part
from mailsuite.mail.trace import return_path
from mailsuite.transfer.bounce import Notification
from mailsuite.transfer.dmarcledger import DomainDay, Seen
from mailsuite.transfer.reportmailing import ReportMailing

#: Octets of base64's lines, without the line end (RFC 2045 6.8).
_LINE = 76


@dataclass(frozen=True, slots=True)
class Packed:
    """
    A report, and the file that tells it.
    """

    report: AggregateReport
    octets: bytes


def report_id(our_name: str, of: DomainDay) -> str:
    """
    The name of the one report on a domain's day: the same if it is made again
    (RFC 9990 3.5.1, 3.5.3), and of letters and digits, as the file's name
    needs it.
    """
    named = f"{our_name} {of.domain} {of.begin}".encode()
    return hashlib.sha256(named).hexdigest()[:24]


def pack(of: DomainDay, seen: Seen, mailing: ReportMailing) -> Packed:
    """
    The report on a domain's day, compressed; it may take a second.

    One that nobody could read for its length loses its rarest observations,
    and says so.
    """
    report = AggregateReport(
        ReportMetadata(
            mailing.organization,
            str(mailing.contact),
            report_id(mailing.our_name, of),
            of.begin,
            of.end - 1,
            generator="Mailsuite",
        ),
        seen.policy,
        seen.observations,
    )
    xml = print_report(report)
    while len(xml) > LONGEST_REPORT:
        report = _shorter(report)
        xml = print_report(report)
    # The same report is the same octets, whenever it is made.
    return Packed(report, gzip.compress(xml, mtime=0))


def _shorter(report: AggregateReport) -> AggregateReport:
    kept = report.observations[: len(report.observations) // 2]
    return replace(
        report,
        metadata=replace(
            report.metadata, error="The rarest observations are left out."
        ),
        observations=kept,
    )


def compose(
    packed: Packed,
    destination: Address,
    path: Address,
    mailing: ReportMailing,
    *,
    new_id: str,
    now: float,
) -> Notification:
    """
    The mail that brings a report to one destination.

    :param path: its reverse-path.
    :param new_id: its queue id.
    :param now: seconds since 1970.
    """
    front = return_path(path)
    boundary = f"=_{new_id}".encode("ascii")
    parts = (
        text_part(_text(packed.report, mailing)),
        _attachment(packed, mailing.our_name),
    )
    delimiter = b"--" + boundary
    content = b"".join(
        (
            front,
            _header(packed.report, destination, mailing, new_id, now),
            b"Content-Type: multipart/mixed;\r\n",
            b'\tboundary="%b"\r\n\r\n' % boundary,
            *(delimiter + b"\r\n" + part + b"\r\n" for part in parts),
            delimiter + b"--\r\n",
        )
    )
    return Notification(
        content,
        len(front),
        Sender(path),
        # Nobody reads that it takes long.
        Recipient(destination, notify=frozenset({"FAILURE"})),
    )


def _header(
    report: AggregateReport,
    destination: Address,
    mailing: ReportMailing,
    new_id: str,
    now: float,
) -> bytes:
    title = subject(mailing.our_name, report)
    # RFC 9990 3.5.2 allows the folds; names are long.
    for word in ("Submitter:", "Report-ID:"):
        title = title.replace(f" {word}", f"\r\n {word}")
    date = print_date(datetime.fromtimestamp(now, UTC)).decode("ascii")
    lines = (
        f"From: {_phrase(mailing.organization)} <{mailing.contact}>",
        f"To: <{destination}>",
        f"Subject: {title}",
        f"Date: {date}",
        f"Message-ID: <{new_id}@{mailing.our_name}>",
        "Auto-Submitted: auto-generated",
        "MIME-Version: 1.0",
        "",
    )
    return "\r\n".join(lines).encode()


def _phrase(organization: str) -> str:
    escaped = organization.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _text(report: AggregateReport, mailing: ReportMailing) -> str:
    day = datetime.fromtimestamp(report.metadata.begin, UTC)
    messages = sum(count for _, count in report.observations)
    return (
        f"This is a DMARC aggregate report of {mailing.organization}\n"
        f"on mail in the name of {report.policy.domain}\n"
        f"that {mailing.our_name} received on {day:%Y-%m-%d} (UTC):"
        f" {messages} message{'' if messages == 1 else 's'}.\n\n"
        "The attached file has the details (RFC 9990).  You get it because the"
        " DMARC\nrecord of that domain asks for it.\n"
    )


def _attachment(packed: Packed, our_name: str) -> bytes:
    name = filename(
        our_name, packed.report, packed.report.metadata.report_id
    ).encode("ascii")
    encoded = base64.b64encode(packed.octets)
    lines = [
        encoded[start : start + _LINE]
        for start in range(0, len(encoded), _LINE)
    ]
    return (
        b"Content-Type: application/gzip\r\n"
        b"Content-Transfer-Encoding: base64\r\n"
        b"Content-Disposition: attachment;\r\n"
        b'\tfilename="%b"\r\n\r\n%b' % (name, b"\r\n".join(lines))
    )

"""
A TLS report as the mail that carries it (RFC 8460 5.3).
"""

from __future__ import annotations

import base64
import gzip
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from mailsuite.mail.address import Address
from mailsuite.mail.datetimes import print_date
from mailsuite.mail.envelope import Recipient, Sender
from mailsuite.mail.report import text_part
from mailsuite.mail.trace import return_path
from mailsuite.transfer.bounce import Notification
from mailsuite.transfer.reportmailing import ReportMailing
from mailsuite.transfer.tlsreport import PolicyReport, TLSReport, print_report
from mailsuite.transfer.tlssessions import DomainDay

#: RFC 8460 6.4
MEDIA_TYPE = "application/tlsrpt+gzip"

#: Octets of base64's lines, without the line end (RFC 2045 6.8).
_LINE = 76


@dataclass(frozen=True, slots=True)
class Packed:
    """
    A report on a domain's day, compressed.
    """

    of: DomainDay
    report: TLSReport
    octets: bytes


def pack(
    of: DomainDay, policies: Sequence[PolicyReport], mailing: ReportMailing
) -> Packed:
    """
    The report on a domain's day; made again, it is the same.
    """
    named = f"{mailing.our_name} {of.domain} {of.begin}".encode()
    unique = hashlib.sha256(named).hexdigest()[:24]
    report = TLSReport(
        mailing.organization,
        of.begin,
        of.end - 1,
        str(mailing.contact),
        f"{unique}@{mailing.our_name}",
        tuple(policies),
    )
    return Packed(of, report, gzip.compress(print_report(report), mtime=0))


def filename(packed: Packed, mailing: ReportMailing) -> str:
    """
    The name of a report's file (RFC 8460 5.1).
    """
    report = packed.report
    unique = report.report_id.partition("@")[0]
    return (
        f"{mailing.our_name}!{packed.of.domain}!{report.begin}!{report.end}"
        f"!{unique}.json.gz"
    )


def compose(
    packed: Packed,
    destination: Address,
    mailing: ReportMailing,
    *,
    new_id: str,
    now: float,
) -> Notification:
    """
    The mail that brings a report to one destination.

    :param new_id: its queue id.
    :param now: seconds since 1970.
    """
    # What comes back of it would help nobody.
    front = return_path(None)
    boundary = f"=_{new_id}".encode("ascii")
    delimiter = b"--" + boundary
    content = b"".join(
        (
            front,
            _header(packed, destination, mailing, new_id, now),
            b'Content-Type: multipart/report; report-type="tlsrpt";\r\n',
            b'\tboundary="%b"\r\n\r\n' % boundary,
            delimiter + b"\r\n",
            text_part(_text(packed, mailing)),
            b"\r\n" + delimiter + b"\r\n",
            _attachment(packed, mailing),
            b"\r\n" + delimiter + b"--\r\n",
        )
    )
    return Notification(
        content,
        len(front),
        Sender(None, tls_optional=True),
        Recipient(destination, notify=frozenset({"NEVER"})),
    )


def _header(
    packed: Packed,
    destination: Address,
    mailing: ReportMailing,
    new_id: str,
    now: float,
) -> bytes:
    organization = mailing.organization.replace("\\", "\\\\")
    phrase = organization.replace('"', '\\"')
    date = print_date(datetime.fromtimestamp(now, UTC)).decode("ascii")
    lines = (
        f'From: "{phrase}" <{mailing.contact}>',
        f"To: <{destination}>",
        f"Subject: Report Domain: {packed.of.domain}",
        f" Submitter: {mailing.our_name}",
        f" Report-ID: <{packed.report.report_id}>",
        f"Date: {date}",
        f"Message-ID: <{new_id}@{mailing.our_name}>",
        f"TLS-Report-Domain: {packed.of.domain}",
        f"TLS-Report-Submitter: {mailing.our_name}",
        # It is about what may be broken (RFC 8460 5.3, RFC 8689 5).
        "TLS-Required: No",
        "Auto-Submitted: auto-generated",
        "MIME-Version: 1.0",
        "",
    )
    return "\r\n".join(lines).encode()


def _text(packed: Packed, mailing: ReportMailing) -> str:
    day = datetime.fromtimestamp(packed.of.begin, UTC)
    policies = packed.report.policies
    failures = sum(policy.failures for policy in policies)
    sessions = failures + sum(policy.successes for policy in policies)
    return (
        f"This is an SMTP TLS report of {mailing.organization}\n"
        f"on mail from {mailing.our_name} to {packed.of.domain}"
        f" on {day:%Y-%m-%d} (UTC):\n"
        f"{sessions} session{'' if sessions == 1 else 's'},"
        f" of which {failures} failed.\n\n"
        "The attached file has the details (RFC 8460).  You get it because the"
        " TLSRPT\nrecord of that domain asks for it.\n"
    )


def _attachment(packed: Packed, mailing: ReportMailing) -> bytes:
    name = filename(packed, mailing).encode("ascii")
    encoded = base64.b64encode(packed.octets)
    lines = [
        encoded[start : start + _LINE]
        for start in range(0, len(encoded), _LINE)
    ]
    return (
        b"Content-Type: %b\r\n"
        b"Content-Transfer-Encoding: base64\r\n"
        b"Content-Disposition: attachment;\r\n"
        b'\tfilename="%b"\r\n\r\n%b'
        % (MEDIA_TYPE.encode("ascii"), name, b"\r\n".join(lines))
    )

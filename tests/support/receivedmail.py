"""
Reports of others, and the messages that bring them, for tests.
"""

from __future__ import annotations

import gzip
from email.message import EmailMessage

from mailsuite.emailauth.dmarcreport import (
    AggregateReport,
    DKIMObservation,
    Observation,
    OverrideReason,
    PublishedPolicy,
    ReportMetadata,
    SPFObservation,
)
from mailsuite.transfer.tlsreport import (
    FailureDetail,
    PolicyReport,
    TLSReport,
)

#: 2025-11-25, UTC.
BEGIN = 1764028800
END = BEGIN + 86399

PASSED = Observation(
    "192.0.2.7",
    "pass",
    "pass",
    "pass",
    "example.org",
    "example.org",
    dkim_results=(DKIMObservation("example.org", "s1", "pass"),),
    spf_results=(SPFObservation("example.org", "pass", "mfrom"),),
)
FORGED = Observation(
    "198.51.100.9",
    "quarantine",
    "fail",
    "fail",
    "example.org",
    "spam.example",
    reasons=(OverrideReason("local_policy"),),
    spf_results=(SPFObservation("spam.example", "pass", "mfrom"),),
)


def dmarc_report(
    report_id: str = "r1",
    *,
    organization: str = "crepes.fr",
    observations: tuple[tuple[Observation, int], ...] = (
        (PASSED, 1204),
        (FORGED, 15),
    ),
) -> AggregateReport:
    """
    What an organization saw of example.org on a day.
    """
    return AggregateReport(
        ReportMetadata(organization, "rua@crepes.fr", report_id, BEGIN, END),
        PublishedPolicy("example.org", "reject"),
        observations,
    )


def tls_report() -> TLSReport:
    """
    What crepes.fr found when it sent mail to example.org on that day.
    """
    return TLSReport(
        "crepes.fr",
        BEGIN,
        END,
        "tls@crepes.fr",
        "t1",
        (
            PolicyReport(
                "sts",
                "Example.org",
                (),
                ("mx.example.org",),
                120,
                7,
                (
                    FailureDetail(
                        "certificate-expired",
                        5,
                        sending_ip="192.0.2.1",
                        receiving_host="mx.example.org",
                    ),
                ),
            ),
        ),
    )


def message(
    attachment: bytes, kind: str = "application/gzip", name: str = "a.xml.gz"
) -> bytes:
    """
    A message with a text and an attachment.
    """
    mail = EmailMessage()
    mail["Subject"] = "Report Domain: example.org Submitter: crepes.fr"
    mail.set_content("A report of <feedback>, attached.\n")
    maintype, _, subtype = kind.partition("/")
    mail.add_attachment(
        attachment, maintype=maintype, subtype=subtype, filename=name
    )
    return mail.as_bytes().replace(b"\n", b"\r\n")


def packed(xml: bytes) -> bytes:
    """
    The same, compressed.
    """
    return gzip.compress(xml)

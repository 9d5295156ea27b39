"""
SMTP TLS reports as values and as JSON, written and read, and the record that
asks for them (RFC 8460 3, 4).

Implementation notes

- What is read comes from strangers: its octets, the number of its parts and
  the length of its texts are bounded, and what is no text or number where one
  should be makes it no report.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from mailsuite.mail.dns import Record

#: Octets of a report that is read, without compression.
LONGEST_REPORT = 10 * 1024 * 1024

_MOST_POLICIES = 1000
_MOST_DETAILS = 50_000
_MOST_STRINGS = 1000
_LONGEST_TEXT = 1000
_LARGEST_COUNT = 10**15

#: Destinations that are looked at.
_MOST_DESTINATIONS = 10

# RFC 8460 3
_DESTINATION = re.compile(r"(?:mailto:|https://)[!-~]+", re.IGNORECASE)
_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class NotAReport(ValueError):
    """
    The octets are no report that can be read.
    """


@dataclass(frozen=True, slots=True)
class FailureDetail:
    """
    Sessions that failed alike (RFC 8460 4.4); what is empty is not told.
    """

    result: str
    count: int
    sending_ip: str = ""
    receiving_host: str = ""
    receiving_helo: str = ""
    receiving_ip: str = ""
    additional: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class PolicyReport:
    """
    What came of sessions under one policy.

    :param type: ``tlsa``, ``sts`` or ``no-policy-found``.
    :param strings: the policy, as it was found.
    :param mx_hosts: its patterns.
    """

    type: str
    domain: str
    strings: tuple[str, ...]
    mx_hosts: tuple[str, ...]
    successes: int
    failures: int
    details: tuple[FailureDetail, ...] = ()


@dataclass(frozen=True, slots=True)
class TLSReport:
    """
    A report.

    :param begin: seconds since 1970, as is ``end``, its last second.
    """

    organization: str
    begin: int
    end: int
    contact: str
    report_id: str
    policies: tuple[PolicyReport, ...]


def destinations(records: Sequence[Record]) -> tuple[str, ...]:
    """
    Where a domain wants its reports: URIs (RFC 8460 3).

    :param records: the TXT records of ``_smtp._tls`` below it.
    """
    texts = [
        record.decode("latin-1")
        for record in records
        if isinstance(record, bytes)
    ]
    found = [text for text in texts if re.match(r"v=TLSRPTv1[ \t]*;", text)]
    if len(found) != 1:
        return ()
    for field in (part.strip(" \t") for part in found[0].split(";")):
        if field.startswith("rua="):
            uris = [uri.strip(" \t") for uri in field[4:].split(",")]
            known = [uri for uri in uris if _DESTINATION.fullmatch(uri)]
            return tuple(dict.fromkeys(known))[:_MOST_DESTINATIONS]
    return ()


def print_report(report: TLSReport) -> bytes:
    """
    A report as JSON (RFC 8460 4.4).
    """
    return json.dumps(
        {
            "organization-name": report.organization,
            "date-range": {
                "start-datetime": _print_time(report.begin),
                "end-datetime": _print_time(report.end),
            },
            "contact-info": report.contact,
            "report-id": report.report_id,
            "policies": [_policy(policy) for policy in report.policies],
        },
        ensure_ascii=False,
        separators=(",", ":"),
    ).encode("utf-8", "replace")


def _print_time(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _policy(report: PolicyReport) -> dict[str, object]:
    policy: dict[str, object] = {"policy-type": report.type}
    if report.strings:
        policy["policy-string"] = report.strings
    policy["policy-domain"] = report.domain
    if report.mx_hosts:
        policy["mx-host"] = report.mx_hosts
    printed: dict[str, object] = {
        "policy": policy,
        "summary": {
            "total-successful-session-count": report.successes,
            "total-failure-session-count": report.failures,
        },
    }
    if report.details:
        printed["failure-details"] = [_detail(x) for x in report.details]
    return printed


def _detail(detail: FailureDetail) -> dict[str, object]:
    told: dict[str, object] = {
        "result-type": detail.result,
        "sending-mta-ip": detail.sending_ip,
        "receiving-mx-hostname": detail.receiving_host,
        "receiving-mx-helo": detail.receiving_helo,
        "receiving-ip": detail.receiving_ip,
        "failed-session-count": detail.count,
        "additional-information": detail.additional,
        "failure-reason-code": detail.reason,
    }
    return {name: value for name, value in told.items() if value != ""}


def parse_report(octets: bytes) -> TLSReport:
    """
    Read a report without compression; it may take a second for the longest.

    :raises NotAReport: it is none.
    """
    if len(octets) > LONGEST_REPORT:
        raise NotAReport("too long")
    try:
        read = json.loads(octets)
    except (ValueError, RecursionError) as fact:
        raise NotAReport("not JSON") from fact
    report = _Members(read)
    dates = report.members("date-range")
    policies = report.many("policies", _MOST_POLICIES)
    if not policies:
        raise NotAReport("no policy")
    return TLSReport(
        report.text("organization-name"),
        dates.time("start-datetime"),
        dates.time("end-datetime"),
        report.text("contact-info"),
        report.text("report-id"),
        tuple(_read_policy(each) for each in policies),
    )


def _read_policy(read: _Members) -> PolicyReport:
    policy = read.members("policy")
    summary = read.members("summary")
    details = read.many("failure-details", _MOST_DETAILS)
    return PolicyReport(
        policy.text("policy-type"),
        policy.text("policy-domain"),
        policy.texts("policy-string"),
        policy.texts("mx-host"),
        summary.count("total-successful-session-count"),
        summary.count("total-failure-session-count"),
        tuple(_read_detail(each) for each in details),
    )


def _read_detail(read: _Members) -> FailureDetail:
    return FailureDetail(
        read.text("result-type"),
        read.count("failed-session-count"),
        read.text("sending-mta-ip"),
        read.text("receiving-mx-hostname"),
        read.text("receiving-mx-helo"),
        read.text("receiving-ip"),
        read.text("additional-information"),
        read.text("failure-reason-code"),
    )


class _Members:
    """
    An object of JSON, whose members may be absent.
    """

    # JSON has no types.
    def __init__(self, read: Any) -> None:
        if not isinstance(read, dict):
            raise NotAReport("a value where an object should be")
        self._read = read

    def text(self, name: str) -> str:
        """
        One line of text; empty if it is absent.
        """
        value = self._read.get(name)
        return "" if value is None else _text(value)

    def texts(self, name: str) -> tuple[str, ...]:
        """
        Several; one alone is taken for several, as some reporters write.
        """
        value = self._read.get(name)
        if value is None:
            return ()
        values = value if isinstance(value, list) else [value]
        return tuple(_text(each) for each in values[:_MOST_STRINGS])

    def count(self, name: str) -> int:
        """
        A number; 0 if it is absent.
        """
        value = self._read.get(name, 0)
        if type(value) is not int or not 0 <= value <= _LARGEST_COUNT:
            raise NotAReport(f"no count: {name}")
        return value

    def time(self, name: str) -> int:
        """
        A time, seconds since 1970 (RFC 3339).
        """
        try:
            time = datetime.fromisoformat(self.text(name))
            if time.tzinfo is None:
                time = time.replace(tzinfo=UTC)
            return int(time.timestamp())
        except (ValueError, OverflowError) as fact:
            raise NotAReport(f"no time: {name}") from fact

    def members(self, name: str) -> _Members:
        """
        An object.
        """
        return _Members(self._read.get(name))

    def many(self, name: str, most: int) -> list[_Members]:
        """
        Objects; none if they are absent.
        """
        value = self._read.get(name) or []
        if not isinstance(value, list) or len(value) > most:
            raise NotAReport(f"no list, or too long: {name}")
        return [_Members(each) for each in value]


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise NotAReport("a value where a text should be")
    return _FORBIDDEN.sub("\ufffd", value[:_LONGEST_TEXT])

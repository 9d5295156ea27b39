"""
DMARC aggregate reports as XML, written and read (RFC 9990 3.1 and A).

Implementation notes

- What is read comes from strangers.  A document type is refused, and with it
  every entity; octets, depth, the size of one record and the number of
  records are bounded; only values are kept, a record at a time.
- RFC 7489's form is read too, and so is any namespace: reporters mix them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from ipaddress import ip_address
from xml.parsers import expat
from xml.sax.saxutils import escape

from mailsuite.emailauth.dmarcreport import (
    AggregateReport,
    DKIMObservation,
    Observation,
    OverrideReason,
    PublishedPolicy,
    ReportMetadata,
    SPFObservation,
)

NAMESPACE = "urn:ietf:params:xml:ns:dmarc-2.0"

#: Octets of a report that is read, without compression.
LONGEST_REPORT = 10 * 1024 * 1024
_MOST_RECORDS = 50_000
#: Elements of one record, or of the head; and how deep they nest.
_MOST_ELEMENTS = 2_000
_DEEPEST = 8
#: Characters of one value.
_LONGEST_VALUE = 1_000

# XML 1.0 2.2: what no document may hold, even escaped.
_FORBIDDEN = re.compile(r"[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NUMBER = re.compile(r"[0-9]{1,18}")


class NotAReport(ValueError):
    """
    The octets are no aggregate report that can be read.
    """


def print_report(report: AggregateReport) -> bytes:
    """
    A report as an XML document.
    """
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<feedback xmlns="{NAMESPACE}">',
        "<version>1.0</version>",
        *_metadata(report.metadata),
        *_policy(report.policy),
    ]
    for observation, count in report.observations:
        lines += _record(observation, count)
    lines.append("</feedback>\n")
    return "\n".join(lines).encode("utf-8")


def _element(name: str, value: str) -> str:
    text = escape(_FORBIDDEN.sub("\ufffd", value[:_LONGEST_VALUE]))
    return f"<{name}>{text}</{name}>"


def _elements(*pairs: tuple[str, str]) -> list[str]:
    """
    Those that have a value.
    """
    return [_element(name, value) for name, value in pairs if value]


def _metadata(metadata: ReportMetadata) -> list[str]:
    return [
        "<report_metadata>",
        _element("org_name", metadata.organization),
        _element("email", metadata.email),
        *_elements(("extra_contact_info", metadata.extra_contact)),
        _element("report_id", metadata.report_id),
        "<date_range>",
        _element("begin", str(metadata.begin)),
        _element("end", str(metadata.end)),
        "</date_range>",
        *_elements(
            ("error", metadata.error), ("generator", metadata.generator)
        ),
        "</report_metadata>",
    ]


def _policy(policy: PublishedPolicy) -> list[str]:
    return [
        "<policy_published>",
        _element("domain", policy.domain),
        *_elements(("discovery_method", policy.discovery_method)),
        _element("p", policy.p),
        *_elements(
            ("sp", policy.sp),
            ("np", policy.np),
            ("fo", policy.failure_options),
            ("adkim", policy.adkim),
            ("aspf", policy.aspf),
            ("testing", policy.testing),
        ),
        "</policy_published>",
    ]


def _record(observation: Observation, count: int) -> list[str]:
    lines = [
        "<record>",
        "<row>",
        _element("source_ip", observation.source),
        _element("count", str(count)),
        "<policy_evaluated>",
        _element("disposition", observation.disposition),
        _element("dkim", observation.dkim),
        _element("spf", observation.spf),
    ]
    for reason in observation.reasons:
        pairs = _elements(("type", reason.type), ("comment", reason.comment))
        lines += ["<reason>", *pairs, "</reason>"]
    lines += [
        "</policy_evaluated>",
        "</row>",
        "<identifiers>",
        _element("header_from", observation.header_from),
        _element("envelope_from", observation.envelope_from),
        *_elements(("envelope_to", observation.envelope_to)),
        "</identifiers>",
        "<auth_results>",
    ]
    for dkim in observation.dkim_results:
        lines += [
            "<dkim>",
            _element("domain", dkim.domain),
            _element("selector", dkim.selector),
            _element("result", dkim.result),
            *_elements(("human_result", dkim.human_result)),
            "</dkim>",
        ]
    for spf in observation.spf_results:
        lines += [
            "<spf>",
            _element("domain", spf.domain),
            *_elements(("scope", spf.scope)),
            _element("result", spf.result),
            *_elements(("human_result", spf.human_result)),
            "</spf>",
        ]
    return [*lines, "</auth_results>", "</record>"]


def parse_report(octets: bytes) -> AggregateReport:
    """
    Read a report, of RFC 9990 or of RFC 7489.

    It may take seconds for the longest.

    :raises NotAReport: it is none, or larger than any is.
    """
    if len(octets) > LONGEST_REPORT:
        raise NotAReport("the report is too long")
    reader = _Reader()
    try:
        reader.feed(octets)
    except (expat.ExpatError, LookupError, UnicodeError) as fact:
        raise NotAReport(f"not XML: {fact}") from fact
    return reader.report()


@dataclass(slots=True)
class _Node:
    """
    An element that is being read, or was.
    """

    name: str
    text: list[str] = field(default_factory=list)
    children: list[_Node] = field(default_factory=list)

    def child(self, name: str) -> _Node:
        """
        The first child of that name; an empty one if there is none.
        """
        return next(self.all(name), _Node(name))

    def all(self, name: str) -> Iterator[_Node]:
        """
        The children of that name.
        """
        return (child for child in self.children if child.name == name)

    def value(self, name: str) -> str:
        """
        The text of the first child of that name, without spaces around it.
        """
        return "".join(self.child(name).text).strip()[:_LONGEST_VALUE]

    def number(self, name: str) -> int:
        """
        The number in the first child of that name.
        """
        found = _NUMBER.fullmatch(self.value(name))
        if found is None:
            raise NotAReport(f"no number in {name}")
        return int(found[0])


class _Reader:
    """
    Builds the head and one record at a time.
    """

    def __init__(self) -> None:
        self._parser = expat.ParserCreate(namespace_separator=" ")
        self._parser.buffer_text = True
        self._parser.StartDoctypeDeclHandler = self._doctype
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters
        self._root = _Node("")
        self._open = [self._root]
        self._elements = 0
        self._before_record = 0
        self._observations: list[tuple[Observation, int]] = []

    def feed(self, octets: bytes) -> None:
        """
        All of the document.
        """
        self._parser.Parse(octets, True)

    def report(self) -> AggregateReport:
        """
        What was read.
        """
        feedback = self._root.child("feedback")
        if not self._observations:
            raise NotAReport("no record")
        return AggregateReport(
            _read_metadata(feedback.child("report_metadata")),
            _read_policy(feedback.child("policy_published")),
            tuple(self._observations),
        )

    def _doctype(self, *_declaration: object) -> None:
        raise NotAReport("a document type is not allowed")

    def _start(self, name: str, _attributes: dict[str, str]) -> None:
        if len(self._open) == 2:
            self._before_record = self._elements
        self._elements += 1
        if self._elements > _MOST_ELEMENTS or len(self._open) > _DEEPEST:
            raise NotAReport("more elements than a report has")
        element = _Node(name.rpartition(" ")[2])
        self._open[-1].children.append(element)
        self._open.append(element)

    def _end(self, _name: str) -> None:
        element = self._open.pop()
        if len(self._open) == 2 and element.name == "record":
            if len(self._observations) == _MOST_RECORDS:
                raise NotAReport("more records than can be read")
            count = element.child("row").number("count")
            self._observations.append((_read_observation(element), count))
            self._open[-1].children.pop()
            self._elements = self._before_record

    def _characters(self, text: str) -> None:
        element = self._open[-1]
        if not element.children:
            element.text.append(text)


def _read_metadata(found: _Node) -> ReportMetadata:
    dates = found.child("date_range")
    return ReportMetadata(
        found.value("org_name"),
        found.value("email"),
        found.value("report_id"),
        dates.number("begin"),
        dates.number("end"),
        found.value("extra_contact_info"),
        found.value("error"),
        found.value("generator"),
    )


def _read_policy(found: _Node) -> PublishedPolicy:
    return PublishedPolicy(
        found.value("domain").lower(),
        found.value("p"),
        found.value("sp"),
        found.value("np"),
        found.value("adkim"),
        found.value("aspf"),
        found.value("testing"),
        found.value("fo"),
        found.value("discovery_method"),
    )


def _read_observation(record: _Node) -> Observation:
    row = record.child("row")
    evaluated = row.child("policy_evaluated")
    identifiers = record.child("identifiers")
    results = record.child("auth_results")
    return Observation(
        _read_address(row.value("source_ip")),
        evaluated.value("disposition"),
        evaluated.value("dkim"),
        evaluated.value("spf"),
        identifiers.value("header_from").lower(),
        identifiers.value("envelope_from").lower(),
        identifiers.value("envelope_to").lower(),
        tuple(
            OverrideReason(reason.value("type"), reason.value("comment"))
            for reason in evaluated.all("reason")
        ),
        tuple(
            DKIMObservation(
                dkim.value("domain"),
                dkim.value("selector"),
                dkim.value("result"),
                dkim.value("human_result"),
            )
            for dkim in results.all("dkim")
        ),
        tuple(
            SPFObservation(
                spf.value("domain"),
                spf.value("result"),
                spf.value("scope"),
                spf.value("human_result"),
            )
            for spf in results.all("spf")
        ),
    )


def _read_address(text: str) -> str:
    try:
        return str(ip_address(text))
    except ValueError as fact:
        raise NotAReport("no address in source_ip") from fact

"""
Received reports as plain values.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from mailsuite.app.receivedreports import Found, Report, Unreadable
from mailsuite.emailauth.dmarcreport import AggregateReport
from mailsuite.transfer.tlsreport import FailureDetail, TLSReport

#: Rows of all reports together that are shown; the others are counted.
MOST_ROWS = 20_000


class Collection:
    """
    Reports as values that JSON can carry, each once.
    """

    def __init__(self) -> None:
        # Any: what JSON can carry.
        self._reports: dict[tuple[str, str, str, int], dict[str, Any]] = {}
        self._unreadable: dict[str, int] = {}
        self._left_out = 0
        self._room = MOST_ROWS

    def add(self, found: Iterable[Found]) -> None:
        """
        Take more; what there is no room for is counted.
        """
        for one in found:
            if isinstance(one, Unreadable):
                times = self._unreadable.get(one.why, 0)
                self._unreadable[one.why] = times + 1
            else:
                self._add(_plain(one))

    def _add(self, report: dict[str, Any]) -> None:
        # RFC 9990 3.5.3: one that was sent twice.
        key = (
            report["domain"],
            report["organization"],
            report["report_id"],
            report["begin"],
        )
        if key in self._reports:
            return
        rows = report["rows"]
        report["rows"] = rows[: self._room]
        self._left_out += len(rows) - len(report["rows"])
        self._room -= len(report["rows"])
        if report["rows"]:
            self._reports[key] = report

    def plain(self) -> dict[str, Any]:
        """
        All of it.

        :return: ``reports``, by domain and time; ``unreadable``, reasons with
            their numbers; and ``left_out``, a number of rows.
        """
        return {
            "reports": sorted(
                self._reports.values(),
                key=lambda one: (one["domain"], one["begin"]),
            ),
            "unreadable": self._unreadable,
            "left_out": self._left_out,
        }


def _plain(report: Report) -> dict[str, Any]:
    match report:
        case AggregateReport():
            return _plain_dmarc(report)
        case TLSReport():
            return _plain_tls(report)


def _plain_dmarc(report: AggregateReport) -> dict[str, Any]:
    policy = msgspec.to_builtins(report.policy)
    return {
        "kind": "dmarc",
        "domain": policy.pop("domain"),
        **msgspec.to_builtins(report.metadata),
        "policy": policy,
        "rows": [
            {"messages": count, **msgspec.to_builtins(seen)}
            for seen, count in sorted(
                report.observations, key=lambda row: -row[1]
            )
        ],
    }


def _plain_tls(report: TLSReport) -> dict[str, Any]:
    """
    Its rows are the sessions of each policy that succeeded, and those that
    failed alike.
    """
    rows: list[dict[str, Any]] = []
    for policy in report.policies:
        named = {"policy": policy.type, "policy_domain": policy.domain}
        rows.append(
            {"sessions": policy.successes, "result": "success", **named}
        )
        unexplained = policy.failures
        for detail in policy.details:
            rows.append({"sessions": detail.count, **_detail(detail), **named})
            unexplained -= detail.count
        if unexplained > 0:
            rows.append({"sessions": unexplained, "result": "failure", **named})
    return {
        "kind": "tls",
        "domain": report.policies[0].domain.lower(),
        "organization": report.organization,
        "email": report.contact,
        "report_id": report.report_id,
        "begin": report.begin,
        "end": report.end,
        "rows": rows,
    }


def _detail(detail: FailureDetail) -> dict[str, Any]:
    told = msgspec.to_builtins(detail)
    del told["count"]
    return {name: value for name, value in told.items() if value}

"""
Reports that others sent us: what became of mail in our domains' names.
"""

from __future__ import annotations

import json
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import chain
from typing import BinaryIO

import click

from mailsuite.app.asking import Plain
from mailsuite.app.commands.terminal import (
    CONTEXT,
    SuiteCommand,
    Where,
    as_json_option,
    show,
    table,
)
from mailsuite.app.plainreports import Collection
from mailsuite.app.receivedreports import reports_of_file

_FAILED = "FAILED"
_DONE = {
    "none": "delivered",
    "pass": "delivered",
    "quarantine": "quarantined",
    "reject": "rejected",
}
_REASONS = {
    "local_policy": "receiver's own policy",
    "mailing_list": "came by a mailing list",
    "policy_test_mode": "policy is being tested",
    "trusted_forwarder": "came by a trusted forwarder",
    "forwarded": "was forwarded",
    "sampled_out": "not in the sample",
}
_POLICIES = {
    "sts": "MTA-STS",
    "tlsa": "DANE",
    "no-policy-found": "none",
}


@click.command("report", cls=SuiteCommand, context_settings=CONTEXT)
@click.argument("files", nargs=-1, type=click.File("rb"), metavar="[FILE...]")
@click.option(
    "--account",
    metavar="ADDRESS",
    help="Read the reports in this account's INBOX, too.",
)
@click.option("--domain", help="Only reports about this domain.")
@click.option(
    "--failed", "only_failed", is_flag=True, help="Only what did not pass."
)
@as_json_option
@click.pass_obj
def report(
    where: Where,
    files: tuple[BinaryIO, ...],
    account: str | None,
    domain: str | None,
    only_failed: bool,
    as_json: bool,
) -> None:
    """
    Show what others report about mail in our name: DMARC aggregate reports
    and TLS reports, from files (xml, json, gz, zip, messages, mbox; - is
    standard input) or an account's INBOX.

    Example: mailsuite report --account postmaster@example.org
    """
    if not files and account is None:
        raise click.UsageError("name some files, or an account")
    results = []
    if account is not None:
        answer = where.perform("report.read", address=account)
        results.append(json.loads(answer))
    if files:
        collection = Collection()
        collection.add(chain.from_iterable(map(reports_of_file, files)))
        results.append(collection.plain())
    result = _together(results, domain, only_failed=only_failed)
    show(result, as_json, lambda: told(result))


def _together(
    results: list[Plain], domain: str | None, *, only_failed: bool
) -> Plain:
    """
    The results as one, less what was not asked for.
    """
    reports = list(chain.from_iterable(one["reports"] for one in results))
    if domain is not None:
        wanted = domain.lower().removesuffix(".")
        reports = [one for one in reports if one["domain"] == wanted]
    for one in reports if only_failed else ():
        one["rows"] = [row for row in one["rows"] if _has_failed(row)]
    unreadable: Counter[str] = Counter()
    for one in results:
        unreadable.update(one["unreadable"])
    return {
        "reports": [one for one in reports if one["rows"] or not only_failed],
        "unreadable": dict(unreadable),
        "left_out": sum(one["left_out"] for one in results),
    }


def _has_failed(row: Plain) -> bool:
    if "sessions" in row:
        return bool(row["result"] != "success" and row["sessions"])
    return "pass" not in (row["dkim"], row["spf"])


# --- In words ----------------------------------------------------------------


def told(result: Plain) -> str:
    """
    Reports as text for a terminal.
    """
    together: dict[tuple[str, str], list[Plain]] = {}
    for one in result["reports"]:
        together.setdefault((one["kind"], one["domain"]), []).append(one)
    words = {"dmarc": _dmarc, "tls": _tls}
    blocks = [
        "\n".join(words[kind](domain, reports))
        for (kind, domain), reports in together.items()
    ]
    notes = [
        f"Not read: {cleaned(why)} ({_number(times, 'time')})"
        for why, times in result["unreadable"].items()
    ]
    if result["left_out"]:
        notes.append(f"And {result['left_out']} rows more, of later reports")
    if notes:
        blocks.append("\n".join(notes))
    return "\n\n".join(blocks) or "There are no reports"


def _dmarc(domain: str, reports: list[Plain]) -> Iterator[str]:
    rows = _merged(reports, _dmarc_row)
    messages = rows.total()
    failed = sum(n for row, n in rows.items() if row[3] == _FAILED)
    policy = cleaned(reports[-1]["policy"]["p"]) or "none"
    yield f"Mail in the name of {cleaned(domain)}, {_span(reports)}"
    yield f"{_sources(reports)}; published policy: {policy}"
    yield (
        f"{_number(messages, 'message')}: {messages - failed} passed,"
        f" {failed} failed"
    )
    titles = (
        "MESSAGES",
        "SENT FROM",
        "AS",
        "ENVELOPE AND SIGNATURES",
        "DMARC",
        "WHAT WAS DONE",
    )
    yield from _table(titles, rows)


def _tls(domain: str, reports: list[Plain]) -> Iterator[str]:
    rows = _merged(reports, _tls_row)
    sessions = rows.total()
    succeeded = sum(n for row, n in rows.items() if row[3] == "success")
    yield f"TLS of mail to {cleaned(domain)}, {_span(reports)}"
    yield _sources(reports)
    yield (
        f"{_number(sessions, 'session')}: {succeeded} succeeded,"
        f" {sessions - succeeded} failed"
    )
    titles = ("SESSIONS", "SENT FROM", "TO", "POLICY", "RESULT")
    yield from _table(titles, rows)


def _table(
    titles: tuple[str, ...], rows: Counter[tuple[str, ...]]
) -> Iterator[str]:
    shown = [(str(count), *row) for row, count in rows.most_common() if count]
    if shown:
        yield ""
        yield table([titles, *shown])


def _merged(
    reports: list[Plain],
    cells: Callable[[Plain], tuple[str, ...]],
) -> Counter[tuple[str, ...]]:
    """
    The rows of all reports, equal ones together.
    """
    rows: Counter[tuple[str, ...]] = Counter()
    for one in reports:
        for row in one["rows"]:
            count = row["messages" if one["kind"] == "dmarc" else "sessions"]
            rows[tuple(map(cleaned, cells(row)))] += count
    return rows


def _dmarc_row(row: Plain) -> tuple[str, ...]:
    return (
        row["source"],
        row["header_from"],
        _proofs(row),
        _verdict(row),
        _done(row),
    )


def _tls_row(row: Plain) -> tuple[str, ...]:
    host = row.get("receiving_host") or row.get("receiving_ip") or ""
    return (
        row.get("sending_ip") or "",
        host,
        _POLICIES.get(row["policy"], row["policy"]),
        row["result"],
    )


def _verdict(row: Plain) -> str:
    by = [
        word
        for name, word in (("dkim", "DKIM"), ("spf", "SPF"))
        if row[name] == "pass"
    ]
    return f"passed by {' and '.join(by)}" if by else _FAILED


def _proofs(row: Plain) -> str:
    """
    Whose envelope and signatures the mail had, and what they were worth.
    """
    spf = [f"SPF {one['domain']} {one['result']}" for one in row["spf_results"]]
    dkim = [
        f"DKIM {one['domain']} {one['result']}" for one in row["dkim_results"]
    ]
    return ", ".join(dict.fromkeys(spf + dkim)) or "none"


def _done(row: Plain) -> str:
    done = _DONE.get(row["disposition"], row["disposition"])
    reasons = dict.fromkeys(
        _REASONS.get(one["type"], one["type"]) for one in row["reasons"]
    )
    return f"{done} ({', '.join(reasons)})" if reasons else done


def _sources(reports: list[Plain]) -> str:
    senders = sorted({one["organization"] for one in reports})
    return f"{_number(len(reports), 'report')} from {_some(senders)}"


def _span(reports: list[Plain]) -> str:
    begin = _day(min(one["begin"] for one in reports))
    end = _day(max(one["end"] - 1 for one in reports))
    return f"{begin} (UTC)" if begin == end else f"{begin} to {end} (UTC)"


def _some(names: list[str]) -> str:
    shown = ", ".join(cleaned(name) for name in names[:5])
    return shown if len(names) <= 5 else f"{shown} and {len(names) - 5} more"


def _number(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _day(seconds: int) -> str:
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d}"
    except (OverflowError, ValueError, OSError):
        return "an unknown day"


def cleaned(text: str) -> str:
    """
    A stranger's text as it may be sent to a terminal: nothing in it moves the
    cursor, or changes the direction of what follows.
    """
    return "".join(
        "\ufffd" if unicodedata.category(char).startswith("C") else char
        for char in text[:200]
    )

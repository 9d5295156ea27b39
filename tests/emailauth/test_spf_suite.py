"""
The test suite of RFC 7208, all of its cases.

``rfc7208-tests.yml`` is the work of its authors, under the licence beside it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from mailsuite.emailauth import spf
from mailsuite.emailauth.spf import Scope, SPFIdentity
from mailsuite.mail.dns import Answer, Found, MailExchange, Question

try:
    import yaml
except ImportError:
    yaml = None

_SUITE = Path(__file__).with_name("rfc7208-tests.yml")
_CASES = 203


class _SuiteZone:
    """
    A scenario's zone, in the suite's own way of writing.
    """

    def __init__(self, zone: dict[str, list[Any]]) -> None:
        self._zone = {
            name.lower(): list(_records(entries))
            for name, entries in zone.items()
        }

    def answer(self, question: Question) -> Answer:
        """
        What the scenario says; CNAMEs are followed.
        """
        name = question.name
        for _ in range(4):
            entries = self._zone.get(name)
            if entries is None:
                return Answer(Found.NO_NAME)
            wanted = question.type.value
            found = [v for t, v in entries if t == wanted]
            if "TIMEOUT" in found or (not found and ("TIMEOUT", "") in entries):
                return Answer(Found.FAILED)
            if found:
                return Answer(
                    Found.RECORDS, tuple(_record(wanted, v) for v in found)
                )
            aliases = [v for t, v in entries if t == "CNAME"]
            if not aliases:
                return Answer(Found.NO_RECORDS)
            name = aliases[0].lower()
        return Answer(Found.FAILED)


def _records(entries: list[Any]) -> Iterator[tuple[str, Any]]:
    """
    RFC 7208 has no type SPF: where only that is written, TXT is meant.
    """
    has_txt = any(isinstance(e, dict) and "TXT" in e for e in entries)
    for entry in entries:
        if entry == "TIMEOUT":
            yield "TIMEOUT", ""
            continue
        for type_, value in entry.items():
            if value == "NONE":
                continue
            if type_ == "SPF":
                if not has_txt:
                    yield "TXT", value
            else:
                yield type_, value


def _record(type_: str, value: Any) -> Any:
    match type_:
        case "TXT":
            strings = [value] if isinstance(value, str) else value
            return "".join(strings).encode("utf-8")
        case "MX":
            return MailExchange(value[0], value[1].lower().rstrip("."))
        case "PTR":
            return value.lower().rstrip(".")
        case _:
            return value


def _check(case: dict[str, Any], zone: _SuiteZone) -> tuple[str, str]:
    local_part, at, domain = case["mailfrom"].rpartition("@")
    if case["mailfrom"]:
        identity = SPFIdentity(
            Scope.MAIL_FROM, (local_part if at else "") or "postmaster", domain
        )
    else:
        identity = spf.mail_from(None, case["helo"])
    inquiry = spf.check(
        case["host"], identity, case["helo"], receiver="unknown", now=0
    )
    answer = None
    try:
        while True:
            question = next(inquiry) if answer is None else inquiry.send(answer)
            answer = zone.answer(question)
    except StopIteration as stop:
        return stop.value.verdict.value, stop.value.explanation


class SPFSuiteTests(SynchronousTestCase):
    """
    Tests for ``spf.check`` by others.
    """

    def test_all_cases(self) -> None:
        """
        Every case has a result that the suite allows, and its explanation.
        """
        if yaml is None:
            raise SkipTest("PyYAML is not installed")
        ran = 0
        wrong = []
        scenarios = yaml.safe_load_all(_SUITE.read_text("utf-8"))
        for scenario in scenarios:
            zone = _SuiteZone(scenario["zonedata"])
            for name, case in scenario["tests"].items():
                ran += 1
                allowed = case["result"]
                if isinstance(allowed, str):
                    allowed = [allowed]
                verdict, explanation = _check(case, zone)
                expected = case.get("explanation", explanation)
                if expected == "DEFAULT":
                    expected = ""
                if verdict not in allowed or explanation != expected:
                    wrong.append((name, verdict, allowed, explanation))
        self.assertEqual(wrong, [])
        self.assertEqual(ran, _CASES)

"""
What was found of signatures and chains, as Authentication-Results says it.
"""

from __future__ import annotations

from collections.abc import Sequence

from mailsuite.emailauth.arc import ARCResult
from mailsuite.emailauth.dkim import DKIMResult
from mailsuite.emailauth.results import MethodResult, Property
from mailsuite.emailauth.verdict import Verdict


def of_dkim(found: Sequence[DKIMResult]) -> tuple[MethodResult, ...]:
    """
    DKIM's results (RFC 8601 2.7.1), one for each signature, never none.
    """
    if not found:
        return (MethodResult("dkim", Verdict.NONE.value),)
    return tuple(_of_signature(result) for result in found)


def of_arc(found: ARCResult) -> MethodResult:
    """
    ARC's result (RFC 8617 10.3).
    """
    properties: tuple[Property, ...] = ()
    if found.verdict is Verdict.PASS:
        properties = (
            Property("header", "oldest-pass", str(found.oldest_pass)),
        )
    sealers = " ".join(
        f"i={each.instance} d={each.domain}" for each in found.sets
    )
    return MethodResult(
        "arc", found.verdict.value, sealers, found.why, properties
    )


def _of_signature(found: DKIMResult) -> MethodResult:
    named = (
        ("d", found.domain),
        ("i", found.identity),
        ("s", found.selector),
        ("a", found.algorithm),
        ("b", found.signature),
    )
    return MethodResult(
        "dkim",
        found.verdict.value,
        "testing key" if found.testing else "",
        found.why,
        tuple(Property("header", name, text) for name, text in named if text),
    )

"""
The ARC sets of a message, and whether they form a chain (RFC 8617 4.2).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from mailsuite.emailauth import signaturefield
from mailsuite.emailauth.canonicalization import Canonicalization
from mailsuite.emailauth.signaturefield import NotVerified, Seal
from mailsuite.emailauth.signedsection import SignedSection, signing_form
from mailsuite.emailauth.verdict import Verdict
from mailsuite.mail import headers

#: RFC 8617 4.2.1
MOST_SETS = 50
_MOST_FIELDS = 3 * MOST_SETS

#: In the order in which a seal covers them (RFC 8617 5.1.1).
FIELDS = (
    b"arc-authentication-results",
    b"arc-message-signature",
    b"arc-seal",
)

_CFWS = rb"(?:[ \t\r\n]|\([^()\\]*+\))*+"
_INSTANCE = re.compile(rb"%b[iI]%b=%b([0-9]{1,3})%b;" % ((_CFWS,) * 4))

#: Octets before the results in which the instance must stand.
_BEFORE_RESULTS = 998


@dataclass(frozen=True, slots=True)
class ARCFields:
    """
    One set as it stands in the header section.

    :param places: of its fields, as ``FIELDS``.
    :param authentication_results: unfolded, after the instance.
    """

    instance: int
    places: tuple[int, int, int]
    seal: Seal
    authentication_results: bytes


@dataclass(frozen=True, slots=True)
class Chain:
    """
    All sets of a message.

    :param sets: by instance, from 1; empty if they are no chain.
    :param instances: the highest instance there is, whatever is broken; 50 at
        least if there are too many to look at.
    :param broken: what is wrong; empty for a chain, or no set at all.
    :param ended: the newest seal says that the chain had failed already.
    """

    sets: tuple[ARCFields, ...]
    instances: int
    broken: str = ""
    ended: bool = False


def collect(section: SignedSection) -> Chain:
    """
    Find the sets, and judge all that needs no key (RFC 8617 5.2, 1-3).
    """
    if sum(len(section.places(name)) for name in FIELDS) > _MOST_FIELDS:
        return Chain((), MOST_SETS, "too many sets")
    places: dict[tuple[bytes, int], int] = {}
    broken = ""
    for name in FIELDS:
        for place in section.places(name):
            instance = _instance(section, name, place)
            if (name, instance) in places or instance < 1:
                broken = "an instance twice, or none"
            places[name, instance] = place
    instances = max((instance for _, instance in places), default=0)
    if not instances:
        return Chain((), 0, broken)
    if not section.whole:
        return Chain((), instances, "too many header fields")
    if instances > MOST_SETS:
        return Chain((), instances, "too many sets")
    if len(places) != len(FIELDS) * instances:
        broken = broken or "a set is not whole"
    if broken:
        ended = _ended(section, places.get((FIELDS[2], instances)))
        return Chain((), instances, broken, ended)
    try:
        sets = tuple(
            _set(section, places, number) for number in range(1, instances + 1)
        )
    except NotVerified as bad:
        return Chain((), instances, f"seal: {bad.why}")
    if sets[-1].seal.chain is Verdict.FAIL:
        return Chain((), instances, "the chain had failed before", True)
    for each in sets:
        expected = Verdict.NONE if each.instance == 1 else Verdict.PASS
        if each.seal.chain is not expected:
            return Chain((), instances, "a seal has the wrong status")
    return Chain(sets, instances)


def covered(
    section: SignedSection, sets: Iterable[ARCFields]
) -> tuple[list[bytes], hashlib._Hash]:
    """
    What each seal covers, and the hash that the next would go on from
    (RFC 8617 5.1.1).

    :param sets: from the first.
    :return: the SHA-256 that each seal signs; and of all fields.
    """
    digests: list[bytes] = []
    running = hashlib.sha256()
    for each in sets:
        results, message, seal = each.places
        running.update(section.relaxed(results))
        running.update(section.relaxed(message))
        own = running.copy()
        field = signaturefield.unsigned(section.field(seal))
        own.update(signing_form(field, Canonicalization.RELAXED))
        digests.append(own.digest())
        running.update(section.relaxed(seal))
    return digests, running


def _set(
    section: SignedSection,
    places: dict[tuple[bytes, int], int],
    instance: int,
) -> ARCFields:
    results, message, seal = (places[name, instance] for name in FIELDS)
    value = section.value(results)
    found = _INSTANCE.match(value, 0, _BEFORE_RESULTS)
    return ARCFields(
        instance,
        (results, message, seal),
        signaturefield.seal(signaturefield.tags(section.value(seal))),
        headers.unfolded(value[found.end() :]) if found else b"",
    )


def _instance(section: SignedSection, name: bytes, place: int) -> int:
    """
    A field's ``i=``; 0 if it has none that can be.
    """
    value = section.value(place)
    if name == FIELDS[0]:
        found = _INSTANCE.match(value, 0, _BEFORE_RESULTS)
        return int(found[1]) if found else 0
    try:
        text = signaturefield.tags(value).get("i", "")
    except NotVerified:
        return 0
    return int(text) if re.fullmatch("[0-9]{1,3}", text) else 0


def _ended(section: SignedSection, place: int | None) -> bool:
    """
    Whether that seal ends a chain that had failed.
    """
    if place is None:
        return False
    try:
        tags = signaturefield.tags(section.value(place))
        return signaturefield.seal(tags).chain is Verdict.FAIL
    except NotVerified:
        return False

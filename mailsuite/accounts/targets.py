"""
What an alias or a catch-all may stand for: addresses behind which somebody
is, so that nobody finds out at RCPT.

Implementation notes

- Of an address outside only the form can be judged; its local part keeps its
  case (RFC 5321 2.4).
- Looked for in memory: what another process removes meanwhile is met, and
  cut, when mail comes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mailsuite.accounts.errors import AliasLoop, NoSuchTarget, TooManyTargets
from mailsuite.accounts.names import (
    typed_address,
    typed_domain,
    typed_outside,
)
from mailsuite.accounts.routes import Key, Routes
from mailsuite.errors import ExpansionTooLarge


def typed_target(routes: Routes, text: str) -> Key:
    """
    An address that somebody typed, ours or not; a bare local part is one in
    the default domain.

    :raises BadAddress: it is none.
    """
    if "@" not in text:
        text = f"{text}@{routes.default_domain}"
    domain = typed_domain(text.rpartition("@")[2])
    ours = routes.is_ours(domain)
    return typed_address(text) if ours else typed_outside(text)


def require_targets(
    routes: Routes, address: Key, targets: Sequence[Key]
) -> None:
    """
    An address that becomes an alias for ``targets`` leads to somebody, by
    each of them.

    :raises NoSuchTarget, AliasLoop, TooManyTargets:
    """
    for target in targets:
        way = _way(routes, target, address)
        if way:
            shown = " -> ".join(map("@".join, [address, *way]))
            raise AliasLoop(f"The alias would lead back to itself: {shown}")
    for target in targets:
        _require(routes, target, routes.follow([target]) is not None)
    try:
        routes.follow(targets)
    except ExpansionTooLarge as error:
        raise TooManyTargets(
            f"{'@'.join(address)} would stand for too many addresses"
        ) from error


def require_catch_all(routes: Routes, target: Key) -> None:
    """
    A catch-all's target leads to somebody, and not by a catch-all.

    :raises NoSuchTarget:
    """
    there = routes.is_known(target) and routes.follow([target]) is not None
    _require(routes, target, there)


def _require(routes: Routes, target: Key, there: bool) -> None:
    if there:
        return
    text = "@".join(target)
    if routes.is_known(target):
        raise NoSuchTarget(f"{text} is an alias that leads to nobody")
    raise NoSuchTarget(
        f"{text} does not exist here: add it first, as an account or an alias"
    )


def _way(routes: Routes, start: Key, goal: Key) -> list[Key]:
    """
    The addresses from ``start`` to ``goal``, both included; empty if one does
    not lead to the other.
    """
    before: dict[Key, Key | None] = {start: None}
    waiting: list[Key] = [start]
    while waiting:
        this = waiting.pop()
        if routes.own_address(this) == goal:
            return _back(before, this)
        for target in _new(before, routes.onward(this)):
            before[target] = this
            waiting.append(target)
    return []


def _new(before: dict[Key, Key | None], targets: Iterable[Key]) -> list[Key]:
    return [target for target in targets if target not in before]


def _back(before: dict[Key, Key | None], end: Key) -> list[Key]:
    way: list[Key] = []
    this: Key | None = end
    while this is not None:
        way.append(this)
        this = before[this]
    return way[::-1]

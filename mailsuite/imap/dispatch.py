"""
Which command may come when, and who carries it out (RFC 9051 3, 6).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from mailsuite.imap.answers import Answer
from mailsuite.imap.commands import (
    capability,
    close,
    copy,
    enable,
    expunge,
    fetch,
    identification,
    idle,
    login,
    logout,
    mailboxes,
    namespace,
    noop,
    quota,
    search,
    select,
    starttls,
    status,
    store,
)
from mailsuite.imap.commands import list as listing
from mailsuite.imap.session import Session, State
from mailsuite.imap.wire import commands

_NOT_AUTHENTICATED = State.NOT_AUTHENTICATED
_LOGGED_IN = State.AUTHENTICATED | State.SELECTED
_SELECTED = State.SELECTED
_ANY = _NOT_AUTHENTICATED | _LOGGED_IN

# Each function takes the one kind of command it stands beside in the table.
_Carry = Callable[[Session, Any], Awaitable[Answer]]
_CarryTagged = Callable[[Session, Any, bytes], Awaitable[Answer]]
_Turn = Callable[[Session, bytes], Answer]


@dataclass(frozen=True, slots=True)
class Rule:
    """
    One row of the table.

    :param states: in which the command is legal.
    :param run: carries it out, given the command and its tag.
    """

    states: State
    run: Callable[[Session, Any, bytes], Awaitable[Answer]]


def is_by_uid(command: commands.Command) -> bool:
    """
    Whether the command means messages by UID: then UIDs are told too (RFC 9051
    6.4.9).
    """
    match command:
        case (
            commands.Fetch()
            | commands.Store()
            | commands.Search()
            | commands.Copy()
            | commands.Move()
        ):
            return command.by_uid
        case commands.Expunge(uids):
            return uids is not None
        case _:
            return False


def lets_expunge(command: commands.Command) -> bool:
    """
    Whether EXPUNGE may be told while the command is answered (RFC 9051
    7.5.1).
    """
    match command:
        case commands.Fetch() | commands.Store() | commands.Search():
            return command.by_uid
        case _:
            return True


def _untagged(carry: _Carry) -> _CarryTagged:
    async def run(session: Session, command: Any, tag: bytes) -> Answer:
        return await carry(session, command)

    return run


def _turned(turn: _Turn) -> _CarryTagged:
    async def run(session: Session, command: Any, tag: bytes) -> Answer:
        return turn(session, tag)

    return run


_CARRIED: dict[type, tuple[State, _Carry]] = {
    commands.Capability: (_ANY, capability.capability),
    commands.Noop: (_ANY, noop.noop),
    commands.Id: (_ANY, identification.identification),
    commands.Login: (_NOT_AUTHENTICATED, login.login),
    commands.Enable: (_LOGGED_IN, enable.enable),
    commands.Select: (_LOGGED_IN, select.select),
    commands.Create: (_LOGGED_IN, mailboxes.create),
    commands.Delete: (_LOGGED_IN, mailboxes.delete),
    commands.Rename: (_LOGGED_IN, mailboxes.rename),
    commands.Subscribe: (_LOGGED_IN, mailboxes.subscribe),
    commands.Unsubscribe: (_LOGGED_IN, mailboxes.unsubscribe),
    commands.List: (_LOGGED_IN, listing.list_),
    commands.Lsub: (_LOGGED_IN, listing.lsub),
    commands.Namespace: (_LOGGED_IN, namespace.namespace),
    commands.Status: (_LOGGED_IN, status.status),
    commands.GetQuota: (_LOGGED_IN, quota.get_quota),
    commands.GetQuotaRoot: (_LOGGED_IN, quota.get_quota_root),
    commands.SetQuota: (_LOGGED_IN, quota.set_quota),
    commands.Check: (_SELECTED, noop.noop),
    commands.Close: (_SELECTED, close.close),
    commands.Unselect: (_SELECTED, close.unselect),
    commands.Expunge: (_SELECTED, expunge.expunge),
    commands.Copy: (_SELECTED, copy.copy),
    commands.Move: (_SELECTED, copy.move),
}

#: The command of each type.
TABLE: dict[type, Rule] = {
    kind: Rule(states, _untagged(carry))
    for kind, (states, carry) in _CARRIED.items()
} | {
    commands.Logout: Rule(_ANY, _turned(logout.logout)),
    commands.StartTLS: Rule(_NOT_AUTHENTICATED, _turned(starttls.starttls)),
    commands.Authenticate: Rule(_NOT_AUTHENTICATED, login.authenticate),
    commands.Idle: Rule(_LOGGED_IN, _turned(idle.idle)),
    commands.Fetch: Rule(_SELECTED, _untagged(fetch.fetch)),
    commands.Store: Rule(_SELECTED, _untagged(store.store)),
    commands.Search: Rule(_SELECTED, search.search),
}

"""
What an operator can ask for, by name: the same whether the suite runs or not.

Each operation takes the arguments that its command collected (plain values,
since they may come over the control socket) and returns plain values again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date
from functools import partial

import msgspec

from mailsuite.accounts.administration import Administration
from mailsuite.app.asking import Plain
from mailsuite.app.mailboxreports import mailbox_reports
from mailsuite.errors import MailError
from mailsuite.interfaces import IAccount
from mailsuite.transfer.filters import Filter
from mailsuite.transfer.keys import Keys
from mailsuite.transfer.operating import Operator
from mailsuite.transfer.story import steps
from mailsuite.transfer.threads import InPool


class NotWithoutSuite(MailError):
    """
    The operation needs the suite to run.
    """

    temporary = True
    public = "no suite runs there; start it first"


class NotQueued(MailError):
    """
    No message of that id waits.
    """

    public = "no such message waits; mailsuite trace knows those that ended"


@dataclass(frozen=True, slots=True)
class Office:
    """
    What operations are carried out with.

    :param operator: of the queue; None while no suite runs.
    :param today: for names made of the date.
    :param account: opens an account's mail; None while no suite runs.
    """

    administration: Administration
    keys: Keys
    in_pool: InPool
    operator: Operator | None
    today: Callable[[], date]
    account: Callable[[str], Awaitable[IAccount]] | None


_OnAccounts = Callable[[Administration, dict[str, Plain]], Awaitable[object]]
Operation = Callable[[Office, dict[str, Plain]], Awaitable[object]]

_OPERATIONS: dict[str, Operation] = {}


class UnknownOperation(Exception):
    """
    Nobody here knows what that is.
    """


def _operation(name: str) -> Callable[[_OnAccounts], _OnAccounts]:
    """
    An operation on accounts, aliases, domains and their like.
    """

    def keep(operation: _OnAccounts) -> _OnAccounts:
        def whole(office: Office, given: dict[str, Plain]) -> Awaitable[object]:
            return operation(office.administration, given)

        _OPERATIONS[name] = whole
        return operation

    return keep


def _of_office(name: str) -> Callable[[Operation], Operation]:
    """
    An operation on anything else.
    """

    def keep(operation: Operation) -> Operation:
        _OPERATIONS[name] = operation
        return operation

    return keep


async def perform(
    office: Office, name: str, arguments: dict[str, Plain]
) -> Plain:
    """
    Carry out an operation.

    :return: its result in plain values.
    :raises UnknownOperation: there is none of that name.
    :raises AccountsError: it cannot be done; the text is for the operator.
    """
    operation = _OPERATIONS.get(name)
    if operation is None:
        raise UnknownOperation(name)
    result = await operation(office, arguments)
    return msgspec.to_builtins(result)


@_operation("user.add")
async def _user_add(admin: Administration, given: dict[str, Plain]) -> object:
    added = await admin.add_account(given["address"], given["password"])
    if given.get("octets") is not None or given.get("messages") is not None:
        try:
            return await admin.set_quota(
                added.address, given.get("octets"), given.get("messages")
            )
        except MailError:
            await admin.remove_account(added.address)
            raise
    return added


@_operation("user.list")
async def _user_list(admin: Administration, given: dict[str, Plain]) -> object:
    return await admin.list_accounts(given.get("domain"))


@_operation("user.passwd")
async def _passwd(admin: Administration, given: dict[str, Plain]) -> object:
    return await admin.set_password(given["address"], given["password"])


@_operation("user.suspend")
async def _suspend(admin: Administration, given: dict[str, Plain]) -> object:
    return await admin.suspend(given["address"])


@_operation("user.resume")
async def _resume(admin: Administration, given: dict[str, Plain]) -> object:
    return await admin.resume(given["address"])


@_operation("user.remove")
async def _remove(admin: Administration, given: dict[str, Plain]) -> object:
    return await admin.remove_account(given["address"])


@_operation("user.import")
async def _import(admin: Administration, given: dict[str, Plain]) -> object:
    return await admin.import_accounts(given["lines"], given.get("domain"))


@_operation("alias.add")
async def _alias_add(admin: Administration, given: dict[str, Plain]) -> object:
    return await admin.add_alias(given["address"], given["targets"])


@_operation("alias.list")
async def _aliases(admin: Administration, given: dict[str, Plain]) -> object:
    return await admin.list_aliases(given.get("domain"))


@_operation("alias.remove")
async def _unalias(admin: Administration, given: dict[str, Plain]) -> object:
    await admin.remove_alias(given["address"])
    return None


@_operation("domain.add")
async def _domain_add(admin: Administration, given: dict[str, Plain]) -> object:
    return await admin.add_domain(
        given["name"], given.get("alias_of"), given.get("catch_all")
    )


@_operation("domain.list")
async def _domains(admin: Administration, given: dict[str, Plain]) -> object:
    return await admin.list_domains()


@_operation("domain.remove")
async def _undomain(admin: Administration, given: dict[str, Plain]) -> object:
    await admin.remove_domain(given["name"])
    return None


@_operation("domain.catch-all")
async def _catch_all(admin: Administration, given: dict[str, Plain]) -> object:
    return await admin.set_catch_all(given["name"], given["address"])


@_operation("app-password.add")
async def _app_add(admin: Administration, given: dict[str, Plain]) -> object:
    return await admin.add_app_password(given["address"], given["name"])


@_operation("app-password.list")
async def _app_list(admin: Administration, given: dict[str, Plain]) -> object:
    return await admin.list_app_passwords(given["address"])


@_operation("app-password.remove")
async def _app_remove(admin: Administration, given: dict[str, Plain]) -> object:
    await admin.remove_app_password(given["address"], given["name"])
    return None


@_operation("quota.set")
async def _quota_set(admin: Administration, given: dict[str, Plain]) -> object:
    return await admin.set_quota(
        given["address"], given.get("octets"), given.get("messages")
    )


@_operation("quota.show")
async def _quota_show(admin: Administration, given: dict[str, Plain]) -> object:
    return await admin.quota(given["address"])


# --- Signing keys ------------------------------------------------------------


@_of_office("dkim.new")
async def _dkim_new(office: Office, given: dict[str, Plain]) -> object:
    domain = await office.administration.our_domain(given["domain"])
    return await office.in_pool(
        partial(
            office.keys.new,
            domain,
            given["selector"],
            office.today(),
            given["bits"],
        )
    )


@_of_office("dkim.list")
async def _dkim_list(office: Office, given: dict[str, Plain]) -> object:
    domain = given.get("domain")
    if domain is not None:
        domain = await office.administration.our_domain(domain)
    return await office.in_pool(partial(office.keys.stored, domain))


@_of_office("dkim.use")
async def _dkim_use(office: Office, given: dict[str, Plain]) -> object:
    domain = await office.administration.our_domain(given["domain"])
    return await office.in_pool(partial(office.keys.use, domain))


@_of_office("dkim.remove")
async def _dkim_remove(office: Office, given: dict[str, Plain]) -> object:
    domain = await office.administration.our_domain(given["domain"])
    await office.in_pool(partial(office.keys.remove, domain, given["selector"]))
    return None


# --- The queue ---------------------------------------------------------------


def _operator(office: Office) -> Operator:
    if office.operator is None:
        raise NotWithoutSuite
    return office.operator


def _filter(given: dict[str, Plain]) -> Filter:
    """
    What a command's options choose.
    """
    chosen = dict(given["filter"])
    return Filter(**chosen | {"ids": tuple(chosen.get("ids") or ())})


@_of_office("queue.list")
async def _queue_list(office: Office, given: dict[str, Plain]) -> object:
    return await _operator(office).page(_filter(given), after=given["after"])


@_of_office("queue.show")
async def _queue_show(office: Office, given: dict[str, Plain]) -> object:
    shown = await _operator(office).show(given["queue_id"])
    if shown is None:
        raise NotQueued
    entry = shown.standing.entry
    return {
        "queue_id": entry.queue_id,
        "octets": shown.standing.content.octets,
        "expiry": entry.expiry,
        "held": shown.standing.held,
        "steps": steps(shown.standing, None),
        "header": shown.section.decode("utf-8", "replace"),
    }


@_of_office("queue.retry")
async def _queue_retry(office: Office, given: dict[str, Plain]) -> object:
    return await _operator(office).retry(_filter(given))


@_of_office("queue.hold")
async def _queue_hold(office: Office, given: dict[str, Plain]) -> object:
    return await _operator(office).hold(_filter(given), "held by the operator")


@_of_office("queue.release")
async def _queue_release(office: Office, given: dict[str, Plain]) -> object:
    return await _operator(office).release(_filter(given))


@_of_office("queue.drop")
async def _queue_drop(office: Office, given: dict[str, Plain]) -> object:
    return await _operator(office).drop(
        _filter(given), "dropped by the operator"
    )


@_of_office("queue.flush")
async def _queue_flush(office: Office, given: dict[str, Plain]) -> object:
    return await _operator(office).retry(Filter())


@_of_office("queue.trace")
async def _queue_trace(office: Office, given: dict[str, Plain]) -> object:
    return [
        {
            "queue_id": one.standing.entry.queue_id,
            "ended": one.ended,
            "steps": steps(one.standing, one.ended),
        }
        for one in await _operator(office).trace(given["what"])
    ]


# --- Reports -----------------------------------------------------------------


@_of_office("report.read")
async def _report_read(office: Office, given: dict[str, Plain]) -> object:
    if office.account is None:
        raise NotWithoutSuite
    account = await office.account(given["address"])
    try:
        return await mailbox_reports(account, office.in_pool)
    finally:
        account.release()

"""
What an operator can ask for, by name: the same whether the suite runs or not.

Each operation takes the arguments that its command collected (plain values,
since they may come over the control socket) and returns plain values again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from mailsuite.accounts.administration import Administration
from mailsuite.errors import MailError

#: Arguments and results are what JSON can carry.
Plain = Any
Operation = Callable[[Administration, dict[str, Plain]], Awaitable[object]]

_OPERATIONS: dict[str, Operation] = {}


class UnknownOperation(Exception):
    """
    Nobody here knows what that is.
    """


def _operation(name: str) -> Callable[[Operation], Operation]:
    def keep(operation: Operation) -> Operation:
        _OPERATIONS[name] = operation
        return operation

    return keep


async def perform(
    administration: Administration, name: str, arguments: dict[str, Plain]
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
    result = await operation(administration, arguments)
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

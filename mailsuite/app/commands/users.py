"""
Accounts: who has mail here.
"""

from __future__ import annotations

from typing import Any

import click

from mailsuite.app.commands.terminal import (
    CONTEXT,
    Count,
    Octets,
    SuiteGroup,
    Where,
    as_json_option,
    ask_password,
    show,
    size_of,
    table,
)


@click.group(cls=SuiteGroup, context_settings=CONTEXT)
def user() -> None:
    """
    Accounts: who has mail here.

    Example: mailsuite user list
    """


@user.command("add")
@click.argument("address")
@click.option("--quota", type=Octets(), help="Most octets: 500M, 2G.")
@click.option("--messages", type=Count(), help="Most messages.")
@as_json_option
@click.pass_obj
def user_add(
    where: Where,
    address: str,
    quota: int | None,
    messages: int | None,
    as_json: bool,
) -> None:
    """
    Add an account; its password is asked for, or read from stdin.

    Example: mailsuite user add carol@example.org
    """
    result = where.perform(
        "user.add",
        address=address,
        password=ask_password(),
        octets=quota,
        messages=messages,
    )
    show(result, as_json, lambda: f"Added {result['address']}")


@user.command("list")
@click.argument("domain", required=False)
@as_json_option
@click.pass_obj
def user_list(where: Where, domain: str | None, as_json: bool) -> None:
    """
    List accounts, of one domain or of all.

    Example: mailsuite user list example.org
    """
    result = where.perform("user.list", domain=domain)

    def text() -> str:
        rows = [("Address", "State", "Quota", "Messages")]
        rows += [
            (
                entry["address"],
                _state(entry),
                size_of(entry["octets_limit"]),
                str(entry["messages_limit"] or "no limit"),
            )
            for entry in result
        ]
        return table(rows)

    show(result, as_json, text)


def _state(entry: Any) -> str:
    if entry["suspended"]:
        return "suspended"
    return "active" if entry["has_password"] else "no password"


@user.command("passwd")
@click.argument("address")
@as_json_option
@click.pass_obj
def user_passwd(where: Where, address: str, as_json: bool) -> None:
    """
    Set a new password; open sessions of the account end.

    Example: mailsuite user passwd carol@example.org
    """
    result = where.perform(
        "user.passwd", address=address, password=ask_password()
    )
    show(result, as_json, lambda: f"New password set for {address}")


@user.command("suspend")
@click.argument("address")
@as_json_option
@click.pass_obj
def user_suspend(where: Where, address: str, as_json: bool) -> None:
    """
    Refuse logins of an account, and end its sessions; mail still arrives.

    Example: mailsuite user suspend carol@example.org
    """
    result = where.perform("user.suspend", address=address)
    show(result, as_json, lambda: f"Suspended {address}")


@user.command("resume")
@click.argument("address")
@as_json_option
@click.pass_obj
def user_resume(where: Where, address: str, as_json: bool) -> None:
    """
    Take logins of a suspended account again.

    Example: mailsuite user resume carol@example.org
    """
    result = where.perform("user.resume", address=address)
    show(result, as_json, lambda: f"Resumed {address}")


@user.command("remove")
@click.argument("address")
@as_json_option
@click.pass_obj
def user_remove(where: Where, address: str, as_json: bool) -> None:
    """
    Remove an account; its mail stays on disk, where the answer says.

    Example: mailsuite user remove carol@example.org
    """
    result = where.perform("user.remove", address=address)
    show(
        result,
        as_json,
        lambda: (
            f"Removed {address}; its mail lies in {result['home']}, and would "
            "be that of a later account of the same address"
        ),
    )


@user.command("import")
@click.argument("file", type=click.File("rb"))
@click.option("--domain", help="For users without one in the file.")
@as_json_option
@click.pass_obj
def user_import(
    where: Where, file: Any, domain: str | None, as_json: bool
) -> None:
    """
    Import accounts from a Dovecot passwd-file; - is standard input.

    Accounts that exist already are left as they are.  A line that cannot be
    taken is told, with what to do; the others are imported, and the exit
    status is then 1.

    Example: mailsuite user import --domain example.org /etc/dovecot/users
    """
    result = where.perform(
        "user.import", lines=_lines(file.read()), domain=domain
    )
    show(result, as_json, lambda: _imported(result))
    if result["refused"]:
        raise click.exceptions.Exit(1)


def _imported(result: Any) -> str:
    """
    What came of an import, in words; what needs somebody comes last.
    """
    lines = [f"{one}: is there already, skipped" for one in result["skipped"]]
    lines += [
        f"line {one['line']}: {one['address']}: {one['text']}"
        for one in result["notes"]
    ]
    lines.append(f"Imported {len(result['added'])} accounts")
    if result["refused"]:
        lines.append(f"Not imported: {len(result['refused'])} lines")
    lines += [
        f"line {one['line']}: {one['user']}: {one['reason']} ({one['remedy']})"
        for one in result["refused"]
    ]
    return "\n".join(lines)


def _lines(octets: bytes) -> list[str]:
    """
    The lines of a file; only LF and CR LF end one.
    """
    return [
        line.removesuffix(b"\r").decode(errors="replace")
        for line in octets.split(b"\n")
    ]

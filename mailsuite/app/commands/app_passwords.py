"""
Passwords for one device or program each.
"""

from __future__ import annotations

import click

from mailsuite.app.commands.terminal import (
    CONTEXT,
    SuiteGroup,
    Where,
    as_json_option,
    show,
)


@click.group("app-password", cls=SuiteGroup, context_settings=CONTEXT)
def app_password() -> None:
    """
    Passwords for one device or program each.

    Example: mailsuite app-password add carol@example.org phone
    """


@app_password.command("add")
@click.argument("address")
@click.argument("name")
@as_json_option
@click.pass_obj
def app_password_add(
    where: Where, address: str, name: str, as_json: bool
) -> None:
    """
    Make an app password and show it, this once.

    Example: mailsuite app-password add carol@example.org phone
    """
    result = where.perform("app-password.add", address=address, name=name)
    show({"password": result}, as_json, lambda: str(result))


@app_password.command("list")
@click.argument("address")
@as_json_option
@click.pass_obj
def app_password_list(where: Where, address: str, as_json: bool) -> None:
    """
    List an account's app passwords by name.

    Example: mailsuite app-password list carol@example.org
    """
    result = where.perform("app-password.list", address=address)
    show(result, as_json, lambda: "\n".join(entry["name"] for entry in result))


@app_password.command("remove")
@click.argument("address")
@click.argument("name")
@as_json_option
@click.pass_obj
def app_password_remove(
    where: Where, address: str, name: str, as_json: bool
) -> None:
    """
    Remove an app password; it can no longer log in.

    Example: mailsuite app-password remove carol@example.org phone
    """
    result = where.perform("app-password.remove", address=address, name=name)
    show(result, as_json, lambda: f"Removed {name}")

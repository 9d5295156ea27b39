"""
Addresses that stand for others.
"""

from __future__ import annotations

import click

from mailsuite.app.commands.terminal import (
    CONTEXT,
    SuiteGroup,
    Where,
    as_json_option,
    show,
    table,
)


@click.group(cls=SuiteGroup, context_settings=CONTEXT)
def alias() -> None:
    """
    Addresses that stand for others.

    Example: mailsuite alias add info@example.org carol@example.org
    """


@alias.command("add")
@click.argument("address")
@click.argument("targets", nargs=-1, required=True)
@as_json_option
@click.pass_obj
def alias_add(
    where: Where, address: str, targets: tuple[str, ...], as_json: bool
) -> None:
    """
    Have mail for ADDRESS go to TARGETS, here or elsewhere.

    A target in a domain of ours has to exist.

    Example: mailsuite alias add info@example.org carol@example.net
    """
    result = where.perform("alias.add", address=address, targets=list(targets))
    leads = f"{result['address']} -> {', '.join(result['targets'])}"
    show(result, as_json, lambda: leads)


@alias.command("list")
@click.argument("domain", required=False)
@as_json_option
@click.pass_obj
def alias_list(where: Where, domain: str | None, as_json: bool) -> None:
    """
    List aliases, of one domain or of all.

    Example: mailsuite alias list
    """
    result = where.perform("alias.list", domain=domain)

    def text() -> str:
        rows = [("Address", "Goes to")]
        rows += [(e["address"], ", ".join(e["targets"])) for e in result]
        return table(rows)

    show(result, as_json, text)


@alias.command("remove")
@click.argument("address")
@as_json_option
@click.pass_obj
def alias_remove(where: Where, address: str, as_json: bool) -> None:
    """
    Remove an alias.

    Example: mailsuite alias remove info@example.org
    """
    result = where.perform("alias.remove", address=address)
    show(result, as_json, lambda: f"Removed {address}")

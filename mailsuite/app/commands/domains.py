"""
Domains whose mail ends here.
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
def domain() -> None:
    """
    Domains whose mail ends here.

    Example: mailsuite domain add example.org
    """


@domain.command("add")
@click.argument("name")
@click.option("--alias-of", metavar="DOMAIN", help="Its addresses are those.")
@click.option("--catch-all", metavar="ADDRESS", help="For unknown addresses.")
@as_json_option
@click.pass_obj
def domain_add(
    where: Where,
    name: str,
    alias_of: str | None,
    catch_all: str | None,
    as_json: bool,
) -> None:
    """
    Add a domain.

    Example: mailsuite domain add example.net --alias-of example.org
    """
    result = where.perform(
        "domain.add", name=name, alias_of=alias_of, catch_all=catch_all
    )
    show(result, as_json, lambda: f"Added {name}")


@domain.command("list")
@as_json_option
@click.pass_obj
def domain_list(where: Where, as_json: bool) -> None:
    """
    List domains.

    Example: mailsuite domain list
    """
    result = where.perform("domain.list")

    def text() -> str:
        rows = [("Domain", "Accounts", "Alias of", "Catch-all")]
        rows += [
            (
                entry["name"],
                str(entry["accounts"]),
                entry["alias_of"] or "-",
                entry["catch_all"] or "-",
            )
            for entry in result
        ]
        return table(rows)

    show(result, as_json, text)


@domain.command("catch-all")
@click.argument("name")
@click.argument("address", required=False)
@as_json_option
@click.pass_obj
def domain_catch_all(
    where: Where, name: str, address: str | None, as_json: bool
) -> None:
    """
    Have mail for unknown addresses go to ADDRESS; without it, refuse it.

    Example: mailsuite domain catch-all example.org carol@example.org
    """
    result = where.perform("domain.catch-all", name=name, address=address)
    show(result, as_json, lambda: f"{name}: unknown -> {address or 'refused'}")


@domain.command("remove")
@click.argument("name")
@as_json_option
@click.pass_obj
def domain_remove(where: Where, name: str, as_json: bool) -> None:
    """
    Remove a domain that has no accounts and no aliases.

    Example: mailsuite domain remove example.net
    """
    result = where.perform("domain.remove", name=name)
    show(result, as_json, lambda: f"Removed {name}")

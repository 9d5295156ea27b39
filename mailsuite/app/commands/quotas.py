"""
How much an account may keep.
"""

from __future__ import annotations

import click

from mailsuite.app.commands.terminal import (
    CONTEXT,
    Count,
    Octets,
    SuiteGroup,
    Where,
    as_json_option,
    show,
    size_of,
    table,
)


@click.group(cls=SuiteGroup, context_settings=CONTEXT)
def quota() -> None:
    """
    How much an account may keep.

    Example: mailsuite quota set carol@example.org --octets 2G
    """


@quota.command("set")
@click.argument("address")
@click.option("--octets", type=Octets(), help="500M, 2G, or none.")
@click.option("--messages", type=Count(), help="A number, or none.")
@as_json_option
@click.pass_obj
def quota_set(
    where: Where,
    address: str,
    octets: int | None,
    messages: int | None,
    as_json: bool,
) -> None:
    """
    Set both limits of an account; one that is not given is none.

    Example: mailsuite quota set carol@example.org --octets 2G
    """
    result = where.perform(
        "quota.set", address=address, octets=octets, messages=messages
    )
    show(
        result,
        as_json,
        lambda: (
            f"{address}: {size_of(octets)}, "
            f"{messages or 'no limit of'} messages"
        ),
    )


@quota.command("show")
@click.argument("address")
@as_json_option
@click.pass_obj
def quotashow(where: Where, address: str, as_json: bool) -> None:
    """
    Show the limits of an account; and its use, while the suite runs.

    Example: mailsuite quota show carol@example.org
    """
    result = where.perform("quota.show", address=address)

    def text() -> str:
        rows = [
            ("", "Limit", "Used"),
            (
                "Octets",
                size_of(result["octets_limit"]),
                size_of(result["octets_used"]) if running else "-",
            ),
            (
                "Messages",
                str(result["messages_limit"] or "no limit"),
                str(result["messages_used"]) if running else "-",
            ),
        ]
        return table(rows)

    running = "octets_used" in result
    show(result, as_json, text)

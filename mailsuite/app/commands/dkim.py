"""
The keys that mail is signed with.
"""

from __future__ import annotations

import click

from mailsuite.app.asking import Plain
from mailsuite.app.commands.terminal import (
    CONTEXT,
    SuiteGroup,
    Where,
    as_json_option,
    show,
    table,
)
from mailsuite.app.dnsrecords import Wanted
from mailsuite.mail.dns import RecordType


@click.group(cls=SuiteGroup, context_settings=CONTEXT)
def dkim() -> None:
    """
    Keys that outgoing mail is signed with (DKIM).

    Example: mailsuite dkim new example.org
    """


@dkim.command("new")
@click.argument("domain")
@click.option("--selector", metavar="NAME", help="Else one made of the date.")
@click.option(
    "--bits",
    type=click.IntRange(2048, 4096),
    default=2048,
    show_default=True,
    help="Size of the RSA key.",
)
@as_json_option
@click.pass_obj
def dkim_new(
    where: Where, domain: str, selector: str | None, bits: int, as_json: bool
) -> None:
    """
    Make an RSA and an Ed25519 key, and print the records to publish.

    A domain's first keys sign at once.  Later ones wait as next: publish
    them, wait until the DNS has them, and say mailsuite dkim use.

    Example: mailsuite dkim new example.org
    """
    made = where.perform(
        "dkim.new", domain=domain, selector=selector, bits=bits
    )
    show(made, as_json, lambda: _to_publish(domain, made))


@dkim.command("list")
@click.argument("domain", required=False)
@as_json_option
@click.pass_obj
def dkim_list(where: Where, domain: str | None, as_json: bool) -> None:
    """
    List keys, and what each is used for.

    Example: mailsuite dkim list example.org
    """
    found = where.perform("dkim.list", domain=domain)
    show(found, as_json, lambda: _listed(found))


@dkim.command("use")
@click.argument("domain")
@as_json_option
@click.pass_obj
def dkim_use(where: Where, domain: str, as_json: bool) -> None:
    """
    Sign with the next keys; those before are retired.

    Leave the retired keys' records in the DNS for a week: mail under way is
    verified with them.

    Example: mailsuite dkim use example.org
    """
    found = where.perform("dkim.use", domain=domain)
    show(
        found,
        as_json,
        lambda: (
            _listed(found)
            + f"\nSee that the DNS has them: mailsuite dns {domain} --check"
        ),
    )


@dkim.command("remove")
@click.argument("domain")
@click.argument("selector")
@as_json_option
@click.pass_obj
def dkim_remove(
    where: Where, domain: str, selector: str, as_json: bool
) -> None:
    """
    Forget a key for good.

    Example: mailsuite dkim remove example.org m20261124
    """
    where.perform("dkim.remove", domain=domain, selector=selector)
    show(None, as_json, lambda: f"Removed {selector} of {domain}")


def _to_publish(domain: str, made: list[Plain]) -> str:
    lines = ["Publish these records (mailsuite dns has all others):", ""]
    lines += [
        Wanted(
            key["record_name"], RecordType.TXT, key["record"], ""
        ).zone_line()
        for key in made
    ]
    if made[0]["state"] == "next":
        lines += [
            "",
            "Mail is signed with them after: mailsuite dkim use " + domain,
        ]
    else:
        lines += ["", f"Mail of {domain} is signed with them from now on."]
    return "\n".join(lines)


def _listed(found: list[Plain]) -> str:
    if not found:
        return "No keys; make some with: mailsuite dkim new DOMAIN"
    return table(
        [("DOMAIN", "SELECTOR", "STATE", "KIND")]
        + [
            (
                key["domain"],
                key["selector"],
                key["state"],
                "ed25519" if "k=ed25519" in key["record"] else "rsa",
            )
            for key in found
        ]
    )

"""
The command ``mailsuite``: accounts, aliases, domains and a look at the suite.
"""

from __future__ import annotations

import click

from mailsuite.app.commands.aliases import alias
from mailsuite.app.commands.app_passwords import app_password
from mailsuite.app.commands.domains import domain
from mailsuite.app.commands.quotas import quota
from mailsuite.app.commands.suite import check_config, status
from mailsuite.app.commands.terminal import CONTEXT, Where
from mailsuite.app.commands.users import user


@click.group(context_settings=CONTEXT)
@click.option(
    "-c",
    "--config",
    "configuration",
    metavar="FILE",
    help="Configuration file; else MAILSUITE_CONFIG, ./mailsuite.toml, "
    "/etc/mailsuite/mailsuite.toml or /etc/mailsuite.toml.",
)
@click.option(
    "-s",
    "--state",
    metavar="FOLDER",
    help="State folder; else the configuration's, else ./mailsuite-data.",
)
@click.version_option(package_name="mailsuite")
@click.pass_context
def main(
    context: click.Context, configuration: str | None, state: str | None
) -> None:
    """
    Manage a mail suite, running or not.

    Example: mailsuite user add carol@localhost
    """
    context.obj = Where(configuration, state)


for _command in (
    user,
    alias,
    domain,
    app_password,
    quota,
    check_config,
    status,
):
    main.add_command(_command)

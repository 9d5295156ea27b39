"""
The command ``mailsuite``: accounts, aliases, domains and a look at the suite.
"""

from __future__ import annotations

import click

from mailsuite.app.commands.aliases import alias
from mailsuite.app.commands.app_passwords import app_password
from mailsuite.app.commands.dkim import dkim
from mailsuite.app.commands.dns import dns
from mailsuite.app.commands.domains import domain
from mailsuite.app.commands.queues import queue, trace
from mailsuite.app.commands.quotas import quota
from mailsuite.app.commands.reports import report
from mailsuite.app.commands.sending import send, sendmail_command
from mailsuite.app.commands.suite import check_config, status
from mailsuite.app.commands.terminal import CONTEXT, where_options
from mailsuite.app.commands.users import user


@click.group(context_settings=CONTEXT)
@click.version_option(package_name="mailsuite")
def main() -> None:
    """
    Manage a mail suite, running or not.

    Example: mailsuite user add carol@localhost
    """


main.params += where_options()

for _command in (
    user,
    alias,
    domain,
    app_password,
    quota,
    queue,
    trace,
    send,
    sendmail_command,
    dns,
    dkim,
    report,
    check_config,
    status,
):
    main.add_command(_command)

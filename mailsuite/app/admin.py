"""
The command ``mailsuite``: accounts, aliases, domains and a look at the suite.

Implementation notes

- Each command's module is imported when that command is given: to read all of
  them takes longer than most take to be carried out.
"""

from __future__ import annotations

from importlib import import_module

import click

from mailsuite.app.commands.terminal import CONTEXT, where_options

#: Each command's module, and its name there.
_COMMANDS = {
    "user": ("users", "user"),
    "alias": ("aliases", "alias"),
    "domain": ("domains", "domain"),
    "app-password": ("app_passwords", "app_password"),
    "quota": ("quotas", "quota"),
    "queue": ("queues", "queue"),
    "trace": ("queues", "trace"),
    "send": ("sending", "send"),
    "sendmail": ("sending", "sendmail_command"),
    "dns": ("dns", "dns"),
    "dkim": ("dkim", "dkim"),
    "report": ("reports", "report"),
    "check-config": ("suite", "check_config"),
    "status": ("suite", "status"),
}


class _Commands(click.Group):
    """
    All of them.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        """
        Their names, as click sorts them.
        """
        return sorted(_COMMANDS)

    def get_command(
        self, ctx: click.Context, cmd_name: str
    ) -> click.Command | None:
        """
        One of them; None if there is none of that name.
        """
        if cmd_name not in _COMMANDS:
            return None
        module, name = _COMMANDS[cmd_name]
        found = getattr(import_module(f"mailsuite.app.commands.{module}"), name)
        assert isinstance(found, click.Command)
        return found


@click.group(cls=_Commands, context_settings=CONTEXT)
@click.version_option(package_name="mailsuite")
def main() -> None:
    """
    Manage a mail suite, running or not.

    Example: mailsuite user add carol@localhost
    """


main.params += where_options()

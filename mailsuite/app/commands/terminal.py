"""
What the commands share: which suite is meant, what is asked and shown.

Implementation notes

- With a suite running, an operation goes over its control socket; with none
  running, this process takes the state folder's lock and does it itself.
- Passwords come from a prompt or from standard input, never from the command
  line, where others could read them.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from mailsuite.app import config, localfacts
from mailsuite.app.asking import NotRunning, OperationFailed, Plain, ask
from mailsuite.app.statelock import StateInUse
from mailsuite.errors import MailError

CONTEXT = {"help_option_names": ["-h", "--help"]}


@dataclass(frozen=True, slots=True)
class Where:
    """
    Which suite a command is for.
    """

    configuration: str | None = None
    state: str | None = None

    def read(self) -> config.Configuration:
        """
        Its configuration.

        :raises click.ClickException: it is faulty.
        """
        try:
            path = config.find_file(self.configuration)
            if path is not None:
                return config.read(path)
        except config.ConfigurationFaulty as faulty:
            raise click.ClickException(str(faulty)) from faulty
        found = config.embedded()
        return localfacts.named(found, self._state(found))

    def state_folder(self) -> Path:
        """
        Its state folder.

        :raises click.ClickException: the configuration is faulty.
        """
        return self._state(self.read())

    def _state(self, found: config.Configuration) -> Path:
        return Path(self.state or found.state).absolute()

    def perform(self, operation: str, **arguments: Plain) -> Plain:
        """
        Carry out an operation, by the running suite or without one.

        :raises click.ClickException: it cannot be done.
        """
        found = self.read()
        state = self._state(found)
        try:
            return ask(state, operation, arguments)
        except NotRunning:
            pass
        except OperationFailed as failed:
            raise click.ClickException(str(failed)) from failed
        # Imported late: it is all of the suite, that a running one has read.
        from mailsuite.app.offline import NoState, perform_offline

        try:
            return perform_offline(found, state, operation, arguments)
        except (MailError, NoState, OSError, StateInUse) as error:
            text = getattr(error, "public", None) or str(error)
            raise click.ClickException(text) from error


def where_options() -> list[click.Parameter]:
    """
    The options that say which suite is meant.
    """
    return [
        click.Option(
            ["-c", "--config"],
            metavar="FILE",
            help="Configuration file; else MAILSUITE_CONFIG, ./mailsuite.toml, "
            "/etc/mailsuite/mailsuite.toml or /etc/mailsuite.toml.",
            expose_value=False,
            callback=_chosen,
        ),
        click.Option(
            ["-s", "--state"],
            metavar="FOLDER",
            help="State folder; else the configuration's, else "
            "./mailsuite-data.",
            expose_value=False,
            callback=_chosen,
        ),
    ]


def _chosen(
    context: click.Context, option: click.Parameter, value: str | None
) -> str | None:
    where = context.ensure_object(Where)
    if value is not None:
        name = "configuration" if option.name == "config" else "state"
        context.obj = replace(where, **{name: value})
    return value


class SuiteCommand(click.Command):
    """
    A command that may be told itself which suite is meant.
    """

    def __init__(self, *args: Any, **settings: Any) -> None:
        # As click's own: whatever a command is made of.
        super().__init__(*args, **settings)
        self.params += where_options()


class SuiteGroup(click.Group):
    """
    A group of such commands.
    """

    command_class = SuiteCommand


as_json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON, for scripts."
)


def show(result: Plain, as_json: bool, text: Callable[[], str]) -> None:
    click.echo(json.dumps(result, indent=2) if as_json else text())


def table(rows: Sequence[tuple[str, ...]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in rows
    )


def ask_password() -> str:
    """
    A new password: asked for twice at a terminal, else a line of stdin.
    """
    if sys.stdin.isatty():
        entered: str = click.prompt(
            "Password", hide_input=True, confirmation_prompt=True
        )
        return entered
    password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        raise click.ClickException("no password on standard input")
    return password


class Octets(click.ParamType[int | None]):
    name = "size"

    def convert(
        self,
        value: Any,  # click hands on what the user typed, or a default
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> int | None:
        """
        Octets from ``500M`` and its like; None from ``none``.
        """
        text = str(value).strip().lower()
        if text == "none":
            return None
        found = re.fullmatch(r"(\d+)([kmgt]?)i?b?", text)
        if found is None:
            self.fail(f"{value!r}: expected 500M, 2G, or none", param, ctx)
        power = " kmgt".index(found[2] or " ")
        return int(int(found[1]) << 10 * power)


class Count(click.ParamType[int | None]):
    name = "number"

    def convert(
        self,
        value: Any,  # as above
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> int | None:
        """
        A whole number; None from ``none``.
        """
        text = str(value).strip().lower()
        if text == "none":
            return None
        if not text.isdecimal():
            self.fail(f"{value!r}: expected a number, or none", param, ctx)
        return int(text)


def size_of(octets: int | None) -> str:
    if octets is None:
        return "no limit"
    size = float(octets)
    for unit in ("", "K", "M", "G"):
        if size < 1024:
            return f"{size:.4g}{unit}"
        size /= 1024
    return f"{size:.4g}T"

"""
The suite itself: its configuration and its state.
"""

from __future__ import annotations

import os
import pwd
import sys
from pathlib import Path

import click
from twisted.python.util import gidFromString, switchUID, uidFromString

from mailsuite.app.asking import NotRunning, OperationFailed, ask
from mailsuite.app.check import check
from mailsuite.app.commands.terminal import (
    SuiteCommand,
    Where,
    as_json_option,
    show,
    table,
)
from mailsuite.app.config import find_file


@click.command("check-config", cls=SuiteCommand)
@click.option("--uid", help="Try it as this user; needs root.")
@click.option("--gid", help="Try it as this group; needs root.")
@as_json_option
@click.pass_obj
def check_config(
    where: Where, uid: str | None, gid: str | None, as_json: bool
) -> None:
    """
    Say all that is wrong with the configuration; status 1 if anything is.

    Keys and folders are tried as the user that runs the command, or with
    --uid and --gid, as twistd takes them, as the user the suite runs as.

    Example: mailsuite --config /etc/mailsuite.toml check-config --uid mail
    """
    _become(uid, gid)
    faults = check(where.configuration, where.state)
    show(
        [
            {
                "file": fault.file,
                "key": fault.key,
                "found": fault.found,
                "expected": fault.expected,
            }
            for fault in faults
        ],
        as_json,
        lambda: "\n".join(map(str, faults)) or _good(where),
    )
    if faults:
        sys.exit(1)


def _good(where: Where) -> str:
    path = find_file(where.configuration)
    if path is None:
        return "There is no configuration file; the defaults are used"
    return f"{path} is good"


def _become(uid: str | None, gid: str | None) -> None:
    """
    Give privileges up as twistd does.
    """
    if uid is None and gid is None:
        return
    try:
        user = uidFromString(uid) if uid else os.getuid()
        group = gidFromString(gid) if gid else _group_of(user)
        switchUID(user, group)
    except (KeyError, ValueError) as error:
        raise click.ClickException(f"no such user or group: {error}") from error
    except PermissionError as error:
        raise click.ClickException("--uid and --gid need root") from error


def _group_of(user: int) -> int:
    try:
        return pwd.getpwuid(user).pw_gid
    except KeyError:
        return os.getgid()


@click.command("status", cls=SuiteCommand)
@as_json_option
@click.pass_obj
def status(where: Where, as_json: bool) -> None:
    """
    Show a running suite's listeners; status 1 if none runs.

    Example: mailsuite status --json
    """
    state = Path(where.state or where.read().state).absolute()
    try:
        result = ask(state, "status", {})
    except NotRunning as error:
        raise click.ClickException(f"no suite runs in {state}") from error
    except OperationFailed as failed:
        raise click.ClickException(str(failed)) from failed

    def text() -> str:
        rows = [("Protocol", "Address", "Port", "TLS")]
        rows += [
            (one["protocol"], one["address"], str(one["port"]), one["tls"])
            for one in result["listeners"]
        ]
        return f"Running in {result['state_folder']}\n{table(rows)}"

    show(result, as_json, text)

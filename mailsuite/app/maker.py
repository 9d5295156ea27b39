"""
From the command line to a service: what twistd calls before it forks.

Implementation notes

- Nothing is opened here but sockets, and the configuration file: twistd forks
  after this, and neither threads nor databases survive that.
- What is wrong is said on the terminal, all at once, and ends the program.
"""

from __future__ import annotations

import os
import secrets
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace
from twisted.application.service import IService
from twisted.python import usage

from mailsuite.app import config, localfacts, logfile, values
from mailsuite.app.check import try_out
from mailsuite.app.config import (
    Configuration,
    ConfigurationFaulty,
    Fault,
)
from mailsuite.app.loading import load_the_rest
from mailsuite.app.options import Options, StartOptions
from mailsuite.app.sendingconfig import Route
from mailsuite.app.sockets import PortsTaken, open_all
from mailsuite.app.statelock import in_use
from mailsuite.app.suite import Start, Suite
from mailsuite.app.welcome import FILE_NAME as FIRST_START


@dataclass(frozen=True, slots=True)
class _Twistd:
    """
    What twistd itself was told.
    """

    foreground: bool
    log: str
    uid: int | None
    gid: int | None


def make_service(options: Options) -> IService:
    """
    The suite, with its sockets bound.

    :raises SystemExit: something is wrong; the text says all of it.
    """
    start = options.subOptions
    assert isinstance(start, StartOptions)
    twistd = _of_twistd(options)
    try:
        path = _file(start)
        found, faults = _configuration(start, path)
        state = _state(start, found)
        if not _keeps_its_user(twistd):
            load_the_rest()
        elif path is not None:
            faults += try_out(str(path), found, state)
        if faults:
            raise ConfigurationFaulty(faults)
        if in_use(state):
            raise SystemExit(
                f"mailsuite: a suite runs in {state} already; stop it, or "
                "choose another folder with --state"
            )
        bound = open_all(found.listen, _environment())
    except (ConfigurationFaulty, PortsTaken) as trouble:
        lines = str(trouble).splitlines()
        raise SystemExit(
            "\n".join(f"mailsuite: {line}" for line in lines)
        ) from trouble
    # Imported late: twistd chooses the reactor after it has read the plugins.
    from twisted.internet import reactor

    suite = Suite(
        Start(
            configuration=found,
            configuration_file=path,
            routes=_routes(start),
            state=state,
            bound=bound,
            embedded=path is None,
            ephemeral=bool(start["ephemeral"]),
            transcript=bool(start["transcript"]),
            foreground=twistd.foreground,
            log=twistd.log,
            uid=twistd.uid,
            gid=twistd.gid,
        ),
        reactor,
        None
        if options.parent is None
        else logfile.observer(options.parent, reactor),
    )
    if not twistd.foreground:
        sys.stdout.write(suite.announcement() + "\n")
        sys.stdout.flush()
    return suite


def _of_twistd(options: Options) -> _Twistd:
    above = options.parent
    if above is None:
        return _Twistd(True, "the log", None, None)
    return _Twistd(
        bool(above.get("nodaemon")),
        _log_name(above),
        above.get("uid"),
        above.get("gid"),
    )


def _log_name(twistd: usage.Options) -> str:
    """
    What the log of a start in the background is called.
    """
    if twistd.get("logger"):
        return "the log"
    if twistd.get("syslog"):
        return "the system's log"
    return os.path.abspath(twistd.get("logfile") or "twistd.log")


def _environment() -> dict[str, str]:
    """
    The environment that this program was started with.

    Whoever imports Twisted's endpoints takes systemd's variables out of it,
    though they then serve nobody; the kernel keeps them.
    """
    try:
        octets = Path("/proc/self/environ").read_bytes()
    except OSError:
        return dict(os.environ)
    pairs = (one.partition("=") for one in os.fsdecode(octets).split("\0"))
    return {name: value for name, _, value in pairs} | dict(os.environ)


def _file(start: StartOptions) -> Path | None:
    path = (
        None
        if start["ephemeral"] and not start["config"]
        else (config.find_file(start["config"]))
    )
    if path is not None and (start.ports or start["domain"]):
        option = "--port" if start.ports else "--domain"
        raise SystemExit(
            f"mailsuite: {option} is for a start without configuration; change "
            f"{path}"
        )
    return path.absolute() if path is not None else None


def _keeps_its_user(twistd: _Twistd) -> bool:
    """
    Whether files are read later as the user that this process is now.
    """
    return os.geteuid() != 0 or (twistd.uid is None and twistd.gid is None)


def _configuration(
    start: StartOptions, path: Path | None
) -> tuple[Configuration, list[Fault]]:
    faults: list[Fault] = []
    if path is not None:
        found, faults = config.examine(path)
    else:
        free = dict.fromkeys(config.EMBEDDED_PORTS, 0)
        usual = free if start["ephemeral"] else {}
        found = config.embedded(usual | start.ports)
        if not start["ephemeral"]:
            found = localfacts.named(found, _state(start, found))
        found = _named(found, start["domain"])
    # A later one of the same pattern counts.
    return replace(found, route=[*found.route, *_routes(start)]), faults


def _routes(start: StartOptions) -> list[Route]:
    return [Route(to=domain, via=via) for domain, via in start.routes]


def _named(found: Configuration, domain: str | None) -> Configuration:
    """
    A configuration for a domain of that name.
    """
    if domain is None:
        return found
    if expected := values.expected_domain(domain):
        raise SystemExit(f"mailsuite: --domain {domain}: expected {expected}")
    return replace(
        found, default_domain=domain, host_name=values.host_name(domain)
    )


def _state(start: StartOptions, found: Configuration) -> Path:
    if start["ephemeral"]:
        return _ephemeral_state(start["state"])
    return Path(start["state"] or found.state).absolute()


def _ephemeral_state(named: str | None) -> Path:
    """
    A folder that may go at the stop: a new name, or an empty folder.
    """
    if named is None:
        name = f"mailsuite-{secrets.token_hex(8)}"
        return Path(tempfile.gettempdir()) / name
    state = Path(named).absolute()
    if state.exists() and (not state.is_dir() or any(state.iterdir())):
        held = " of a suite" if (state / FIRST_START).exists() else ""
        raise SystemExit(
            f"mailsuite: --state {state}: not a new or an empty folder but "
            f"one with content{held}; --ephemeral would remove it at the stop"
        )
    return state

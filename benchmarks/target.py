"""
A suite for measuring: 2,000 accounts, a cheap password scheme, on loopback.

    python benchmarks/target.py describe FOLDER     writes FOLDER/target.json
    python benchmarks/target.py start FOLDER        returns when it listens
    python benchmarks/target.py stop FOLDER         returns when it is gone

``target.json`` describes the suite to a load generator that drives several mail
servers in turn.  Run it with the interpreter of the environment that Mailsuite
is installed in.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

USERS = 2000
DOMAIN = "bench.test"
PASSWORD = "secret"
PORTS = {
    "smtp": 15925,
    "submission": 15987,
    "imap": 15943,
    "imaps": 15993,
    "pop3": 15910,
    "pop3s": 15995,
}
_BIN = Path(sys.executable).parent
_SECONDS = 60.0


def _configuration() -> str:
    lines = [
        f'host_name = "{DOMAIN}"',
        f'default_domain = "{DOMAIN}"',
        'state = "state"',
        "[limits]",
        "connections = 20000",
        "connections_per_address = 20000",
        "[login]",
        "failure_seconds = 0.5",
        'password_scheme = "ssha256"',
        'scram = "never"',
    ]
    for protocol, port in PORTS.items():
        lines += ["[[listen]]", f'protocol = "{protocol}"', f"port = {port}"]
    return "\n".join(lines) + "\n"


def describe(folder: Path) -> None:
    """
    Make configuration, accounts and ``target.json``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    configuration = folder / "mailsuite.toml"
    configuration.write_text(_configuration())
    users = "".join(f"u{n}:{{PLAIN}}{PASSWORD}\n" for n in range(USERS))
    command = [str(_BIN / "mailsuite"), "--config", str(configuration)]
    listed = subprocess.run(
        [*command, "user", "list", "--json"],
        check=True,
        capture_output=True,
    )
    if not json.loads(listed.stdout):
        subprocess.run(
            [*command, "user", "import", "--domain", DOMAIN, "-"],
            input=users.encode(),
            check=True,
        )
    me = [sys.executable, str(Path(__file__).resolve())]
    home = f"{folder}/state/mail/{DOMAIN}/u{{n}}"
    target = {
        "name": "mailsuite",
        "host": "127.0.0.1",
        "domain": DOMAIN,
        "ports": PORTS,
        "login": "u{n}",
        "password": PASSWORD,
        "users": USERS,
        "home": home,
        "maildir": f"{home}/Maildir",
        "owner": None,
        "forget": ["index.sqlite3*", "search.sqlite3*"],
        "pidfiles": [str(folder / "twistd.pid")],
        "start": [*me, "start", str(folder)],
        "stop": [*me, "stop", str(folder)],
        "import": None,
        "installed": _installed(),
    }
    (folder / "target.json").write_text(json.dumps(target, indent=1))


def _installed() -> int:
    """
    Octets of the environment's packages.
    """
    packages = next(_BIN.parent.glob("lib/python*/site-packages"))
    return sum(f.stat().st_size for f in packages.rglob("*") if f.is_file())


def start(folder: Path) -> None:
    """
    Start in the background; on return every listener accepts.
    """
    ready = folder / "state" / "first-start.json"
    ready.unlink(missing_ok=True)
    subprocess.run(
        [
            str(_BIN / "twistd"),
            "--pidfile",
            str(folder / "twistd.pid"),
            "--logfile",
            str(folder / "twistd.log"),
            "mailsuite",
            "start",
            "--config",
            str(folder / "mailsuite.toml"),
        ],
        check=True,
        stdout=subprocess.DEVNULL,
        cwd=folder,
    )
    _wait(ready.exists)


def stop(folder: Path) -> None:
    """
    End it; on return it is gone.
    """
    path = folder / "twistd.pid"
    try:
        pid = int(path.read_text())
        os.kill(pid, signal.SIGTERM)
    except (FileNotFoundError, ProcessLookupError):
        return
    _wait(lambda: not Path(f"/proc/{pid}").exists())
    path.unlink(missing_ok=True)


def _wait(condition: object) -> None:
    assert callable(condition)
    until = time.monotonic() + _SECONDS
    while not condition():
        if time.monotonic() > until:
            raise SystemExit("gave up waiting; see twistd.log")
        time.sleep(0.02)


def main() -> None:
    """
    The command.
    """
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("step", choices=("describe", "start", "stop"))
    parser.add_argument("folder", type=Path)
    given = parser.parse_args()
    folder = given.folder.absolute()
    {"describe": describe, "start": start, "stop": stop}[given.step](folder)


if __name__ == "__main__":
    main()

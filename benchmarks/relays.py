"""
Two servers that relay everything to one port on loopback: Mailsuite & Postfix.

Both have their defaults but for what relaying takes, their queue in the folder
that is given, and nothing else to do.  ``sending.py`` measures them.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

#: The domain that mail is for.
DOMAIN = "sink.test"

_BIN = Path(sys.executable).parent
_POSTFIX = Path("/usr/lib/postfix/sbin")
_SECONDS = 60.0

_MAIN = """\
compatibility_level = 3.6
queue_directory = {folder}/spool
data_directory = {folder}/data
daemon_directory = {daemons}
command_directory = /usr/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file = {folder}/postfix.log
maillog_file_prefixes = {folder}
myhostname = relay.test
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
alias_maps =
local_recipient_maps =
relayhost = [127.0.0.1]:{sink}
"""

_MASTER = """\
{port}     inet  n - n - - smtpd
pickup     unix  n - n 60 1 pickup
cleanup    unix  n - n - 0 cleanup
qmgr       unix  n - n 300 1 qmgr
tlsmgr     unix  - - n 1000? 1 tlsmgr
rewrite    unix  - - n - - trivial-rewrite
bounce     unix  - - n - 0 bounce
defer      unix  - - n - 0 bounce
trace      unix  - - n - 0 bounce
verify     unix  - - n - 1 verify
flush      unix  n - n 1000? 0 flush
proxymap   unix  - - n - - proxymap
proxywrite unix  - - n - 1 proxymap
smtp       unix  - - n - - smtp
relay      unix  - - n - - smtp
showq      unix  n - n - - showq
error      unix  - - n - - error
retry      unix  - - n - - error
discard    unix  - - n - - discard
anvil      unix  - - n - 1 anvil
scache     unix  - - n - 1 scache
postlog    unix-dgram n - n - 1 postlogd
"""

_CONFIGURATION = """\
host_name = "relay.test"
default_domain = "relay.test"
state = "state"
[relay]
networks = ["127.0.0.1"]
[[route]]
to = "*"
via = "127.0.0.1:{sink}"
[[listen]]
protocol = "smtp"
port = {port}
"""


class Relay(Protocol):
    """
    A server that relays to the sink.

    :ivar name: what the table calls it.
    :ivar port: where it takes mail.
    """

    name: str
    port: int

    def start(self) -> None:
        """
        Start with an empty queue; on return it takes mail.
        """

    def stop(self) -> None:
        """
        End it; on return it is gone.
        """

    def flush(self) -> None:
        """
        Have all that waits tried now.
        """

    def waiting(self) -> int:
        """
        How many messages are in its queue.
        """

    def cpu(self) -> float:
        """
        Seconds of processor that it has taken since its start.
        """


class Ours:
    """
    Mailsuite, as the environment of this interpreter has it.
    """

    name = "mailsuite"

    def __init__(self, folder: Path, *, port: int, sink: int) -> None:
        self.port = port
        self._folder = folder
        self._sink = sink
        self._pid = 0

    def start(self) -> None:
        """
        As ``Relay.start``.
        """
        self.prepare()
        self.start_again()

    def prepare(self) -> None:
        """
        Have nothing but a configuration.
        """
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True)
        self._configuration.write_text(
            _CONFIGURATION.format(port=self.port, sink=self._sink)
        )

    def start_again(self) -> float:
        """
        Start with the queue that is there.

        :return: seconds until it took mail.
        """
        ready = self._folder / "state" / "first-start.json"
        ready.unlink(missing_ok=True)
        began = time.monotonic()
        command = [
            str(_BIN / "twistd"),
            *("--pidfile", str(self._pidfile)),
            *("--logfile", str(self._folder / "twistd.log")),
            "mailsuite",
            "start",
            *("--config", str(self._configuration)),
        ]
        subprocess.run(
            command, check=True, stdout=subprocess.DEVNULL, cwd=self._folder
        )
        _wait(ready.exists)
        self._pid = int(self._pidfile.read_text())
        return time.monotonic() - began

    def stop(self, with_signal: int = signal.SIGTERM) -> None:
        """
        As ``Relay.stop``.
        """
        os.kill(self._pid, with_signal)
        _wait(lambda: not Path(f"/proc/{self._pid}").exists())
        self._pidfile.unlink(missing_ok=True)

    def flush(self) -> None:
        """
        As ``Relay.flush``.
        """
        self.ask("queue", "flush")

    def ask(self, *arguments: str) -> str:
        """
        What the command ``mailsuite`` says.
        """
        command = [
            str(_BIN / "mailsuite"),
            *("--config", str(self._configuration)),
            *arguments,
        ]
        return subprocess.run(
            command, check=True, capture_output=True, text=True
        ).stdout

    def waiting(self) -> int:
        """
        As ``Relay.waiting``.
        """
        return sum(1 for _ in self.queue.glob("*/*.q"))

    def cpu(self) -> float:
        """
        As ``Relay.cpu``.
        """
        return _seconds_of(self._pid)

    def resident(self) -> int:
        """
        Octets of memory that it has.
        """
        for line in Path(f"/proc/{self._pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        return 0

    @property
    def queue(self) -> Path:
        """
        The folder of its queue.
        """
        return self._folder / "state" / "queue"

    @property
    def _pidfile(self) -> Path:
        return self._folder / "twistd.pid"

    @property
    def _configuration(self) -> Path:
        return self._folder / "mailsuite.toml"


class Postfix:
    """
    Debian's, with a configuration and a queue of its own; wants root.
    """

    name = "postfix"

    def __init__(
        self, folder: Path, *, port: int, sink: int, options: tuple[str, ...]
    ) -> None:
        self.port = port
        self._folder = folder
        self._sink = sink
        self._options = options

    def start(self) -> None:
        """
        As ``Relay.start``.
        """
        shutil.rmtree(self._folder, ignore_errors=True)
        for name in ("etc", "spool", "data"):
            (self._folder / name).mkdir(parents=True)
        shutil.chown(self._folder / "data", "postfix")
        main = _MAIN.format(
            folder=self._folder, daemons=_POSTFIX, sink=self._sink
        )
        main += "".join(f"{option}\n" for option in self._options)
        (self._etc / "main.cf").write_text(main)
        (self._etc / "master.cf").write_text(_MASTER.format(port=self.port))
        for command in (
            ["postfix", "-c", str(self._etc), "check"],
            [str(_POSTFIX / "master"), "-c", str(self._etc), "-w"],
        ):
            subprocess.run(command, check=True, capture_output=True)

    def stop(self) -> None:
        """
        As ``Relay.stop``.
        """
        pid = self._pid
        os.kill(pid, signal.SIGTERM)
        _wait(lambda: not Path(f"/proc/{pid}").exists())

    def flush(self) -> None:
        """
        As ``Relay.flush``.
        """
        command = ["postqueue", "-c", str(self._etc), "-f"]
        subprocess.run(command, check=True)

    def waiting(self) -> int:
        """
        As ``Relay.waiting``.
        """
        return sum(
            len(files)
            for name in ("maildrop", "incoming", "active", "deferred")
            for _, _, files in os.walk(self._folder / "spool" / name)
        )

    def cpu(self) -> float:
        """
        As ``Relay.cpu``; children that have ended are counted.
        """
        pid = self._pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return _seconds_of(pid) + sum(_seconds_of(int(x)) for x in children)

    @property
    def _pid(self) -> int:
        return int((self._folder / "spool/pid/master.pid").read_text())

    @property
    def _etc(self) -> Path:
        return self._folder / "etc"


def _seconds_of(pid: int) -> float:
    """
    What a process and its ended children have taken.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return 0.0
    ticks = stat.rpartition(")")[2].split()[11:15]
    return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")


def _wait(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + _SECONDS
    while not condition():
        if time.monotonic() > until:
            raise SystemExit("gave up waiting; see the log in --folder")
        time.sleep(0.01)

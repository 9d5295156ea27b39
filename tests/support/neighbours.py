"""
Two mail suites and the DNS between them: ``a.test`` and ``b.test``.

Each host has an address of its own on loopback, so that all take mail at one
port, as hosts of the real Internet do at 25.  ``p1.test`` to ``p99.test`` are
the domains of hosts that a test plays itself.
"""

from __future__ import annotations

import atexit
import imaplib
import json
import re
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from email.policy import SMTPUTF8
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, TypeVar

from twisted.trial.unittest import SkipTest

from mailsuite.app import localmail
from mailsuite.app.asking import ask
from tests.support.imapaccess import checked, uids
from tests.support.name_servers import MISSING, NameServers
from tests.support.ports import free_port
from tests.support.suite import RunningSuite

T = TypeVar("T")

#: The domains of hosts that tests play.
PEERS = range(1, 100)

_SECONDS = 30.0

_CONFIGURATION = """\
host_name = "mx.{domain}"
default_domain = "{domain}"
state = "./state"
{listeners}
[login]
password_scheme = "ssha256"
[dns]
servers = ["127.0.0.1:{dns}"]
[queue]
retry_minutes = [0.02, 0.03]
later_minutes = 0.04
days = {days}
[sending]
port = {port}
sources = ["{address}"]
[checks]
exempt = []
{more}"""

_LISTENER = """\
[[listen]]
protocol = "{protocol}"
address = "{address}"
port = {port}
"""


class Site:
    """
    A suite with a domain, and ``alice`` and ``bob`` in it.

    :ivar address: where it takes other hosts' mail, and sends from.
    """

    def __init__(
        self,
        domain: str,
        address: str,
        *,
        port: int,
        dns: int,
        more: str = "",
        days: float = 5,
    ) -> None:
        """
        Start it; on return it takes mail.

        :param port: of other hosts' servers.
        :param dns: port of the resolver.
        :param more: lines of the configuration, after the table ``checks``.
        :param days: until mail is returned.
        """
        self.domain = domain
        self.address = address
        self.password = secrets.token_hex(8)
        folder = passing_folder(domain)
        # Other users have to reach the socket of ``sendmail``.
        folder.chmod(0o711)
        self.file = folder / "mailsuite.toml"
        listeners = [
            _LISTENER.format(protocol="smtp", address=address, port=port),
            *(
                _LISTENER.format(protocol=one, address="127.0.0.1", port=0)
                for one in ("submission", "pop3", "imap")
            ),
        ]
        self.file.write_text(
            _CONFIGURATION.format(
                domain=domain,
                address=address,
                port=port,
                dns=dns,
                listeners="".join(listeners),
                days=days,
                more=more,
            )
        )
        self.suite = RunningSuite(folder, "--config", str(self.file))
        for user in ("alice", "bob"):
            self.suite.command(
                "user", "add", f"{user}@{domain}", stdin=self.password
            )

    def command(self, *words: str, stdin: str = "") -> str:
        """
        A ``mailsuite`` command's output; it must succeed.
        """
        return self.suite.command(*words, stdin=stdin)

    def json(self, *words: str) -> Any:
        """
        What a command says to scripts.
        """
        return json.loads(self.command(*words, "--json"))

    def send(self, *recipients: str, subject: str, text: str = "Hello.") -> str:
        """
        Have alice send as a program on the machine does.

        :return: the queue id.
        """
        sender = f"alice@{self.domain}"
        taken = localmail.submit(
            self.suite.state,
            sender,
            recipients,
            message(sender, ", ".join(recipients), subject, text),
        )
        assert not taken.refused
        return taken.queue_id

    def send_by_command(
        self, *recipients: str, subject: str, text: str = "Hello."
    ) -> str:
        """
        The same by ``mailsuite send``.
        """
        said = self.command(
            "send",
            "--json",
            *("--from", f"alice@{self.domain}"),
            *("--subject", subject),
            *recipients,
            stdin=text,
        )
        queue_id = json.loads(said)["queue_id"]
        assert re.fullmatch("[0-9a-f]{8,}", queue_id), said
        return str(queue_id)

    def imap(self, user: str) -> imaplib.IMAP4:
        """
        A connection with that user logged in.
        """
        connection = imaplib.IMAP4(
            "127.0.0.1", self.suite.port("imap"), _SECONDS
        )
        checked(connection.login(f"{user}@{self.domain}", self.password))
        return connection

    def arrived(
        self, user: str, needle: str, mailbox: str = "INBOX"
    ) -> list[bytes]:
        """
        The messages of a mailbox that contain a text, as IMAP shows them.
        """
        with self.imap(user) as connection:
            if mailbox not in _mailboxes(connection):
                return []
            contents = []
            for uid in uids(connection, mailbox):
                [octets, *_] = checked(
                    connection.uid("FETCH", str(uid), "(BODY.PEEK[])")
                )
                contents.append(octets.partition(b"}")[2])
        return [one for one in contents if needle.encode() in one]

    def wait_for(self, user: str, needle: str, mailbox: str = "INBOX") -> bytes:
        """
        The one message that contains a text, once it is there.
        """
        [found] = until(lambda: self.arrived(user, needle, mailbox), self.log)
        return found

    def trace(self, queue_id: str) -> str:
        """
        What happened to a message, in words.
        """
        return self.command("trace", queue_id)

    def log(self) -> str:
        """
        The end of what the suite said, less that the test looked.
        """
        lines = self.suite.output().splitlines()
        return "\n".join([x for x in lines if "logged in" not in x][-60:])

    def waiting(self, queue_id: str) -> list[Any]:
        """
        A message's row in the queue, if it is there.
        """
        listed = ask(
            self.suite.state, "queue.list", {"after": "", "filter": {}}
        )
        return [one for one in listed if one["queue_id"] == queue_id]


class Neighbours:
    """
    Both suites and the name servers, running until the tests end.

    :ivar port: where every host takes mail.
    """

    def __init__(self) -> None:
        if MISSING:
            raise SkipTest(MISSING)
        self.port = free_port("127.0.0.2")
        self._zone = [*_hosts()]
        self._names = 0
        self.dns = NameServers(
            Path(mkdtemp(prefix="dns-")), "".join(self._zone)
        )
        atexit.register(self.dns.stop)
        self.a = self.site("a.test", "127.0.0.2")
        self.b = self.site("b.test", "127.0.0.3")
        for one in (self.a, self.b):
            for key in one.json("dkim", "new", one.domain):
                name, text = key["record_name"], key["record"]
                self._zone.append(f"{name}. 60 IN TXT {_strings(text)}\n")
        self.publish()

    def site(
        self,
        domain: str,
        address: str,
        more: str = "",
        *,
        dns: int = 0,
        days: float = 5,
    ) -> Site:
        """
        Another suite, which ends with the tests.

        :param dns: port of its resolver, if not of the usual one.
        """
        started = Site(
            domain,
            address,
            port=self.port,
            dns=dns or self.dns.port,
            more=more,
            days=days,
        )
        atexit.register(started.suite.stop)
        return started

    def publish(self, *lines: str) -> None:
        """
        Add lines to the zone, and have them served.
        """
        self._zone += [f"{line}\n" for line in lines]
        self._names += 1
        name = f"published-{self._names}.test."
        self._zone.append(f"{name} 60 IN A 192.0.2.1\n")
        self.dns.publish("".join(self._zone), name)


@cache
def neighbours() -> Neighbours:
    """
    Started once for all tests.

    :raises SkipTest: there are no name servers.
    """
    return Neighbours()


def until(wanted: Callable[[], T], told: Callable[[], str]) -> T:
    """
    What a question is answered with, as soon as it is not empty.

    :param told: what is known if it never is.
    """
    deadline = time.monotonic() + _SECONDS
    pause = 0.05
    while not (found := wanted()):
        assert time.monotonic() < deadline, told()
        time.sleep(pause)
        pause = min(1.5 * pause, 0.5)
    return found


def passing_folder(name: str) -> Path:
    """
    A folder that goes when the tests end, after what is told to end later.
    """
    folder = Path(mkdtemp(prefix=f"{name}-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def peer_address(number: int) -> str:
    """
    The address of ``p1.test`` to ``p99.test``.
    """
    return f"127.0.1.{number}"


def message(sender: str, to: str, subject: str, text: str = "Hello.") -> bytes:
    """
    A message as a user agent writes it.
    """
    made = EmailMessage(policy=SMTPUTF8)
    made["From"] = sender
    made["To"] = to
    made["Subject"] = subject
    made.set_content(text)
    return made.as_bytes()


def _hosts() -> Iterator[str]:
    for domain, address in (
        ("a.test", "127.0.0.2"),
        ("b.test", "127.0.0.3"),
        ("postfix.test", "127.0.0.4"),
        ("exim.test", "127.0.0.5"),
        *((f"p{number}.test", peer_address(number)) for number in PEERS),
    ):
        host = f"mx.{domain}."
        reverse = ".".join(reversed(address.split(".")))
        yield f"{domain}. 60 IN MX 10 {host}\n"
        yield f"{host} 60 IN A {address}\n"
        yield f'{host} 60 IN TXT "v=spf1 a -all"\n'
        yield f'{domain}. 60 IN TXT "v=spf1 mx -all"\n'
        yield f'_dmarc.{domain}. 60 IN TXT "v=DMARC1; p=reject"\n'
        yield f"{reverse}.in-addr.arpa. 60 IN PTR {host}\n"


def _strings(text: str) -> str:
    pieces = [text[at : at + 200] for at in range(0, len(text), 200)]
    return " ".join(f'"{piece}"' for piece in pieces)


def _mailboxes(connection: imaplib.IMAP4) -> str:
    return b"\n".join(checked(connection.list())).decode()

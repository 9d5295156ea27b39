"""
A suite that sends to hosts whose domains demand something of TLS, and all that
they publish it with: a signed DNS and a web server.

Each domain that a test writes to has one host, ``mx.DOMAIN``, with an address
and a certificate of its own; all take mail at one port.
"""

from __future__ import annotations

import atexit
import hashlib
import http.server
import secrets
import smtplib
import sqlite3
import ssl
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from twisted.trial.unittest import SkipTest

from tests.support.authorities import Holder, authority, certificate
from tests.support.name_servers import MISSING, NameServers
from tests.support.neighbours import Site, message
from tests.support.ports import free_port
from tests.support.suite import RunningSuite

_SECONDS = 30.0

#: The web server of those that publish MTA-STS policies, and where there is
#: none.
_WEB = "127.0.3.200"
_NO_WEB = "127.0.3.201"

_CONFIGURATION = """\
host_name = "mx.sender.test"
default_domain = "sender.test"
[[listen]]
protocol = "submission"
port = 0
[[listen]]
protocol = "imap"
port = 0
[login]
password_scheme = "ssha256"
[dns]
servers = ["127.0.0.1:{dns}"]
[queue]
retry_minutes = [0.02, 0.03]
later_minutes = 0.04
days = {days}
warn_hours = {warn_hours}
[sending]
port = {port}
authorities = "{authorities}"
[reports]
tls = true
"""


@dataclass(frozen=True)
class Host:
    """
    The host of a domain.

    :param tlsa: its records, as zones have them.
    :param sts: the mode of the domain's MTA-STS policy, which names it.
    :param has_web: whether the policy can be had.
    """

    domain: str
    address: str
    holder: Holder
    tlsa: Sequence[str] = ()
    sts: str = ""
    has_web: bool = True

    @property
    def name(self) -> str:
        """
        Its own.
        """
        return f"mx.{self.domain}"

    def zone(self, port: int) -> str:
        """
        All that is known of it.
        """
        domain, name = self.domain, self.name
        lines = [
            f"{domain}. 60 IN MX 10 {name}.",
            f"{name}. 60 IN A {self.address}",
        ]
        lines += [f"_{port}._tcp.{name}. 60 IN TLSA {x}" for x in self.tlsa]
        if self.sts:
            web = _WEB if self.has_web else _NO_WEB
            lines += [
                f'_mta-sts.{domain}. 60 IN TXT "v=STSv1; id=1;"',
                f"mta-sts.{domain}. 60 IN A {web}",
            ]
        return "".join(f"{line}\n" for line in lines)

    def policy(self) -> bytes:
        """
        What the domain demands by MTA-STS.
        """
        lines = (
            "version: STSv1",
            f"mode: {self.sts}",
            f"mx: {self.name}",
            "max_age: 86400",
        )
        return "".join(f"{line}\r\n" for line in lines).encode()

    def context(self) -> ssl.SSLContext:
        """
        The server's side of TLS.
        """
        return _context(self.holder)


class PolicySite(Site):
    """
    A suite with ``alice`` that believes an authority of ours.
    """

    def __init__(
        self,
        *,
        port: int,
        dns: int,
        authorities: Path,
        days: float,
        warn_hours: float,
    ) -> None:
        """
        Start it; on return it takes mail.

        :param port: of the hosts that it sends to.
        """
        self.domain = "sender.test"
        self.password = secrets.token_hex(8)
        folder = Path(mkdtemp(prefix="sender-"))
        self.file = folder / "mailsuite.toml"
        self.file.write_text(
            _CONFIGURATION.format(
                port=port,
                dns=dns,
                authorities=authorities,
                days=days,
                warn_hours=warn_hours,
            )
        )
        self.suite = RunningSuite(folder, "--config", str(self.file))
        self.command("user", "add", "alice@sender.test", stdin=self.password)

    def submit(self, recipient: str, subject: str, *options: str) -> str:
        """
        Have alice submit a message over TLS.

        :param options: parameters of MAIL.
        :return: the queue id.
        """
        trusting = ssl.create_default_context(
            cafile=self.suite.facts["ca_file"]
        )
        with smtplib.SMTP(
            "127.0.0.1", self.suite.port("submission"), timeout=_SECONDS
        ) as client:
            client.starttls(context=trusting)
            client.login("alice@sender.test", self.password)
            sender = "alice@sender.test"
            client.mail(sender, options)
            client.rcpt(recipient)
            content = message(sender, recipient, subject)
            code, said = client.data(content)
        assert code == 250, said
        return said.decode().split()[-1]

    def counted(self) -> dict[tuple[str, str], tuple[int, int]]:
        """
        End it, and say what it counted of each domain by each type of policy:
        sessions that were well, and that were not.
        """
        self.suite.stop()
        path = self.suite.state / "mtasts" / "sessions.sqlite3"
        connection = sqlite3.connect(path)
        try:
            rows = connection.execute(
                "SELECT domain, type, SUM(successes), SUM(failures)"
                " FROM policy GROUP BY domain, type"
            ).fetchall()
        finally:
            connection.close()
        return {(row[0], row[1]): (row[2], row[3]) for row in rows}


class PolicyWorld:
    """
    The hosts, the DNS and the authority.
    """

    def __init__(self) -> None:
        if MISSING:
            raise SkipTest(MISSING)
        folder = Path(mkdtemp(prefix="policies-"))
        self.port = free_port("127.0.3.1")
        self.root = authority("Root of tests")
        self._authorities = folder / "root.pem"
        self._authorities.write_bytes(self.root.pem())
        self.hosts = {host.domain: host for host in _hosts(self.root)}
        zones = {True: "", False: "sender.test. 60 IN MX 10 mx.sender.test.\n"}
        for host in self.hosts.values():
            zones[host.domain == "unsigned.test"] += host.zone(self.port)
        self._dns = NameServers(folder / "dns", zones[False], zones[True])
        atexit.register(self._dns.stop)

    def site(self, *, days: float = 5, warn_hours: float = 4) -> PolicySite:
        """
        A suite, which ends with the tests.

        :param days: until mail is returned.
        :param warn_hours: until senders are told that it waits.
        """
        started = PolicySite(
            port=self.port,
            dns=self._dns.port,
            authorities=self._authorities,
            days=days,
            warn_hours=warn_hours,
        )
        atexit.register(started.suite.stop)
        return started

    @cache  # noqa: B019 - there is one world
    def serve_policies(self) -> None:
        """
        Serve the domains' policies, from now on.

        :raises SkipTest: the port of HTTPS may not be listened at.
        """
        published = [x for x in self.hosts.values() if x.sts and x.has_web]
        texts = {f"mta-sts.{x.domain}": x.policy() for x in published}

        class Answering(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                text = texts.get(self.headers["Host"])
                wanted = "/.well-known/mta-sts.txt"
                if text is None or self.path != wanted:
                    self.send_error(404)
                    return
                self.send_response(200)
                self.send_header("Content-Type", "text/plain")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_: object) -> None:
                pass

        try:
            server = http.server.ThreadingHTTPServer((_WEB, 443), Answering)
        except OSError as error:
            raise SkipTest(f"no policies at port 443: {error}") from error
        context = _context(certificate([*texts], self.root))
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
        threading.Thread(target=server.serve_forever, daemon=True).start()


@cache
def policy_world() -> PolicyWorld:
    """
    Started once for all tests.

    :raises SkipTest: there are no name servers.
    """
    return PolicyWorld()


@cache
def policy_site() -> PolicySite:
    """
    The suite that most tests send from.
    """
    return policy_world().site()


def _hosts(root: Holder) -> list[Host]:
    below = authority("Authority of tests", root)
    stranger = certificate(["mx.stranger.test"])
    found: list[Host] = []

    def add(
        domain: str,
        *,
        by: Holder | None = None,
        tlsa: str = "",
        sts: str = "",
        has_web: bool = True,
    ) -> None:
        holder = certificate([f"mx.{domain}"], by)
        records = {
            "": [],
            "right": [_tlsa(3, 1, holder.key_der)],
            "wrong": [_tlsa(3, 1, stranger.key_der)],
            "authority": [_tlsa(2, 0, below.der)],
            "unusable": [_tlsa(1, 1, stranger.key_der), "3 9 9 00"],
        }
        address = f"127.0.3.{len(found) + 1}"
        found.append(Host(domain, address, holder, records[tlsa], sts, has_web))

    add("right.test", tlsa="right")
    add("wrong.test", tlsa="wrong")
    add("authority.test", by=below, tlsa="authority")
    add("unsigned.test", tlsa="wrong")
    add("unusable.test", tlsa="unusable")
    add("stripped.test", tlsa="right")
    # DANE beside MTA-STS.
    add("first.test", tlsa="right", sts="enforce")
    add("nofall.test", by=root, tlsa="wrong", sts="enforce")
    # MTA-STS alone.
    add("good.test", by=root, sts="enforce")
    add("bad.test", sts="enforce")
    add("testing.test", sts="testing")
    add("down.test", sts="enforce", has_web=False)
    # REQUIRETLS.
    add("lacking.test", tlsa="right")
    add("requiring.test", tlsa="right")
    # Counted.
    add("counted-right.test", tlsa="right")
    add("counted-wrong.test", tlsa="wrong")
    add("counted-good.test", by=root, sts="enforce")
    add("counted-testing.test", sts="testing")
    add("counted-none.test")
    return found


def _tlsa(usage: int, selector: int, octets: bytes) -> str:
    return f"{usage} {selector} 1 {hashlib.sha256(octets).hexdigest()}"


def _context(holder: Holder) -> ssl.SSLContext:
    key = holder.key.private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    folder = Path(mkdtemp(prefix="certificate-"))
    pem = folder / "chain.pem"
    pem.write_bytes(
        key + b"".join(x.public_bytes(Encoding.PEM) for x in holder.chain)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context

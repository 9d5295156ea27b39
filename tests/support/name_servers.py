"""
A signed DNS of one's own on loopback: nsd serves it, unbound validates it.

Implementation notes

- All names stand in the root zone, whose key is the trust anchor, so that
  nothing leaves this machine.  ``unsigned.test`` is a zone of its own without
  signatures, ``bogus.test`` one with a wrong DS record.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import dns.exception
import dns.message
import dns.query

from tests.support.ports import free_port

NSD = shutil.which("nsd", path=os.environ.get("PATH", "") + ":/usr/sbin")
UNBOUND = shutil.which(
    "unbound", path=os.environ.get("PATH", "") + ":/usr/sbin"
)
SIGNER = shutil.which("ldns-signzone")
KEYGEN = shutil.which("ldns-keygen")

#: Why the tests cannot run, or None.
MISSING = None if NSD and UNBOUND and SIGNER and KEYGEN else "no nsd, unbound"

_SOA = "{name} 300 IN SOA ns. hostmaster. 1 3600 900 604800 300\n"

_ROOT = (
    ". 300 IN NS ns.\n"
    "ns. 300 IN A 127.0.0.1\n"
    "unsigned.test. 300 IN NS ns.\n"
    "bogus.test. 300 IN NS ns.\n"
    "bogus.test. 300 IN DS 12345 13 2 " + "00" * 32 + "\n"
)

_CHILD = "{name} 300 IN NS ns.\n{name} 300 IN A 192.0.2.66\n"

_NSD_CONF = """
server:
  ip-address: 127.0.0.1@{port}
  username: ""
  chroot: ""
  zonesdir: "{folder}"
  database: ""
  pidfile: "{folder}/nsd.pid"
  xfrdfile: "{folder}/xfrd.state"
  zonelistfile: "{folder}/zone.list"
  logfile: "{folder}/nsd.log"
  server-count: 1
remote-control:
  control-enable: no
zone:
  name: "."
  zonefile: "root.zone.signed"
zone:
  name: "unsigned.test"
  zonefile: "unsigned.test.zone"
zone:
  name: "bogus.test"
  zonefile: "bogus.test.zone"
"""

_UNBOUND_CONF = """
server:
  interface: 127.0.0.1@{port}
  directory: "{folder}"
  chroot: ""
  username: ""
  pidfile: ""
  logfile: "{folder}/unbound.log"
  use-syslog: no
  do-daemonize: no
  do-ip6: no
  do-not-query-localhost: no
  num-threads: 1
  local-zone: "test." nodefault
  local-zone: "2.0.192.in-addr.arpa." nodefault
  local-zone: "127.in-addr.arpa." nodefault
  trust-anchor-file: "{folder}/anchor.ds"
  module-config: "validator iterator"
remote-control:
  control-enable: no
stub-zone:
  name: "."
  stub-addr: 127.0.0.1@{authority}
"""


class NameServers:
    """
    Both servers, running until ``stop``.

    :param zone: more lines of the root zone, with absolute names.
    :param unsigned: more lines of ``unsigned.test``.
    :ivar port: of the validating resolver on 127.0.0.1.
    :ivar authority: of the authoritative server.
    """

    def __init__(self, folder: Path, zone: str, unsigned: str = "") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self.authority = free_port()
        self.port = free_port()
        self._key = ""
        self._write_zones(zone, unsigned)
        self._running: list[subprocess.Popen[bytes]] = []
        self._run(NSD, "-d", "-c", conf=_NSD_CONF, port=self.authority)
        self._run(UNBOUND, "-d", "-c", conf=_UNBOUND_CONF, port=self.port)
        _wait_for(self.authority)
        _wait_for(self.port)

    def stop(self) -> None:
        """
        End both.
        """
        for server in self._running:
            server.terminate()
        for server in self._running:
            server.wait(10)

    def publish(self, zone: str, name: str) -> None:
        """
        Serve other lines from now on; what was asked before is forgotten.

        :param name: an address that only the new lines have.
        """
        self._sign(zone)
        for server in self._running:
            server.send_signal(signal.SIGHUP)
            # unbound would learn again what nsd forgets.
            self._wait_for_name(name, self.authority)
        self._wait_for_name(name, self.port)

    def _sign(self, zone: str) -> None:
        path = self._folder / "root.zone"
        path.write_text(_SOA.format(name=".") + _ROOT + zone)
        assert SIGNER
        subprocess.run(
            [SIGNER, path.name, self._key], cwd=self._folder, check=True
        )

    @staticmethod
    def _wait_for_name(name: str, port: int) -> None:
        deadline = time.monotonic() + 10
        question = dns.message.make_query(name, "A")
        while not _answers(question, port):
            assert time.monotonic() < deadline, f"{name} is not served"
            time.sleep(0.05)

    def _write_zones(self, zone: str, unsigned: str) -> None:
        folder = self._folder
        for name, more in (("unsigned.test.", unsigned), ("bogus.test.", "")):
            text = (_SOA + _CHILD).format(name=name)
            (folder / f"{name}zone").write_text(text + more)
        assert KEYGEN
        self._key = subprocess.run(
            [KEYGEN, "-k", "-a", "ECDSAP256SHA256", "."],
            cwd=folder,
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()
        (folder / f"{self._key}.ds").rename(folder / "anchor.ds")
        self._sign(zone)

    def _run(self, program: str | None, *options: str, conf: str, port: int):
        assert program
        path = self._folder / f"{Path(program).name}.conf"
        path.write_text(
            conf.format(
                folder=self._folder, port=port, authority=self.authority
            )
        )
        self._running.append(
            subprocess.Popen(
                [program, *options, str(path)],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        )


def _answers(question: dns.message.Message, port: int) -> bool:
    try:
        reply = dns.query.udp(question, "127.0.0.1", timeout=1, port=port)
    except (dns.exception.Timeout, OSError):
        return False
    return bool(reply.answer)


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return

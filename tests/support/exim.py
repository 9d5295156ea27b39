"""
A real Exim, in a folder of its own.
"""

from __future__ import annotations

import os
import pwd
import shutil
from pathlib import Path

from twisted.trial.unittest import SkipTest

from tests.support.neighbours import passing_folder
from tests.support.other_server import OtherServer

#: Debian does not install Exim beside Postfix; ``.ci/run`` unpacks it here.
_UNPACKED = "/opt/exim4/usr/sbin"

_USER = "Debian-exim"

_CONFIGURATION = """\
primary_hostname = mx.exim.test
exim_path = {program}
local_interfaces = {address}
daemon_smtp_ports = {port}
spool_directory = {folder}/spool
log_file_path = {folder}/%slog
pid_file_path = {folder}/pid
deliver_drop_privilege
tls_advertise_hosts = *
tls_certificate = {folder}/cert.pem
tls_privatekey = {folder}/key.pem
dsn_advertise_hosts = *
smtputf8_advertise_hosts = *
keep_environment =
acl_smtp_rcpt = recipient
acl_smtp_data = accept
begin acl
recipient:
  accept domains = exim.test
         verify = recipient
  accept hosts = 127.0.0.1
  deny
begin routers
here:
  driver = accept
  domains = exim.test
  local_parts = bob
  transport = maildir
nobody:
  driver = redirect
  domains = exim.test
  allow_fail
  data = :fail: No such person
there:
  driver = manualroute
  domains = a.test
  route_list = * 127.0.0.2
  self = send
  transport = smtp
begin transports
maildir:
  driver = appendfile
  directory = {folder}/mail/bob
  maildir_format
smtp:
  driver = smtp
  port = {port}
  interface = {address}
begin retry
* * F,2h,1s
"""


class Exim(OtherServer):
    """
    Takes mail for ``bob@exim.test``; knows the way to ``a.test``.
    """

    def __init__(self, port: int) -> None:
        """
        Start it; on return it takes mail.

        :raises SkipTest: it is not installed, or we may not start it.
        """
        program = shutil.which(
            "exim4", path=f"{_UNPACKED}:/usr/sbin:{os.environ['PATH']}"
        )
        if program is None:
            raise SkipTest("Exim is not installed")
        if os.geteuid() != 0:
            raise SkipTest("Exim starts as root alone")
        try:
            pwd.getpwnam(_USER)
        except KeyError:
            raise SkipTest(f"there is no user {_USER}") from None
        super().__init__(passing_folder("exim"), "127.0.0.5", port)
        shutil.chown(self.folder, _USER, _USER)
        for name in ("spool", "mail", "mail/bob"):
            (self.folder / name).mkdir()
            shutil.chown(self.folder / name, _USER, _USER)
        for name in ("cert.pem", "key.pem"):
            shutil.chown(self.folder / name, _USER, _USER)
        path = self.folder / "exim.conf"
        path.write_text(
            _CONFIGURATION.format(
                program=program,
                folder=self.folder,
                address=self.address,
                port=port,
            )
        )
        self.run([program, "-bdf", "-q1s", "-C", str(path)])

    def maildir(self) -> Path:
        """
        Bob's.
        """
        return self.folder / "mail/bob"

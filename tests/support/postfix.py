"""
A real Postfix, in a folder of its own.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from pathlib import Path

from twisted.trial.unittest import SkipTest

from tests.support.neighbours import passing_folder
from tests.support.other_server import OtherServer
from tests.support.suite import need

_DAEMONS = Path("/usr/lib/postfix/sbin")

_MAIN = """\
compatibility_level = 3.6
queue_directory = {folder}/spool
data_directory = {folder}/data
daemon_directory = {daemons}
command_directory = /usr/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file = {folder}/log
maillog_file_prefixes = {folder}
myhostname = mx.postfix.test
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.1/32
alias_maps =
local_recipient_maps =
virtual_mailbox_domains = postfix.test
virtual_mailbox_base = {folder}/mail
virtual_mailbox_maps = inline:{{ bob@postfix.test=bob/ }}
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
virtual_minimum_uid = 1
transport_maps = inline:{{ {{a.test = smtp:[127.0.0.2]:{port}}} }}
smtp_bind_address = {address}
smtp_tls_security_level = may
smtpd_tls_security_level = may
smtpd_tls_cert_file = {folder}/cert.pem
smtpd_tls_key_file = {folder}/key.pem
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
minimal_backoff_time = 1s
queue_run_delay = 1s
"""

_MASTER = """\
{address}:{port} inet n - n - - smtpd
pickup  unix  n - n 60 1 pickup
cleanup unix  n - n - 0 cleanup
qmgr    unix  n - n 300 1 qmgr
tlsmgr  unix  - - n 1000? 1 tlsmgr
rewrite unix  - - n - - trivial-rewrite
bounce  unix  - - n - 0 bounce
defer   unix  - - n - 0 bounce
trace   unix  - - n - 0 bounce
verify  unix  - - n - 1 verify
flush   unix  n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp    unix  - - n - - smtp
showq   unix  n - n - - showq
error   unix  - - n - - error
retry   unix  - - n - - error
virtual unix  - n n - - virtual
anvil   unix  - - n - 1 anvil
scache  unix  - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


class Postfix(OtherServer):
    """
    Takes mail for ``bob@postfix.test``; knows the way to ``a.test``.
    """

    def __init__(self, port: int) -> None:
        """
        Start it; on return it takes mail.

        :raises SkipTest: it is not installed, or we may not start it.
        """
        need("postfix")
        if os.geteuid() != 0:
            raise SkipTest("Postfix starts as root alone")
        super().__init__(passing_folder("postfix"), "127.0.0.4", port)
        owner = pwd.getpwnam("postfix")
        for name in ("spool", "data", "mail", "mail/bob"):
            (self.folder / name).mkdir()
        for name in ("data", "mail", "mail/bob"):
            shutil.chown(self.folder / name, "postfix", "postfix")
        facts = {
            "folder": self.folder,
            "daemons": _DAEMONS,
            "address": self.address,
            "port": port,
            "uid": owner.pw_uid,
            "gid": owner.pw_gid,
        }
        (self.folder / "main.cf").write_text(_MAIN.format(**facts))
        (self.folder / "master.cf").write_text(_MASTER.format(**facts))
        subprocess.run(
            ["postfix", "-c", self.folder, "check"],
            check=True,
            capture_output=True,
        )
        self.run([str(_DAEMONS / "master"), "-c", str(self.folder), "-d"])

    def maildir(self) -> Path:
        """
        Bob's.
        """
        return self.folder / "mail/bob"

"""
A real Dovecot on a maildir, to compare with and to hand trees to.
"""

from __future__ import annotations

import grp
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from twisted.trial.unittest import SkipTest

from tests.support.ports import free_port
from tests.support.suite import need

_CONFIGURATION = """\
base_dir = {folder}/run
state_dir = {folder}/run
log_path = {folder}/dovecot.log
instance_name = mailsuite-test
protocols = imap pop3
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
mail_location = maildir:{maildir}
mail_uid = {uid}
mail_gid = {gid}
first_valid_uid = 0
first_valid_gid = 0
default_login_user = {nobody}
default_internal_user = {nobody}
default_internal_group = {group}
passdb {{
  driver = static
  args = password=secret
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={home}
}}
namespace inbox {{
  inbox = yes
  separator = /
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service pop3-login {{
  chroot =
  inet_listener pop3 {{
    port = {pop3}
  }}
  inet_listener pop3s {{
    port = 0
  }}
}}
service anvil {{
  chroot =
}}
"""


class Dovecot:
    """
    Serves one maildir, as any user with the password ``secret``.
    """

    def __init__(self, maildir: Path) -> None:
        """
        Start it; on return it accepts connections.

        :raises SkipTest: it is not installed, or this is not root.
        """
        program = need("dovecot")
        if not Path("/usr/lib/dovecot/imap").exists():
            raise SkipTest("dovecot-imapd is not installed")
        if os.geteuid() != 0:
            raise SkipTest("Dovecot has to be started as root")
        # Its UNIX sockets need a short path.
        self._folder = folder = Path(tempfile.mkdtemp(prefix="dovecot"))
        self.imap_port, self.pop3_port = free_port(), free_port()
        nobody = pwd.getpwnam("nobody")
        _give(maildir.parent, nobody.pw_uid, nobody.pw_gid)
        configuration = folder / "dovecot.conf"
        configuration.write_text(
            _CONFIGURATION.format(
                folder=folder,
                maildir=maildir,
                home=maildir.parent,
                uid=nobody.pw_uid,
                gid=nobody.pw_gid,
                nobody="nobody",
                group=_group(nobody.pw_gid),
                imap=self.imap_port,
                pop3=self.pop3_port,
            )
        )
        self._log = folder / "dovecot.log"
        self._process = subprocess.Popen(
            [program, "-F", "-c", str(configuration)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(
                    ("127.0.0.1", self.imap_port), 5
                ).close()
                return
            except OSError:
                if time.monotonic() > until:
                    self.stop()
                    raise AssertionError(self.log()) from None
                time.sleep(0.05)

    def log(self) -> str:
        """
        What it complained of.
        """
        return self._log.read_text() if self._log.exists() else ""

    def stop(self) -> None:
        """
        End it; on return it is gone.
        """
        self._process.terminate()
        self._process.wait(20)
        shutil.rmtree(self._folder, ignore_errors=True)


def _give(folder: Path, uid: int, gid: int) -> None:
    """
    Make all of it a user's: Dovecot serves no mail of root's.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for path in (folder, *folder.rglob("*")):
        os.chown(path, uid, gid)


def _group(number: int) -> str:
    return grp.getgrgid(number).gr_name

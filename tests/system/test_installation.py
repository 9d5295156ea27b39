"""
A real installation: configuration file, certificates, proxies, privileges.
"""

from __future__ import annotations

import imaplib
import json
import os
import shutil
import signal
import smtplib
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path

from cryptography import x509
from twisted.trial.unittest import SkipTest, TestCase

from mailsuite.app.tls import own_pair
from mailsuite.disk import Disk
from tests.support.ports import free_port
from tests.support.suite import RunningSuite, environment

_TWISTD = "from twisted.scripts.twistd import run; run()"


def _certificate(folder: Path, *names: str) -> tuple[str, str]:
    """
    A certificate of an authority of its own.
    """
    disk = Disk()
    for name in ("ca", "certificates"):
        disk.make_folders(str(folder / name))
    pair = own_pair(folder, names, disk)
    disk.close()
    return pair.chain, pair.key


def _shown(port: int, name: str) -> str:
    """
    The first name in the certificate that a client of IMAPS sees.
    """
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with (
        socket.create_connection(("127.0.0.1", port), 10) as raw,
        context.wrap_socket(raw, server_hostname=name) as wrapped,
    ):
        der = wrapped.getpeercert(binary_form=True)
    assert der is not None
    subject = x509.load_der_x509_certificate(der).subject
    return subject.rfc4514_string().removeprefix("CN=")


class InstallationTests(TestCase):
    """
    With a configuration file.
    """

    timeout = 180

    def setUp(self) -> None:
        """
        A folder with two certificates and a configuration.
        """
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir(parents=True)
        self.first = _certificate(self.folder / "one", "mail.one.test")
        self.second = _certificate(self.folder / "two", "mail.two.test")
        self.ports = {
            name: free_port()
            for name in ("smtp", "submission", "imap", "imaps", "pop3")
        }
        self.path = self.folder / "mailsuite.toml"
        self.write()

    def write(self, extra: str = "") -> None:
        """
        The configuration, with something in front.
        """
        text = extra + (
            'host_name = "mail.one.test"\ndefault_domain = "one.test"\n'
        )
        for chain, key in (self.first, self.second):
            text += f'[[certificate]]\nchain = "{chain}"\nkey = "{key}"\n'
        for name, port in self.ports.items():
            text += f'[[listen]]\nprotocol = "{name}"\nport = {port}\n'
            if name == "smtp":
                text += 'proxy = ["127.0.0.0/8"]\n'
        self.path.write_text(text)

    def start(self, *options: str) -> RunningSuite:
        """
        The suite, ended with the test.
        """
        suite = RunningSuite(self.folder, "--config", str(self.path), *options)
        self.addCleanup(suite.stop)
        return suite

    def test_domains_by_the_command_and_mail_for_them(self) -> None:
        """
        Without a restart; nobody is made that was not asked for.
        """
        suite = self.start()
        self.assertEqual(suite.facts["accounts"], [])
        self.assertIsNone(suite.facts["ca_file"])
        suite.command("domain", "add", "two.test")
        suite.command("user", "add", "ann@two.test", stdin="secret\n")

        client = smtplib.SMTP("127.0.0.1", self.ports["submission"], timeout=10)
        client.login("ann@two.test", "secret")
        client.sendmail(
            "ann@two.test",
            ["ann@two.test"],
            b"From: ann@two.test\r\nSubject: x\r\n\r\ntext\r\n",
        )
        client.quit()

        reader = imaplib.IMAP4("127.0.0.1", self.ports["imap"], timeout=10)
        reader.login("ann@two.test", "secret")
        self.assertEqual(reader.select(), ("OK", [b"1"]))
        reader.logout()

    def test_each_name_has_its_certificate(self) -> None:
        """
        SNI; the first for names that nobody has.
        """
        self.start()

        for asked, shown in (
            ("mail.two.test", "mail.two.test"),
            ("mail.one.test", "mail.one.test"),
            ("mail.three.test", "mail.one.test"),
        ):
            self.assertEqual(_shown(self.ports["imaps"], asked), shown)

    def test_hangup_takes_up_what_it_can_and_names_the_rest(self) -> None:
        """
        Sessions stay; a broken file changes nothing.  A route of the command
        line is no change.
        """
        suite = self.start("--route", "far.test=127.0.0.1:3525")
        reader = imaplib.IMAP4("127.0.0.1", self.ports["imap"], timeout=10)
        self.addCleanup(reader.shutdown)
        self.second = _certificate(self.folder / "new", "mail.new.test")
        self.write('separator = "."\n')

        suite.process.send_signal(signal.SIGHUP)
        self._wait_for(suite, "was reloaded")

        self.assertEqual(
            _shown(self.ports["imaps"], "mail.new.test"), "mail.new.test"
        )
        self.assertIn("separator needs a restart", suite.output())
        self.assertNotIn("route needs a restart", suite.output())
        self.assertEqual(reader.noop()[0], "OK")

        self.write("unknown = 1\n")
        suite.process.send_signal(signal.SIGHUP)
        self._wait_for(suite, "not reloaded")
        self.assertEqual(reader.noop()[0], "OK")

    def test_hangup_tries_the_files_that_are_named(self) -> None:
        """
        One that is not there is told, and no other is taken up.
        """
        suite = self.start()
        self.second = _certificate(self.folder / "new", "mail.new.test")
        self.write()
        with self.path.open("a") as file:
            file.write('[sending]\nauthorities = "/nonexistent"\n')

        suite.process.send_signal(signal.SIGHUP)
        self._wait_for(suite, "not reloaded")

        self.assertIn("sending.authorities: found /non", suite.output())
        self.assertNotIn("was reloaded", suite.output())
        self.assertEqual(
            _shown(self.ports["imaps"], "mail.new.test"), "mail.one.test"
        )

    def test_the_client_behind_a_proxy_is_who_the_header_says(self) -> None:
        """
        In the log and in Received; nothing from loopback counts as loopback.
        """
        suite = self.start()
        suite.command("user", "add", "ann@one.test", stdin="secret\n")
        with socket.create_connection(
            ("127.0.0.1", self.ports["smtp"]), 10
        ) as connection:
            stream = connection.makefile("rwb")
            stream.write(b"PROXY TCP4 192.0.2.77 127.0.0.1 4000 25\r\n")
            for line in (
                b"EHLO client.test",
                b"MAIL FROM:<x@client.test>",
                b"RCPT TO:<ann@one.test>",
                b"DATA",
                b"Subject: x\r\n\r\ny\r\n.",
                b"QUIT",
            ):
                stream.write(line + b"\r\n")
                stream.flush()
                if line == b"DATA":
                    time.sleep(0.3)
            said = stream.read()
        self.assertIn(b"250 2.0.0 Message accepted", said)

        [message] = (suite.state / "mail/one.test/ann/Maildir").glob("new/*")

        self.assertIn(b"192.0.2.77", message.read_bytes())
        self.assertIn("192.0.2.77", suite.output())

    def test_a_faulty_configuration_is_said_whole(self) -> None:
        """
        By the start and by check-config alike; no traceback.
        """
        self.write('hostname = "x"\n')
        self.path.write_text(
            self.path.read_text().replace(self.second[0], "/nowhere.pem")
            + '[limits]\nrecipients = "many"\n'
        )

        for command in (
            ["-m", "mailsuite.app", "--config", str(self.path), "check-config"],
            ["-c", _TWISTD, "--nodaemon", "--pidfile=", "mailsuite", "start",
             "--config", str(self.path)],
        ):  # fmt: skip
            done = subprocess.run(
                [sys.executable, *command],
                env=environment(),
                cwd=self.folder,
                capture_output=True,
                text=True,
                timeout=60,
            )
            said = done.stdout + done.stderr
            self.assertEqual(done.returncode, 1, said)
            self.assertIn("hostname: found an unknown key", said)
            self.assertIn("limits.recipients: found 'many'", said)
            self.assertIn("/nowhere.pem", said)
            self.assertNotIn("Traceback", said)

    def test_check_config_tries_keys(self) -> None:
        """
        A key that is not there is found before the start.
        """
        os.unlink(self.second[1])

        done = subprocess.run(
            [sys.executable, "-m", "mailsuite.app", "--config",
             str(self.path), "check-config", "--json"],
            env=environment(),
            capture_output=True,
            text=True,
            timeout=60,
        )  # fmt: skip

        self.assertEqual(done.returncode, 1)
        [fault] = json.loads(done.stdout)
        self.assertEqual(fault["key"], "certificate[1]")

    def test_binds_low_ports_and_gives_privileges_up(self) -> None:
        """
        Started as root with --uid and --gid; all files are that user's.
        """
        if os.geteuid() != 0:
            raise SkipTest("needs root")
        port = next((p for p in (143, 993, 110, 25) if _is_free(p)), None)
        if port is None:
            raise SkipTest("no port below 1024 is free")
        uid = gid = 65534
        folder = Path("/var/tmp") / f"mailsuite-test-{os.getpid()}"
        folder.mkdir()
        folder.chmod(0o755)
        self.addCleanup(shutil.rmtree, folder, True)
        path = folder / "mailsuite.toml"
        path.write_text(f'[[listen]]\nprotocol = "imap"\nport = {port}\n')
        state = folder / "state"
        # A command of root's comes first, as in docs/operating.md.
        subprocess.run(
            [sys.executable, "-m", "mailsuite.app", "--config", str(path),
             "--state", str(state), "domain", "add", "example.org"],
            env=environment(),
            check=True,
            stdout=subprocess.DEVNULL,
            timeout=60,
        )  # fmt: skip
        process = subprocess.Popen(
            [sys.executable, "-c", _TWISTD, "--nodaemon", "--pidfile=",
             f"--uid={uid}", f"--gid={gid}", "mailsuite", "start",
             "--config", str(path), "--state", str(state)],
            env=environment(),
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )  # fmt: skip
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.addCleanup(process.stderr.close)  # type: ignore[union-attr]
        self._until((state / "first-start.json").exists, process)

        # TLS needs a codec, which that user may not be able to read.
        reader = imaplib.IMAP4("127.0.0.1", port, timeout=10)
        reader.starttls(ssl._create_unverified_context())
        reader.logout()

        status = Path(f"/proc/{process.pid}/status").read_text()
        self.assertIn(f"Uid:\t{uid}\t{uid}\t{uid}", status)
        owners = {entry.stat().st_uid for entry in state.rglob("*")}
        self.assertEqual(owners, {uid})

    def test_takes_sockets_from_systemd(self) -> None:
        """
        LISTEN_FDS: nothing is bound, and the port is served.
        """
        with socket.socket() as passed:
            passed.bind(("127.0.0.1", 0))
            passed.listen()
            port = passed.getsockname()[1]
            path = self.folder / "systemd.toml"
            path.write_text(f'[[listen]]\nprotocol = "imap"\nport = {port}\n')
            # What systemd does between fork and exec.
            program = (
                "import os, sys; os.dup2(int(sys.argv[1]), 3); "
                "os.environ.update(LISTEN_FDS='1', "
                "LISTEN_PID=str(os.getpid())); "
                "os.execv(sys.executable, [sys.executable, *sys.argv[2:]])"
            )
            state = self.folder / "state"
            process = subprocess.Popen(
                [sys.executable, "-c", program, str(passed.fileno()),
                 "-c", _TWISTD, "--nodaemon", "--pidfile=", "mailsuite",
                 "start", "--config", str(path), "--state", str(state)],
                env=environment(),
                cwd=self.folder,
                pass_fds=[passed.fileno()],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
            )  # fmt: skip
            self.addCleanup(process.wait)
            self.addCleanup(process.kill)
            self.addCleanup(process.stderr.close)  # type: ignore[union-attr]
            self._until((state / "first-start.json").exists, process)

            reader = imaplib.IMAP4("127.0.0.1", port, timeout=10)
            self.assertEqual(reader.logout()[0], "BYE")

    def _wait_for(self, suite: RunningSuite, words: str) -> None:
        self._until(lambda: words in suite.output(), suite.process)

    def _until(self, condition: object, process: object) -> None:
        assert callable(condition)
        assert isinstance(process, subprocess.Popen)
        until = time.monotonic() + 30
        while not condition():
            if process.poll() is not None or time.monotonic() > until:
                said = process.stderr.read() if process.stderr else ""
                self.fail(f"it did not happen; {said}")
            time.sleep(0.05)


def _is_free(port: int) -> bool:
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True

"""
Tests for ``mailsuite.app.check``: what a configuration names is tried.
"""

from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from mailsuite.app.check import check
from mailsuite.app.config import read
from mailsuite.app.tls import own_authority_file, own_pair
from mailsuite.disk import Disk


class CheckTests(SynchronousTestCase):
    """
    Tests for ``check``.
    """

    def setUp(self) -> None:
        self.folder = Path(self.mktemp())
        self.folder.mkdir()
        self.file = self.folder / "mailsuite.toml"

    def faults(self, text: str) -> dict[str, str]:
        """
        What is found at which key.
        """
        self.file.write_text(text)
        found = check(str(self.file), None)
        return {fault.key: fault.found for fault in found}

    def test_authorities(self) -> None:
        """
        A file that is not there or holds no certificate is a fault.
        """
        text = '[sending]\nauthorities = "ca.pem"\n'
        for octets in (None, b"", b"-----BEGIN CERTIFICATE-----\nx\n"):
            if octets is not None:
                (self.folder / "ca.pem").write_bytes(octets)
            self.assertEqual(list(self.faults(text)), ["sending.authorities"])

        disk = Disk()
        self.addCleanup(disk.close)
        for name in ("ca", "certificates"):
            disk.make_folders(str(self.folder / "state" / name))
        own_pair(self.folder / "state", ["localhost"], disk)
        good = own_authority_file(self.folder / "state").read_bytes()
        (self.folder / "ca.pem").write_bytes(good)
        self.assertEqual(self.faults(text), {})

    def test_password_file(self) -> None:
        """
        It has to be there, with a password on its first line.
        """
        text = (
            '[[route]]\nto = "*"\nvia = "smart.net:587"\ntls = "verified"\n'
            'user = "bob"\npassword_file = "secret"\n'
        )
        for octets in (None, b"", b"\nsecret\n", b"\xff\n"):
            if octets is not None:
                (self.folder / "secret").write_bytes(octets)
            (found,) = self.faults(text).items()
            self.assertEqual(found[0], "route[0].password_file")
            self.assertNotIn("\xff", found[1])

        (self.folder / "secret").write_bytes(b"secret\r\n")
        self.assertEqual(self.faults(text), {})

    def test_folders_that_cannot_be_made(self) -> None:
        """
        Even where root is told that it may write; with the system's reason.
        """
        (self.folder / "file").touch()
        for place in ("/proc/nonexistent", "file/state"):
            found = self.faults(f'state = "{place}"\n')
            self.assertEqual(list(found), ["state"])
            self.assertIn(place, found["state"])
            self.assertRegex(found["state"], r"\(.+\)$")

    def test_trying_leaves_nothing(self) -> None:
        """
        A folder that is to be made is not there afterwards.
        """
        self.assertEqual(self.faults('state = "one/two"\n'), {})
        self.assertEqual(list(self.folder.iterdir()), [self.file])

    def test_all_at_once(self) -> None:
        """
        What is not well formed hides no file that is not there.
        """
        text = (
            'hostname = "x"\nstate = "/proc/nonexistent"\n'
            '[sending]\nauthorities = "/nonexistent"\n'
            "[queue]\nretry_minutes = []\n"
            '[[route]]\nto = "*"\nvia = "smart.net:587"\ntls = "verified"\n'
            'user = "bob"\npassword_file = "/nonexistent"\n'
        )

        self.assertLessEqual(
            {
                "hostname",
                "state",
                "sending.authorities",
                "queue.retry_minutes",
                "route[0].password_file",
            },
            set(self.faults(text)),
        )

    def test_host_name_in_u_labels(self) -> None:
        """
        Other hosts see it in A-labels.
        """
        self.assertEqual(self.faults('host_name = "bücher.example"\n'), {})
        self.assertEqual(read(self.file).host_name, "xn--bcher-kva.example")

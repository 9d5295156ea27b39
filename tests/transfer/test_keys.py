"""
Tests for ``mailsuite.transfer.keys``.
"""

from __future__ import annotations

import os
import stat
from datetime import date

from twisted.trial.unittest import SynchronousTestCase

from mailsuite.disk import Disk
from mailsuite.transfer.keys import (
    BadSelector,
    KeyExists,
    Keys,
    KeyState,
    KeyUnreadable,
    NoSuchKey,
)

_TODAY = date(2026, 11, 24)


class KeysTests(SynchronousTestCase):
    """
    Tests for ``Keys``.
    """

    def setUp(self) -> None:
        disk = Disk()
        self.addCleanup(disk.close)
        self.folder = self.mktemp()
        self.keys = Keys(disk, self.folder)

    def again(self) -> Keys:
        """
        What another start reads.
        """
        disk = Disk()
        self.addCleanup(disk.close)
        found = Keys(disk, self.folder)
        self.assertEqual(found.load(), [])
        return found

    def selectors(self, keys: Keys) -> list[str]:
        """
        Of the keys that sign.
        """
        return [key.selector for key in keys.signing("a.example")]

    def test_first_keys_sign_at_once(self) -> None:
        """
        One RSA, one Ed25519; private to the suite; there after a restart.
        """
        made = self.keys.new("a.example", None, _TODAY, 2048)

        self.assertEqual(
            [(key.selector, key.state) for key in made],
            [
                ("m20261124", KeyState.SIGNING),
                ("m20261124e", KeyState.SIGNING),
            ],
        )
        self.assertEqual(made[0].record_name, "m20261124._domainkey.a.example")
        self.assertIn("k=ed25519", made[1].record)
        for keys in (self.keys, self.again()):
            self.assertEqual(self.selectors(keys), ["m20261124", "m20261124e"])
            self.assertEqual(keys.signing("b.example"), ())
        for name in os.listdir(os.path.join(self.folder, "a.example")):
            path = os.path.join(self.folder, "a.example", name)
            self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)

    def test_rotation(self) -> None:
        """
        The next keys wait until they are told to sign; those before are kept
        for mail under way, until they are removed.
        """
        self.keys.new("a.example", "one", _TODAY, 2048)
        made = self.keys.new("a.example", "two", _TODAY, 2048)

        self.assertEqual(made[0].state, KeyState.NEXT)
        self.assertEqual(self.selectors(self.keys), ["one", "onee"])
        self.keys.use("a.example")
        self.assertEqual(self.selectors(self.keys), ["two", "twoe"])
        states = {key.selector: key.state for key in self.again().stored()}
        self.assertEqual(states["one"], KeyState.RETIRED)
        self.keys.remove("a.example", "one")
        self.assertNotIn(
            "one", [key.selector for key in self.keys.stored("a.example")]
        )
        with self.assertRaises(NoSuchKey):
            self.keys.use("a.example")

    def test_refused(self) -> None:
        """
        A selector is a label, and a domain has each once.
        """
        self.keys.new("a.example", "one", _TODAY, 2048)
        with self.assertRaises(KeyExists):
            self.keys.new("a.example", "one", _TODAY, 2048)
        for selector in ("", "../x", "a.b", "-a", "A"):
            with self.assertRaises(BadSelector):
                self.keys.new("a.example", selector or "_", _TODAY, 2048)
        with self.assertRaises(NoSuchKey):
            self.keys.remove("a.example", "two")

    def test_same_day(self) -> None:
        """
        Names made of the date do not meet.
        """
        self.keys.new("a.example", None, _TODAY, 2048)
        made = self.keys.new("a.example", None, _TODAY, 2048)
        self.assertEqual(made[0].selector, "m20261124-2")

    def test_unusable_file(self) -> None:
        """
        A file that holds no key is told of, and the others sign.
        """
        self.keys.new("a.example", "one", _TODAY, 2048)
        path = os.path.join(self.folder, "a.example", "bad.signing.pem")
        with open(path, "wb") as file:
            file.write(b"nonsense")

        [fault] = self.keys.load()
        self.assertIn("bad.signing.pem", fault)
        self.assertEqual(self.selectors(self.keys), ["one", "onee"])

    def test_unusable_file_among_the_listed(self) -> None:
        """
        A list says which it is.
        """
        self.keys.new("a.example", "one", _TODAY, 2048)
        path = os.path.join(self.folder, "a.example", "bad.next.pem")
        with open(path, "wb") as file:
            file.write(b"nonsense")

        with self.assertRaises(KeyUnreadable) as caught:
            self.keys.stored()
        self.assertIn(path, caught.exception.public)

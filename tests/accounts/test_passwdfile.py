"""
Tests for ``mailsuite.accounts.passwdfile``.
"""

from __future__ import annotations

from mailsuite.accounts import account_rows
from mailsuite.accounts.account_rows import Verifiers
from mailsuite.accounts.entries import Imported
from mailsuite.accounts.errors import BadImport
from mailsuite.accounts.passwdfile import User, read_lines
from tests.support.people import PeopleTestCase

#: Made by Debian's ``doveadm pw``, of "hungry pass".
SSHA512 = (
    "{SSHA512}92iQ1+EF7ajJbKIiDsG1mgqc7vx+cLYSWSkOVTOCrqsKDojjDyAeQidGEWq4PPl"
    "tSdgptO7luRtcURoi8OjZwA5tSCw="
)
SCRAM = (
    "{SCRAM-SHA-256}4096,8AxN9dhV/Kampv8/ufk+hQ==,gG1OZ2X8OvG+pTK7a3N0f1qcD2Y"
    "4YWPTjemumXb3/hs=,CMezCDHve1cNAzzkEAapNmAqxOTkz/aa+/Uy68ob3x4="
)


class PasswdFileTests(PeopleTestCase):
    """
    Tests for ``read_lines`` and ``import_lines``.
    """

    def import_lines(self, *lines: str) -> Imported:
        """
        Import into localhost.
        """
        return self.now(self.administration.import_accounts(lines))

    def bad(self, *lines: str) -> str:
        """
        Why lines cannot be imported.
        """
        return self.refused(
            BadImport, self.administration.import_accounts(lines)
        )

    def verifiers(self, local_part: str) -> Verifiers:
        """
        What a login is judged by.
        """
        found = self.now(
            self.directory.read(account_rows.verifiers, local_part, "localhost")
        )
        assert found is not None
        return found

    def test_whole_line(self) -> None:
        """
        User, password and quota are taken, and the rest is passed over.
        """
        line = (
            f"bob@localhost:{SSHA512}:1000:1000:Bob:/home/bob:/bin/sh:"
            "userdb_quota_rule=*:storage=2G:messages=500 userdb_mail=maildir:~"
        )
        self.assertEqual(
            read_lines([line + "\n"], "localhost"),
            [User(1, ("bob", "localhost"), SSHA512, 2 << 30, 500, False)],
        )

    def test_no_login(self) -> None:
        """
        Who may not log in at Dovecot may not here.
        """
        self.import_lines(f"bob:{SSHA512}::::::nologin", f"ann:{SSHA512}")

        listed = self.now(self.administration.list_accounts())

        self.assertEqual(
            {one.address: one.suspended for one in listed},
            {"bob@localhost": True, "ann@localhost": False},
        )

    def test_storage_without_unit(self) -> None:
        """
        Storage without a unit is in kilobytes.
        """
        line = f"bob:{SSHA512}::::::userdb_quota_rule=*:storage=10"
        (user,) = read_lines([line], "localhost")
        self.assertEqual(user.octets_limit, 10 * 1024)

    def test_added(self) -> None:
        """
        Users can log in with their passwords; comments are passed over.
        """
        imported = self.import_lines(
            "# our users", "", f"Bob:{SSHA512}::::::", f"alice:{SSHA512}"
        )
        self.assertEqual(
            imported, Imported(("bob@localhost", "alice@localhost"), ())
        )
        judgement = self.now(
            self.passwords.judge(self.verifiers("bob"), "hungry pass")
        )
        self.assertTrue(judgement.right)

    def test_quota(self) -> None:
        """
        Limits are kept, and 0 is none.
        """
        rule = "::::::userdb_quota_rule=*:storage=1M:messages=0"
        self.import_lines(f"bob:{SSHA512}{rule}")
        entry = self.now(self.administration.quota("bob"))
        self.assertEqual(
            (entry.octets_limit, entry.messages_limit), (1 << 20, None)
        )

    def test_there_already(self) -> None:
        """
        An account that is there stays as it was.
        """
        self.add("bob")
        before = self.verifiers("bob")
        imported = self.import_lines(f"bob:{SSHA512}", f"alice:{SSHA512}")
        self.assertEqual(
            imported, Imported(("alice@localhost",), ("bob@localhost",))
        )
        self.assertEqual(self.verifiers("bob"), before)

    def test_clear_password_is_not_kept(self) -> None:
        """
        A password in clear is digested, and right.
        """
        self.import_lines("bob:{PLAIN}hungry")
        verifiers = self.verifiers("bob")
        self.assertNotIn("hungry", verifiers.password)
        self.assertTrue(
            self.now(self.passwords.judge(verifiers, "hungry")).right
        )

    def test_scram_keys_are_taken(self) -> None:
        """
        Dovecot's SCRAM keys are the account's.
        """
        self.import_lines(f"bob:{SCRAM}")
        verifiers = self.verifiers("bob")
        self.assertTrue(verifiers.own_keys)
        self.assertEqual(verifiers.iterations, 4096)

    def test_another_domain(self) -> None:
        """
        Users without a domain are those of the one that is named.
        """
        self.now(self.administration.add_domain("a.org"))
        imported = self.now(
            self.administration.import_accounts([f"bob:{SSHA512}"], "a.org")
        )
        self.assertEqual(imported.added, ("bob@a.org",))

    def test_all_or_none(self) -> None:
        """
        Every bad line is told, and nothing is kept.
        """
        text = self.bad(
            f"alice:{SSHA512}",
            "bob",
            f"alice:{SSHA512}",
            f"../carol:{SSHA512}",
            "dave:{DIGEST-MD5}794603feb70e84b0f369533c1cd34eb7",
            "erin:{SHA256}short",
        )
        self.assertEqual(
            text.splitlines(),
            [
                "Nothing was imported:",
                "line 2: there is no password",
                "line 3: alice@localhost is there twice",
                "line 4: '../carol@localhost' has a local part that is not"
                " possible here",
                "line 5: the password of dave@localhost: {DIGEST-MD5} is not"
                " known",
                "line 6: the password of erin@localhost: it is damaged",
            ],
        )
        self.assertEqual(self.now(self.administration.list_accounts()), ())

    def test_foreign_domain(self) -> None:
        """
        A user of a domain that is not ours is a bad line.
        """
        text = self.bad(f"alice:{SSHA512}", f"bob@a.org:{SSHA512}")
        self.assertIn("line 2: There is no domain a.org", text)
        self.assertEqual(self.now(self.administration.list_accounts()), ())

    def test_immense_quota(self) -> None:
        """
        A limit that cannot be kept is a bad line.
        """
        rule = "::::::userdb_quota_rule=*:storage=99999999999T"
        text = self.bad(f"bob:{SSHA512}{rule}")
        self.assertIn("line 1: the quota of bob@localhost is too large", text)

    def test_many_bad_lines(self) -> None:
        """
        Of very many bad lines only the first are told.
        """
        text = self.bad(*["bob"] * 25)
        self.assertEqual(len(text.splitlines()), 22)
        self.assertIn("and 5 more", text)

    def test_passwords_are_not_shown(self) -> None:
        """
        A user that gets into a log does not show the password.
        """
        (user,) = read_lines(["bob:{PLAIN}hungry"], "localhost")
        self.assertNotIn("hungry", repr(user))

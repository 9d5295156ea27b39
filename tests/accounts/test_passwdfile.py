"""
Tests for ``mailsuite.accounts.passwdfile``.
"""

from __future__ import annotations

from mailsuite.accounts import account_rows
from mailsuite.accounts.account_rows import Verifiers
from mailsuite.accounts.entries import Imported, LineNote, LineRefused
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

    def refused_lines(self, *lines: str) -> list[tuple[int, str]]:
        """
        (number, why) of the lines that are not taken.
        """
        return [
            (one.line, one.reason) for one in self.import_lines(*lines).refused
        ]

    def right(self, local_part: str, password: str) -> bool:
        """
        Whether a password would log an account in.
        """
        verifiers = self.verifiers(local_part)
        judgement = self.now(self.passwords.judge(verifiers, password))
        return judgement.right and not verifiers.suspended

    def suspended(self) -> dict[str, bool]:
        """
        Every account, and whether it is suspended.
        """
        listed = self.now(self.administration.list_accounts())
        return {one.address: one.suspended for one in listed}

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
            "userdb_quota_rule=*:storage=2G:messages=500"
        )
        self.assertEqual(
            read_lines([line + "\n"], "localhost"),
            ([User(1, ("bob", "localhost"), SSHA512, 2 << 30, 500, False)], []),
        )

    def test_no_login(self) -> None:
        """
        Who may not log in at Dovecot may not here.
        """
        self.import_lines(f"bob:{SSHA512}::::::nologin", f"ann:{SSHA512}")

        self.assertEqual(
            self.suspended(),
            {"bob@localhost": True, "ann@localhost": False},
        )

    def test_storage_without_unit(self) -> None:
        """
        Storage without a unit is in kilobytes.
        """
        line = f"bob:{SSHA512}::::::userdb_quota_rule=*:storage=10"
        ((user,), _) = read_lines([line], "localhost")
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

    def test_others_are_taken(self) -> None:
        """
        Every line that is not taken is told with the reason and what to do,
        and the others are taken.
        """
        imported = self.import_lines(
            f"alice:{SSHA512}",
            "bob",
            f"alice:{SSHA512}",
            f"../carol:{SSHA512}",
            "dave:{WHIRLPOOL}79460",
            "erin:{SHA256}short",
            "frank:hungry",
            "j\ufffdrgen:{PLAIN}x",
            f"x@a.org:{SSHA512}",
            f"zoe:{SSHA512}",
        )
        self.assertEqual(imported.added, ("alice@localhost", "zoe@localhost"))
        cannot = "the password cannot be verified: "
        self.assertEqual(
            imported.refused,
            (
                LineRefused(
                    2, "bob", "there is no password",
                    "write it after the user and a colon",
                ),
                LineRefused(
                    3, "alice", "the user is in line 1 already",
                    "remove one of the two lines",
                ),
                LineRefused(
                    4, "../carol", "'../carol@localhost' has a local part that"
                    " is not possible here", "give the user another name",
                ),
                LineRefused(
                    5, "dave", cannot + "{WHIRLPOOL} is not known",
                    "mailsuite user add dave@localhost, with another password",
                ),
                LineRefused(
                    6, "erin", cannot + "it is damaged",
                    "mailsuite user add erin@localhost, with another password",
                ),
                LineRefused(
                    7, "frank",
                    cannot + "it is no hash that this system knows",
                    "write the scheme before it, {PLAIN} for one in clear",
                ),
                LineRefused(
                    8, "j\ufffdrgen", "it is not UTF-8",
                    "convert the file to UTF-8",
                ),
                LineRefused(
                    9, "x@a.org", "There is no domain a.org",
                    "mailsuite domain add, then import the file again",
                ),
            ),
        )  # fmt: skip
        self.assertEqual(
            list(self.suspended()), ["alice@localhost", "zoe@localhost"]
        )

    def test_alias_is_there(self) -> None:
        """
        A user whose address is an alias is not taken.
        """
        self.add("bob")
        self.now(self.administration.add_alias("us", ["bob"]))
        self.assertEqual(
            self.refused_lines(f"us:{SSHA512}"),
            [(1, "us@localhost is an alias already")],
        )

    def test_immense_quota(self) -> None:
        """
        A limit that cannot be kept is a line that is not taken.
        """
        rule = "::::::userdb_quota_rule=*:storage=99999999999T"
        self.assertEqual(
            self.refused_lines(f"bob:{SSHA512}{rule}"),
            [(1, "the quota is too large")],
        )

    def test_no_password(self) -> None:
        """
        Dovecot lets a user in by any password who has none; here he is kept
        as one who is suspended, and even when resumed none is right.
        """
        imported = self.import_lines(
            "ann:", "bob::1000:1000::/home/bob", "cid:{PLAIN}", "dan:{CRYPT}",
            "eve:::::::nopassword=y", "fay:{PLAIN.B64}",
        )  # fmt: skip
        self.assertEqual(imported.refused, ())
        self.assertEqual(set(self.suspended().values()), {True})
        self.assertEqual(
            imported.notes[1],
            LineNote(2, "bob@localhost", "there is no password: suspended"),
        )
        for user in ("ann", "bob", "cid", "dan", "eve", "fay"):
            entry = self.now(self.administration.resume(user))
            self.assertFalse(entry.has_password)
            self.assertFalse(self.right(user, ""))
            self.assertFalse(self.right(user, "x"))

    def test_locked(self) -> None:
        """
        A locked entry is a suspended account; what was locked is right again
        once it is resumed.
        """
        imported = self.import_lines(
            "ann:!", "bob:*", "cid:*LK*", f"dan:!{SSHA512}", "eve:!!",
            "fay:!{PLAIN}hungry pass", "gus:{CRYPT}!ab5JSsdE6EUhY",
        )  # fmt: skip
        self.assertEqual(len(imported.added), 7)
        self.assertEqual(set(self.suspended().values()), {True})
        self.assertEqual(
            [one.text for one in imported.notes],
            ["the entry is locked and has no password: suspended"] * 3
            + ["the entry is locked: suspended"]
            + ["the entry is locked and has no password: suspended"]
            + ["the entry is locked: suspended"] * 2,
        )
        for user in ("ann", "bob", "cid", "eve"):
            self.now(self.administration.resume(user))
            self.assertFalse(self.right(user, "hungry pass"))
            self.assertFalse(self.right(user, "LK*"))
        for user in ("dan", "fay"):
            self.assertFalse(self.right(user, "hungry pass"))
            self.now(self.administration.resume(user))
            self.assertTrue(self.right(user, "hungry pass"))

    def test_only_a_hash_is_locked(self) -> None:
        """
        A password in clear may begin as it likes.
        """
        self.import_lines("bob:{PLAIN}!hungry")
        self.assertTrue(self.right("bob", "!hungry"))

    def test_lost_fields(self) -> None:
        """
        Extra fields that are not honoured are told, line by line, without
        what may be a secret.
        """
        imported = self.import_lines(
            f"ann:{SSHA512}::::::allow_nets=192.0.2.0/24,local",
            f"bob:{SSHA512}::::::proxy=y host=192.0.2.1",
            f"cid:{SSHA512}::::::userdb_mail=maildir:/srv/x userdb_home=/srv",
            f"dan:{SSHA512}::::::nopassword=y  pass=hungry\x1b[2J k\x07=1",
        )
        self.assertEqual(
            imported.notes,
            (
                LineNote(
                    1, "ann@localhost",
                    "allow_nets is not enforced here: logins are taken from"
                    " everywhere",
                ),
                LineNote(
                    2, "bob@localhost",
                    "proxy is not followed: his mail is served from here",
                ),
                LineNote(2, "bob@localhost", "host is not taken"),
                LineNote(
                    3, "cid@localhost",
                    "userdb_mail is not taken: the configuration says where"
                    " mail lies",
                ),
                LineNote(
                    3, "cid@localhost",
                    "userdb_home is not taken: the configuration says where"
                    " mail lies",
                ),
                LineNote(
                    4, "dan@localhost",
                    "nopassword is not followed: nobody logs in without his"
                    " password",
                ),
                LineNote(4, "dan@localhost", "pass is not taken"),
                LineNote(4, "dan@localhost", "k? is not taken"),
            ),
        )  # fmt: skip
        self.assertEqual(len(imported.added), 4)

    def test_rule_that_is_not_taken(self) -> None:
        """
        A quota that is not taken is told, and the line is.
        """
        imported = self.import_lines(
            f"bob:{SSHA512}::::::userdb_quota_rule=INBOX:storage=5M"
        )
        self.assertEqual(
            [one.text for one in imported.notes],
            [
                "userdb_quota_rule=INBOX:storage=5M is a rule for one mailbox:"
                " not taken, an account has one quota"
            ],
        )
        entry = self.now(self.administration.quota("bob"))
        self.assertEqual(
            (entry.octets_limit, entry.messages_limit), (None, None)
        )

    def test_hashes_that_nobody_could_log_in_with(self) -> None:
        """
        Hashes that are cut, and those that would occupy a thread for hours,
        are told with what to do.
        """
        imported = self.import_lines(
            "ann:{SHA512-CRYPT}$6$short",
            "bob:{BLF-CRYPT}$2y$05$short",
            "cid:{MD5-CRYPT}$1$abc$xyz",
            "dan:{BLF-CRYPT}$2y$05$Q0e6o9hs.f6JxjsHx3UVyueUNRC1SmGjd9UhmD2keQf"
            "4sDlgZIw0",
            "eve:{SHA512-CRYPT}$6$rounds=999999999$salt$" + 86 * "a",
            "fay:{BLF-CRYPT}$2y$31$Q0e6o9hs.f6JxjsHx3UVyueUNRC1SmGjd9UhmD2keQf"
            "4sDlgZIw0.",
        )
        self.assertEqual(imported.added, ())
        cannot = "the password cannot be verified: "
        self.assertEqual(
            [one.reason for one in imported.refused],
            [cannot + "it is damaged"] * 4
            + [
                cannot + "999999999 rounds would take too long, 1000000 are the"
                " most",
                cannot + "a cost of 31 would take too long, 14 is the most",
            ],
        )
        self.assertEqual(
            {one.remedy.replace(one.user, "X") for one in imported.refused},
            {"mailsuite user add X@localhost, with another password"},
        )

    def test_truncated_password_is_not_kept_in_clear(self) -> None:
        """
        Of a password that counts in part a digest of that part is kept.
        """
        self.import_lines("bob:{PLAIN-TRUNC}6-hungry")
        self.assertNotIn("hungry", self.verifiers("bob").password)
        self.assertTrue(self.right("bob", "hungry pass"))
        self.assertFalse(self.right("bob", "hungr"))

    def test_digest_with_the_user(self) -> None:
        """
        A digest that has the user in it is judged with the account's address.
        """
        self.import_lines("bob:{DIGEST-MD5}794603feb70e84b0f369533c1cd34eb7")
        self.assertTrue(self.right("bob", "hungry pass"))

    def test_rehashed(self) -> None:
        """
        An old digest is made as ours are when it was right.
        """
        self.import_lines("bob:{NTLM}7723c28008e6b9a37fae3634e3a3c942")
        judgement = self.now(
            self.passwords.judge(self.verifiers("bob"), "hungry pass")
        )
        assert judgement.better is not None
        self.assertTrue(judgement.better.password.startswith("{SSHA256}"))

    def test_ten_thousand(self) -> None:
        """
        10,000 lines are added in one transaction, with one that is bad.
        """
        lines = [f"user{number}:{SSHA512}" for number in range(10_000)]
        lines[5_000] = "nobody"
        imported = self.import_lines(*lines)
        self.assertEqual(len(imported.added), 9_999)
        self.assertEqual([one.line for one in imported.refused], [5_001])

    def test_passwords_are_not_shown(self) -> None:
        """
        A user that gets into a log does not show the password.
        """
        ((user,), _) = read_lines(["bob:{PLAIN}hungry"], "localhost")
        self.assertNotIn("hungry", repr(user))

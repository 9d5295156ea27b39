"""
Tests for ``mailsuite.accounts.quotarules``.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from mailsuite.accounts.account_rows import MOST_LIMIT
from mailsuite.accounts.errors import BadLine
from mailsuite.accounts.quotarules import Quota, read, shown


class ReadTests(SynchronousTestCase):
    """
    Tests for ``read``.
    """

    def taken(self, limits: str) -> Quota:
        """
        The quota of a rule for the account, of which nothing is lost.
        """
        quota, notes = read([f"userdb_quota_rule=*:{limits}"])
        self.assertEqual(notes, [], limits)
        return quota

    def untaken(self, *fields: str) -> list[str]:
        """
        What is told of fields that make no limit.
        """
        quota, notes = read(fields)
        self.assertEqual(quota, Quota(), fields)
        return notes

    def test_storage(self) -> None:
        """
        Storage is in kilobytes where no unit is named, in either case.
        """
        for value, octets in (
            ("10", 10 << 10),
            ("10b", 10),
            ("10B", 10),
            ("10k", 10 << 10),
            ("10M", 10 << 20),
            ("10m", 10 << 20),
            ("2G", 2 << 30),
            ("1T", 1 << 40),
        ):
            self.assertEqual(self.taken(f"storage={value}"), Quota(octets))

    def test_bytes(self) -> None:
        """
        Bytes are octets where no unit is named.
        """
        self.assertEqual(self.taken("bytes=2G"), Quota(2 << 30))
        self.assertEqual(self.taken("bytes=2000"), Quota(2000))

    def test_messages(self) -> None:
        """
        Messages are counted, and Dovecot takes a unit there as well.
        """
        self.assertEqual(self.taken("messages=500"), Quota(None, 500))
        self.assertEqual(self.taken("messages=1k"), Quota(None, 1024))

    def test_together(self) -> None:
        """
        Both limits in one rule, or in two.
        """
        both = Quota(1 << 20, 5)
        self.assertEqual(self.taken("storage=1M:messages=5"), both)
        self.assertEqual(
            read([
                "userdb_quota_rule=*:messages=5",
                "userdb_quota_rule2=*:bytes=1M",
            ]),
            (both, []),
        )  # fmt: skip

    def test_none(self) -> None:
        """
        0 is no limit.
        """
        self.assertEqual(self.taken("storage=0:messages=0"), Quota())
        self.assertEqual(read([]), (Quota(), []))

    def test_other_mailboxes(self) -> None:
        """
        A rule for one mailbox is no limit of the account.
        """
        self.assertEqual(
            self.untaken("userdb_quota_rule2=Trash:storage=+10%"),
            [
                "userdb_quota_rule2=Trash:storage=+10% is a rule for one"
                " mailbox: not taken, an account has one quota"
            ],
        )
        self.assertEqual(
            len(self.untaken("userdb_quota_rule=INBOX:bytes=5")), 1
        )

    def test_garbage(self) -> None:
        """
        What is no limit is told, and the limits beside it are taken.
        """
        field = "userdb_quota_rule=*:storage=garbage:messages=5"
        self.assertEqual(
            read([field]),
            (
                Quota(None, 5),
                [f"{field}: storage=garbage is no number: not taken"],
            ),
        )
        for limits in (
            "storage=", "storage", "storage=5X", "storage=5MB", "bytes=1.5G",
            "messages= 5", "ignore", "octets=5",
        ):  # fmt: skip
            notes = self.untaken(f"userdb_quota_rule=*:{limits}")
            self.assertEqual(len(notes), 1, limits)
            self.assertIn("not taken", notes[0])

    def test_relative(self) -> None:
        """
        What depends on Dovecot's configuration is told with what to do.
        """
        for value in ("50%", "+5M", "-5M"):
            field = f"userdb_quota_rule=*:storage={value}"
            self.assertEqual(
                self.untaken(field),
                [
                    f"{field}: storage={value} is relative to another limit:"
                    " not taken, set it with mailsuite quota set"
                ],
            )

    def test_no_rule(self) -> None:
        """
        A field without a rule, and one that only begins like it, are told.
        """
        self.assertEqual(
            self.untaken(
                "userdb_quota_rule", "userdb_quota_rule=*",
                "userdb_quota_rules=*:bytes=5",
            ),
            [
                "userdb_quota_rule is not understood: not taken",
                "userdb_quota_rule=* is not understood: not taken",
                "userdb_quota_rules is not taken",
            ],
        )  # fmt: skip

    def test_too_large(self) -> None:
        """
        The largest limit is taken; one more is a line that is not.
        """
        self.assertEqual(self.taken(f"bytes={MOST_LIMIT}"), Quota(MOST_LIMIT))
        for limit in (f"bytes={MOST_LIMIT + 1}", "messages=9999999T"):
            with self.assertRaises(BadLine):
                read([f"userdb_quota_rule=*:{limit}"])


class ShownTests(SynchronousTestCase):
    """
    Tests for ``shown``.
    """

    def test_terminal(self) -> None:
        """
        What a terminal would obey is not shown to it.
        """
        self.assertEqual(shown("a\x1b[2Jb"), "a?[2Jb")

    def test_length(self) -> None:
        """
        A long text is cut, and that is seen.
        """
        self.assertEqual(shown(80 * "a"), 80 * "a")
        self.assertEqual(shown(81 * "a"), 80 * "a" + "...")

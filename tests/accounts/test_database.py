"""
Tests for ``mailsuite.accounts.database``.
"""

from __future__ import annotations

import os
import sqlite3
import stat

from twisted.trial.unittest import SynchronousTestCase

from mailsuite.accounts.database import (
    KEPT_CHANGES,
    Database,
    server_secret,
)
from mailsuite.accounts.errors import AccountsTooNew
from mailsuite.disk import Disk
from mailsuite.disksteps import Committed, Step


class DatabaseTests(SynchronousTestCase):
    """
    Tests for ``Database``.
    """

    def setUp(self) -> None:
        """
        A path, and a disk that is watched.
        """
        self.path = self.mktemp()
        self.steps: list[Step] = []
        self.disk = Disk(self.steps.append)
        self.addCleanup(self.disk.close)

    def opened(self) -> Database:
        """
        The open file.
        """
        database = Database(self.path, self.disk)
        self.addCleanup(database.close)
        return database

    def test_only_we_may_read(self) -> None:
        """
        The file and what SQLite puts beside it are 0600.
        """
        database = self.opened()
        with database.transaction() as connection:
            server_secret(connection)
        for suffix in ("", "-wal", "-shm"):
            mode = stat.S_IMODE(os.stat(self.path + suffix).st_mode)
            self.assertEqual(mode, 0o600, suffix)

    def test_survives_a_power_cut(self) -> None:
        """
        Commits are synced.
        """
        database = self.opened()
        row = database.connection.execute("PRAGMA synchronous").fetchone()
        self.assertEqual(row, (2,))

    def test_commits_pass_the_disk(self) -> None:
        """
        Each commit is one step of the disk.
        """
        database = self.opened()
        del self.steps[:]
        with database.transaction() as connection:
            server_secret(connection)
        self.assertEqual(self.steps, [Committed(self.path)])

    def test_all_or_nothing(self) -> None:
        """
        An error takes the whole transaction back.
        """
        database = self.opened()

        def fail() -> None:
            with database.transaction() as connection:
                connection.execute("INSERT INTO domains (name) VALUES ('a')")
                raise ZeroDivisionError

        self.assertRaises(ZeroDivisionError, fail)
        with database.reading() as connection:
            rows = connection.execute("SELECT * FROM domains").fetchall()
        self.assertEqual(rows, [])

    def test_opens_again(self) -> None:
        """
        What is there is found, and the schema is not made twice.
        """
        with self.opened().transaction() as connection:
            first = server_secret(connection)
        with self.opened().transaction() as connection:
            self.assertEqual(server_secret(connection), first)

    def test_later_release(self) -> None:
        """
        A file of a later release is refused, and left alone.
        """
        self.opened().connection.execute("PRAGMA user_version = 1000")
        self.assertRaises(AccountsTooNew, Database, self.path, self.disk)

    def test_changes_are_pruned(self) -> None:
        """
        Of the changes the last ones are kept.
        """
        database = self.opened()
        with database.transaction() as connection:
            connection.executemany(
                "INSERT INTO changes (kind, local_part, domain)"
                " VALUES ('domain', '', ?)",
                [(str(number),) for number in range(KEPT_CHANGES + 5)],
            )
        row = database.connection.execute(
            "SELECT min(number), max(number) FROM changes"
        ).fetchone()
        self.assertEqual(row, (6, KEPT_CHANGES + 5))

    def test_numbers_are_not_used_again(self) -> None:
        """
        The number of the last account, once removed, is not given again.
        """
        database = self.opened()
        numbers = []
        for _ in range(2):
            with database.transaction() as connection:
                connection.execute(
                    "INSERT OR IGNORE INTO domains (name) VALUES ('a')"
                )
                row = connection.execute(
                    "INSERT INTO accounts (local_part, domain, password,"
                    " scram_salt, scram_iterations)"
                    " VALUES ('bob', 'a', '', x'00', 1) RETURNING number"
                ).fetchone()
                numbers.append(row[0])
                connection.execute("DELETE FROM accounts")
        self.assertEqual(numbers, [1, 2])

    def test_foreign_keys(self) -> None:
        """
        No account is left without its domain.
        """
        database = self.opened()

        def add() -> None:
            with database.transaction() as connection:
                connection.execute(
                    "INSERT INTO aliases VALUES ('a', 'b', 0, 'c', 'd')"
                )

        self.assertRaises(sqlite3.IntegrityError, add)

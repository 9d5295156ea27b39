"""
``accounts.sqlite3``: one connection, its schema, and durable transactions.

Implementation notes

- ``synchronous=FULL``: what was answered survives a power cut.  Unlike an
  account's index this file is not disposable.
- Triggers put every change that anybody makes, another process too, into the
  table ``changes``, numbered; who follows reads those after a number.
- The schema only goes forward: a file of a later release is refused.
- All of this blocks, and is called from one thread at a time.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from mailsuite.accounts.errors import AccountsTooNew
from mailsuite.disk import Disk

#: How long we wait for another process's transaction, in seconds.
_BUSY_SECONDS = 5.0

#: Changes that are kept for those who follow; who is further behind reads all.
KEPT_CHANGES = 10_000

#: Each entry takes the schema one version forward; never edited, only added to.
_MIGRATIONS = (
    """
    CREATE TABLE settings (
        name TEXT PRIMARY KEY,
        value BLOB NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE domains (
        name TEXT PRIMARY KEY,
        alias_of TEXT REFERENCES domains (name),
        catch_all TEXT
    ) WITHOUT ROWID;
    CREATE TABLE accounts (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        local_part TEXT NOT NULL,
        domain TEXT NOT NULL REFERENCES domains (name),
        suspended INTEGER NOT NULL DEFAULT 0,
        password TEXT NOT NULL,
        password_version INTEGER NOT NULL DEFAULT 1,
        login_epoch INTEGER NOT NULL DEFAULT 1,
        scram_salt BLOB NOT NULL,
        scram_iterations INTEGER NOT NULL,
        stored_key BLOB,
        server_key BLOB,
        octets_limit INTEGER,
        messages_limit INTEGER,
        UNIQUE (domain, local_part)
    );
    CREATE TABLE app_passwords (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        account INTEGER NOT NULL
            REFERENCES accounts (number) ON DELETE CASCADE,
        name TEXT NOT NULL,
        stored_key BLOB NOT NULL,
        server_key BLOB NOT NULL,
        added INTEGER NOT NULL,
        UNIQUE (account, name)
    );
    CREATE TABLE aliases (
        local_part TEXT NOT NULL,
        domain TEXT NOT NULL REFERENCES domains (name),
        position INTEGER NOT NULL,
        target_local_part TEXT NOT NULL,
        target_domain TEXT NOT NULL,
        PRIMARY KEY (domain, local_part, position)
    ) WITHOUT ROWID;
    CREATE INDEX aliases_by_target ON aliases (target_domain);

    CREATE TABLE changes (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        kind TEXT NOT NULL,
        local_part TEXT NOT NULL,
        domain TEXT NOT NULL
    );
    CREATE TRIGGER account_added AFTER INSERT ON accounts BEGIN
        INSERT INTO changes (kind, local_part, domain)
        VALUES ('account', new.local_part, new.domain);
    END;
    CREATE TRIGGER account_changed AFTER UPDATE ON accounts BEGIN
        INSERT INTO changes (kind, local_part, domain)
        VALUES ('account', old.local_part, old.domain);
        INSERT INTO changes (kind, local_part, domain)
        SELECT 'account', new.local_part, new.domain
        WHERE (new.local_part, new.domain) <> (old.local_part, old.domain);
    END;
    CREATE TRIGGER account_removed AFTER DELETE ON accounts BEGIN
        INSERT INTO changes (kind, local_part, domain)
        VALUES ('account', old.local_part, old.domain);
    END;
    CREATE TRIGGER alias_added AFTER INSERT ON aliases BEGIN
        INSERT INTO changes (kind, local_part, domain)
        VALUES ('alias', new.local_part, new.domain);
    END;
    CREATE TRIGGER alias_removed AFTER DELETE ON aliases BEGIN
        INSERT INTO changes (kind, local_part, domain)
        VALUES ('alias', old.local_part, old.domain);
    END;
    CREATE TRIGGER domain_added AFTER INSERT ON domains BEGIN
        INSERT INTO changes (kind, local_part, domain)
        VALUES ('domain', '', new.name);
    END;
    CREATE TRIGGER domain_changed AFTER UPDATE ON domains BEGIN
        INSERT INTO changes (kind, local_part, domain)
        VALUES ('domain', '', new.name);
    END;
    CREATE TRIGGER domain_removed AFTER DELETE ON domains BEGIN
        INSERT INTO changes (kind, local_part, domain)
        VALUES ('domain', '', old.name);
    END;
    """,
)


class Database:
    """
    The open file.
    """

    def __init__(self, path: str, disk: Disk) -> None:
        """
        Open it; made if there is none, and taken to the present schema.

        :raises AccountsTooNew: a later release made it.
        """
        if not os.path.exists(path):
            _create(path, disk)
        self._path = path
        self._disk = disk
        self.connection = sqlite3.connect(
            path,
            timeout=_BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            self._prepare()
        except BaseException:
            self.connection.close()
            raise

    def close(self) -> None:
        """
        Let go of the file.
        """
        self.connection.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """
        All or nothing; at its end it survives a power cut.
        """
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            yield self.connection
            self._prune()
            self.connection.execute("COMMIT")
        except BaseException:
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")
            raise
        self._disk.committed(self._path)

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """
        One state of the file for several queries.
        """
        self.connection.execute("BEGIN")
        try:
            yield self.connection
        finally:
            self.connection.execute("ROLLBACK")

    def _prepare(self) -> None:
        self.connection.execute("PRAGMA journal_mode = WAL")
        self.connection.execute("PRAGMA synchronous = FULL")
        self.connection.execute("PRAGMA foreign_keys = ON")
        if self._version() > len(_MIGRATIONS):
            raise AccountsTooNew(
                f"{self._path} was made by a later release of Mailsuite"
            )
        if self._version() < len(_MIGRATIONS):
            self._migrate()

    def _version(self) -> int:
        return int(self.connection.execute("PRAGMA user_version").fetchone()[0])

    def _migrate(self) -> None:
        with self.transaction() as connection:
            # Another process may have been quicker.
            for script in _MIGRATIONS[self._version() :]:
                for statement in _statements(script):
                    connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {len(_MIGRATIONS)}")

    def _prune(self) -> None:
        if self._version() == 0:
            return
        self.connection.execute(
            "DELETE FROM changes WHERE number <="
            " (SELECT max(number) FROM changes) - ?",
            (KEPT_CHANGES,),
        )


def server_secret(connection: sqlite3.Connection) -> bytes:
    """
    32 octets that are made once and stay with the file.
    """
    connection.execute(
        "INSERT OR IGNORE INTO settings VALUES ('secret', ?)",
        (secrets.token_bytes(32),),
    )
    row = connection.execute(
        "SELECT value FROM settings WHERE name = 'secret'"
    ).fetchone()
    return bytes(row[0])


def _create(path: str, disk: Disk) -> None:
    """
    An empty file that only we may read; SQLite's others take its mode.
    """
    try:
        with disk.create_named(path) as file:
            disk.sync(files=[file], folders=[os.path.dirname(path)])
    except FileExistsError:
        return


def _statements(script: str) -> Iterator[str]:
    """
    A script's statements: ``executescript`` would commit between them.
    """
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""

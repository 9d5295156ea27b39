"""
What is known of an account's mailboxes and stands nowhere in the maildir:
their special uses.

Implementation notes

- ``settings.sqlite3`` is not disposable, and in every backup; its commits are
  durable on return.
- Mailboxes are named by their ids, so that a setting stays with its mailbox
  when that is renamed.
- The file belongs to who has its folder: if that is another account than the
  one that wrote it (removed and added again, moved to another machine), the
  settings are that account's from then on.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from mailsuite.disk import Disk
from mailsuite.store.database import as_mail_error

_SCHEMA = """
CREATE TABLE IF NOT EXISTS special_use (
    account INTEGER NOT NULL,
    mailbox_id TEXT NOT NULL,
    special_use TEXT NOT NULL,
    PRIMARY KEY (account, mailbox_id)
) WITHOUT ROWID
"""


class Settings:
    """
    The settings of one account.
    """

    def __init__(self, path: str, account: int, disk: Disk) -> None:
        self._path = path
        self._account = account
        self._disk = disk
        self._stamp: tuple[int, int, int] | None = None
        self._special_uses: dict[str, str] = {}

    @property
    def exist(self) -> bool:
        """
        Whether anything was ever set, be it that there is nothing to set.
        """
        return self._stat() is not None

    @property
    def special_uses(self) -> dict[str, str]:
        """
        Special uses by mailbox id.
        """
        stamp = self._stat()
        if stamp != self._stamp:
            self._special_uses = self._read() if stamp else {}
            self._stamp = stamp
        return self._special_uses

    def set_special_uses(self, uses: dict[str, str]) -> None:
        """
        Give mailboxes a special use; durable on return.
        """
        with self._database() as database:
            database.executemany(
                "INSERT OR REPLACE INTO special_use VALUES (?, ?, ?)",
                [(self._account, key, use) for key, use in uses.items()],
            )

    def forget(self, mailbox_id: str) -> None:
        """
        The mailbox is no more.
        """
        if mailbox_id in self.special_uses:
            with self._database() as database:
                database.execute(
                    "DELETE FROM special_use"
                    " WHERE account = ? AND mailbox_id = ?",
                    (self._account, mailbox_id),
                )

    def _stat(self) -> tuple[int, int, int] | None:
        try:
            status = os.stat(self._path)
        except FileNotFoundError:
            return None
        return status.st_ino, status.st_mtime_ns, status.st_size

    def _read(self) -> dict[str, str]:
        with self._database() as database:
            return dict(
                database.execute(
                    "SELECT mailbox_id, special_use FROM special_use"
                    " WHERE account = ?",
                    (self._account,),
                ).fetchall()
            )

    @contextmanager
    def _database(self) -> Iterator[sqlite3.Connection]:
        with suppress(FileExistsError):
            self._disk.create_named(self._path).close()
        try:
            database = sqlite3.connect(
                self._path, timeout=10, isolation_level=None
            )
            try:
                database.execute("PRAGMA synchronous = EXTRA")
                database.execute("BEGIN IMMEDIATE")
                database.execute(_SCHEMA)
                database.execute(
                    "UPDATE OR REPLACE special_use SET account = ?1"
                    " WHERE account <> ?1",
                    (self._account,),
                )
                yield database
                with self._disk.in_order():
                    database.execute("COMMIT")
                    self._disk.committed(self._path)
            finally:
                database.close()
        except sqlite3.Error as error:
            raise as_mail_error(error) from error

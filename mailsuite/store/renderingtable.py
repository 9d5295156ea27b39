"""
What renderers made of messages, as the index keeps it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mailsuite.store.database import Database


class RenderingTable:
    """
    Renderings by mailbox, renderer and UID.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def kind(self, name: str, version: int) -> int:
        """
        The number under which this renderer's results are kept; those of its
        other versions are dropped.
        """
        rows = self._database.all(
            "SELECT kind FROM renderer WHERE name = ? AND version = ?",
            name,
            version,
        )
        if rows:
            kind: int = rows[0][0]
            return kind
        with self._database.transaction():
            self._database.do(
                "DELETE FROM rendering WHERE kind IN"
                " (SELECT kind FROM renderer WHERE name = ?)",
                name,
            )
            self._database.do("DELETE FROM renderer WHERE name = ?", name)
            self._database.do(
                "INSERT INTO renderer (name, version) VALUES (?, ?)",
                name,
                version,
            )
        return self.kind(name, version)

    def kinds(self) -> list[int]:
        """
        All numbers of renderers.
        """
        rows = self._database.all("SELECT kind FROM renderer")
        return [kind for (kind,) in rows]

    def between(
        self, mailbox: int, kind: int, first: int, last: int
    ) -> dict[int, bytes]:
        """
        The renderings of one kind of the messages from ``first`` to ``last``.
        """
        rows = self._database.all(
            "SELECT uid, octets FROM rendering WHERE account = ?"
            " AND mailbox = ? AND kind = ? AND uid BETWEEN ? AND ?",
            self._database.account,
            mailbox,
            kind,
            first,
            last,
        )
        return dict(rows)

    def missing(self, mailbox: int, kind: int, first: int) -> list[int]:
        """
        The messages from ``first`` on that have no rendering of this kind.
        """
        rows = self._database.all(
            "SELECT uid FROM message WHERE account = ?1 AND mailbox = ?2"
            " AND uid >= ?4 AND uid NOT IN (SELECT uid FROM rendering"
            " WHERE account = ?1 AND mailbox = ?2 AND kind = ?3"
            " AND uid >= ?4)",
            self._database.account,
            mailbox,
            kind,
            first,
        )
        return [uid for (uid,) in rows]

    def add(
        self, mailbox: int, kind: int, rendered: Iterable[tuple[int, bytes]]
    ) -> None:
        """
        Keep renderings, given as pairs of UID and octets; those of messages
        that are gone are left out.
        """
        account = self._database.account
        self._database.do_many(
            "INSERT OR REPLACE INTO rendering"
            " SELECT account, mailbox, ?, uid, ? FROM message"
            " WHERE account = ? AND mailbox = ? AND uid = ?",
            [(kind, octets, account, mailbox, uid) for uid, octets in rendered],
        )

    def forget(self, mailbox: int, uids: Sequence[int]) -> None:
        """
        Remove the renderings of messages.
        """
        account = self._database.account
        self._database.do_many(
            "DELETE FROM rendering WHERE account = ? AND mailbox = ?"
            " AND kind = ? AND uid = ?",
            [
                (account, mailbox, kind, uid)
                for kind in self.kinds()
                for uid in uids
            ],
        )

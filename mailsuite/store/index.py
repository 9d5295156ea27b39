"""
An account's index: what the maildir says, where it is quick to find.

Implementation notes

- All calls block.  Used by one thread at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mailsuite.disk import Disk
from mailsuite.store.database import Database
from mailsuite.store.renderingtable import RenderingTable
from mailsuite.store.rows import (
    FileRow,
    MailboxRow,
    MessageRow,
    named,
    stored,
)

_BY_MAILBOX = ("message", "file", "expunged", "rendering", "snapshot")


class Index(Database):
    """
    An open index.
    """

    def __init__(self, path: str, account: int, disk: Disk) -> None:
        super().__init__(path, account, disk)
        self.renderings = RenderingTable(self)

    # The account

    def standing(self) -> tuple[int, int]:
        """
        The account's last modseq, and its epoch.
        """
        [(modseq, epoch)] = self.all(
            "SELECT modseq, epoch FROM account WHERE account = ?",
            self.account,
        )
        return modseq, epoch

    def set_standing(self, modseq: int, epoch: int) -> None:
        """
        Keep the account's last modseq and its epoch.
        """
        self.do("UPDATE account SET modseq = ?, epoch = ?", modseq, epoch)

    def use(self) -> tuple[int, int]:
        """
        Octets and messages of all mailboxes.
        """
        [(octets, messages)] = self.all(
            "SELECT coalesce(sum(size), 0), count(*) FROM message"
            " WHERE account = ?",
            self.account,
        )
        return octets, messages

    # Mailboxes

    def mailboxes(self) -> list[MailboxRow]:
        """
        All of them.
        """
        rows = self.all(
            "SELECT folder, guid, uidvalidity, mailbox, uidnext,"
            " highestmodseq, complete_since, first_recent, epoch, seen,"
            " keywords FROM mailbox WHERE account = ?",
            self.account,
        )
        mailboxes = []
        for *numbers, keywords in rows:
            row = MailboxRow(*numbers)
            row.keywords = tuple(keywords.split("\n")[1:])
            mailboxes.append(row)
        return mailboxes

    def save_mailbox(self, row: MailboxRow) -> None:
        """
        Keep a mailbox's numbers; it gets a number of its own if it has none.
        """
        values = (
            row.folder,
            row.guid,
            row.uidvalidity,
            row.uidnext,
            row.highestmodseq,
            row.complete_since,
            row.first_recent,
            row.epoch,
            row.seen,
            "".join(f"\n{word}" for word in row.keywords),
        )
        if row.mailbox:
            self.do(
                "UPDATE mailbox SET folder = ?, guid = ?, uidvalidity = ?,"
                " uidnext = ?, highestmodseq = ?, complete_since = ?,"
                " first_recent = ?, epoch = ?, seen = ?, keywords = ?"
                " WHERE mailbox = ?",
                *values,
                row.mailbox,
            )
            return
        row.mailbox = self.do(
            "INSERT INTO mailbox (folder, guid, uidvalidity, uidnext,"
            " highestmodseq, complete_since, first_recent, epoch, seen,"
            " keywords, account) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            *values,
            self.account,
        )

    def forget_mailbox(self, mailbox: int) -> None:
        """
        Remove a mailbox with all that is known of it.
        """
        self.forget_messages(mailbox)
        self.do("DELETE FROM mailbox WHERE mailbox = ?", mailbox)

    def forget_messages(self, mailbox: int) -> None:
        """
        Remove all messages of a mailbox, without a trace.
        """
        for table in _BY_MAILBOX:
            self.do(
                f"DELETE FROM {table} WHERE account = ? AND mailbox = ?",
                self.account,
                mailbox,
            )

    # Messages

    def messages(self, mailbox: int) -> list[MessageRow]:
        """
        All messages of a mailbox, in the order of their UIDs.
        """
        return self.all(
            "SELECT uid, flags, modseq, size, date FROM message"
            " WHERE account = ? AND mailbox = ? ORDER BY uid",
            self.account,
            mailbox,
        )

    def snapshot(self, mailbox: int) -> tuple[int, bytes] | None:
        """
        The messages as they were at a modseq, in the form in which they were
        kept.
        """
        rows = self.all(
            "SELECT modseq, octets FROM snapshot"
            " WHERE account = ? AND mailbox = ?",
            self.account,
            mailbox,
        )
        return rows[0] if rows else None

    def keep_snapshot(self, mailbox: int, modseq: int, octets: bytes) -> None:
        """
        Keep the messages as they were at ``modseq``.
        """
        self.do(
            "INSERT OR REPLACE INTO snapshot VALUES (?, ?, ?, ?)",
            self.account,
            mailbox,
            modseq,
            octets,
        )

    def messages_between(
        self, mailbox: int, first: int, last: int
    ) -> list[MessageRow]:
        """
        The messages with a UID from ``first`` to ``last``, both inside.
        """
        return self.all(
            "SELECT uid, flags, modseq, size, date FROM message"
            " WHERE account = ? AND mailbox = ? AND uid BETWEEN ? AND ?",
            self.account,
            mailbox,
            first,
            last,
        )

    def changed_messages(self, mailbox: int, modseq: int) -> list[MessageRow]:
        """
        The messages whose modseq is above this.
        """
        return self.all(
            "SELECT uid, flags, modseq, size, date FROM message"
            " WHERE account = ? AND mailbox = ? AND modseq > ? ORDER BY uid",
            self.account,
            mailbox,
            modseq,
        )

    def numbers(self, mailbox: int) -> tuple[int, int, int, int, int]:
        """
        Messages, those without \\Seen, with \\Deleted; octets, and of these
        those of the messages with \\Deleted.
        """
        [row] = self.all(
            "SELECT count(*), coalesce(sum(flags & 8 = 0), 0),"
            " coalesce(sum(flags & 4 != 0), 0), coalesce(sum(size), 0),"
            " coalesce(sum(CASE WHEN flags & 4 THEN size ELSE 0 END), 0)"
            " FROM message WHERE account = ? AND mailbox = ?",
            self.account,
            mailbox,
        )
        return row

    def count_from(self, mailbox: int, uid: int) -> int:
        """
        How many messages have this UID or one above.
        """
        count: int
        [(count,)] = self.all(
            "SELECT count(*) FROM message"
            " WHERE account = ? AND mailbox = ? AND uid >= ?",
            self.account,
            mailbox,
            uid,
        )
        return count

    def add_messages(
        self,
        mailbox: int,
        rows: Sequence[MessageRow],
        files: Sequence[FileRow],
    ) -> None:
        """
        Add messages, each with its file.
        """
        account = self.account
        self.do_many(
            "INSERT OR REPLACE INTO message VALUES (?, ?, ?, ?, ?, ?, ?)",
            [(account, mailbox, *row) for row in rows],
        )
        self.do_many(
            "INSERT OR REPLACE INTO file VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    account,
                    mailbox,
                    f.uid,
                    f.place,
                    stored(f.base),
                    stored(f.info),
                    stored(f.extra),
                )
                for f in files
            ],
        )

    def set_flags(
        self, mailbox: int, modseq: int, flags: Iterable[tuple[int, int]]
    ) -> None:
        """
        Change flags, given as pairs of UID and flags.
        """
        account = self.account
        self.do_many(
            "UPDATE message SET flags = ?, modseq = ?"
            " WHERE account = ? AND mailbox = ? AND uid = ?",
            [(bits, modseq, account, mailbox, uid) for uid, bits in flags],
        )

    def set_names(self, mailbox: int, files: Iterable[FileRow]) -> None:
        """
        Keep where files are.
        """
        account = self.account
        self.do_many(
            "UPDATE file SET place = ?, base = ?, info = ?"
            " WHERE account = ? AND mailbox = ? AND uid = ?",
            [
                (
                    f.place,
                    stored(f.base),
                    stored(f.info),
                    account,
                    mailbox,
                    f.uid,
                )
                for f in files
            ],
        )

    def expunge(self, mailbox: int, modseq: int, uids: Sequence[int]) -> None:
        """
        Remove messages, and keep that they were expunged.
        """
        keys = [(self.account, mailbox, uid) for uid in uids]
        for table in ("message", "file"):
            self.do_many(
                f"DELETE FROM {table}"
                " WHERE account = ? AND mailbox = ? AND uid = ?",
                keys,
            )
        self.renderings.forget(mailbox, uids)
        self.do_many(
            "INSERT INTO expunged VALUES (?, ?, ?, ?)",
            [(a, m, modseq, uid) for a, m, uid in keys],
        )

    def expunged_since(self, mailbox: int, modseq: int) -> list[int]:
        """
        UIDs of messages that were expunged after ``modseq``, as far as known.
        """
        rows = self.all(
            "SELECT uid FROM expunged"
            " WHERE account = ? AND mailbox = ? AND modseq > ?",
            self.account,
            mailbox,
            modseq,
        )
        return [uid for (uid,) in rows]

    def prune_expunged(self, mailbox: int, keep: int) -> int | None:
        """
        Forget all but about the last ``keep`` expunges of a mailbox.

        :return: the modseq up to which they are forgotten, None if none was.
        """
        rows = self.all(
            "SELECT modseq FROM expunged WHERE account = ? AND mailbox = ?"
            " ORDER BY modseq DESC LIMIT 1 OFFSET ?",
            self.account,
            mailbox,
            keep,
        )
        if not rows:
            return None
        modseq: int = rows[0][0]
        self.do(
            "DELETE FROM expunged"
            " WHERE account = ? AND mailbox = ? AND modseq <= ?",
            self.account,
            mailbox,
            modseq,
        )
        return modseq

    # Files

    def files(self, mailbox: int) -> list[FileRow]:
        """
        All files of a mailbox, in the order of the UIDs.
        """
        return self._files("", mailbox)

    def files_between(
        self, mailbox: int, first: int, last: int
    ) -> list[FileRow]:
        """
        The files of the messages with a UID from ``first`` to ``last``.
        """
        return self._files(" AND uid BETWEEN ? AND ?", mailbox, first, last)

    def new_files(self, mailbox: int) -> list[FileRow]:
        """
        The files in ``new``.
        """
        return self._files(" AND place = 'new'", mailbox)

    def file_of(self, mailbox: int, base: str) -> FileRow | None:
        """
        The message whose file has this base name.
        """
        found = self._files(" AND base = ?", mailbox, stored(base))
        return found[0] if found else None

    def extras(self, mailbox: int) -> list[tuple[int, str]]:
        """
        UIDs and fields of the messages whose lines in the uidlist have any.
        """
        return self.all(
            "SELECT uid, extra FROM file"
            " WHERE account = ? AND mailbox = ? AND extra != ''",
            self.account,
            mailbox,
        )

    def _files(
        self, condition: str, mailbox: int, *values: object
    ) -> list[FileRow]:
        rows = self.all(
            "SELECT uid, place, base, info, extra FROM file"
            f" WHERE account = ? AND mailbox = ?{condition} ORDER BY uid",
            self.account,
            mailbox,
            *values,
        )
        return [
            FileRow(uid, place, named(base), named(info), named(extra))
            for uid, place, base, info, extra in rows
        ]

"""
What became of messages that are no longer in the queue, for a month.

Implementation notes

- Disposable: it answers an operator's questions, and decides nothing.
- A message is kept as the lines that its entry had at its end.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mailsuite.disk import Disk
from mailsuite.transfer.database import Database, Tables
from mailsuite.transfer.entry import Standing, original_address
from mailsuite.transfer.entrylines import lines, read_entry

#: How long a message is remembered, seconds.
REMEMBERED = 30 * 86400.0

#: Messages that are forgotten in one step.
_FORGOTTEN_AT_ONCE = 1000

_TABLES = Tables(
    1,
    """
    CREATE TABLE message (
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL,
        ended REAL NOT NULL,
        lines BLOB NOT NULL
    );
    CREATE INDEX message_id ON message (id);
    CREATE INDEX message_ended ON message (ended);
    CREATE TABLE address (
        address TEXT NOT NULL,
        number INTEGER NOT NULL,
        PRIMARY KEY (address, number)
    ) WITHOUT ROWID;
    """,
)


@dataclass(frozen=True, slots=True)
class Ended:
    """
    A message that is no longer in the queue.

    :param time: when it ended, seconds since 1970.
    """

    standing: Standing
    time: float


class History:
    """
    The open history.  All calls block, and are made by one thread at a time.

    :raises DatabaseLost: from every call.
    """

    def __init__(self, path: str, disk: Disk) -> None:
        self._database = Database(path, _TABLES, disk)

    def close(self) -> None:
        """
        May be called more than once.
        """
        self._database.close()

    def remove(self) -> None:
        """
        Close it, and delete it.
        """
        self._database.close()
        self._database.remove()

    def add(self, messages: Iterable[Ended]) -> None:
        """
        Remember messages.
        """
        with self._database.writing() as database:
            last: int = database.execute(
                "SELECT ifnull(max(number), 0) FROM message"
            ).fetchone()[0]
            numbered = list(enumerate(messages, last + 1))
            database.executemany(
                "INSERT INTO message (number, id, ended, lines)"
                " VALUES (?, ?, ?, ?)",
                [
                    (
                        number,
                        message.standing.entry.queue_id,
                        message.time,
                        lines(message.standing),
                    )
                    for number, message in numbered
                ],
            )
            database.executemany(
                "INSERT INTO address VALUES (?, ?)",
                [
                    (address, number)
                    for number, message in numbered
                    for address in _addresses(message.standing)
                ],
            )

    def about(self, what: str, most: int) -> list[Ended]:
        """
        The message with this id, or the last ones from or to this address,
        the last one first.
        """
        if "@" not in what:
            return self._found(
                "SELECT lines, ended FROM message WHERE id = ?", what
            )
        return self._found(
            "SELECT lines, ended FROM address JOIN message USING (number)"
            " WHERE address = ? ORDER BY number DESC LIMIT ?",
            what.lower(),
            most,
        )

    def forget(self, now: float) -> bool:
        """
        Drop some of what has been remembered long enough.

        :return: whether there is more of it.
        """
        with self._database.writing() as database:
            numbers = database.execute(
                "SELECT number FROM message WHERE ended < ?"
                " ORDER BY ended LIMIT ?",
                (now - REMEMBERED, _FORGOTTEN_AT_ONCE),
            ).fetchall()
            for (number,) in numbers:
                (octets,) = database.execute(
                    "SELECT lines FROM message WHERE number = ?", (number,)
                ).fetchone()
                standing, _ = read_entry(octets)
                database.executemany(
                    "DELETE FROM address WHERE address = ? AND number = ?",
                    [(x, number) for x in _addresses(standing)],
                )
            database.executemany(
                "DELETE FROM message WHERE number = ?", numbers
            )
        return len(numbers) == _FORGOTTEN_AT_ONCE

    def _found(self, query: str, *values: object) -> list[Ended]:
        with self._database.reading() as database:
            return [
                Ended(read_entry(octets)[0], ended)
                for octets, ended in database.execute(query, values)
            ]


def _addresses(standing: Standing) -> set[str]:
    """
    All by which somebody may look for a message, in lower case.
    """
    entry = standing.entry
    found = {str(x.recipient.forward_path).lower() for x in entry.recipients}
    found |= {original_address(x.recipient).lower() for x in entry.recipients}
    if entry.sender.reverse_path is not None:
        found.add(str(entry.sender.reverse_path).lower())
    if entry.origin.user is not None:
        found.add(entry.origin.user.lower())
    return found

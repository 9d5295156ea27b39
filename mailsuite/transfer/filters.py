"""
Which queued messages an operator means.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Filter:
    """
    Messages for which all that is given holds; with nothing given, all.

    Addresses and domains are compared without regard to case.

    :param ids: they are among these.
    :param sender: the reverse-path, empty for the null reverse-path; or the
        login that submitted it.
    :param recipient: the address of one of its recipients, or that which the
        sender used for him.
    :param domain: of a recipient for whom it still waits.
    :param older_than: seconds since its arrival, at least.
    :param younger_than: seconds since its arrival, at most.
    :param error: a part of the text of a recipient's last deferral.
    :param held: whether it is held.
    """

    ids: tuple[str, ...] = ()
    sender: str | None = None
    recipient: str | None = None
    domain: str | None = None
    older_than: float | None = None
    younger_than: float | None = None
    error: str | None = None
    held: bool | None = None

    def condition(self, now: float) -> tuple[str, list[object]]:
        """
        As a condition on the index's ``message`` table, with its values.

        :param now: seconds since 1970.
        """
        parts: list[str] = []
        values: list[object] = []

        def also(part: str, *its: object) -> None:
            parts.append(part)
            values.extend(its)

        if self.ids:
            also(f"id IN ({', '.join('?' * len(self.ids))})", *self.ids)
        if self.sender is not None:
            sender = self.sender.lower()
            also(
                "(lower(ifnull(reverse_path, '')) = ? OR user = ?)",
                sender,
                sender,
            )
        if self.recipient is not None:
            recipient = self.recipient.lower()
            also(
                _ANY.format("(lower(address) = ? OR lower(original) = ?)"),
                recipient,
                recipient,
            )
        if self.domain is not None:
            also(_ANY.format("domain = ? AND waits"), self.domain.lower())
        if self.older_than is not None:
            also("arrival <= ?", now - self.older_than)
        if self.younger_than is not None:
            also("arrival >= ?", now - self.younger_than)
        if self.error is not None:
            also(_ANY.format("instr(lower(reason), ?)"), self.error.lower())
        if self.held is not None:
            also("held IS NOT NULL" if self.held else "held IS NULL")
        return " AND ".join(parts) or "1", values


_ANY = "EXISTS (SELECT 1 FROM recipient WHERE recipient.id = message.id AND {})"

"""
Sequence sets: which messages a command is about (RFC 9051 9, sequence-set).

Implementation notes

- The set is kept as ranges; ``*`` and ``$`` stay symbols until a view, which
  alone knows the last message and the saved result, resolves them.
- ``n:*`` reaches the last message even if that lies below ``n``, and all such
  ranges of one set together are the one that begins lowest.
"""

from __future__ import annotations

from dataclasses import dataclass

from mailsuite.mail.uids import MAXIMUM, UIDSet


@dataclass(frozen=True, slots=True)
class SequenceSet:
    """
    Sequence numbers or UIDs, as a client names them.

    :param numbers: those named by number.
    :param to_last: the lowest ``n`` of the set's ``n:*``, ``MAXIMUM`` for
        ``*`` alone; None without ``*``.
    :param saved: ``$``: the result of the last SEARCH with SAVE (RFC 9051
        6.4.4.1) belongs to it too.
    """

    numbers: UIDSet = UIDSet()
    to_last: int | None = None
    saved: bool = False

    def __bytes__(self) -> bytes:
        """
        A sequence-set that means the same.
        """
        parts = [bytes(self.numbers)] if self.numbers else []
        if self.to_last is not None:
            alone = self.to_last == MAXIMUM
            parts.append(b"*" if alone else b"%d:*" % self.to_last)
        if self.saved:
            parts.append(b"$")
        return b",".join(parts)

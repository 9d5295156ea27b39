"""
An account's names as a tree: who has children, and of what kind.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mailsuite.mail.mailboxes import SEPARATOR, MailboxEntry


@dataclass(slots=True)
class Listed:
    """
    One name, and what lies below it.

    :param has_children: a mailbox, or a level of one, is below.
    :param subscribed_below: a subscribed name is below.
    :param special_use_below: a mailbox with a special use is below.
    """

    entry: MailboxEntry
    has_children: bool = False
    subscribed_below: bool = False
    special_use_below: bool = False


def listed(entries: Iterable[MailboxEntry]) -> list[Listed]:
    """
    The entries in their order, and behind them the levels that no entry stands
    for: those above names that are only subscribed to.
    """
    nodes = {entry.name: Listed(entry) for entry in entries}
    for node in list(nodes.values()):
        level = node.entry.name
        while SEPARATOR in level:
            level = level.rpartition(SEPARATOR)[0]
            above = nodes.get(level)
            if above is None:
                above = nodes[level] = Listed(
                    MailboxEntry(level, exists=False, selectable=False)
                )
            above.has_children |= node.entry.exists
            above.subscribed_below |= node.entry.subscribed
            above.special_use_below |= node.entry.special_use is not None
    return list(nodes.values())

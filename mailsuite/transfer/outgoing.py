"""
One message for recipients of one domain elsewhere, as the queue hands it over.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from mailsuite.interfaces import IContent
from mailsuite.mail.envelope import Origin, Recipient, Sender


@dataclass(frozen=True, slots=True)
class Outgoing:
    """
    What one attempt is made with.

    :param recipients: with their numbers in the queue's entry.
    :param domain: the recipients', in lower case; U-labels and address
        literals are allowed.
    :param attempts: that were made before.
    :param last_peer: who spoke in the last attempt, as ``Outcome.peer``; empty
        if nobody did.
    :param open: the content as it is sent, for who closes it.
    :param octets: the same, if it is in memory.
    :param remade: the same message in seven bits and short lines, if it may
        be changed; called when a host needs that.
    """

    queue_id: str
    origin: Origin
    sender: Sender
    recipients: tuple[tuple[int, Recipient], ...]
    domain: str
    attempts: int
    last_peer: str
    open: Callable[[], Awaitable[IContent]]
    octets: bytes | None = None
    remade: Callable[[], Awaitable[Outgoing | None]] | None = None

    @property
    def backlog(self) -> str:
        """
        Whose mail it is: what shares the connections with others'.
        """
        if self.origin.user is not None:
            return self.origin.user
        path = self.sender.reverse_path
        return self.origin.peer if path is None else str(path)

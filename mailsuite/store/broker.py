"""
Telling those who listen to a mailbox what was committed in it.
"""

from __future__ import annotations

from twisted.logger import Logger

from mailsuite.interfaces import IMailboxListener
from mailsuite.mail.changes import Change


class Broker:
    """
    The listeners of one mailbox.
    """

    __slots__ = ("_listeners",)

    _log = Logger()

    def __init__(self) -> None:
        self._listeners: list[IMailboxListener] = []

    def __bool__(self) -> bool:
        """
        Whether anybody listens.
        """
        return bool(self._listeners)

    def listen(self, listener: IMailboxListener) -> None:
        """
        Tell ``listener`` of each change from here on.
        """
        self._listeners.append(listener)

    def unlisten(self, listener: IMailboxListener) -> None:
        """
        Tell it nothing more.
        """
        if listener in self._listeners:
            self._listeners.remove(listener)

    def tell(self, change: Change) -> None:
        """
        Tell all; one that fails does not keep it from the others.
        """
        for listener in tuple(self._listeners):
            with self._log.failuresHandled("Bug in a listener of a mailbox"):
                listener.changed(change)

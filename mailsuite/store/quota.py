"""
What an account uses of what it may use.

Implementation notes

- The use is a sum over the index, made once and then kept up to date by the
  steps; deliveries that the index does not know yet are counted apart, by the
  service.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailsuite.errors import OverQuota
from mailsuite.store.scan import look
from mailsuite.store.tree import folders

if TYPE_CHECKING:
    from mailsuite.store.accountfolder import AccountFolder


class Use:
    """
    Octets and messages that an account has.
    """

    def __init__(self, account: AccountFolder) -> None:
        self._account = account
        self._known: tuple[int, int] | None = None

    @property
    def known(self) -> tuple[int, int]:
        """
        Octets and messages, at this moment.
        """
        if self._known is None:
            account = self._account
            for folder in folders(account).values():
                if (mailbox := account.mailbox(folder)).is_stale:
                    look(mailbox)
            self._known = account.index.use()
        return self._known

    def forget(self) -> None:
        """
        Count anew when it is asked for.
        """
        self._known = None

    def add(self, octets: int, messages: int) -> None:
        """
        So much has come; less than nothing if it went.
        """
        if self._known is not None:
            self._known = (
                self._known[0] + octets,
                self._known[1] + messages,
            )

    def check(self, octets: int, messages: int) -> None:
        """
        Make sure that so much more fits.

        :raises OverQuota: it does not.
        """
        record = self._account.record
        if record.octets_limit is None and record.messages_limit is None:
            return
        used_octets, used_messages = self.known
        if (
            record.octets_limit is not None
            and used_octets + octets > record.octets_limit
        ) or (
            record.messages_limit is not None
            and used_messages + messages > record.messages_limit
        ):
            raise OverQuota

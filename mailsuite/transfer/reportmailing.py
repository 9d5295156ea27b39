"""
How this host sends reports to the owners of other domains.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from mailsuite.mail.address import Address
from mailsuite.transfer.bounce import Notification


@dataclass(frozen=True, slots=True)
class ReportMailing:
    """
    Who reports, and by what way.

    :param our_name: our host name, as A-labels.
    :param organization: as people know us.
    :param contact: the author of the reports.  Its domain signs them, since
        nobody believes reports that do not pass DMARC themselves.
    :param new_id: gives a queue id.
    :param send: on return the mail with that id is in the queue; raises
        ``MailError``.
    """

    our_name: str
    organization: str
    contact: Address
    new_id: Callable[[], str]
    send: Callable[[str, Notification], Awaitable[None]]

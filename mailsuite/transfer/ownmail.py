"""
Where mail goes that this host itself writes: notifications and reports.
"""

from __future__ import annotations

from dataclasses import replace

from mailsuite.errors import NoSuchRecipient
from mailsuite.interfaces import IDirectory
from mailsuite.mail.envelope import Recipient
from mailsuite.transfer.arrival import Arriving
from mailsuite.transfer.entry import Local, Remote


async def copies(recipient: Recipient, directory: IDirectory) -> list[Arriving]:
    """
    The copies that mail to somebody is made into, here or elsewhere.

    :raises NoSuchRecipient: he is nobody of ours.
    :raises ExpansionTooLarge: he stands for too many.
    """
    address = recipient.forward_path
    if not directory.is_ours(address.domain):
        return [Arriving(recipient, Remote(address.domain))]
    found = await directory.resolve(address)
    if found is None:
        raise NoSuchRecipient
    here = [
        Arriving(recipient, Local(one.number, one.address))
        for one in found.accounts
    ]
    elsewhere = [
        Arriving(replace(recipient, forward_path=one), Remote(one.domain))
        for one in found.elsewhere
    ]
    return here + elsewhere

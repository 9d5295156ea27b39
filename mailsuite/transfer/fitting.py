"""
What a message needs of the host that takes it.
"""

from __future__ import annotations

from dataclasses import dataclass

from mailsuite.mail.reencoding import Needs, NeedsScan, needs_of
from mailsuite.transfer.outgoing import Outgoing

#: Octets that are looked at between two turns of the reactor.
_SLICE = 65536


@dataclass(frozen=True, slots=True)
class Fit:
    """
    :param eight_bit: 8BITMIME (RFC 6152).
    :param smtputf8: SMTPUTF8 (RFC 6531): not because it was asked for, but
        because an address or a header field cannot do without.
    :param long_lines: it has lines that no host need take (RFC 5322 2.1.1).
    """

    eight_bit: bool
    smtputf8: bool
    long_lines: bool


async def fit_of(outgoing: Outgoing) -> Fit:
    """
    What a message needs.
    """
    octets = outgoing.octets
    needs = await _scanned(outgoing) if octets is None else needs_of(octets)
    path = outgoing.sender.reverse_path
    local_parts = [x.forward_path.local_part for _, x in outgoing.recipients]
    if path is not None:
        local_parts.append(path.local_part)
    utf8 = needs.utf8_fields or not all(map(str.isascii, local_parts))
    return Fit(needs.eight_bit, utf8, needs.long_lines)


async def _scanned(outgoing: Outgoing) -> Needs:
    content = await outgoing.open()
    try:
        scan = NeedsScan()
        offset = 0
        while octets := await content.read(offset, _SLICE):
            scan.feed(octets)
            offset += len(octets)
        return scan.finish()
    finally:
        content.close()

"""
Every way the network may cut octets.
"""

from __future__ import annotations

from collections.abc import Iterator


def every_slicing(octets: bytes, most: int = 12) -> Iterator[list[bytes]]:
    """
    Whole; octet by octet; in two at every place; and, for up to ``most``
    octets, in every other way.
    """
    yield [octets]
    yield [octets[i : i + 1] for i in range(len(octets))]
    for cut in range(1, len(octets)):
        yield [octets[:cut], octets[cut:]]
    if len(octets) <= most:
        for cuts in range(1 << max(len(octets) - 1, 0)):
            pieces, start = [], 0
            for place in range(1, len(octets)):
                if cuts >> (place - 1) & 1:
                    pieces.append(octets[start:place])
                    start = place
            yield [*pieces, octets[start:]]

"""
``dovecot-keywords``: which keyword each of the letters a-z means in a folder.

Implementation notes

- A line is the place, a space and the name; place 0 is the letter a.  Dovecot
  may list more than the 26 that have a letter: they are kept.
"""

from __future__ import annotations

#: The file's name in the mailbox's folder.
NAME = "dovecot-keywords"

#: Places above this are not believed.
_MOST = 10_000


def parse(octets: bytes) -> tuple[str, ...]:
    """
    The keywords in the order of their places; a free place is "".

    A line that makes no sense is passed over; of two with the same name the
    first counts.
    """
    names: dict[int, str] = {}
    for line in octets.decode("utf-8", "surrogateescape").split("\n"):
        digits, _, name = line.partition(" ")
        if not (name and digits.isascii() and digits.isdigit()):
            continue
        place = int(digits[:8])
        if place < _MOST and place not in names and name not in names.values():
            names[place] = name
    return tuple(
        names.get(place, "") for place in range(max(names, default=-1) + 1)
    )


def printed(keywords: tuple[str, ...]) -> bytes:
    """
    The file for these keywords.
    """
    return "".join(
        f"{place} {name}\n" for place, name in enumerate(keywords) if name
    ).encode("utf-8", "surrogateescape")

"""
SASLprep: the form of a password that SCRAM's keys are made of (RFC 4013).
"""

from __future__ import annotations

import stringprep
import unicodedata

_PROHIBITED = (
    stringprep.in_table_c12,
    stringprep.in_table_c21_c22,
    stringprep.in_table_c3,
    stringprep.in_table_c4,
    stringprep.in_table_c5,
    stringprep.in_table_c6,
    stringprep.in_table_c7,
    stringprep.in_table_c8,
    stringprep.in_table_c9,
)


def saslprep(text: str) -> str:
    """
    ``text`` as a query string is prepared: unassigned characters pass.

    :raises ValueError: it has a character that SASLprep prohibits, or mixes
        directions of writing.
    """
    # RFC 4013 2.1
    mapped = "".join(
        " " if stringprep.in_table_c12(character) else character
        for character in text
        if not stringprep.in_table_b1(character)
    )
    # RFC 4013 2.2
    prepared = unicodedata.normalize("NFKC", mapped)
    # RFC 4013 2.3
    for character in prepared:
        if any(prohibited(character) for prohibited in _PROHIBITED):
            raise ValueError("prohibited character")
    _check_directions(prepared)
    return prepared


def _check_directions(text: str) -> None:
    # RFC 3454 6
    if not any(map(stringprep.in_table_d1, text)):
        return
    if any(map(stringprep.in_table_d2, text)):
        raise ValueError("left-to-right within right-to-left")
    if not (
        stringprep.in_table_d1(text[0]) and stringprep.in_table_d1(text[-1])
    ):
        raise ValueError("right-to-left text must begin and end so")

"""
Text as it is compared: i;unicode-casemap (RFC 5051).

Implementation notes

- A character becomes the compatibility decomposition of its simple titlecase
  form.  So "cafe" finds "café", and a full-width letter its plain one; but
  "strasse" does not find "straße".
- Hangul syllables are left whole, and Jamo are composed to syllables first:
  decomposed, a syllable would be found in every other that begins like it.
- NUL becomes U+FFFD, so that text may go through what ends at a NUL.
"""

from __future__ import annotations

import re
import unicodedata

#: How many characters the table remembers; mail in all scripts needs fewer.
_REMEMBERED = 20_000

_JAMO = re.compile("[\u1100-\u11ff\ua960-\ua97f\ud7b0-\ud7ff]")

#: At a text's end: a leading consonant or a syllable, and what has joined it.
_UNFINISHED = re.compile(
    "[\u1100-\u115f\ua960-\ua97f\uac00-\ud7a3]"
    "[\u1160-\u11ff\ud7b0-\ud7ff]{0,8}\\Z"
)


def folded(text: str) -> str:
    """
    What two texts have in common if they are equal but for case and form.

    The folding of a text is that of its characters, one after another; only
    Jamo act on their neighbours (see ``certain_length``).
    """
    if text.isascii():
        if "\0" not in text:
            return text.upper()
    elif _JAMO.search(text):
        text = unicodedata.normalize("NFC", text)
    return text.translate(_table)


def certain_length(text: str) -> int:
    """
    How many of the characters are folded alike whatever follows them.

    :return: all but a Hangul syllable at the end that may not be whole.
    """
    found = None if text.isascii() else _UNFINISHED.search(text)
    return len(text) if found is None else found.start()


class _Table(dict[int, str]):
    """
    A character's folding, worked out when it is first met.
    """

    def __missing__(self, code: int) -> str:
        found = _character(code)
        if len(self) < _REMEMBERED:
            self[code] = found
        return found


def _character(code: int) -> str:
    if code == 0:
        return "\ufffd"
    character = chr(code)
    if 0xAC00 <= code <= 0xD7A3:
        return character
    # Where the full titlecase form has several characters there is no simple
    # one (UnicodeData.txt and SpecialCasing.txt).
    title = character.title()
    return unicodedata.normalize(
        "NFKD", title if len(title) == 1 else character
    )


_table = _Table()

"""
Octets in a named charset, as text.  Nothing here raises.
"""

from __future__ import annotations

import codecs
from functools import lru_cache

# Python knows these as codecs, but they are no charsets of mail; some take
# time that grows with the square of the input.
_NOT_CHARSETS = frozenset(
    {
        "idna",
        "mbcs",
        "oem",
        "punycode",
        "raw_unicode_escape",
        "raw-unicode-escape",
        "undefined",
        "unicode_escape",
        "unicode-escape",
    }
)

# What is written, and what the writers of mail mean by it (WHATWG Encoding).
_MEANT = {
    "iso-8859-1": "cp1252",
    "us-ascii": "utf-8",
    "ascii": "utf-8",
    "ks_c_5601-1987": "cp949",
    "euc-kr": "cp949",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "iso-8859-9": "cp1254",
    "tis-620": "cp874",
    "x-sjis": "cp932",
    "shift_jis": "cp932",
    "unicode-1-1-utf-7": "utf-7",
    "x-unknown": "utf-8",
    "unknown-8bit": "utf-8",
}


@lru_cache(maxsize=512)
def codec_of(charset: str) -> str | None:
    """
    The name of Python's codec for a charset, None if it is not known.

    :param charset: in any case, as mail names it.
    """
    name = charset.strip().strip("'\"").lower()
    name = _MEANT.get(name, name)
    if len(name) > 40 or not name.isascii() or name in _NOT_CHARSETS:
        return None
    try:
        found = codecs.lookup(name).name
        # codecs.lookup also finds base64, zlib and rot13, which make no text
        # of octets; ``bytes.decode`` refuses them.
        b"a".decode(name, "replace")
    except UnicodeError:
        # Some (utf-16, on a lone octet) know no replacement.
        pass
    except (LookupError, ValueError):
        return None
    return None if found in _NOT_CHARSETS else found


def is_known(charset: str) -> bool:
    """
    Whether text in this charset can be read.
    """
    return codec_of(charset) is not None


def decode(octets: bytes, charset: str | None = None) -> str:
    """
    The text; what cannot be read becomes U+FFFD.

    Of an unknown or unnamed charset: UTF-8 if it is that, else Windows-1252
    (which is what unlabelled 8-bit mail mostly is).
    """
    codec = codec_of(charset) if charset else None
    if codec is not None and codec != "utf-8":
        try:
            return octets.decode(codec, "replace")
        except UnicodeError:
            # Some codecs (utf-16 on a lone octet) know no replacement.
            return octets.decode("latin-1")
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        if charset and codec == "utf-8" and charset.lower().startswith("utf"):
            return octets.decode("utf-8", "replace")
        return octets.decode("cp1252", "replace")

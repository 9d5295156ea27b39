"""
Tag lists: what DKIM, ARC and DMARC write as ``v=1; a=rsa-sha256``.

Implementation notes

- A list that breaks the grammar is nothing at all: what is half understood
  would be understood differently by others.
- Values may be UTF-8 (RFC 8616 3), and nothing else beyond ASCII.
"""

from __future__ import annotations

import re

_FWS = " \t\r\n"

#: What no list needs: a copy of a header section (``z=``) is shorter.
_MOST_OCTETS = 32 * 1024
_MOST_TAGS = 64

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*+")
_SPACES = str.maketrans("", "", _FWS)
_FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


class BadTagList(ValueError):
    """
    The octets are not a tag list.
    """


def parse(octets: bytes) -> dict[str, str]:
    """
    The tags in their order (RFC 6376 3.2).

    Folds within a value stay; around it they do not.

    :raises BadTagList: a name twice, a tag without a name or ``=``, octets
        that no value may have, or much more of all than there is use for.
    """
    if len(octets) > _MOST_OCTETS:
        raise BadTagList("too long")
    try:
        text = octets.decode()
    except UnicodeDecodeError:
        raise BadTagList("not UTF-8") from None
    if _FORBIDDEN.search(text):
        raise BadTagList("control characters")
    specs = text.split(";")
    if len(specs) > 1 and not specs[-1].strip(_FWS):
        specs.pop()
    if len(specs) > _MOST_TAGS:
        raise BadTagList("too many tags")
    tags: dict[str, str] = {}
    for spec in specs:
        name, equals, value = spec.partition("=")
        name = name.strip(_FWS)
        if not equals or not _NAME.fullmatch(name):
            raise BadTagList("a tag without a name or value")
        if name in tags:
            raise BadTagList("a tag twice")
        tags[name] = value.strip(_FWS)
    return tags


def words(value: str) -> list[str]:
    """
    The parts of a value with colons between them, in lower case.
    """
    return [word.strip(_FWS).lower() for word in value.split(":")]


def unspaced(value: str) -> str:
    """
    A value without its folds and spaces.
    """
    return value.translate(_SPACES)

"""
POP3's unique ids, made as Dovecot's ``pop3_uidl_format`` says.

Implementation notes

- ``%u`` is the UID, ``%v`` the UIDVALIDITY, ``%f`` the file's base name, ``%g``
  the message's GUID; ``X`` prints a number in hexadecimal (in lower case), and
  digits before it are a width, filled with zeros if they begin with one.
- RFC 1939 7: 1 to 70 characters from 0x21 to 0x7E.
"""

from __future__ import annotations

import re

_VARIABLE = re.compile(r"%(?P<width>\d*)(?P<hex>X?)(?P<name>.)", re.DOTALL)
_NUMBERS, _NAMES = "uv", "fg"


class UniqueIdFormat:
    """
    How the unique ids of a maildrop are made.

    :ivar needs_names: whether the file's base name and the GUID are asked for.
    """

    def __init__(self, text: str) -> None:
        """
        :raises ValueError: it is no format, or two messages would share an id.
        """
        template, place, used = "", 0, set[str]()
        for found in _VARIABLE.finditer(text):
            template += _literal(text[place : found.start()])
            template += _replacement(found)
            used.add(found["name"])
            place = found.end()
        rest = text[place:]
        if "%" in rest or not used & set("ufg"):
            raise ValueError("there must be a %u, %f or %g in it")
        self.needs_names = bool(used & set(_NAMES))
        self._template = template + _literal(rest)
        if not self.of(1, 1, "f", "g").isascii():
            raise ValueError("it must be ASCII")

    def of(self, uid: int, uidvalidity: int, name: str, guid: str) -> str:
        """
        The unique id of a message.
        """
        return self._template.format(u=uid, v=uidvalidity, f=name, g=guid)


def _literal(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def _replacement(found: re.Match[str]) -> str:
    """
    :raises ValueError: there is no such variable.
    """
    name, spec = found["name"], found["width"] + ("x" if found["hex"] else "")
    if name not in _NUMBERS + _NAMES:
        raise ValueError(f"%{name} is not known")
    if spec and name in _NAMES:
        raise ValueError(f"%{name} takes no width and no X")
    return f"{{{name}:{spec}}}" if spec else f"{{{name}}}"


#: What Dovecot does unless it is told otherwise.
DOVECOTS_DEFAULT = UniqueIdFormat("%08Xu%08Xv")

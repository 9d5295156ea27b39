"""
``subscriptions``: the mailboxes an account is subscribed to, in Dovecot's two
forms.

Implementation notes

- The first form has a name a line, its levels joined by dots as in Maildir++.
  The second begins with ``V``, a tab, ``2`` and an empty line, and joins
  levels by tabs.  Both write each level in modified UTF-7.
- A file stays in the form in which it was found, and lines that we cannot
  read stay in it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from mailsuite.errors import InvalidMailboxName
from mailsuite.mail import mutf7
from mailsuite.mail.mailboxes import SEPARATOR

#: The file's name in the tree's root.
NAME = "subscriptions"

_SECOND_FORM = b"V\t2\n\n"


@dataclass(frozen=True, slots=True)
class Subscriptions:
    """
    The names subscribed to, in the order in which they came.

    :param foreign: lines that are no names to us.
    :param levels_by_tabs: the file is in the second form.
    """

    names: tuple[str, ...] = ()
    foreign: tuple[bytes, ...] = ()
    levels_by_tabs: bool = True

    @classmethod
    def parse(cls, octets: bytes) -> Subscriptions:
        """
        Read the file, whatever is in it.
        """
        by_tabs = octets.startswith(b"V\t2\n")
        names: dict[str, None] = {}
        foreign: list[bytes] = []
        for line in octets.removeprefix(b"V\t2\n").split(b"\n"):
            if not line:
                continue
            name = _read(line, by_tabs)
            if name is None:
                foreign.append(line)
            else:
                names[name] = None
        return cls(tuple(names), tuple(foreign), by_tabs)

    def printed(self) -> bytes:
        """
        The file.
        """
        lines = [_written(name, self.levels_by_tabs) for name in self.names]
        lines.extend(self.foreign)
        body = b"".join(line + b"\n" for line in lines)
        return _SECOND_FORM + body if self.levels_by_tabs else body

    def adding(self, name: str) -> Subscriptions:
        """
        With this name, at the end if it is not there.

        :raises InvalidMailboxName: it cannot be written.
        """
        if name in self.names:
            return self
        try:
            _written(name, self.levels_by_tabs)
        except mutf7.NotModifiedUTF7 as error:
            raise InvalidMailboxName from error
        return replace(
            self,
            names=(*self.names, name),
            # In the first form a dot inside a level would part it in two.
            levels_by_tabs=self.levels_by_tabs or "." in name,
        )

    def without(self, name: str) -> Subscriptions:
        """
        Without this name.
        """
        return replace(self, names=tuple(x for x in self.names if x != name))


def _read(line: bytes, by_tabs: bool) -> str | None:
    try:
        text = line.decode("ascii")
        if by_tabs:
            levels = text.split("\t")
        else:
            levels = text.split(".")
        name = SEPARATOR.join(mutf7.decode(level) for level in levels)
    except ValueError:
        return None
    return name if _written(name, by_tabs) == line else None


def _written(name: str, by_tabs: bool) -> bytes:
    levels = [mutf7.encode(level) for level in name.split(SEPARATOR)]
    if by_tabs:
        # Dovecot escapes control characters; encoded levels have none.
        return "\t".join(levels).encode("ascii")
    return ".".join(levels).encode("ascii")

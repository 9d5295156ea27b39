"""
LIST's patterns: ``*`` is anything, ``%`` anything within a level.

Implementation notes

- The places in the name that the pattern can have reached so far are the bits
  of one number, so each character of the pattern is one step, whatever the
  wildcards: a pattern of many ``*a`` costs as much as any other.  A regular
  expression would try every way to share the name among the wildcards.
- A pattern with more characters than the name runs out of bits and stops.
"""

from __future__ import annotations

from mailsuite.mail.mailboxes import INBOX


class Pattern:
    """
    One mailbox pattern, ready to be tried on names (RFC 9051 6.3.9).

    :param separator: of the names and of the pattern.
    """

    __slots__ = ("_anycase", "_exact", "_separator")

    def __init__(self, text: str, separator: str) -> None:
        self._separator = separator
        self._exact = _steps(_with_inbox(text, separator))
        self._anycase = _steps(text.upper())

    def matches(self, name: str) -> bool:
        """
        Whether the whole name matches; INBOX does in any case.
        """
        steps = self._anycase if name == INBOX else self._exact
        return _matches(steps, name, self._separator)


def _with_inbox(text: str, separator: str) -> str:
    """
    The pattern with a first level of ``inbox`` in the names' spelling.
    """
    first, rest = text[: len(INBOX)], text[len(INBOX) :]
    if first.upper() == INBOX and rest[:1] in ("", separator, "*", "%"):
        return INBOX + rest
    return text


def _steps(text: str) -> tuple[str, ...]:
    """
    The pattern's characters, neighbouring wildcards made one.
    """
    steps: list[str] = []
    for step in text:
        if step in "*%" and steps and steps[-1] in "*%":
            if step == "*":
                steps[-1] = "*"
        else:
            steps.append(step)
    return tuple(steps)


def _matches(steps: tuple[str, ...], name: str, separator: str) -> bool:
    places: dict[str, int] = {}
    for at, character in enumerate(name):
        places[character] = places.get(character, 0) | 1 << at
    end = 1 << len(name)
    within = (end - 1) & ~places.get(separator, 0)
    reached = 1
    for step in steps:
        if step == "*":
            lowest = reached & -reached
            reached = (end << 1) - lowest
        elif step == "%":
            # The sum carries each bit through the rest of its level.
            reached |= ((reached & within) + within) ^ within
        else:
            reached = (reached & places.get(step, 0)) << 1
        if not reached:
            return False
    return bool(reached & end)

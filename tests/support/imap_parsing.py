"""
Commands of IMAP without a connection around them.
"""

from __future__ import annotations

from mailsuite.imap.wire.commands import Command
from mailsuite.imap.wire.events import CommandReceived, Rejected
from mailsuite.imap.wire.parser import parse
from mailsuite.imap.wire.sequences import SequenceSet
from mailsuite.mail.uids import UIDSet


def parsed(text: bytes, *, utf8: bool = False) -> Command:
    """
    The command that the text is, without its tag.
    """
    event = parse(b"a " + text, {}, utf8=utf8)
    assert isinstance(event, CommandReceived), event
    assert event.tag == b"a"
    return event.command


def rejection(text: bytes) -> Rejected:
    """
    What is said of a text that is no command.
    """
    event = parse(b"a " + text, {}, utf8=False)
    assert isinstance(event, Rejected), event
    assert event.tag == b"a"
    return event


def numbers(
    *pairs: tuple[int, int], to_last: int | None = None, saved: bool = False
) -> SequenceSet:
    """
    A set of these ranges.
    """
    return SequenceSet(UIDSet.spanning(pairs), to_last, saved)

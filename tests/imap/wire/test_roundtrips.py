"""
Tests that every command survives being printed and parsed.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.imap.wire import commands as c
from mailsuite.imap.wire import searchkeys as k
from mailsuite.imap.wire.events import (
    AppendBegin,
    AppendEnd,
    AppendOctets,
    CommandReceived,
)
from mailsuite.imap.wire.fetchitems import (
    BinarySection,
    BinarySize,
    BodySection,
    FetchItem,
    MessageItem,
    Partial,
    SectionText,
    with_item,
)
from mailsuite.imap.wire.sequences import SequenceSet
from mailsuite.mail import query
from mailsuite.mail.flags import SYSTEM_FLAGS, FlagMode
from mailsuite.mail.mailboxes import SPECIAL_USES
from mailsuite.mail.query import DateOf
from mailsuite.mail.uids import MAXIMUM, ModSeq, UIDSet
from tests.support.imap_commands import (
    Printer,
    append,
    literal_plus,
    quoted,
)
from tests.support.imap_connection import events

TAGS = st.from_regex(rb"[A-Za-z0-9.\]]{1,8}", fullmatch=True)
#: No surrogates, which UTF-8 has none of; no NUL, CR and LF, which a quoted
#: string has none of.
TEXTS = st.text(
    st.characters(codec="utf-8", exclude_characters="\0\r\n"), max_size=12
)
NAMES = TEXTS.map(lambda name: "INBOX" if name.upper() == "INBOX" else name)
NUMBERS = st.integers(1, MAXIMUM)
ATOMS = st.from_regex(r"[A-Za-z0-9$_.-]{1,8}", fullmatch=True)
BIG = st.integers(0, (1 << 63) - 1)
MODSEQS = st.integers(1, (1 << 63) - 1).map(ModSeq)
KEYWORDS = st.one_of(st.sampled_from(SYSTEM_FLAGS), ATOMS)
FLAGS = st.lists(KEYWORDS, max_size=4, unique_by=str.lower).map(tuple)

SETS = st.builds(
    SequenceSet,
    st.lists(st.tuples(NUMBERS, NUMBERS), max_size=3).map(UIDSet.spanning),
    st.one_of(st.none(), NUMBERS),
    st.booleans(),
).filter(lambda it: bool(bytes(it)))

DAYS = st.dates(date(1, 1, 1), date(9999, 12, 31))
OF = st.sampled_from([DateOf.INTERNAL, DateOf.SENT])
SEARCH_FLAGS = st.one_of(st.sampled_from(SYSTEM_FLAGS), ATOMS)
PLAIN_KEYS: st.SearchStrategy[k.SearchKey] = st.one_of(
    st.just(query.Everything()),
    st.just(k.Recent()),
    st.builds(query.HasFlag, SEARCH_FLAGS),
    st.builds(query.HeaderContains, ATOMS, TEXTS),
    st.builds(query.BodyContains, TEXTS),
    st.builds(query.TextContains, TEXTS),
    st.builds(query.Before, OF, DAYS),
    st.builds(query.On, OF, DAYS),
    st.builds(query.Since, OF, DAYS),
    st.builds(query.Larger, BIG),
    st.builds(query.Smaller, BIG),
    st.builds(query.ChangedSince, MODSEQS),
    st.builds(k.Numbered, SETS, st.booleans()),
)


def _nested(
    keys: st.SearchStrategy[k.SearchKey],
) -> st.SearchStrategy[k.SearchKey]:
    several = st.lists(keys, min_size=2, max_size=4)
    return st.one_of(
        st.builds(k.AllOf, several.map(tuple)),
        # OR at the end of OR would be read as one.
        st.builds(
            k.AnyOf,
            several.filter(lambda it: not isinstance(it[-1], k.AnyOf)).map(
                tuple
            ),
        ),
        st.builds(k.NoneOf, keys),
    )


KEYS = st.recursive(PLAIN_KEYS, _nested, max_leaves=12)

PARTS = st.lists(NUMBERS, max_size=4).map(tuple)
PARTIALS = st.one_of(
    st.none(), st.builds(Partial, BIG, st.integers(1, (1 << 63) - 1))
)


def _echo(partial: Partial | None) -> bytes:
    return b"" if partial is None else b"<%d>" % partial.offset


def _numbers(part: tuple[int, ...]) -> bytes:
    return b".".join(b"%d" % number for number in part)


@st.composite
def _sections(draw: st.DrawFn) -> FetchItem:
    part, partial = draw(PARTS), draw(PARTIALS)
    texts = [None, *SectionText]
    if not part:
        texts.remove(SectionText.MIME)
    text = draw(st.sampled_from(texts))
    fields: tuple[bytes, ...] = ()
    inside = _numbers(part)
    if text is not None:
        inside = b".".join(filter(None, [inside, text.value]))
    if text in (SectionText.HEADER_FIELDS, SectionText.HEADER_FIELDS_NOT):
        fields = tuple(draw(st.lists(ATOMS.map(str.encode), min_size=1)))
        inside += b" (%b)" % b" ".join(fields)
    label = b"BODY[%b]%b" % (inside, _echo(partial))
    return BodySection(part, text, fields, partial, label, draw(st.booleans()))


@st.composite
def _binaries(draw: st.DrawFn) -> FetchItem:
    part, partial = draw(PARTS), draw(PARTIALS)
    label = b"BINARY[%b]%b" % (_numbers(part), _echo(partial))
    return BinarySection(part, partial, label, draw(st.booleans()))


ITEMS = st.one_of(
    st.sampled_from(MessageItem),
    _sections(),
    _binaries(),
    PARTS.map(lambda it: BinarySize(it, b"BINARY.SIZE[%b]" % _numbers(it))),
)


@st.composite
def _fetches(draw: st.DrawFn) -> c.Fetch:
    items: tuple[FetchItem, ...] = tuple(
        draw(st.lists(ITEMS, min_size=1, max_size=5, unique=True))
    )
    since = draw(st.one_of(st.none(), MODSEQS))
    by_uid = draw(st.booleans())
    if since is not None:
        items = with_item(items, MessageItem.MODSEQ)
    if by_uid:
        items = with_item(items, MessageItem.UID)
    return c.Fetch(draw(SETS), items, by_uid, since)


def _uses_modseq(key: k.SearchKey) -> bool:
    match key:
        case query.ChangedSince():
            return True
        case k.AllOf(keys) | k.AnyOf(keys):
            return any(_uses_modseq(each) for each in keys)
        case k.NoneOf(inner):
            return _uses_modseq(inner)
        case _:
            return False


def _of(family: type[object]) -> st.SearchStrategy[object]:
    return st.sampled_from(list(family))  # type: ignore[call-overload]


LISTS = st.builds(
    c.List,
    NAMES,
    st.lists(TEXTS, min_size=1, max_size=3).map(tuple),
    st.just(True),
    st.frozensets(_of(c.ListSelection)).filter(
        lambda it: (
            c.ListSelection.RECURSIVEMATCH not in it
            or c.ListSelection.SUBSCRIBED in it
        )
    ),
    st.frozensets(_of(c.ListReturn)),
    st.lists(_of(c.StatusItem), unique=True).map(tuple),
)

COMMANDS: st.SearchStrategy[c.Command] = st.one_of(
    st.sampled_from(
        [
            c.Capability(),
            c.Noop(),
            c.Logout(),
            c.StartTLS(),
            c.Namespace(),
            c.Check(),
            c.Close(),
            c.Unselect(),
            c.Expunge(),
            c.Id(None),
        ]
    ),  # fmt: skip
    st.builds(
        c.Id,
        st.lists(st.tuples(TEXTS, st.one_of(st.none(), TEXTS)), max_size=4).map(
            tuple
        ),
    ),
    st.builds(c.Login, TEXTS, TEXTS),
    st.builds(
        c.Enable,
        st.lists(ATOMS.map(str.upper), min_size=1, unique=True).map(tuple),
    ),
    st.builds(c.Select, NAMES, st.booleans(), st.booleans()),
    st.builds(
        c.Create,
        NAMES,
        st.lists(st.sampled_from(SPECIAL_USES), unique=True).map(tuple),
    ),
    st.builds(c.Delete, NAMES),
    st.builds(c.Rename, NAMES, NAMES),
    st.builds(c.Subscribe, NAMES),
    st.builds(c.Unsubscribe, NAMES),
    LISTS,
    st.builds(c.List, NAMES, TEXTS.map(lambda pattern: (pattern,))),
    st.builds(c.Lsub, NAMES, TEXTS),
    st.builds(
        c.Status,
        NAMES,
        st.lists(_of(c.StatusItem), min_size=1, unique=True).map(tuple),
    ),
    st.builds(c.GetQuota, TEXTS),
    st.builds(c.GetQuotaRoot, NAMES),
    st.builds(
        c.SetQuota,
        TEXTS,
        st.lists(st.tuples(ATOMS.map(str.upper), BIG)).map(tuple),
    ),
    st.builds(c.Expunge, SETS),
    st.builds(
        c.Search,
        KEYS,
        st.booleans(),
        st.one_of(st.none(), st.frozensets(_of(c.SearchReturn), min_size=1)),
    ).map(lambda it: replace(it, uses_modseq=_uses_modseq(it.key))),
    _fetches(),
    st.builds(
        c.Store,
        SETS,
        st.sampled_from(FlagMode),
        FLAGS,
        st.booleans(),
        st.booleans(),
        st.one_of(st.none(), BIG),
    ),
    st.builds(c.Copy, SETS, NAMES, st.booleans()),
    st.builds(c.Move, SETS, NAMES, st.booleans()),
)


class RoundTripTests(SynchronousTestCase):
    """
    Tests that what a client means is what is understood.
    """

    @settings(max_examples=600, deadline=None)
    @given(TAGS, COMMANDS, st.sampled_from([quoted, literal_plus]))
    def test_commands(
        self,
        tag: bytes,
        command: c.Command,
        string: object,
    ) -> None:
        """
        Every command, its strings quoted or in literals.
        """
        assert callable(string)

        octets = Printer(string).command(tag, command)

        self.assertEqual(events(octets), [CommandReceived(tag, command)])

    @settings(max_examples=200, deadline=None)
    @given(
        TAGS,
        NAMES,
        FLAGS,
        st.one_of(st.none(), st.integers(-(1 << 33), 1 << 33).map(float)),
        st.binary(max_size=50).map(lambda it: it.replace(b"\0", b"")),
        st.booleans(),
    )
    def test_messages(
        self,
        tag: bytes,
        mailbox: str,
        flags: tuple[str, ...],
        moment: float | None,
        content: bytes,
        waits: bool,
    ) -> None:
        """
        Every APPEND, whatever octets its message has.
        """
        command = c.Append(mailbox, len(content), flags, moment)

        found = events(append(tag, command, content, waits=waits))

        pieces = [AppendOctets(content)] if content else []
        self.assertEqual(
            found, [AppendBegin(tag, command), *pieces, AppendEnd(tag)]
        )

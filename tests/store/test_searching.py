"""
Tests for ``mailsuite.store.searching`` and ``mailsuite.store.searchkeys``.
"""

from __future__ import annotations

import os
import random
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from mmap import mmap
from typing import TypeVar

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred, succeed
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.disk import Disk
from mailsuite.mail.flags import SYSTEM_FLAGS, FlagNames
from mailsuite.mail.mailboxes import Messages
from mailsuite.mail.query import (
    And,
    Before,
    BodyContains,
    ChangedSince,
    DateOf,
    Everything,
    HasFlag,
    HeaderContains,
    InSet,
    Key,
    Larger,
    Not,
    On,
    Or,
    Since,
    Smaller,
    TextContains,
)
from mailsuite.mail.uids import ModSeq, UIDSet
from mailsuite.store.content import mapped
from mailsuite.store.searching import search

T = TypeVar("T")

NAMES = FlagNames(("$Junk", "", "todo"))
DAYS = [date(2026, 1, 1) + timedelta(days=n) for n in range(4)]
WORDS = ["ketchup", "Pickles", "hamburger", "Éclair", "crepes"]


@dataclass(frozen=True)
class Plain:
    """
    One message, as plain as can be.
    """

    uid: int
    flags: int
    modseq: int
    internal: int
    saved: int
    sent: date | None
    subject: str
    body: str

    @property
    def content(self) -> bytes:
        """
        Its octets.
        """
        lines = [
            f"Subject: {self.subject}",
            "Content-Type: text/plain; charset=utf-8",
            "",
            *self.body.split("\n"),
            "",
        ]
        if self.sent is not None:
            lines.insert(0, f"Date: {self.sent:%d %b %Y} 23:59:59 -0700")
        return "\r\n".join(lines).encode()


@dataclass
class FolderMailbox:
    """
    What a search needs of a mailbox, on a folder of files.
    """

    folder: str
    plain: list[Plain]
    flag_names: FlagNames = NAMES
    messages: Messages = field(default_factory=Messages)
    read: list[int] = field(default_factory=list)
    works: int = 0

    def __post_init__(self) -> None:
        self.messages = Messages(
            array("I", [it.uid for it in self.plain]),
            array("I", [it.flags for it in self.plain]),
            array("Q", [it.modseq for it in self.plain]),
            array("Q", [len(it.content) for it in self.plain]),
            array("q", [it.internal for it in self.plain]),
        )
        os.makedirs(self.folder, exist_ok=True)
        for it in self.plain:
            with open(os.path.join(self.folder, str(it.uid)), "wb") as file:
                file.write(it.content)

    async def save_dates(self, uids: Sequence[int]) -> list[int]:
        """
        When each came here.
        """
        dates = {it.uid: it.saved for it in self.plain}
        return [dates[uid] for uid in uids]

    async def file_paths(
        self, uids: UIDSet, *, check: bool = False
    ) -> dict[int, str]:
        """
        Where the files are; those that moved, only if that is checked.
        """
        found = {}
        for uid in uids:
            self.read.append(uid)
            path = os.path.join(self.folder, str(uid))
            if check and not os.path.exists(path):
                path += ",S"
            if not check or os.path.exists(path):
                found[uid] = path
        return found

    def whole(self, path: str) -> bytes | mmap:
        """
        A whole message.
        """
        return mapped(path, Disk())

    def in_pool(self, work: Callable[[], T], /) -> Deferred[T]:
        """
        A pool without threads.
        """
        self.works += 1
        return succeed(work())

    def search(self, key: Key) -> list[int]:
        """
        The UIDs that match.
        """
        found: list[UIDSet] = []
        Deferred.fromCoroutine(search(self, key)).addCallback(found.append)
        return list(found[0])


def naive(key: Key, it: Plain) -> bool:
    """
    Whether a message matches, found out the plain way.
    """
    match key:
        case Everything():
            return True
        case And(keys):
            return all(naive(inner, it) for inner in keys)
        case Or(keys):
            return any(naive(inner, it) for inner in keys)
        case Not(inner):
            return not naive(inner, it)
        case InSet(uids):
            return any(first <= it.uid <= last for first, last in uids.ranges)
        case HasFlag(flag):
            return flag.lower() in [
                name.lower() for name in NAMES.names(it.flags)
            ]
        case Larger(octets):
            return len(it.content) > octets
        case Smaller(octets):
            return len(it.content) < octets
        case ChangedSince(modseq):
            return it.modseq >= modseq
        case HeaderContains("Subject", text):
            return text.lower() in it.subject.lower()
        case HeaderContains(name, text):
            assert name == "X-None"
            return False
        case BodyContains(text):
            return text.lower() in f"{it.body}\n".lower()
        case TextContains(text):
            return (
                text.lower() in f"{it.body}\n".lower()
                or text.lower() in f"subject: {it.subject}".lower()
            )
        case Before(of, day):
            found = naive_day(of, it)
            return found is not None and found < day
        case On(of, day):
            return naive_day(of, it) == day
        case Since(of, day):
            found = naive_day(of, it)
            return found is not None and found >= day


def naive_day(of: DateOf, it: Plain) -> date | None:
    """
    One of a message's days.
    """
    if of is DateOf.SENT:
        return it.sent
    seconds = it.internal if of is DateOf.INTERNAL else it.saved
    return datetime.fromtimestamp(seconds, UTC).date()


def made(seed: int, count: int = 20) -> list[Plain]:
    """
    Some messages.
    """
    pick = random.Random(seed)
    first = int(datetime(2025, 12, 31, tzinfo=UTC).timestamp())
    uid = 0
    messages = []
    for _ in range(count):
        uid += pick.choice([1, 1, 1, 5])
        messages.append(
            Plain(
                uid,
                pick.getrandbits(8) & ~(1 << 6),
                pick.randrange(1, 20),
                first + pick.choice([0, 86399, 86400, 200_000, 300_000]),
                first + pick.randrange(5 * 86400),
                pick.choice([None, *DAYS]),
                " ".join(pick.sample(WORDS, 2)),
                "\n".join(pick.sample(WORDS, pick.randrange(4))),
            )
        )
    return messages


texts = st.sampled_from([*WORDS, "KETCHUP", "éCL", "crepes\r\n", "rg", "nope"])
sizes = st.integers(60, 160)
days = st.builds(date, st.just(2026), st.just(1), st.integers(1, 5))
dates_of = st.sampled_from(DateOf)
simple = st.one_of(
    st.just(Everything()),
    st.builds(
        lambda pairs: InSet(UIDSet.spanning(pairs)),
        st.lists(
            st.tuples(st.integers(1, 90), st.integers(1, 2**32 - 1)), max_size=3
        ),
    ),
    st.builds(
        HasFlag, st.sampled_from([*SYSTEM_FLAGS, "\\SEEN", "$junk", "none"])
    ),
    st.builds(HeaderContains, st.sampled_from(["Subject", "X-None"]), texts),
    st.builds(BodyContains, texts),
    st.builds(TextContains, texts),
    st.builds(Before, dates_of, days),
    st.builds(On, dates_of, days),
    st.builds(Since, dates_of, days),
    st.builds(Larger, sizes),
    st.builds(Smaller, sizes),
    st.builds(ChangedSince, st.integers(1, 20).map(ModSeq)),
)
keys = st.recursive(
    simple,
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.builds(And, st.lists(inner, max_size=3).map(tuple)),
        st.builds(Or, st.lists(inner, max_size=3).map(tuple)),
    ),
    max_leaves=8,
)


class SearchTests(SynchronousTestCase):
    """
    Tests for ``search``.
    """

    mailbox: FolderMailbox

    def setUp(self) -> None:
        self.mailbox = FolderMailbox(self.mktemp(), made(1))

    def matching(self, key: Key) -> list[int]:
        """
        What a plain scan finds.
        """
        return [it.uid for it in self.mailbox.plain if naive(key, it)]

    @settings(max_examples=300, deadline=None)
    @given(keys)
    def test_as_a_plain_scan(self, key: Key) -> None:
        """
        Whatever is asked, the answer is that of trying each message.
        """
        self.assertEqual(
            self.mailbox.search(key), self.matching(self.plain(key))
        )

    def plain(self, key: Key) -> Key:
        """
        The key with LF for CR LF, as the plain texts have it.
        """
        match key:
            case And(inner):
                return And(tuple(map(self.plain, inner)))
            case Or(inner):
                return Or(tuple(map(self.plain, inner)))
            case Not(inner):
                return Not(self.plain(inner))
            case BodyContains(text):
                return BodyContains(text.replace("\r\n", "\n"))
            case TextContains(text):
                return TextContains(text.replace("\r\n", "\n"))
        return key

    def test_files_are_not_read_in_vain(self) -> None:
        """
        Flags, sets, sizes and dates are answered without a file.
        """
        key = And(
            (
                HasFlag("\\Seen"),
                Or((Larger(100), Not(InSet(UIDSet.of([3]))))),
                Since(DateOf.INTERNAL, DAYS[0]),
                Before(DateOf.SAVED, DAYS[3]),
            )
        )
        self.assertEqual(self.mailbox.search(key), self.matching(key))
        self.assertEqual(self.mailbox.read, [])

    def test_only_what_is_left_open_is_read(self) -> None:
        """
        A cheap key decides first, wherever it stands.
        """
        self.mailbox.search(
            And((TextContains("ketchup"), InSet(UIDSet.of([1, 2]))))
        )
        self.mailbox.search(
            Or((BodyContains("ketchup"), Not(InSet(UIDSet.of([1, 2])))))
        )
        self.assertEqual(self.mailbox.read, [1, 2, 1, 2])

    def test_empty_mailbox(self) -> None:
        """
        Nothing is found in nothing.
        """
        mailbox = FolderMailbox(self.mktemp(), [])
        self.assertEqual(mailbox.search(Not(TextContains("x"))), [])

    def test_renamed_file(self) -> None:
        """
        A message whose file got another name meanwhile is found.
        """
        uid = self.mailbox.plain[0].uid
        path = os.path.join(self.mailbox.folder, str(uid))
        os.rename(path, path + ",S")

        self.assertIn(uid, self.mailbox.search(TextContains("e")))

    def test_expunged_file(self) -> None:
        """
        A message that is gone matches nothing, not even a negation.
        """
        uid = self.mailbox.plain[0].uid
        os.unlink(os.path.join(self.mailbox.folder, str(uid)))

        self.assertNotIn(uid, self.mailbox.search(Not(TextContains("nope"))))

    def test_unreadable_file(self) -> None:
        """
        A file that cannot be read is an empty message.
        """
        uid = self.mailbox.plain[0].uid
        path = os.path.join(self.mailbox.folder, str(uid))
        os.unlink(path)
        os.mkdir(path)

        self.assertNotIn(uid, self.mailbox.search(TextContains("e")))

    def test_flags_as_they_were(self) -> None:
        """
        A change while files are read does not tear the answer.
        """
        mailbox = self.mailbox
        in_pool = mailbox.in_pool

        def changing(work: Callable[[], T]) -> Deferred[T]:
            for place in range(len(mailbox.messages)):
                mailbox.messages.flags[place] = 0
            return in_pool(work)

        self.patch(mailbox, "in_pool", changing)
        key = And((HasFlag("\\Seen"), TextContains("e")))

        self.assertEqual(mailbox.search(key), self.matching(key))

    def test_others_get_their_turn(self) -> None:
        """
        Many messages are many short works, not one long one.
        """
        mailbox = FolderMailbox(self.mktemp(), made(2, 500))
        mailbox.search(BodyContains("ketchup"))

        self.assertGreater(mailbox.works, 15)

    def test_many_hits(self) -> None:
        """
        A hit in each of many messages is found.
        """
        plain = made(3, 1500)
        mailbox = FolderMailbox(self.mktemp(), plain)

        self.assertEqual(mailbox.search(Everything()), [it.uid for it in plain])
        self.assertEqual(mailbox.works, 2)

    def test_lines_that_end_in_lf(self) -> None:
        """
        Another program's file with LF alone is read like any other.
        """
        it = self.mailbox.plain[0]
        path = os.path.join(self.mailbox.folder, str(it.uid))
        for padding in (0, 2_000_000):
            with open(path, "wb") as file:
                file.write(b"Subject: lf\n\nthe\nbody" + b"." * padding + b"\n")

            self.assertEqual(
                self.mailbox.search(HeaderContains("subject", "lf")), [it.uid]
            )
            self.assertEqual(
                self.mailbox.search(BodyContains("the\r\nbody")), [it.uid]
            )

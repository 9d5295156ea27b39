"""
Tests for ``mailsuite.imap.wire.searchkeys``.
"""

from __future__ import annotations

from datetime import date
from time import perf_counter

from twisted.trial.unittest import SynchronousTestCase

from mailsuite.imap.wire import commands
from mailsuite.imap.wire.commands import SearchReturn
from mailsuite.imap.wire.searchkeys import (
    AllOf,
    AnyOf,
    NoneOf,
    Numbered,
    Recent,
    SearchKey,
    resolve,
)
from mailsuite.mail import query
from mailsuite.mail.query import DateOf
from mailsuite.mail.uids import MAXIMUM, UIDSet
from tests.support.imap_parsing import numbers, parsed, rejection


class SearchTests(SynchronousTestCase):
    """
    Tests for what SEARCH asks for.
    """

    def key(self, text: bytes) -> SearchKey:
        command = parsed(b"SEARCH " + text)
        assert isinstance(command, commands.Search)
        return command.key

    def assert_bad(self, text: bytes) -> None:
        self.assertEqual(rejection(b"SEARCH " + text).condition, b"BAD")

    def test_flags(self) -> None:
        """
        Keys of flags, and their contraries.
        """
        self.assertEqual(self.key(b"all"), query.Everything())
        self.assertEqual(self.key(b"Seen"), query.HasFlag("\\Seen"))
        self.assertEqual(
            self.key(b"UNANSWERED"), query.Not(query.HasFlag("\\Answered"))
        )
        self.assertEqual(self.key(b"KEYWORD $Junk"), query.HasFlag("$Junk"))
        self.assertEqual(
            self.key(b"UNKEYWORD work"), query.Not(query.HasFlag("work"))
        )

    def test_recent(self) -> None:
        r"""
        Only the session knows what is ``\Recent`` (RFC 3501 6.4.4).
        """
        self.assertEqual(self.key(b"RECENT"), Recent())
        self.assertEqual(self.key(b"OLD"), NoneOf(Recent()))
        self.assertEqual(
            self.key(b"NEW"),
            AllOf((Recent(), query.Not(query.HasFlag("\\Seen")))),
        )

    def test_text(self) -> None:
        """
        Keys of text; what has no charset is UTF-8, as RFC 9051 has it.
        """
        self.assertEqual(
            self.key(b"FROM joe"), query.HeaderContains("FROM", "joe")
        )
        self.assertEqual(
            self.key('HEADER X-A "é"'.encode()),
            query.HeaderContains("X-A", "é"),
        )
        self.assertEqual(
            self.key(b'HEADER X ""'), query.HeaderContains("X", "")
        )
        self.assertEqual(self.key(b"BODY b"), query.BodyContains("b"))
        self.assertEqual(self.key(b"TEXT t"), query.TextContains("t"))

    def test_charset(self) -> None:
        """
        Text is decoded from the charset that is named.
        """
        self.assertEqual(
            self.key(b'CHARSET KOI8-R SUBJECT "\xcd\xc9\xd2"'),
            query.HeaderContains("SUBJECT", "мир"),
        )

    def test_unknown_charset(self) -> None:
        """
        A charset that is not known is for the session to refuse, with NO.
        """
        for charset in (b"x-frob", b"base64", b"punycode", b'""', b'"\xff"'):
            command = parsed(b"SEARCH CHARSET " + charset + b" TEXT x")

            assert isinstance(command, commands.Search)
            self.assertFalse(command.charset_known)

    def test_dates(self) -> None:
        """
        Dates with and without quotes, of either kind.
        """
        day = date(1994, 2, 1)

        self.assertEqual(
            self.key(b'SINCE "1-Feb-1994"'), query.Since(DateOf.INTERNAL, day)
        )
        self.assertEqual(
            self.key(b"ON 01-feb-1994"), query.On(DateOf.INTERNAL, day)
        )
        self.assertEqual(
            self.key(b"SENTBEFORE 1-Feb-1994"), query.Before(DateOf.SENT, day)
        )

    def test_numbers(self) -> None:
        """
        Sets stay as they are until the view resolves them.
        """
        self.assertEqual(
            self.key(b"2:4,*"),
            Numbered(numbers((2, 4), to_last=MAXIMUM), by_uid=False),
        )
        self.assertEqual(
            self.key(b"UID $"), Numbered(numbers(saved=True), by_uid=True)
        )

    def test_sizes_and_modseq(self) -> None:
        """
        LARGER, SMALLER and MODSEQ, whose entry is read and means nothing.
        """
        self.assertEqual(self.key(b"LARGER 5"), query.Larger(5))
        self.assertEqual(self.key(b"SMALLER 0"), query.Smaller(0))
        self.assertEqual(
            parsed(b'SEARCH MODSEQ "/flags/\\\\draft" all 620162338'),
            commands.Search(query.ChangedSince(620162338), uses_modseq=True),
        )

    def test_together(self) -> None:
        """
        Keys side by side must all match; NOT and OR take the next ones.
        """
        self.assertEqual(
            self.key(b"SEEN NOT (FLAGGED 1) OR DRAFT ALL"),
            AllOf(
                (
                    query.HasFlag("\\Seen"),
                    NoneOf(
                        AllOf(
                            (
                                query.HasFlag("\\Flagged"),
                                Numbered(numbers((1, 1)), by_uid=False),
                            )
                        )
                    ),
                    AnyOf((query.HasFlag("\\Draft"), query.Everything())),
                )
            ),
        )

    def test_long_or(self) -> None:
        """
        A thousand keys joined by OR are one flat key, as clients write them.
        """
        key = self.key(b"OR 1 " * 999 + b"ALL")

        assert isinstance(key, AnyOf)
        self.assertEqual(len(key.keys), 1000)

    def test_deep_nesting(self) -> None:
        """
        Keys nested deeper than 50 are BAD, at once, in whatever way.
        """
        start = perf_counter()
        for text in (
            b"NOT " * 1000 + b"ALL",
            b"(" * 10_000 + b"ALL" + b")" * 10_000,
            b"OR " * 1000 + b"ALL" + b" ALL" * 1000,
            b"NOT (" * 500 + b"ALL" + b")" * 500,
        ):
            self.assert_bad(text)
        self.assertLess(perf_counter() - start, 0.1)

        self.assertEqual(
            self.key(b"(" * 50 + b"ALL" + b")" * 50), query.Everything()
        )

    def test_return_options(self) -> None:
        """
        RETURN () is ALL (RFC 9051 6.4.4); without RETURN there is none.
        """
        everything = query.Everything()

        self.assertEqual(parsed(b"SEARCH ALL"), commands.Search(everything))
        self.assertEqual(
            parsed(b"UID SEARCH return (min Count SAVE) ALL"),
            commands.Search(
                everything,
                by_uid=True,
                returns=frozenset(
                    [SearchReturn.MIN, SearchReturn.COUNT, SearchReturn.SAVE]
                ),
            ),
        )
        self.assertEqual(
            parsed(b"SEARCH RETURN () CHARSET UTF-8 ALL"),
            commands.Search(everything, returns=frozenset([SearchReturn.ALL])),
        )

    def test_bad_searches(self) -> None:
        """
        What is no key, and a key without its argument, is BAD.
        """
        for text in (
            b"", b"FROB", b"()", b"(SEEN", b"SEEN  DRAFT", b"NOT", b"OR SEEN",
            b"FROM", b"ON 32-Jan-2000", b"ON 1-Foo-2000", b'ON "1-Jan-2000',
            b"ON 1-Jan-0000", b"LARGER -1", b"LARGER x", b"HEADER a",
            b'MODSEQ "x" frob 1', b"RETURN (FROB) ALL", b"RETURN ()",
            b"CHARSET", b"CHARSET UTF-8", b"UID", b"UID SEEN",
            b"KEYWORD \\Seen",
        ):  # fmt: skip
            self.assert_bad(text)

    def test_resolve(self) -> None:
        """
        The store is asked in mail's words alone.
        """
        key = self.key(b"NOT 1 OR RECENT SEEN (UID 7 DRAFT)")
        asked: list[Numbered | Recent] = []

        def uids(it: Numbered | Recent) -> UIDSet:
            asked.append(it)
            return UIDSet.of([len(asked)])

        self.assertEqual(
            resolve(key, uids),
            query.And(
                (
                    query.Not(query.InSet(UIDSet.of([1]))),
                    query.Or(
                        (
                            query.InSet(UIDSet.of([2])),
                            query.HasFlag("\\Seen"),
                        )
                    ),
                    query.And(
                        (query.InSet(UIDSet.of([3])), query.HasFlag("\\Draft"))
                    ),
                )
            ),
        )
        self.assertEqual(asked[1], Recent())

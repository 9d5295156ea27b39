"""
Tests for ``mailsuite.store.uidlist``.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.store.uidlist import (
    Line,
    UIDList,
    parse,
    parse_appended,
)

#: Written by Dovecot 2.3.19, but for the fields of UID 4.
_DOVECOT = b"""\
3 V1795557834 N3 G0dec8026c809066b3d2d000083ecc375
1 :1795557832.M702096P11587.vm,S=28,W=32
2 :1795557832.M717959P11589.vm,S=32,W=36
4 P0001u02 W12 G77aa :1795557946.M543947P12124.vm
"""

_HEADER = b"3 V7 N1 Gabc\n"

_bases = st.text(
    st.characters(exclude_characters="\0/:\n", exclude_categories=["Cs"]),
    min_size=1,
)
_fields = st.text("PWGS0123abc.:", min_size=1).map(lambda x: "X" + x)


@st.composite
def _lists(draw: st.DrawFn) -> UIDList:
    uids = sorted(draw(st.sets(st.integers(1, 0xFFFFFFFF), max_size=8)))
    bases = draw(
        st.lists(_bases, min_size=len(uids), max_size=len(uids), unique=True)
    )
    lines = [
        Line(uid, base, tuple(draw(st.lists(_fields, max_size=2))))
        for uid, base in zip(uids, bases, strict=True)
    ]
    above = uids[-1] + 1 if uids else 1
    return UIDList(
        draw(st.integers(1, 0xFFFFFFFF)),
        draw(st.integers(above, 0x100000000)),
        draw(st.text("0123456789abcdef", max_size=32)),
        lines,
        tuple(draw(st.lists(_fields, max_size=2))),
    )


class ParseTests(SynchronousTestCase):
    """
    Tests for ``parse``.
    """

    def test_dovecot(self) -> None:
        """
        A list of Dovecot's is read whole, and printed again as it was, but
        for the next UID.
        """
        uids, faults = parse(_DOVECOT)

        assert uids is not None
        self.assertEqual(faults, ())
        self.assertEqual(uids.uidvalidity, 1795557834)
        self.assertEqual(uids.mailbox_id, "0dec8026c809066b3d2d000083ecc375")
        self.assertEqual(uids.uidnext, 5)
        self.assertEqual([line.uid for line in uids.lines], [1, 2, 4])
        self.assertEqual(uids.lines[2].field("P"), "0001u02")
        self.assertEqual(uids.lines[2].field("G"), "77aa")
        self.assertIsNone(uids.lines[1].field("G"))
        self.assertEqual(uids.printed(), _DOVECOT.replace(b" N3 ", b" N5 "))

    def test_next_uid_of_the_header(self) -> None:
        """
        N counts where it is above the last line.
        """
        uids, _ = parse(b"3 V7 N100 Gabc\n1 :a\n")

        assert uids is not None
        self.assertEqual(uids.uidnext, 100)

    def test_name_with_flags(self) -> None:
        """
        Of a name with flags the base counts.
        """
        uids, faults = parse(_HEADER + b"1 :a,S=3:2,S\n")

        assert uids is not None
        self.assertEqual((uids.lines, faults), ([Line(1, "a,S=3")], ()))

    def test_unknown_header_fields_stay(self) -> None:
        """
        What others put into the first line is printed again.
        """
        uids, _ = parse(b"3 V7 N1 Xyz Gabc Q9\n")

        assert uids is not None
        self.assertEqual(uids.printed(), b"3 V7 N1 Gabc Xyz Q9\n")

    def test_version_1(self) -> None:
        """
        The lists of Dovecot 1.0 keep their UIDs, and are to be rewritten.
        """
        uids, faults = parse(b"1 7 3\n1 a:2,S\n2 b c\n")

        assert uids is not None
        self.assertEqual(uids.printed(), b"3 V7 N3\n1 :a\n2 :b c\n")
        self.assertEqual(faults, ("is of version 1",))

    def test_torn_tail(self) -> None:
        """
        A line without its LF is none, however whole it looks.
        """
        uids, faults = parse(_HEADER + b"1 :a\n2 :b")

        assert uids is not None
        self.assertEqual(uids.lines, [Line(1, "a")])
        self.assertEqual(faults, ("ends in the middle of a line",))

    def test_nuls(self) -> None:
        """
        A tail whose octets never reached the disk is dropped; lines behind
        it are kept.
        """
        uids, faults = parse(_HEADER + b"1 :a\n" + bytes(40) + b"3 :c\n")

        assert uids is not None
        self.assertEqual(uids.lines, [Line(1, "a"), Line(3, "c")])
        self.assertEqual(faults, ("holds NULs",))

    def test_bad_lines(self) -> None:
        """
        A line that makes no sense costs that line alone.
        """
        for bad in (
            b"", b"x", b"2", b"2 b", b"2 :", b"0 :b", b"4294967296 :b",
            b"-2 :b", b"2 9field :b", b"2  :b",
        ):  # fmt: skip
            uids, faults = parse(_HEADER + b"1 :a\n" + bad + b"\n3 :c\n")
            assert uids is not None
            self.assertEqual(uids.lines, [Line(1, "a"), Line(3, "c")])
            self.assertEqual(faults, ("has a bad line",))

    def test_unordered(self) -> None:
        """
        Lines are put into order; a UID stays with its first message.
        """
        uids, faults = parse(_HEADER + b"5 :a\n3 :b\n5 :c\n")

        assert uids is not None
        self.assertEqual(uids.lines, [Line(3, "b"), Line(5, "a")])
        self.assertEqual(uids.uidnext, 6)
        self.assertEqual(faults, ("is not in order",))

    def test_message_twice(self) -> None:
        """
        The later UID of a message counts, as it does for Dovecot.
        """
        uids, faults = parse(_HEADER + b"1 :a\n2 :b\n3 :a\n")

        assert uids is not None
        self.assertEqual(uids.lines, [Line(2, "b"), Line(3, "a")])
        self.assertEqual(faults, ("names a message twice",))

    def test_bad_first_line(self) -> None:
        """
        Without a UIDVALIDITY there is no list.
        """
        for octets in (
            b"", b"\n", b"3", b"3 V7 N1 Gabc", b"3 N1\n", b"3 V0 N1\n",
            b"3 V7 Nx\n", b"3 V4294967296 N1\n", b"2 V7 N1\n", b"4 V7\n",
            b"1 x 3\n", bytes(50),
        ):  # fmt: skip
            uids, faults = parse(octets)
            self.assertIsNone(uids)
            self.assertIn("has no valid first line", faults)

    @given(_lists())
    def test_round_trip(self, uids: UIDList) -> None:
        """
        What is printed is read again, without a fault.
        """
        self.assertEqual(parse(uids.printed()), (uids, ()))

    @given(_lists(), st.data())
    def test_any_cut(self, uids: UIDList, data: st.DataObject) -> None:
        """
        A list cut anywhere gives its whole lines; what is printed of them is
        a valid list.
        """
        octets = uids.printed()
        end = data.draw(st.integers(octets.index(b"\n") + 1, len(octets)))

        saved, faults = parse(octets[:end])

        assert saved is not None
        whole = octets[:end].count(b"\n") - 1
        self.assertEqual(saved.lines, uids.lines[:whole])
        self.assertEqual(bool(faults), octets[end - 1 : end] != b"\n")
        self.assertEqual(parse(saved.printed()), (saved, ()))

    @given(st.binary() | st.text("3 VNG019:\n\0ab").map(str.encode))
    def test_any_octets(self, octets: bytes) -> None:
        """
        Whatever is in the file, what can be saved makes a valid list, with
        rising UIDs below the next.
        """
        saved, _ = parse(_HEADER + octets)

        assert saved is not None
        found = [line.uid for line in saved.lines]
        self.assertEqual(found, sorted(set(found)))
        self.assertTrue(all(uid < saved.uidnext for uid in found))
        self.assertEqual(parse(saved.printed()), (saved, ()))


class AppendTests(SynchronousTestCase):
    """
    Tests for lines that are appended.
    """

    def test_printed(self) -> None:
        """
        A line is as Dovecot writes it.
        """
        self.assertEqual(Line(3, "a,S=8").printed(), b"3 :a,S=8\n")
        self.assertEqual(
            Line(3, "a", ("Gff", "W9")).printed(), b"3 Gff W9 :a\n"
        )

    def test_read_alone(self) -> None:
        """
        New lines are read without the rest of the list.
        """
        self.assertEqual(
            parse_appended(b"3 :c\n4 Gff :d\n", 2),
            [Line(3, "c"), Line(4, "d", ("Gff",))],
        )
        self.assertEqual(parse_appended(b"", 2), [])

    def test_doubtful_lines(self) -> None:
        """
        Where anything is wrong the whole list must be read.
        """
        for octets in (
            b"3 :c", b"2 :c\n", b"3 :c\n3 :d\n", b"x\n", b"\0\n", b"\n",
            b"3 :c\n4 :c\n",
        ):  # fmt: skip
            self.assertIsNone(parse_appended(octets, 2))

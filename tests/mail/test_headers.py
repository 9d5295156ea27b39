"""
Tests for ``mailsuite.mail.headers``.
"""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.mail import headers

SECTION = (
    b"Received: from a\r\n\tby b;\r\n now\r\n"
    b"From: Ana <a@b.example>\r\n"
    b"broken line\r\n"
    b"SUBJECT : two\r\n words  \r\n"
    b"received: from c\r\n"
    b"\r\n"
)


class FieldsTests(SynchronousTestCase):
    """
    Tests for ``fields`` and ``name_value_pairs``.
    """

    def test_offsets_cover_each_field_with_its_folds(self) -> None:
        """
        A field reaches from its name to the end of its last line.
        """
        found = list(headers.fields(SECTION, base=100))

        octets = [SECTION[f.offset - 100 : f.end - 100] for f in found]
        self.assertEqual(
            octets,
            [
                b"Received: from a\r\n\tby b;\r\n now\r\n",
                b"From: Ana <a@b.example>\r\n",
                b"SUBJECT : two\r\n words  \r\n",
                b"received: from c\r\n",
            ],
        )

    def test_whole_fields_are_the_same(self) -> None:
        """
        Their names and octets are those that ``fields`` finds.
        """
        for section in (SECTION, SECTION[:-4], b"a:\r\nb:", b""):
            self.assertEqual(
                list(headers.whole_fields(section)),
                [
                    (field.name, section[field.offset : field.end])
                    for field in headers.fields(section)
                ],
            )

    def test_a_line_without_colon_is_no_field(self) -> None:
        """
        It is not part of the field before it either.
        """
        names = [name for name, _ in headers.name_value_pairs(SECTION)]

        self.assertEqual(names, [b"Received", b"From", b"SUBJECT", b"received"])

    def test_a_section_may_end_without_line_end(self) -> None:
        """
        The last field then ends with the octets.
        """
        (field,) = headers.fields(b"Subject: x")

        self.assertEqual((field.value, field.length), (b" x", 10))

    @given(st.binary(max_size=200))
    @settings(deadline=None)
    def test_any_octets_give_fields_in_order_and_inside(
        self, octets: bytes
    ) -> None:
        """
        Fields neither overlap nor leave the section.
        """
        end = 0
        for field in headers.fields(octets):
            self.assertGreaterEqual(field.offset, end)
            end = field.end
        self.assertLessEqual(end, len(octets))


class LookupTests(SynchronousTestCase):
    """
    Tests for ``first``, ``every`` and ``unfolded``.
    """

    def test_names_match_in_any_case(self) -> None:
        """
        RFC 5322 1.2.2: field names have no case.
        """
        self.assertEqual(headers.first(SECTION, b"Subject"), b"two words")

    def test_first_of_several(self) -> None:
        """
        The uppermost field is given, unfolded.
        """
        self.assertEqual(
            headers.first(SECTION, b"received"), b"from a\tby b; now"
        )

    def test_every_of_several(self) -> None:
        """
        All fields of a name are given in their order.
        """
        self.assertEqual(
            headers.every(SECTION, b"RECEIVED"),
            [b"from a\tby b; now", b"from c"],
        )

    def test_absent(self) -> None:
        """
        A name that is not there is None, and no field.
        """
        self.assertIsNone(headers.first(SECTION, b"To"))
        self.assertEqual(headers.every(SECTION, b"To"), [])


class SectionEndTests(SynchronousTestCase):
    """
    Tests for ``section_end``.
    """

    def test_after_the_first_empty_line(self) -> None:
        """
        The empty line is of the header section.
        """
        self.assertEqual(headers.section_end(SECTION + b"body"), len(SECTION))

    def test_a_content_that_is_all_body(self) -> None:
        """
        Without any field before the empty line there is no header section.
        """
        content = b"Do you like ketchup?\r\n\r\nHow about pickles?\r\n"

        self.assertEqual(headers.section_end(content), 0)

    def test_no_empty_line(self) -> None:
        """
        Fields alone are a header section without a body.
        """
        self.assertEqual(headers.section_end(b"Subject: x\r\n"), 12)

    def test_begins_with_the_empty_line(self) -> None:
        """
        An empty header section is its empty line.
        """
        self.assertEqual(headers.section_end(b"\r\nbody"), 2)


class PickingTests(SynchronousTestCase):
    """
    Tests for ``only`` and ``without``.
    """

    def test_only_keeps_octets_and_order(self) -> None:
        """
        The fields come as they stand in the message, whatever was asked.
        """
        self.assertEqual(
            headers.only(SECTION, {b"subject", b"from"}),
            b"From: Ana <a@b.example>\r\nSUBJECT : two\r\n words  \r\n\r\n",
        )

    def test_only_of_nothing_is_the_empty_line(self) -> None:
        """
        RFC 9051 6.4.5: the delimiting empty line is always there.
        """
        self.assertEqual(headers.only(SECTION, {b"to"}), b"\r\n")

    def test_without_keeps_all_else(self) -> None:
        """
        Broken lines stay, and there is one empty line.
        """
        self.assertEqual(
            headers.without(SECTION, {b"received", b"from"}),
            b"broken line\r\nSUBJECT : two\r\n words  \r\n\r\n",
        )

    def test_without_closes_a_section_that_is_not(self) -> None:
        """
        A missing line end and a missing empty line are put in.
        """
        self.assertEqual(
            headers.without(b"A: 1\r\nB: 2", {b"a"}), b"B: 2\r\n\r\n"
        )

    @given(st.binary(max_size=200))
    @settings(deadline=None)
    def test_each_field_is_on_one_side(self, octets: bytes) -> None:
        """
        What ``only`` keeps, ``without`` leaves out.
        """
        kept = headers.only(octets, {b"a"})
        rest = headers.without(octets, {b"a"})

        self.assertEqual(headers.every(kept, b"a"), headers.every(octets, b"a"))
        self.assertTrue(rest.endswith(b"\r\n"))


class TimeTests(SynchronousTestCase):
    """
    Sizes at which anything but linear time would not end.
    """

    def test_a_megabyte_of_folds(self) -> None:
        """
        One field of half a million folded lines is one field.
        """
        section = b"Subject: x\r\n" + b" y\r\n" * 500_000

        self.assertEqual(len(list(headers.fields(section))), 1)

    def test_a_megabyte_without_a_colon(self) -> None:
        """
        A line without end and without colon is looked through once.
        """
        self.assertEqual(headers.name_value_pairs(b"x" * 2_000_000), [])

    def test_a_megabyte_of_short_lines(self) -> None:
        """
        Lines that are no fields cost no more than their length.
        """
        self.assertEqual(headers.name_value_pairs(b"x y\r\n" * 400_000), [])

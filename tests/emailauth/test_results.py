"""
Tests for ``mailsuite.emailauth.results``.
"""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.emailauth.results import (
    AuthenticationResults,
    MethodResult,
    Property,
    field,
    parse,
    value,
    without,
)

_keywords = st.from_regex(r"[a-z][a-z0-9-]{0,8}", fullmatch=True).filter(
    lambda word: word not in {"none", "reason"}
)
_values = st.text(
    st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=60
)
_comments = st.from_regex(r"[A-Za-z0-9=:/.@-]{0,40}", fullmatch=True)
_results = st.builds(
    MethodResult,
    _keywords,
    _keywords,
    _comments,
    _values,
    st.lists(
        st.builds(Property, _keywords, _keywords, _values), max_size=4
    ).map(tuple),
)
_fields = st.builds(
    AuthenticationResults,
    _values,
    st.lists(_results, max_size=4).map(tuple),
)


class FieldTests(SynchronousTestCase):
    """
    Tests for ``field`` and ``value``.
    """

    def test_one_line_a_result(self) -> None:
        """
        Each result has its line, with what it was found for.
        """
        found = AuthenticationResults(
            "mx.example.org",
            (
                MethodResult(
                    "spf",
                    "pass",
                    properties=(Property("smtp", "mailfrom", "a@b.example"),),
                ),
                MethodResult(
                    "iprev",
                    "pass",
                    "host.example",
                    properties=(Property("policy", "iprev", "2001:db8::1"),),
                ),
            ),
        )

        self.assertEqual(
            field(found),
            b"Authentication-Results: mx.example.org;\r\n"
            b"\tspf=pass smtp.mailfrom=a@b.example;\r\n"
            b'\tiprev=pass (host.example) policy.iprev="2001:db8::1"\r\n',
        )

    def test_no_results(self) -> None:
        """
        That nothing was looked at is said (RFC 8601 2.2).
        """
        self.assertEqual(
            field(AuthenticationResults("mx.example.org", ())),
            b"Authentication-Results: mx.example.org; none\r\n",
        )

    def test_addresses_as_names(self) -> None:
        """
        Only a property's value may be a bare address.
        """
        found = AuthenticationResults(
            "a@b", (MethodResult("auth", "pass", "", "c@d"),)
        )

        self.assertEqual(value(found), b'"a@b";\r\n\tauth=pass reason="c@d"')

    def test_strangers_words_stay_within(self) -> None:
        """
        What a stranger chose cannot end a comment, a value or the line.
        """
        evil = 'x") ; dkim=pass\r\nBcc: y\u20ac\\'
        found = AuthenticationResults(
            "mx.example.org",
            (
                MethodResult(
                    "spf", "fail", evil, evil, (Property("a", "b", evil),)
                ),
            ),
        )

        read = parse(value(found))

        self.assertNotIn(b"\nBcc", field(found))
        assert read is not None
        self.assertEqual(len(read.results), 1)
        self.assertEqual(
            read.results[0].properties[0].value,
            'x") ; dkim=pass??Bcc: y?\\',
        )

    @given(_fields)
    def test_lines_are_short(self, found: AuthenticationResults) -> None:
        """
        A line is longer than 78 octets only if one part of it is.
        """
        for line in field(found).split(b"\r\n"):
            self.assertLess(len(line), 500)
            self.assertTrue(len(line) <= 78 or line.count(b'"') >= 2)

    @given(_fields)
    def test_print_then_parse(self, found: AuthenticationResults) -> None:
        """
        What is printed is read as it was.
        """
        self.assertEqual(parse(value(found)), found)


class ParseTests(SynchronousTestCase):
    """
    Tests for ``parse``.
    """

    def test_as_others_write(self) -> None:
        """
        Versions, comments, folds and unquoted signatures are understood.
        """
        octets = (
            b" (a (nested) one) example.com 1 ;\r\n"
            b'\tdkim/1=pass (good) reason="a; b" header.b=aZ/+9=;\r\n'
            b' spf = fail smtp . mailfrom = "a b"@example.net ;'
        )

        self.assertEqual(
            parse(octets),
            AuthenticationResults(
                "example.com",
                (
                    MethodResult(
                        "dkim",
                        "pass",
                        "good",
                        "a; b",
                        (Property("header", "b", "aZ/+9="),),
                    ),
                    MethodResult(
                        "spf",
                        "fail",
                        properties=(
                            Property("smtp", "mailfrom", "a b@example.net"),
                        ),
                    ),
                ),
            ),
        )

    def test_none(self) -> None:
        """
        A field without results has none.
        """
        self.assertEqual(
            parse(b"example.com; none"),
            AuthenticationResults("example.com", ()),
        )

    def test_other_versions(self) -> None:
        """
        A version that is not known is not read.
        """
        self.assertIsNone(parse(b"example.com 2; spf=pass"))

    def test_broken(self) -> None:
        """
        What breaks the grammar is nothing.
        """
        for octets in (
            b"",
            b"; spf=pass",
            b"example.com; spf",
            b"example.com; spf=pass smtp",
            b"example.com; spf=pass (open",
            b"example.com spf=pass",
            b"example.com; spf=pass smtp.mailfrom=",
        ):
            self.assertIsNone(parse(octets), octets)

    def test_many_results(self) -> None:
        """
        The number of results is bounded.
        """
        self.assertIsNone(parse(b"example.com" + b"; spf=pass" * 100))

    @settings(deadline=10_000)
    @given(
        st.binary(max_size=200)
        | st.text('ab=.;()"\\ \r\n\t/1', max_size=200).map(str.encode),
        st.integers(1, 100),
    )
    def test_any_octets(self, octets: bytes, times: int) -> None:
        """
        Whatever is read is read, or not, in a moment.
        """
        parse(octets * times)
        without(b"Authentication-Results:" + octets * times, {"ab"})


class WithoutTests(SynchronousTestCase):
    """
    Tests for ``without``.
    """

    def test_ours_go_and_others_stay(self) -> None:
        """
        Fields of our names go, however written; all else stays as it was.
        """
        section = (
            b"Authentication-Results: MX.example.org; spf=pass\r\n"
            b"Received: from x\r\n"
            b'authentication-results :\r\n\t(hm) "mx.example.org" 1;\r\n'
            b" dkim=pass\r\n"
            b"Authentication-Results:  other.example; spf=pass\r\n"
            b"X-Authentication-Results: mx.example.org; spf=pass\r\n"
            b"Authentication-Results: mx.example.org.; arc=pass\r\n"
            b"\r\n"
        )

        self.assertEqual(
            without(section, {"mx.example.org"}),
            b"Received: from x\r\n"
            b"Authentication-Results:  other.example; spf=pass\r\n"
            b"X-Authentication-Results: mx.example.org; spf=pass\r\n"
            b"\r\n",
        )

    def test_internationalized_name(self) -> None:
        """
        Our name is ours in either form.
        """
        section = "Authentication-Results: mx.b\u00fccher.example; none\r\n\r\n"

        self.assertEqual(
            without(section.encode(), {"mx.xn--bcher-kva.example"}), b"\r\n"
        )

    def test_unreadable_with_our_name(self) -> None:
        """
        What others might forgive goes if our name is in it.
        """
        section = b"Authentication-Results: (mx.example.org; spf=pass\r\n\r\n"

        self.assertEqual(without(section, {"mx.example.org"}), b"\r\n")
        self.assertEqual(without(section, {"our.example"}), section)

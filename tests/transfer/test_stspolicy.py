"""
Tests for ``mailsuite.transfer.stspolicy``.
"""

from __future__ import annotations

import time

from hypothesis import given, strategies
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.transfer.stspolicy import (
    BadPolicy,
    Mode,
    STSPolicy,
    parse_policy,
    policy_id,
)

_GOOD = (
    b"version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\n"
    b"mx: *.example.net\r\nmax_age: 604800\r\n"
)


class PolicyIDTests(SynchronousTestCase):
    """
    Tests for ``policy_id``.
    """

    def test_record(self) -> None:
        """
        RFC 8461 3.1's example, with and without the last semicolon.
        """
        for text in (
            b"v=STSv1; id=20160831085700Z;",
            b"v=STSv1; id=20160831085700Z",
            b"v=STSv1;id=20160831085700Z ; ",
            b"v=STSv1; more=x; id=20160831085700Z;",
        ):
            self.assertEqual(policy_id((text,)), "20160831085700Z", text)

    def test_others_are_passed_over(self) -> None:
        """
        What does not begin as a record of this version is none.
        """
        self.assertEqual(policy_id((b"v=spf1 -all", b"v=STSv1; id=a;")), "a")
        self.assertIsNone(policy_id((b"v=STSv10; id=a;",)))

    def test_two_records_are_none(self) -> None:
        """
        Nobody knows which of two counts.
        """
        self.assertIsNone(policy_id((b"v=STSv1; id=a;", b"v=STSv1; id=b;")))

    def test_broken_records(self) -> None:
        """
        What breaks the grammar is no record.
        """
        for text in (
            b"v=STSv1;",
            b"v=STSv1; id=;",
            b"v=STSv1; id=with-hyphen;",
            b"v=STSv1; id=" + b"a" * 33,
            b"v=STSv1; id=a; no field;",
            b"v=STSv1; id=a;; x=y",
            b"v=STSv1; id=\xe4;",
        ):
            self.assertIsNone(policy_id((text,)), text)

    def test_long_record(self) -> None:
        """
        The longest that the DNS can carry is looked through at once.
        """
        text = b"v=STSv1; id=a" + b" \t" * 32_000 + b"x"
        started = time.process_time()
        self.assertIsNone(policy_id((text,)))
        self.assertLess(time.process_time() - started, 0.5)

    @given(strategies.binary(max_size=100))
    def test_any_octets(self, octets: bytes) -> None:
        """
        No octets make it fail.
        """
        for text in (octets, b"v=STSv1;" + octets, b"v=STSv1; id=" + octets):
            number = policy_id((text,))
            self.assertTrue(number is None or number.isalnum())


class ParsePolicyTests(SynchronousTestCase):
    """
    Tests for ``parse_policy``.
    """

    def test_policy(self) -> None:
        """
        RFC 8461 3.2's kind of policy.
        """
        self.assertEqual(
            parse_policy(_GOOD),
            STSPolicy(
                Mode.ENFORCE, ("mail.example.com", "*.example.net"), 604800
            ),
        )

    def test_line_ends(self) -> None:
        """
        LF does as well, and the last line needs none.
        """
        bare = _GOOD.replace(b"\r\n", b"\n").removesuffix(b"\n")
        self.assertEqual(parse_policy(bare), parse_policy(_GOOD))

    def test_unknown_fields_and_repetitions(self) -> None:
        """
        Unknown fields are passed over; the first of two counts.
        """
        more = _GOOD + b"mode: none\r\nmax_age: 1\r\nx-more: anything: at all\n"
        self.assertEqual(parse_policy(more), parse_policy(_GOOD))

    def test_longest_age(self) -> None:
        """
        No policy is kept for longer than a year.
        """
        octets = _GOOD.replace(b"604800", b"9999999999")
        self.assertEqual(parse_policy(octets).max_age, 31557600)

    def test_none_needs_no_mx(self) -> None:
        """
        A domain that takes its policy back names no host.
        """
        policy = parse_policy(b"version: STSv1\nmode: none\nmax_age: 86400\n")
        self.assertEqual(policy.mode, Mode.NONE)

    def test_broken_policies(self) -> None:
        """
        What is not whole is no policy.
        """
        for octets in (
            b"",
            b"<html>",
            _GOOD.replace(b"STSv1", b"STSv2"),
            _GOOD.replace(b"enforce", b"Enforce"),
            _GOOD.replace(b"max_age: 604800\r\n", b""),
            _GOOD.replace(b"604800", b"-1"),
            _GOOD.replace(b"604800", b"12345678901"),
            _GOOD.replace(b"mx: ", b"my: "),
            _GOOD.replace(b"*.example.net", b"mail.*.net"),
            _GOOD.replace(b"*.example.net", b"*"),
            _GOOD + b"mx: *.x\r\n" * 2 + b"\xff",
            _GOOD + b"mx: a.b\r\n".join(b"%d" % n for n in range(3)),
        ):
            self.assertRaises(BadPolicy, parse_policy, octets)

    def test_print_then_parse(self) -> None:
        """
        What is kept on disk is read as the same policy.
        """
        policy = parse_policy(_GOOD)
        again = parse_policy("\n".join(policy.lines()).encode())
        self.assertEqual(again, policy)

    @given(strategies.binary(max_size=200))
    def test_any_octets(self, octets: bytes) -> None:
        """
        No octets make it fail in another way.
        """
        for tried in (octets, _GOOD + octets):
            try:
                parse_policy(tried)
            except BadPolicy:
                continue


class NamesTests(SynchronousTestCase):
    """
    Tests for ``STSPolicy.names``.
    """

    def test_patterns(self) -> None:
        """
        A star is one whole label (RFC 8461 4.1).
        """
        policy = parse_policy(_GOOD)
        self.assertTrue(policy.names("mail.example.com"))
        self.assertTrue(policy.names("mx1.example.net"))
        for host in (
            "example.net",
            "a.mx1.example.net",
            "mail.example.com.evil.org",
            "xmail.example.com",
            ".example.net",
        ):
            self.assertFalse(policy.names(host), host)

"""
Tests for the parameters of MAIL and RCPT; tests/dialogs/smtp has the replies.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.mail.address import Address
from mailsuite.mail.envelope import Recipient, Sender
from mailsuite.smtp.offers import Offers
from mailsuite.smtp.parameters import (
    print_date_time,
    recipient_of,
    sender_of,
)
from mailsuite.smtp.wire.commands import Mail, Rcpt
from mailsuite.smtp.wire.replies import Reply

ALICE = Address("alice", "crepes.fr")
ALL = Offers(dsn=True, requiretls=True, hold_seconds=86400)
NOTHING = Offers(dsn=False, requiretls=False, hold_seconds=0)
NOW = 1_000_000.0

_VALUES = st.none() | st.text(max_size=20) | st.from_regex(
    r"(rfc822|utf-8);(\\x\{[0-9A-F]{1,7}\}|\+[0-9A-F]{2}|[a-z@+=]){0,9}"
    r"|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?Z"
    r"|(SUCCESS|FAILURE|DELAY|NEVER)(,(SUCCESS|FAILURE|DELAY|NEVER)){0,3}"
    r"|[0-9]{1,12}",
    fullmatch=True,
)  # fmt: skip
_MAIL = st.sampled_from(
    ["SIZE", "BODY", "SMTPUTF8", "AUTH", "RET", "ENVID", "REQUIRETLS"]
    + ["HOLDFOR", "HOLDUNTIL", "X"]
)
_RCPT = st.sampled_from(["NOTIFY", "ORCPT", "X"])


def read(
    *parameters: tuple[str, str | None], offers: Offers = ALL
) -> Sender | Reply:
    """
    What MAIL with these parameters names.
    """
    return sender_of(Mail(ALICE, parameters), offers, takes_auth=True, now=NOW)


class SenderTests(SynchronousTestCase):
    """
    Tests for ``sender_of``.
    """

    def test_what_is_not_offered_is_unknown(self) -> None:
        """
        Each extension's parameters need its offer.
        """
        for keyword, value in (
            ("RET", "FULL"),
            ("ENVID", "x"),
            ("REQUIRETLS", None),
            ("HOLDFOR", "60"),
            ("HOLDUNTIL", "1970-01-13T00:00:00Z"),
        ):
            self.assertIsInstance(read((keyword, value)), Sender)
            refused = read((keyword, value), offers=NOTHING)
            assert isinstance(refused, Reply)
            self.assertEqual(refused.code, 555)

    def test_all_together(self) -> None:
        """
        Each has its place.
        """
        parameters = (
            ("RET", "full"),
            ("ENVID", "a+2Bb"),
            ("REQUIRETLS", None),
            ("HOLDFOR", "3600"),
        )

        self.assertEqual(
            read(*parameters),
            Sender(
                ALICE,
                parameters=parameters,
                returned="FULL",
                envelope_id="a+b",
                requiretls=True,
                hold_until=NOW + 3600,
            ),
        )

    def test_a_moment_that_has_passed(self) -> None:
        """
        The message is held no more.
        """
        sender = read(("HOLDUNTIL", "1970-01-01T00:00:01.5Z"))

        assert isinstance(sender, Sender)
        self.assertEqual(sender.hold_until, 1.0)

    def test_what_is_announced_is_taken(self) -> None:
        """
        The last moment that EHLO names, and none after it.
        """
        last = print_date_time(NOW + 86400)
        later = print_date_time(NOW + 86401)

        self.assertIsInstance(read(("HOLDUNTIL", last)), Sender)
        self.assertIsInstance(read(("HOLDUNTIL", later)), Reply)

    @given(st.lists(st.tuples(_MAIL, _VALUES), max_size=4))
    def test_nothing_is_raised(
        self, parameters: list[tuple[str, str | None]]
    ) -> None:
        """
        Whatever comes is a sender, or is refused for its syntax.
        """
        found = read(*parameters)

        if isinstance(found, Reply):
            self.assertIn(found.code, (501, 555))
        else:
            envelope_id = found.envelope_id or ""
            self.assertTrue(envelope_id.isprintable())


class RecipientTests(SynchronousTestCase):
    """
    Tests for ``recipient_of``.
    """

    @given(
        st.lists(st.tuples(_RCPT, _VALUES), max_size=3),
        st.sampled_from([ALL, NOTHING]),
        st.booleans(),
    )
    def test_nothing_is_raised(
        self,
        parameters: list[tuple[str, str | None]],
        offers: Offers,
        smtputf8: bool,
    ) -> None:
        """
        Whatever comes is a recipient, or is refused for its syntax.
        """
        found = recipient_of(
            Rcpt(ALICE, tuple(parameters)), offers, smtputf8=smtputf8
        )

        if isinstance(found, Reply):
            self.assertIn(found.code, (501, 555))
        elif found.original is not None:
            self.assertIs(offers, ALL)
            self.assertTrue(found.original[1])
            self.assertNotRegex(found.original[1], "[\r\n\0]")

    def test_without_parameters(self) -> None:
        """
        Absence is none of NOTIFY's words.
        """
        self.assertEqual(
            recipient_of(Rcpt(ALICE), NOTHING, smtputf8=False),
            Recipient(ALICE),
        )

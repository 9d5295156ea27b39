"""
Tests for ``mailsuite.mail.trace``.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.mail.address import Address
from mailsuite.mail.envelope import Origin
from mailsuite.mail.trace import address_literal, received, return_path

BOB = Address("bob", "hamburger.edu")
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
ORIGIN = Origin(
    protocol="ESMTPS",
    listener="mx",
    peer="192.0.2.7",
    helo="crepes.fr",
    our_name="hamburger.edu",
    tls="TLSv1.3 TLS_AES_256_GCM_SHA384",
)


class ReturnPathTests(SynchronousTestCase):
    """
    Tests for ``return_path``.
    """

    def test_holds_the_reverse_path(self) -> None:
        """
        The reverse-path stands between angle brackets.
        """
        self.assertEqual(
            return_path(Address("alice", "crepes.fr")),
            b"Return-Path: <alice@crepes.fr>\r\n",
        )

    def test_null_reverse_path(self) -> None:
        """
        A bounce's Return-Path is empty.
        """
        self.assertEqual(return_path(None), b"Return-Path: <>\r\n")

    def test_quotes_what_must_be(self) -> None:
        """
        A local part with a space is quoted again.
        """
        self.assertEqual(
            return_path(Address("al ice", "crepes.fr")),
            b'Return-Path: <"al ice"@crepes.fr>\r\n',
        )


class ReceivedTests(SynchronousTestCase):
    """
    Tests for ``received``.
    """

    def test_tells_everything(self) -> None:
        """
        FROM, BY, WITH, the TLS comment, ID, FOR and the date are there.
        """
        self.assertEqual(
            received(ORIGIN, "6924-1", NOON, BOB),
            b"Received: from crepes.fr ([192.0.2.7])\r\n"
            b"\tby hamburger.edu with ESMTPS (TLSv1.3 TLS_AES_256_GCM_SHA384)"
            b"\r\n"
            b"\tid 6924-1\r\n"
            b"\tfor <bob@hamburger.edu>;\r\n"
            b"\tTue, 24 Nov 2026 12:00:00 +0000\r\n",
        )

    def test_several_recipients_have_no_for(self) -> None:
        """
        With several recipients none of them is named.
        """
        self.assertNotIn(b"for", received(ORIGIN, "6924-1", NOON))

    def test_ipv6(self) -> None:
        """
        An IPv6 address bears its tag.
        """
        field = received(replace(ORIGIN, peer="2001:db8::1"), "1", NOON)

        self.assertIn(b"([IPv6:2001:db8::1])", field)

    def test_client_without_a_network(self) -> None:
        """
        A client on a UNIX socket has no address to tell.
        """
        field = received(replace(ORIGIN, peer="", helo=""), "1", NOON)

        self.assertTrue(field.startswith(b"Received: from localhost\r\n"))

    @settings(deadline=None)
    @given(helo=st.text(), tls=st.text())
    def test_nothing_is_smuggled_in(self, helo: str, tls: str) -> None:
        """
        Whatever the peer calls itself, the field stays one field.
        """
        origin = replace(ORIGIN, helo=helo, tls=tls)
        field = received(origin, "1", NOON, BOB)

        message = message_from_bytes(field + b"\r\n")
        self.assertEqual(message.keys(), ["Received"])
        self.assertEqual(message.get_payload(), "")
        self.assertTrue(field.isascii())
        self.assertLessEqual(field.count(b"("), 2)
        self.assertEqual(field.count(b"("), field.count(b")"))


class AddressLiteralTests(SynchronousTestCase):
    """
    Tests for ``address_literal``.
    """

    def test_ipv4(self) -> None:
        """
        An IPv4 address stands in brackets.
        """
        self.assertEqual(address_literal("192.0.2.7"), "[192.0.2.7]")

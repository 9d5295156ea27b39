"""
Tests for ``mailsuite.smtp.wire.capabilities``.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.smtp.wire.capabilities import Capabilities
from mailsuite.smtp.wire.peerreplies import PeerReply


def told(*lines: str) -> Capabilities:
    """
    What these lines, behind the server's name, tell.
    """
    return Capabilities.of(PeerReply(250, "2.0.0", ("mx.example", *lines)))


class CapabilitiesTests(SynchronousTestCase):
    """
    Tests for ``Capabilities``.
    """

    def test_all(self) -> None:
        """
        Each extension has its place; case does not count.
        """
        self.assertEqual(
            told(
                "pipelining",
                "8BITMIME",
                "SMTPUTF8",
                "CHUNKING",
                "DSN",
                "STARTTLS",
                "REQUIRETLS",
                "SIZE 1000",
                "AUTH plain SCRAM-SHA-256",
                "LIMITS MAILMAX=5 RCPTMAX=20 RCPTDOMAINMAX=1 X=2",
                "X-OTHER",
            ),
            Capabilities(
                extended=True,
                pipelining=True,
                eight_bit=True,
                smtputf8=True,
                chunking=True,
                dsn=True,
                starttls=True,
                requiretls=True,
                size=1000,
                mechanisms=frozenset({"PLAIN", "SCRAM-SHA-256"}),
                recipients_most=20,
                messages_most=5,
            ),
        )

    def test_name_is_no_extension(self) -> None:
        """
        The first line is the server's name, even if it reads otherwise.
        """
        reply = PeerReply(250, "2.0.0", ("PIPELINING",))

        self.assertFalse(Capabilities.of(reply).pipelining)

    def test_size(self) -> None:
        """
        SIZE without a number, or with nonsense, tells no limit.
        """
        self.assertEqual(told("SIZE").size, 0)
        self.assertEqual(told("SIZE lots").size, 0)
        self.assertIsNone(told().size)

    def test_nonsense_limits(self) -> None:
        """
        A limit of nothing, or no number, is none.
        """
        self.assertIsNone(told("LIMITS RCPTMAX=0 RCPTMAX=-1").recipients_most)

    def test_old_auth(self) -> None:
        """
        The way it was written before RFC 2554 is understood.
        """
        self.assertEqual(
            told("AUTH=LOGIN PLAIN").mechanisms, {"LOGIN", "PLAIN"}
        )

    @given(st.lists(st.text()))
    def test_nothing_raises(self, lines: list[str]) -> None:
        """
        No answer makes it raise.
        """
        self.assertTrue(told(*lines).extended)

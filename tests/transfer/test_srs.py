"""
Tests for ``mailsuite.transfer.srs``.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.mail.address import Address
from mailsuite.transfer.srs import NotOurs, SenderRewriting

_NOW = 1_800_000_000.0
_DAY = 86400.0

_ATOM = st.text("abcdefghijklmnopqrstuvwxyz0123456789.+-_=", min_size=1)
_ADDRESSES = st.builds(
    Address,
    _ATOM.filter(lambda text: not text.startswith(("srs0", "srs1"))),
    st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1).map("{}.example".format),
)


class SenderRewritingTests(SynchronousTestCase):
    """
    Tests for ``SenderRewriting``.
    """

    def setUp(self) -> None:
        self.ours = SenderRewriting([b"new", b"old"], "b.example")

    @given(_ADDRESSES)
    def test_leads_back(self, sender: Address) -> None:
        """
        What was rewritten is read back, whatever a server does to its case.
        """
        ours = SenderRewriting([b"key"], "b.example")
        made = ours.rewritten(sender, _NOW)

        self.assertEqual(made.domain, "b.example")
        for local_part in (made.local_part, made.local_part.upper()):
            found = ours.original(local_part, _NOW + 20 * _DAY)
            assert found is not None
            self.assertEqual(str(found).lower(), str(sender).lower())

    def test_ends(self) -> None:
        """
        After three weeks the address leads nowhere, over the turn of the
        counter of days too.
        """
        for start in (_NOW, (1024 * 20 - 3) * _DAY):
            made = self.ours.rewritten(Address("a", "a.example"), start)
            self.ours.original(made.local_part, start + 21 * _DAY)
            with self.assertRaises(NotOurs):
                self.ours.original(made.local_part, start + 22 * _DAY)

    def test_forged(self) -> None:
        """
        Another's hash, or a changed address, is refused.
        """
        other = SenderRewriting([b"other"], "b.example")
        made = other.rewritten(Address("a", "a.example"), _NOW)
        with self.assertRaises(NotOurs):
            self.ours.original(made.local_part, _NOW)
        mine = self.ours.rewritten(Address("a", "a.example"), _NOW)
        changed = mine.local_part.replace("a.example", "c.example")
        with self.assertRaises(NotOurs):
            self.ours.original(changed, _NOW)
        with self.assertRaises(NotOurs):
            self.ours.original("SRS0=x", _NOW)

    def test_former_key(self) -> None:
        """
        What was made with a key that is no longer the first is still good.
        """
        made = SenderRewriting([b"old"], "b.example").rewritten(
            Address("a", "a.example"), _NOW
        )
        self.assertEqual(
            self.ours.original(made.local_part, _NOW),
            Address("a", "a.example"),
        )

    def test_no_rewritten_address(self) -> None:
        """
        Other local parts are none of its business.
        """
        self.assertIsNone(self.ours.original("srs0", _NOW))
        self.assertIsNone(self.ours.original("bob", _NOW))

    def test_second_and_third_forwarder(self) -> None:
        """
        An address that was rewritten elsewhere is wrapped once, and leads
        back to the first forwarder however many follow.
        """
        first = SenderRewriting([b"1"], "one.example")
        second = SenderRewriting([b"2"], "two.example")
        third = SenderRewriting([b"3"], "three.example")
        made = first.rewritten(Address("a", "a.example"), _NOW)
        once = second.rewritten(made, _NOW)
        twice = third.rewritten(once, _NOW)

        self.assertTrue(twice.local_part.startswith("SRS1="))
        self.assertEqual(second.original(once.local_part, _NOW), made)
        self.assertEqual(third.original(twice.local_part, _NOW), made)

    def test_name_that_looks_rewritten(self) -> None:
        """
        Somebody may be called so: a bounce finds him.
        """
        for local_part in ("SRS1", "srs1=x", "SRS1=hash=x", "srs1-fan=a=b"):
            sender = Address(local_part, "a.example")
            made = self.ours.rewritten(sender, _NOW)
            self.assertEqual(self.ours.original(made.local_part, _NOW), sender)

    def test_every_address_comes_back(self) -> None:
        """
        Odd local parts and literals survive the way through SMTP.
        """
        for text in (
            "a=b=c@a.example",
            '"a b"@a.example',
            "a+b-c@a.example",
            "a@[192.0.2.1]",
            "a@[IPv6:2001:db8::1]",
            "é@a.example",
        ):
            sender = Address.parse(text)
            made = Address.parse(str(self.ours.rewritten(sender, _NOW)))
            self.assertEqual(self.ours.original(made.local_part, _NOW), sender)

"""
Tests for ``mailsuite.mail.mutf7``.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.mail.mutf7 import NotModifiedUTF7, decode, encode


class ModifiedUTF7Tests(SynchronousTestCase):
    """
    Tests for ``encode`` and ``decode``.
    """

    def test_examples(self) -> None:
        """
        The RFC's own examples, and characters outside the first plane.
        """
        for name, encoded in (
            ("INBOX", "INBOX"),
            ("~peter/mail/台北/日本語", "~peter/mail/&U,BTFw-/&ZeVnLIqe-"),
            ("Wäsche & Co", "W&AOQ-sche &- Co"),
            ("&&", "&-&-"),
            ("ä&", "&AOQ-&-"),
            ("\t", "&AAk-"),
            ("📬", "&2D3c7A-"),
            ("", ""),
        ):
            self.assertEqual(encode(name), encoded)
            self.assertEqual(decode(encoded), name)

    def test_other_spellings_are_refused(self) -> None:
        """
        What no encoder may write is not read.
        """
        for encoded in (
            "&",  # no end
            "&AOQ",  # no end
            "a&b",  # no end, and no base64
            "&AGE-",  # a printable character shifted
            "&U,BTFw-&ZeVnLIqe-",  # two shifts in a row
            "&AOR-",  # bits behind the last octet
            "&AO-",  # half a character
            "&2D0-",  # half a pair
            "&AOQ=-",  # padding
            "&U/BTFw-",  # the other base64
            "&A!OQ-",  # no base64
            "ä",  # not ASCII
            "\t",  # not printable
        ):
            self.assertRaises(NotModifiedUTF7, decode, encoded)

    def test_lone_surrogates_are_refused(self) -> None:
        """
        Half a character has no encoding.
        """
        self.assertRaises(NotModifiedUTF7, encode, "\ud83d")

    @given(st.text(st.characters(exclude_categories=["Cs"])))
    def test_round_trip(self, name: str) -> None:
        """
        Every name is read as it was written.
        """
        encoded = encode(name)

        self.assertTrue(encoded.isascii())
        self.assertEqual(decode(encoded), name)

    @given(st.text("&-,+AOQsx \xe4"))
    def test_one_encoding_a_name(self, encoded: str) -> None:
        """
        What is read at all is what would be written.
        """
        try:
            name = decode(encoded)
        except NotModifiedUTF7:
            return
        self.assertEqual(encode(name), encoded)

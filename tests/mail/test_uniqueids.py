"""
Tests for ``mailsuite.mail.uniqueids``.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from mailsuite.mail.uniqueids import UniqueIdFormat


class UniqueIdFormatTests(SynchronousTestCase):
    """
    Tests for ``UniqueIdFormat``.
    """

    def test_forms_that_dovecot_knows(self) -> None:
        """
        Each as Dovecot prints it.
        """
        for text, printed in (
            ("%08Xu%08Xv", "000000ff0000abcd"),
            ("%v.%u", "43981.255"),
            ("%u.%v", "255.43981"),
            ("%08Xv%08Xu", "0000abcd000000ff"),
            ("UID%u-%v", "UID255-43981"),
            ("%f", "17.M1P2.host"),
            ("%g", "0123abcd"),
        ):
            made = UniqueIdFormat(text).of(
                255, 43981, "17.M1P2.host", "0123abcd"
            )
            self.assertEqual(made, printed)

    def test_names_are_asked_for_where_they_are_used(self) -> None:
        """
        They cost more than numbers.
        """
        self.assertFalse(UniqueIdFormat("%u").needs_names)
        self.assertTrue(UniqueIdFormat("%g").needs_names)

    def test_what_gives_no_unique_ids_is_refused(self) -> None:
        """
        Unknown variables, nothing of the message, a lone sign.
        """
        for text in ("", "%v", "fixed", "%u%", "%z%u", "%8Xf", "%uü"):
            with self.assertRaises(ValueError):
                UniqueIdFormat(text)

    def test_braces_are_nothing_special(self) -> None:
        """
        Only the sign of percent is.
        """
        self.assertEqual(UniqueIdFormat("{%u}").of(7, 1, "", ""), "{7}")

"""
Tests for ``mailsuite.accounts.places``.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from mailsuite.accounts.places import Places


class PlacesTests(SynchronousTestCase):
    """
    Tests for ``Places``.
    """

    def test_usual(self) -> None:
        """
        The maildir lies in the account's folder, unless told otherwise.
        """
        self.assertEqual(
            Places("/state/mail/{domain}/{local}").of("bob", "localhost"),
            ("/state/mail/localhost/bob", "/state/mail/localhost/bob/Maildir"),
        )

    def test_apart(self) -> None:
        """
        Both may lie anywhere.
        """
        places = Places(
            "/state/{local}@{domain}", "/var/vmail/{domain}/{local}"
        )
        self.assertEqual(
            places.of("bob", "localhost"),
            ("/state/bob@localhost", "/var/vmail/localhost/bob"),
        )

    def test_shared(self) -> None:
        """
        A template that gives two accounts one place is refused.
        """
        self.assertRaises(ValueError, Places, "/mail/{domain}")
        self.assertRaises(ValueError, Places, "/m/{local}/{domain}", "/mail")

    def test_by_local_part(self) -> None:
        """
        A template may do without the domain, and says so.
        """
        self.assertTrue(Places("/home/{local}").by_local_part)
        self.assertFalse(Places("/m/{domain}/{local}").by_local_part)

    def test_unknown_field(self) -> None:
        """
        An unknown field is refused.
        """
        self.assertRaises(ValueError, Places, "/{local}/{domain}/{uid}")

    def test_relative(self) -> None:
        """
        A path that depends on where we stand is refused.
        """
        self.assertRaises(ValueError, Places, "mail/{local}/{domain}")

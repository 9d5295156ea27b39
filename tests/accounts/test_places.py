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
        self.assertRaises(ValueError, Places, "/mail/{local}")
        self.assertRaises(ValueError, Places, "/m/{local}/{domain}", "/mail")

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

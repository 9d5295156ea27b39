"""
Tests for ``mailsuite.accounts.preparation``.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from mailsuite.accounts.errors import BadPassword
from mailsuite.accounts.preparation import candidates, for_scram, prepared


class PreparationTests(SynchronousTestCase):
    """
    Tests for ``prepared``, ``candidates`` and ``for_scram``.
    """

    def test_ascii(self) -> None:
        """
        ASCII stays, spaces and case too.
        """
        self.assertEqual(prepared(" Hungry Pass "), b" Hungry Pass ")

    def test_composition(self) -> None:
        """
        An accent typed apart is the same letter.
        """
        self.assertEqual(prepared("cafe\u0301"), "caf\u00e9".encode())

    def test_spaces(self) -> None:
        """
        Every space is the space (RFC 8265 4.2.2).
        """
        self.assertEqual(prepared("a\u3000b"), b"a b")

    def test_control_character(self) -> None:
        """
        A control character cannot be typed everywhere.
        """
        self.assertRaises(BadPassword, prepared, "a\tb")

    def test_empty(self) -> None:
        """
        An empty password is none.
        """
        self.assertRaises(BadPassword, prepared, "")

    def test_too_long(self) -> None:
        """
        A password has an end.
        """
        prepared("a" * 1024)
        self.assertRaises(BadPassword, prepared, "a" * 1025)

    def test_candidates(self) -> None:
        """
        An ASCII password is tried once, another as typed as well.
        """
        self.assertEqual(candidates("hungry"), (b"hungry",))
        self.assertEqual(
            candidates("cafe\u0301"),
            ("caf\u00e9".encode(), "cafe\u0301".encode()),
        )
        self.assertEqual(candidates("a\tb"), (b"a\tb",))

    def test_scram(self) -> None:
        """
        SCRAM's clients replace compatibility forms; what they cannot prepare
        they send as it is.
        """
        self.assertEqual(for_scram("\u2168"), b"IX")
        self.assertEqual(for_scram("a\tb"), b"a\tb")

"""
Tests for ``mailsuite.accounts.directory``.
"""

from __future__ import annotations

from zope.interface.verify import verifyObject

from mailsuite.interfaces import AccountRecord, IDirectory
from mailsuite.mail.address import Address
from tests.support.people import PeopleTestCase


class DirectoryTests(PeopleTestCase):
    """
    Tests for ``Directory``.
    """

    def to(self, text: str) -> list[str] | None:
        """
        The accounts behind an address.
        """
        found = self.now(self.directory.resolve(Address.parse(text)))
        if found is None:
            return None
        return [record.address for record in found.accounts]

    def test_provides_idirectory(self) -> None:
        """
        It is what the reception wants.
        """
        verifyObject(IDirectory, self.directory)

    def test_account(self) -> None:
        """
        An account's address leads to it, with where its mail lies.
        """
        self.add("bob@localhost")
        found = self.now(self.directory.resolve(Address("Bob", "localhost")))
        assert found is not None
        self.assertEqual(
            found.accounts,
            (
                AccountRecord(
                    number=1,
                    address="bob@localhost",
                    home="/mail/localhost/bob",
                    maildir="/mail/localhost/bob/Maildir",
                ),
            ),
        )

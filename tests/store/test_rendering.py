"""
Tests for ``mailsuite.store.rendering``: what the contract does not show.
"""

from __future__ import annotations

import os

from mailsuite.imap import renderers
from mailsuite.mail.flags import DELETED, FlagMode
from mailsuite.mail.uids import UIDSet
from mailsuite.store.mailbox import Mailbox
from tests.support.stores import StoreTestCase, message


class RenderingsTests(StoreTestCase):
    """
    Renderings of messages that others made.
    """

    async def test_a_file_that_cannot_be_read(self) -> None:
        """
        Is an empty message, but only until it can be.
        """
        self.store = self.another_service(renderers=renderers.renderers())
        account = await self.store.open_account(self.record())
        maildir = self.record().maildir
        await account.open_mailbox("INBOX")
        path = f"{maildir}/cur/1795557832.M1P1.other:2,"
        with open(path, "wb") as file:
            file.write(message())
        inbox: Mailbox = await account.open_mailbox("INBOX")
        await inbox.look()
        os.rename(path, f"{maildir}/tmp/kept")
        # A link to itself cannot be opened by root either.
        os.symlink(path, path)

        [hidden] = await inbox.renderings(renderers.ENVELOPE, [1])
        os.rename(f"{maildir}/tmp/kept", path)
        [shown] = await inbox.renderings(renderers.ENVELOPE, [1])

        assert hidden is not None and shown is not None
        self.assertNotIn(b"Test", hidden)
        self.assertIn(b"Test", shown)

    async def test_held_until_an_expunge(self) -> None:
        """
        What was asked for is in memory; a message that is gone is not.
        """
        self.store = self.another_service(renderers=renderers.renderers())
        account = await self.store.open_account(self.record())
        inbox = await account.open_mailbox("INBOX")
        for _ in range(3):
            content = await self.store.incoming(None)
            content.write(message())
            await inbox.append(content)
        await inbox.renderings(renderers.ENVELOPE, [1, 2, 3])
        first = await inbox.renderings(renderers.ENVELOPE, [1, 2, 3])
        self.assertNotIn(None, first)

        # With the database out of reach, what is held is still told.
        run, inbox.run = inbox.run, None
        self.assertEqual(
            await inbox.renderings(renderers.ENVELOPE, [3, 1]),
            [first[2], first[0]],
        )
        inbox.run = run
        await inbox.store(UIDSet.of([2]), FlagMode.ADD, [DELETED])
        await inbox.expunge()

        again = await inbox.renderings(renderers.ENVELOPE, [1, 2, 3])

        self.assertEqual(again, [first[0], None, first[2]])

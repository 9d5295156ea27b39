"""
Tests for ``mailsuite.store.maildrop``.
"""

from __future__ import annotations

import os
from dataclasses import replace

from mailsuite.mail.flags import DELETED, FlagMode
from mailsuite.mail.uids import UIDSet
from mailsuite.mail.uniqueids import UniqueIdFormat
from tests.support.stores import StoreTestCase, message


class UniqueIdTests(StoreTestCase):
    """
    Tests for the ids that POP3's UIDL tells.
    """

    async def ids(self, field: str = "") -> list[str]:
        """
        The ids of two messages, the second of which has such a field in the
        uidlist of a tree that was Dovecot's.
        """
        record = self.record()
        path = f"{record.maildir}/dovecot-uidlist"
        for name in ("cur", "new", "tmp"):
            os.makedirs(f"{record.maildir}/{name}")
        for base in ("1.M1P1.h", "1.M2P1.h"):
            with open(f"{record.maildir}/cur/{base}:2,", "wb") as file:
                file.write(message())
        with open(path, "w") as list_:
            list_.write("3 V1795557834 N27 Gaa\n1 :1.M1P1.h\n")
            list_.write(f"26{field} :1.M2P1.h\n")
        account = await self.store.account(record)
        maildrop = await account.maildrop()
        ids = [entry.unique_id for entry in maildrop.entries]
        maildrop.release()
        account.release()
        return ids

    async def test_default_form(self) -> None:
        """
        UID and UIDVALIDITY, each as eight hexadecimal digits: what Dovecot
        2.3.19 tells for the same tree.
        """
        self.assertEqual(
            await self.ids(), ["000000016b0609ca", "0000001a6b0609ca"]
        )

    async def test_given_by_another_program(self) -> None:
        """
        An id that the uidlist has is told, so that nothing is fetched again.
        """
        self.assertEqual(
            await self.ids(" Pold.id W40"), ["000000016b0609ca", "old.id"]
        )

    async def test_other_forms(self) -> None:
        """
        By configuration: the GUID of the line, else the file's base name.
        """
        self.store.tools = replace(
            self.store.tools, unique_ids=UniqueIdFormat("%g")
        )
        self.assertEqual(await self.ids(" Gguid"), ["1.M1P1.h", "guid"])

    async def test_impossible_id(self) -> None:
        """
        An id that RFC 1939 has no place for is not told.
        """
        self.assertEqual(
            await self.ids(" P\xe4"), ["000000016b0609ca", "0000001a6b0609ca"]
        )


class DeleteTests(StoreTestCase):
    """
    Tests for what POP3's QUIT removes.
    """

    async def test_what_others_expunged_is_gone_too(self) -> None:
        """
        A message that went meanwhile is not one that could not be removed.
        """
        account = await self.store.account(self.record())
        mailbox = await account.mailbox("INBOX")
        for _ in range(2):
            content = await self.store.incoming(None)
            content.write(message())
            await mailbox.append(content)
        maildrop = await account.maildrop()
        await mailbox.store(UIDSet.of([1]), FlagMode.ADD, [DELETED])
        await mailbox.expunge()

        gone = await maildrop.delete(UIDSet.of([1, 2]))

        self.assertEqual(gone, UIDSet.of([1, 2]))
        maildrop.release()
        mailbox.release()
        account.release()

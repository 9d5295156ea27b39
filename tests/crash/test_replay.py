"""
Every crash of every kind of step, replayed on the real store.

What was answered is there, once, with its UID and flags; no UID is given
twice; no modseq goes back; every uidlist is one that Dovecot believes.
"""

from __future__ import annotations

from mailsuite.disksteps import FileSynced, FolderSynced, Renamed, Unlinked
from tests.crash import steps
from tests.crash.replaying import ReplayTestCase


class ReplayTests(ReplayTestCase):
    """
    One test for each kind of step.
    """

    def test_delivery(self) -> None:
        """
        A delivery to one account.
        """
        self.replay(steps.DELIVERY)

    def test_delivery_to_five(self) -> None:
        """
        A delivery to five accounts.
        """
        self.replay(steps.DELIVERY_TO_FIVE)

    def test_first_delivery(self) -> None:
        """
        A delivery to an account that has no folder yet.
        """
        self.replay(steps.FIRST_DELIVERY)

    def test_append(self) -> None:
        """
        An APPEND with flags, among them a new keyword.
        """
        self.replay(steps.APPEND)

    def test_flags(self) -> None:
        """
        A change of flags of three messages, one of which has none of them.
        """
        self.replay(steps.FLAGS)

    def test_expunge(self) -> None:
        """
        An EXPUNGE of two messages.
        """
        self.replay(steps.EXPUNGE)

    def test_copy(self) -> None:
        """
        A COPY of three messages to another mailbox: all or none.
        """
        self.replay(steps.COPY)

    def test_move(self) -> None:
        """
        A MOVE of two messages to another mailbox: each is in one of the two.
        """
        self.replay(steps.MOVE)

    def test_rename(self) -> None:
        """
        A RENAME of a mailbox with one below it: both, or none.
        """
        self.replay(steps.RENAME)

    def test_create(self) -> None:
        """
        A CREATE.
        """
        self.replay(steps.CREATE)

    def test_delete(self) -> None:
        """
        A DELETE.
        """
        self.replay(steps.DELETE)

    def test_rename_inbox(self) -> None:
        """
        A RENAME of INBOX: each message is in one of the two.
        """
        self.replay(steps.RENAME_INBOX)

    def test_maildrop(self) -> None:
        """
        The deletions of a POP3 session.
        """
        self.replay(steps.MAILDROP)

    def test_select(self) -> None:
        """
        A SELECT that settles what is recent: nothing is lost of it.
        """
        self.replay(steps.SELECT)


class AgainTests(ReplayTestCase):
    """
    A second crash, while what the first left is being mended.
    """

    def test_copy(self) -> None:
        """
        A COPY is undone or kept, whole.
        """
        self.replay_twice(steps.COPY, 2)

    def test_move(self) -> None:
        """
        A MOVE is finished.
        """
        self.replay_twice(steps.MOVE, 2)

    def test_rename(self) -> None:
        """
        A RENAME is finished.
        """
        self.replay_twice(steps.RENAME, 2)


class SeeingTests(ReplayTestCase):
    """
    That the replay would see what it looks for: each sync that the store makes
    is needed.
    """

    def test_files_not_synced(self) -> None:
        """
        A delivery is lost whose file was not synced.
        """
        self.assertTrue(
            self.breaks(steps.DELIVERY, lambda x: isinstance(x, FileSynced))
        )

    def test_folders_not_synced(self) -> None:
        """
        A delivery is lost whose folder was not synced.
        """
        self.assertTrue(
            self.breaks(steps.DELIVERY, lambda x: isinstance(x, FolderSynced))
        )

    def test_uidlist_not_synced(self) -> None:
        """
        A UID is another's if its line was not synced.
        """
        self.assertTrue(
            self.breaks(steps.APPEND, lambda x: isinstance(x, FileSynced))
        )

    def test_flags_not_synced(self) -> None:
        """
        Flags come back if the folder was not synced.
        """
        self.assertTrue(
            self.breaks(steps.FLAGS, lambda x: isinstance(x, FolderSynced))
        )

    def test_copy_not_declared(self) -> None:
        """
        A copy is made in part if it was not written down before.
        """
        self.assertTrue(
            self.breaks(
                steps.COPY,
                lambda x: (
                    isinstance(x, Renamed)
                    and x.new.endswith("intent")
                    or isinstance(x, Unlinked)
                    and x.path.endswith("intent")
                ),
            )
        )

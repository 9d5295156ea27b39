"""
Golden conversations with the IMAP server (tests/dialogs/imap).
"""

from __future__ import annotations

from twisted.internet.defer import ensureDeferred
from twisted.trial.unittest import SynchronousTestCase

from tests.imap.dialog_setups import host_for, server_for
from tests.support.dialogs import DIALOGS, dialog, play


class DialogsTests(SynchronousTestCase):
    """
    Conversations, word for word.
    """

    def play(self, name: str) -> None:
        """
        Play ``tests/dialogs/imap/<name>.dialog`` to its end; then nothing is
        held any more.
        """
        server = server_for(name)
        clients = []

        def connect():
            clients.append(server.connect(host_for(name)))
            return clients[-1]

        self.successResultOf(
            ensureDeferred(play(dialog(f"imap/{name}"), connect))
        )
        for client in clients:
            client.disconnect()
        self.assertEqual(server.held(), [])

    def test_all_are_played(self) -> None:
        """
        Each dialogue of the folder has its test here.
        """
        found = {path.stem for path in (DIALOGS / "imap").glob("*.dialog")}
        played = {
            name.removeprefix("test_").replace("_", "-")
            for name in dir(self)
            if name.startswith("test_") and name != "test_all_are_played"
        }
        self.assertEqual(found, played)

    def test_append(self) -> None:
        """
        Messages come by APPEND, and those that cannot are refused in time.
        """
        self.play("append")

    def test_apple_mail(self) -> None:
        """
        What Apple Mail depends on.
        """
        self.play("apple-mail")

    def test_bad_input(self) -> None:
        """
        Whatever is wrong is answered, and the session goes on.
        """
        self.play("bad-input")

    def test_capabilities(self) -> None:
        """
        What is announced, before and after the login.
        """
        self.play("capabilities")

    def test_cleartext(self) -> None:
        """
        No password crosses the network in clear.
        """
        self.play("cleartext")

    def test_clients(self) -> None:
        """
        What clients do that no RFC says.
        """
        self.play("clients")

    def test_condstore(self) -> None:
        """
        Modseqs: asked for, told, and used to store conditionally.
        """
        self.play("condstore")

    def test_deleted_in_idle(self) -> None:
        """
        The selected mailbox is deleted while a client idles.
        """
        self.play("deleted-in-idle")

    def test_dotted(self) -> None:
        """
        Clients may see a dot between the levels.
        """
        self.play("dotted")

    def test_expunge_held_back(self) -> None:
        """
        EXPUNGE is not told while messages are meant by number.
        """
        self.play("expunge-held-back")

    def test_idle(self) -> None:
        """
        News come while a client idles.
        """
        self.play("idle")

    def test_list(self) -> None:
        """
        LIST and LSUB with all their options.
        """
        self.play("list")

    def test_login(self) -> None:
        """
        LOGIN and AUTHENTICATE, and how they fail.
        """
        self.play("login")

    def test_mailboxes(self) -> None:
        """
        Mailboxes are made, renamed and removed, the selected one too.
        """
        self.play("mailboxes")

    def test_mime(self) -> None:
        """
        Parts are numbered, and decoded.
        """
        self.play("mime")

    def test_quota(self) -> None:
        """
        Quotas are told and kept.
        """
        self.play("quota")

    def test_rev2(self) -> None:
        """
        What is otherwise once IMAP4rev2 is enabled.
        """
        self.play("rev2")

    def test_rfc3501_sample(self) -> None:
        """
        The sample connection of RFC 3501 8.
        """
        self.play("rfc3501-sample")

    def test_rfc5182(self) -> None:
        """
        Results of searches are saved, and used by later commands.
        """
        self.play("rfc5182")

    def test_rfc9051_fetch(self) -> None:
        """
        FETCH with its macros and sections, and what STORE tells.
        """
        self.play("rfc9051-fetch")

    def test_search(self) -> None:
        """
        SEARCH with its keys, options and saved results.
        """
        self.play("search")

    def test_thunderbird(self) -> None:
        """
        What Thunderbird says.
        """
        self.play("thunderbird")

    def test_uidplus(self) -> None:
        """
        UID EXPUNGE, APPENDUID, COPYUID and MOVE.
        """
        self.play("uidplus")

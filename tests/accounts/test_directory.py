"""
Tests for ``mailsuite.accounts.directory``, and ``following`` below it.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from twisted.internet.defer import Deferred
from twisted.logger import LogEvent, LogLevel, globalLogPublisher
from zope.interface.verify import verifyObject

from mailsuite.accounts.database import KEPT_CHANGES, Database
from mailsuite.accounts.errors import AccountsUnreadable, BadAddress
from mailsuite.accounts.following import facts_after
from mailsuite.accounts.places import Places
from mailsuite.accounts.threads import SameThread
from mailsuite.errors import StoreBusy, StoreFull, StoreUnavailable
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
        self.now(self.administration.set_quota("bob", 1000, 10))
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
                    octets_limit=1000,
                    messages_limit=10,
                ),
            ),
        )

    def test_nobody(self) -> None:
        """
        An address that nobody has is nobody's.
        """
        self.assertIsNone(self.to("bob@localhost"))

    def test_suspended_account_receives(self) -> None:
        """
        Mail for a suspended account arrives.
        """
        self.add("bob")
        self.now(self.administration.suspend("bob"))
        self.assertEqual(self.to("bob@localhost"), ["bob@localhost"])

    def test_both_spellings_of_a_domain(self) -> None:
        """
        U-label and A-label are the same domain.
        """
        self.now(self.administration.add_domain("bücher.example"))
        self.add("bob@bücher.example")
        self.assertTrue(self.directory.is_ours("bücher.example"))
        self.assertTrue(self.directory.is_ours("xn--bcher-kva.example"))
        self.assertEqual(
            self.to("bob@xn--bcher-kva.example"), self.to("bob@bücher.example")
        )

    def test_expand(self) -> None:
        """
        An alias is expanded as addresses.
        """
        self.add("alice", "bob")
        self.now(self.administration.add_alias("us", ["bob", "alice"]))
        self.assertEqual(
            self.now(self.directory.expand(Address("us", "localhost"))),
            ("bob@localhost", "alice@localhost"),
        )

    def test_suspended(self) -> None:
        """
        A suspended account is told, also when another process suspends it;
        one that is gone is none.
        """
        other = self.opened()
        self.add("bob")
        number = self.now(self.administration.suspend("bob")).number
        self.assertTrue(self.directory.is_suspended(number))
        self.clock.advance(2)
        self.assertTrue(other.is_suspended(number))
        self.now(self.administration.resume("bob"))
        self.assertFalse(self.directory.is_suspended(number))
        self.now(self.administration.suspend("bob"))
        self.now(self.administration.remove_account("bob"))
        self.assertFalse(self.directory.is_suspended(number))

    def test_postmaster_has_to_be_an_address(self) -> None:
        """
        A configured postmaster that is no address is an error at once.
        """
        self.assertRaises(
            BadAddress,
            type(self.directory),
            self.path,
            SameThread(),
            self.clock,
            disk=self.disk,
            places=Places("/{domain}/{local}"),
            default_domain="localhost",
            postmaster="bob",
        )

    def test_postmaster_copies(self) -> None:
        """
        Configured copies are told with whoever reads postmaster's mail.
        """
        self.add("bob")
        directory = type(self.directory)(
            self.path,
            SameThread(),
            self.clock,
            disk=self.disk,
            places=Places("/{domain}/{local}"),
            default_domain="localhost",
            postmaster_copies=["Ops@Example.net"],
        )
        self.now(directory.open())
        self.addCleanup(lambda: self.now(directory.close()))
        found = self.now(directory.resolve(Address("abuse", "localhost")))
        assert found is not None
        self.assertEqual(
            [one.address for one in found.accounts], ["bob@localhost"]
        )
        self.assertEqual(found.elsewhere, (Address("Ops", "example.net"),))

    # Other processes

    def test_another_process(self) -> None:
        """
        What another process changes is seen after a while.
        """
        other = self.opened()
        self.add("bob")
        address = Address("bob", "localhost")
        self.assertIsNone(self.now(other.resolve(address)))
        self.clock.advance(2)
        self.assertIsNotNone(self.now(other.resolve(address)))

    def test_another_process_is_seen_at_reads(self) -> None:
        """
        Each read learns of the changes as well.
        """
        other = self.opened()
        self.add("bob")
        self.now(other.read(lambda _: None))
        self.assertTrue(other.routes.has_account(("bob", "localhost")))

    def test_listeners_hear_of_touched_accounts(self) -> None:
        """
        A change is told once it is in the routes, with the accounts' numbers.
        """
        self.add("alice", "bob")
        heard: list[tuple[frozenset[int] | None, bool]] = []

        def listen(touched: frozenset[int] | None) -> None:
            account = self.directory.routes.account(2)
            heard.append((touched, account is None))

        self.directory.listen(listen)
        self.now(self.administration.remove_account("bob"))
        self.assertEqual(heard, [(frozenset({2}), True)])

    def test_many_changes_are_read_whole(self) -> None:
        """
        Who is far behind reads everything, and any account may be touched.
        """
        other = self.opened()
        heard: list[frozenset[int] | None] = []
        other.listen(heard.append)
        lines = [f"user{number}:{{PLAIN}}x" for number in range(1500)]
        self.now(self.administration.import_accounts(lines))
        self.clock.advance(2)
        self.assertEqual(heard, [None])
        self.assertTrue(other.routes.has_account(("user1499", "localhost")))

    def test_changes_that_were_pruned(self) -> None:
        """
        Who is behind the changes that are kept reads everything.
        """
        database = Database(self.path, self.disk)
        self.addCleanup(database.close)
        with database.transaction() as connection:
            connection.execute("DELETE FROM changes")
            connection.execute(
                "INSERT INTO changes VALUES (?, 'domain', '', 'localhost')",
                (KEPT_CHANGES,),
            )
        with database.reading() as connection:
            self.assertTrue(facts_after(connection, 5).whole)
            self.assertFalse(facts_after(connection, KEPT_CHANGES - 1).whole)

    def test_nothing_is_lost_by_a_cancelled_caller(self) -> None:
        """
        A change whose caller went away is known to the others nevertheless.
        """
        thread = HeldThread()
        self.directory._threads = thread
        adding = Deferred.fromCoroutine(self.administration.add_domain("a.org"))
        adding.addErrback(lambda _: None)
        adding.cancel()
        self.assertFalse(self.directory.is_ours("a.org"))
        self.directory._threads = SameThread()
        self.now(self.directory.look())
        self.assertTrue(self.directory.is_ours("a.org"))

    # Trouble

    def test_full_disk(self) -> None:
        """
        A full disk is told as such, and nothing was changed.
        """
        database = self.directory._database
        assert database is not None
        pages = database.connection.execute("PRAGMA page_count").fetchone()[0]
        database.connection.execute(f"PRAGMA max_page_count = {pages}")
        lines = [f"user{number}:{{PLAIN}}x" for number in range(1000)]
        self.refused(StoreFull, self.administration.import_accounts(lines))
        self.assertEqual(self.now(self.administration.list_accounts()), ())

    def test_locked(self) -> None:
        """
        Where another process holds the file for long, we are busy.
        """
        database = self.directory._database
        assert database is not None
        database.connection.execute("PRAGMA busy_timeout = 0")
        other = sqlite3.connect(self.path, isolation_level=None)
        self.addCleanup(other.close)
        other.execute("BEGIN IMMEDIATE")
        self.refused(StoreBusy, self.administration.add_domain("a.org"))

    def test_closed(self) -> None:
        """
        After it was closed nothing can be read.
        """
        other = self.opened()
        self.now(other.close())
        self.refused(StoreUnavailable, other.look())

    def test_changes_that_cannot_be_seen(self) -> None:
        """
        Where looking for changes fails, it is a warning, and tried again.
        """
        events: list[LogEvent] = []
        globalLogPublisher.addObserver(events.append)
        self.addCleanup(globalLogPublisher.removeObserver, events.append)
        other = self.opened()
        self.add("bob")
        self.patch(other, "_threads", BusyThread())

        self.clock.advance(2)

        [warning] = [
            event for event in events if event["log_level"] is LogLevel.warn
        ]
        self.assertEqual(warning["why"], "Mail store is busy")
        self.assertFalse(other.routes.has_account(("bob", "localhost")))
        self.patch(other, "_threads", SameThread())
        self.clock.advance(2)
        self.assertTrue(other.routes.has_account(("bob", "localhost")))

    def test_bug_of_a_listener(self) -> None:
        """
        A listener's bug is logged, and keeps nobody from a change or from
        hearing of it.
        """
        heard: list[frozenset[int] | None] = []
        self.directory.listen(lambda _: 1 // 0)
        self.directory.listen(heard.append)

        self.add("bob")

        self.assertEqual(heard, [frozenset({1})])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_bug_while_looking(self) -> None:
        """
        A bug is logged whole, and does not end the looking.
        """
        other = self.opened()
        self.patch(other, "_threads", BrokenThread())
        self.add("bob")
        self.clock.advance(2)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.patch(other, "_threads", SameThread())
        self.clock.advance(2)
        self.assertTrue(other.routes.has_account(("bob", "localhost")))

    def test_not_a_database(self) -> None:
        """
        A file that is something else is told by name.
        """
        self.path = self.mktemp()
        Path(self.path).write_text("This is not a database, but a text.\n")
        directory = type(self.directory)(
            self.path,
            SameThread(),
            self.clock,
            disk=self.disk,
            places=Places("/{domain}/{local}"),
            default_domain="localhost",
        )
        text = self.refused(AccountsUnreadable, directory.open())
        self.assertIn(self.path, text)


class BusyThread(SameThread):
    """
    Has no time.
    """

    async def run(self, function, *args, **kwargs):  # type: ignore[no-untyped-def]
        """
        Say so.
        """
        raise StoreBusy


class BrokenThread(SameThread):
    """
    Has a bug.
    """

    async def run(self, function, *args, **kwargs):  # type: ignore[no-untyped-def]
        """
        Break.
        """
        raise ZeroDivisionError


class HeldThread(SameThread):
    """
    Does the work, and never tells.
    """

    async def run(self, function, *args, **kwargs):  # type: ignore[no-untyped-def]
        """
        Run it, and wait for a Deferred that does not fire.
        """
        function(*args, **kwargs)
        await Deferred()

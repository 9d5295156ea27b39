"""
Tests for ``mailsuite.accounts.sessions`` and ``realm``.
"""

from __future__ import annotations

from twisted.cred.error import UnauthorizedLogin
from twisted.cred.portal import IRealm
from twisted.internet.defer import Deferred
from zope.interface import Interface
from zope.interface.verify import verifyObject

from mailsuite.accounts.credentials import Identity
from mailsuite.accounts.realm import AccountRealm
from mailsuite.accounts.sessions import AccountSession, Sessions
from mailsuite.errors import LoginRefused, StoreUnavailable
from mailsuite.interfaces import AccountRecord, IAccount, ILoginSession
from mailsuite.mail.address import Address
from tests.support.memory_store import MemoryStore
from tests.support.people import PeopleTestCase


class BrokenStore(MemoryStore):
    """
    Opens nothing.
    """

    async def account(self, record: AccountRecord) -> IAccount:
        """
        Say that it is not possible.
        """
        raise StoreUnavailable


class SessionsTestCase(PeopleTestCase):
    """
    A test with Bob, who may log in.
    """

    def setUp(self) -> None:
        """
        Add him.
        """
        super().setUp()
        self.add("bob")
        self.store = MemoryStore(self.clock.seconds)
        self.sessions = Sessions(self.directory, self.store)


class SessionsTests(SessionsTestCase):
    """
    Tests for ``Sessions`` and ``AccountSession``.
    """

    def setUp(self) -> None:
        """
        Open a session, and write down its end.
        """
        super().setUp()
        self.ends: list[str] = []
        self.session = self.open_session()

    def open_session(self) -> AccountSession:
        """
        A session whose end is written down.
        """
        session = self.sessions.open(1, 1)
        assert session is not None
        session.when_ended(lambda: self.ends.append("ended"))
        return session

    def test_provides_iloginsession(self) -> None:
        """
        It is what front-ends want.
        """
        verifyObject(ILoginSession, self.session)
        self.assertEqual(self.session.address, "bob@localhost")
        self.assertEqual(self.session.number, 1)

    def test_account(self) -> None:
        """
        The session opens the account's mail.
        """
        account = self.now(self.session.account())
        self.assertEqual(account.address, "bob@localhost")

    def test_account_with_its_limits_of_the_moment(self) -> None:
        """
        The account is opened with the limits that it has then.
        """
        self.now(self.administration.set_quota("bob", 1000))
        account = self.now(self.session.account())
        quota = self.now(account.quota())
        self.assertEqual(quota.octets_limit, 1000)

    def test_account_with_limits_that_change(self) -> None:
        """
        The store hears of other limits while the account is open, and keeps
        no user more.
        """
        account = self.now(self.session.account())
        users = account.users
        self.now(self.administration.set_quota("bob", 1000))
        quota = self.now(account.quota())
        self.assertEqual(quota.octets_limit, 1000)
        self.assertEqual(account.users, users)

    def test_limits_of_an_account_that_is_not_open(self) -> None:
        """
        A session that did not open its account does not do so for that.
        """
        self.now(self.administration.set_quota("bob", 1000))
        self.assertEqual(self.store._accounts, {})

    def test_owns(self) -> None:
        """
        The session owns what leads to its account.
        """
        self.assertTrue(self.session.owns(Address("Bob+x", "localhost")))
        self.assertFalse(self.session.owns(Address("alice", "localhost")))

    def test_suspended(self) -> None:
        """
        A suspension ends the session, once.
        """
        self.now(self.administration.suspend("bob"))
        self.now(self.administration.resume("bob"))
        self.assertEqual(self.ends, ["ended"])

    def test_removed(self) -> None:
        """
        The account's removal ends the session; its mail cannot be opened.
        """
        self.now(self.administration.remove_account("bob"))
        self.assertEqual(self.ends, ["ended"])
        self.refused(LoginRefused, self.session.account())

    def test_new_password(self) -> None:
        """
        Another password ends the session.
        """
        self.now(self.administration.set_password("bob", "thirsty"))
        self.assertEqual(self.ends, ["ended"])

    def test_app_password_removed(self) -> None:
        """
        An app password's end ends the sessions that may have begun with it.
        """
        self.now(self.administration.add_app_password("bob", "phone"))
        self.assertEqual(self.ends, [])
        self.now(self.administration.remove_app_password("bob", "phone"))
        self.assertEqual(self.ends, ["ended"])

    def test_quota_ends_nothing(self) -> None:
        """
        Other changes let the session go on.
        """
        self.now(self.administration.set_quota("bob", 1000))
        self.add("alice")
        self.now(self.administration.suspend("alice"))
        self.assertEqual(self.ends, [])

    def test_all_of_an_account(self) -> None:
        """
        All of an account's sessions end.
        """
        self.open_session()
        self.now(self.administration.suspend("bob"))
        self.assertEqual(self.ends, ["ended", "ended"])

    def test_other_process(self) -> None:
        """
        Another process's change ends the session after a while.
        """
        directory = self.opened()
        sessions = Sessions(directory, self.store)
        session = sessions.open(1, 1)
        assert session is not None
        session.when_ended(lambda: self.ends.append("there"))
        self.now(self.administration.suspend("bob"))
        self.assertEqual(self.ends, ["ended"])
        self.clock.advance(2)
        self.assertEqual(self.ends, ["ended", "there"])

    def test_many_changes(self) -> None:
        """
        So many changes that everything is read anew end it as well.
        """
        directory = self.opened()
        session = Sessions(directory, self.store).open(1, 1)
        assert session is not None
        session.when_ended(lambda: self.ends.append("there"))
        lines = [f"user{number}:{{PLAIN}}x" for number in range(1500)]
        self.now(self.administration.import_accounts(lines))
        self.clock.advance(2)
        self.assertEqual(self.ends, [])
        self.now(
            self.administration.import_accounts(
                [line.replace("user", "other") for line in lines]
            )
        )
        self.now(self.administration.suspend("bob"))
        self.clock.advance(2)
        self.assertEqual(self.ends, ["ended", "there"])

    def test_logout(self) -> None:
        """
        After a logout nothing is told, however often one logs out.
        """
        self.session.logout()
        self.session.logout()
        self.now(self.administration.suspend("bob"))
        self.assertEqual(self.ends, [])

    def test_ended_before_anybody_asked(self) -> None:
        """
        Who asks too late is told at once.
        """
        session = self.sessions.open(1, 1)
        assert session is not None
        self.now(self.administration.suspend("bob"))
        session.when_ended(lambda: self.ends.append("late"))
        self.assertEqual(self.ends, ["ended", "late"])

    def test_logging_out_at_the_end(self) -> None:
        """
        To log out is all that most do when they are told.
        """
        self.session.when_ended(self.session.logout)
        self.now(self.administration.suspend("bob"))
        self.assertEqual(self.ends, ["ended"])

    def test_a_bug_at_the_end(self) -> None:
        """
        A session that breaks does not keep the others from their end.
        """
        broken = self.sessions.open(1, 1)
        assert broken is not None
        broken.when_ended(lambda: 1 // 0)
        self.open_session()
        self.now(self.administration.suspend("bob"))
        self.assertEqual(self.ends, ["ended", "ended"])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_too_late(self) -> None:
        """
        An account that was changed since its password was judged has none.
        """
        self.now(self.administration.set_password("bob", "thirsty"))
        self.assertIsNone(self.sessions.open(1, 1))
        self.assertIsNotNone(self.sessions.open(1, 2))
        self.now(self.administration.suspend("bob"))
        self.assertIsNone(self.sessions.open(1, 3))


class RealmTests(SessionsTestCase):
    """
    Tests for ``AccountRealm``.
    """

    def ask(
        self, avatar_id: bytes | tuple[()], *interfaces: type[Interface]
    ) -> Deferred[object]:
        """
        Ask for an avatar.
        """
        realm = AccountRealm(self.sessions)
        verifyObject(IRealm, realm)
        asked: Deferred[object] = realm.requestAvatar(
            avatar_id, None, *interfaces
        )
        return asked

    def test_session(self) -> None:
        """
        A session's mail need not be opened.
        """
        interface, session, _ = self.successResultOf(
            self.ask(Identity(1, 1).avatar_id, ILoginSession)
        )
        self.assertIs(interface, ILoginSession)
        self.assertTrue(ILoginSession.providedBy(session))

    def test_account(self) -> None:
        """
        The avatar is the account.
        """
        interface, account, logout = self.successResultOf(
            self.ask(Identity(1, 1).avatar_id, IAccount)
        )
        self.assertIs(interface, IAccount)
        self.assertTrue(IAccount.providedBy(account))
        logout()

    def test_store_is_broken(self) -> None:
        """
        An account that cannot be opened leaves no session behind.
        """
        self.sessions = Sessions(
            self.directory, BrokenStore(self.clock.seconds)
        )
        self.failureResultOf(
            self.ask(Identity(1, 1).avatar_id, IAccount), StoreUnavailable
        )
        self.assertEqual(self.sessions._open, {})

    def test_too_late(self) -> None:
        """
        Who was proven before a change is not let in after it.
        """
        self.now(self.administration.suspend("bob"))
        self.failureResultOf(
            self.ask(Identity(1, 1).avatar_id, ILoginSession),
            UnauthorizedLogin,
        )

    def test_anonymous(self) -> None:
        """
        Nobody gets nothing.
        """
        self.failureResultOf(self.ask((), ILoginSession), UnauthorizedLogin)

    def test_other_interface(self) -> None:
        """
        There is no other avatar.
        """
        self.failureResultOf(
            self.ask(Identity(1, 1).avatar_id, Interface), NotImplementedError
        )

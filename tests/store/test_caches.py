"""
Tests for which accounts stay open and which mailboxes stay in memory, and for
when mailboxes are verified.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.store.caches import (
    MailboxCache,
    OpenAccounts,
    RecentRenderings,
    give_back_memory,
)
from mailsuite.store.verifying import DELAY, Verifications


class OpenAccountsTests(SynchronousTestCase):
    """
    Tests for ``OpenAccounts``; its accounts are words.
    """

    def setUp(self) -> None:
        self.clock = Clock()
        self.let_go: list[Any] = []
        self.sweeps = 0
        self.accounts = OpenAccounts(
            self.clock, 20, 10.0, self.let_go.append, self.swept
        )

    def swept(self) -> None:
        self.sweeps += 1

    def use(self, *accounts: Any) -> None:
        """
        Use these, one after another.
        """
        for account in accounts:
            self.accounts.used(account)

    def test_the_oldest_goes(self) -> None:
        """
        One too many, and the one that was used longest ago is let go.
        """
        self.use(*range(20), 0)

        self.use(20)

        self.assertEqual(self.let_go, [1])
        self.assertIn(0, self.accounts)
        self.assertNotIn(1, self.accounts)

    def test_the_idle_go(self) -> None:
        """
        What is not used for some time is let go, what is used stays.
        """
        self.use("idle", "busy")
        self.clock.advance(5)
        self.use("busy")

        self.clock.advance(5)

        self.assertEqual(self.let_go, ["idle"])
        self.clock.advance(10)
        self.assertEqual(self.let_go, ["idle", "busy"])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_many_at_once(self) -> None:
        """
        Many are let go some at a time, and at the end that is told.
        """
        self.use(*range(18))
        self.clock.advance(10)
        self.assertEqual(len(self.let_go), 8)
        self.clock.pump([0.1] * 3)
        self.assertEqual(len(self.let_go), 18)
        self.use("one")
        self.clock.advance(10)

        self.assertEqual(self.sweeps, 1)

    def test_stopped(self) -> None:
        """
        After the stop nothing is let go and no timer runs.
        """
        self.use("one")

        self.accounts.stop()

        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertEqual(self.let_go, [])

    def test_memory_is_given_back(self) -> None:
        """
        Giving memory back is possible at any time.
        """
        self.assertIsNone(give_back_memory())


class FakeAccount:
    """
    Notes which mailboxes it is to forget.
    """

    def __init__(self) -> None:
        self.forgotten: list[Any] = []

    def forget_mailbox(self, mailbox: Any) -> None:
        self.forgotten.append(mailbox)


class FakeMailbox(SimpleNamespace):
    """
    A mailbox of some size that somebody has open, or nobody.
    """

    __hash__ = object.__hash__

    def verify_behind(self) -> None:
        self.verified = True


class MailboxCacheTests(SynchronousTestCase):
    """
    Tests for ``MailboxCache``.
    """

    def setUp(self) -> None:
        self.account: Any = FakeAccount()
        self.cache = MailboxCache(10_000)

    def mailbox(self, messages: int, users: int = 0) -> Any:
        """
        A mailbox that is used now.
        """
        mailbox: Any = FakeMailbox(messages=range(messages), users=users)
        self.cache.used(self.account, mailbox)
        return mailbox

    def test_the_oldest_unused_goes(self) -> None:
        """
        Where there are too many messages, what was used longest ago goes,
        unless somebody has it open.
        """
        self.mailbox(5_000, users=1)
        idle = self.mailbox(3_000)

        self.mailbox(3_000)

        self.assertEqual(self.account.forgotten, [idle])

    def test_growth_counts(self) -> None:
        """
        A mailbox that has grown counts as large as it is at its next use.
        """
        mailbox = self.mailbox(100)
        mailbox.messages = range(9_000)
        self.cache.used(self.account, mailbox)

        self.mailbox(2_000)

        self.assertEqual(self.account.forgotten, [mailbox])

    def test_an_account_that_goes(self) -> None:
        """
        The mailboxes of an account that is gone take no room.
        """
        self.mailbox(9_000)
        self.cache.forget(self.account)

        self.mailbox(9_000)

        self.assertEqual(self.account.forgotten, [])


class VerificationsTests(SynchronousTestCase):
    """
    Tests for ``Verifications``.
    """

    def setUp(self) -> None:
        self.clock = Clock()
        self.verifications = Verifications(self.clock)

    def mailbox(self, messages: int, users: int = 1) -> Any:
        """
        A mailbox that was changed now.
        """
        mailbox: Any = FakeMailbox(
            messages=range(messages), users=users, verified=False
        )
        self.verifications.add(mailbox)
        return mailbox

    def test_some_time_later(self) -> None:
        """
        A small mailbox is verified some seconds after a change, a large one
        later.
        """
        small, large = self.mailbox(1), self.mailbox(20_000)

        self.clock.pump([DELAY, DELAY])
        self.assertTrue(small.verified)
        self.assertFalse(large.verified)
        self.clock.pump([DELAY] * 4)

        self.assertTrue(large.verified)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_many_take_turns(self) -> None:
        """
        Of many mailboxes that are due some are verified at a time.
        """
        mailboxes = [self.mailbox(0) for _ in range(10)]

        self.clock.advance(DELAY)
        self.assertEqual(sum(m.verified for m in mailboxes), 4)
        self.clock.pump([0.5, 0.5])

        self.assertEqual(sum(m.verified for m in mailboxes), 10)

    def test_nobody_has_it_open(self) -> None:
        """
        A mailbox that nobody has open any more is verified elsewhere.
        """
        mailbox = self.mailbox(1, users=0)

        self.clock.pump([DELAY, DELAY])

        self.assertFalse(mailbox.verified)

    def test_stopped(self) -> None:
        """
        After the stop nothing is verified.
        """
        mailbox = self.mailbox(1)

        self.verifications.stop()
        self.verifications.add(mailbox)

        self.assertEqual(self.clock.getDelayedCalls(), [])


class RecentRenderingsTests(SynchronousTestCase):
    """
    Tests for ``RecentRenderings``.
    """

    def test_those_not_asked_for_go_first(self) -> None:
        """
        There is never more than may be.
        """
        recent = RecentRenderings(3 * 1120)
        for key in "abc":
            recent.add(key, {1: bytes(1000)})
        recent.of("a")

        recent.add("d", {1: bytes(1000)})

        held = [key for key in "abcd" if recent.of(key)]
        self.assertEqual(held, ["a", "c", "d"])

    def test_what_is_too_large_is_not_held(self) -> None:
        """
        Nothing else is left then either.
        """
        recent = RecentRenderings(100)
        recent.add("a", {1: bytes(1000)})
        self.assertEqual(recent.of("a"), {})

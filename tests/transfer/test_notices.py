"""
Tests for what a sender is to be told.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from mailsuite.mail.address import Address
from mailsuite.mail.deliverystatus import Action
from mailsuite.mail.envelope import Origin, Recipient, Sender
from mailsuite.transfer.entry import (
    Attempted,
    Dropped,
    Entry,
    Notice,
    QueuedRecipient,
    Remote,
    Standing,
    Stored,
    Told,
)
from mailsuite.transfer.notices import (
    Due,
    action_of,
    due,
    for_targets,
    wants,
)
from mailsuite.transfer.outcome import Kind, Outcome

ALICE = Address("alice", "crepes.fr")

DELIVERED = Outcome(Kind.DELIVERED, "2.0.0", "")
SENT = Outcome(Kind.SENT, "2.0.0", "Ok", 250, "mx [192.0.2.1]:25")
SENT_WITH_DSN = Outcome(
    Kind.SENT, "2.0.0", "Ok", 250, "mx [192.0.2.1]:25", takes_dsn=True
)
DEFERRED = Outcome(Kind.DEFERRED, "4.2.1", "Later", 450, "mx [192.0.2.1]:25")
FAILED = Outcome(Kind.FAILED, "5.1.1", "Nobody", 550, "mx [192.0.2.1]:25")


def standing(
    *notify: frozenset[str] | None, reverse_path: Address | None = ALICE
) -> Standing:
    """
    A message to as many recipients, each with its NOTIFY.
    """
    return Standing(
        Entry(
            "Q1",
            Origin("ESMTP", "submission"),
            Sender(reverse_path),
            arrival=1000.0,
            expiry=433000.0,
            content=Stored(100, 0),
            recipients=tuple(
                QueuedRecipient(
                    number,
                    Recipient(
                        Address(f"bob{number}", "hamburger.edu"), notify=words
                    ),
                    Remote("hamburger.edu"),
                )
                for number, words in enumerate(notify, 1)
            ),
        )
    )


def words(*each: str) -> frozenset[str]:
    """
    A NOTIFY.
    """
    return frozenset(each)


def told(
    outcome: Outcome,
    notify: frozenset[str] | None,
    *,
    warn: bool = False,
    reverse_path: Address | None = ALICE,
) -> tuple[Due, ...]:
    """
    What is due after one attempt for one recipient.
    """
    message = standing(notify, reverse_path=reverse_path)
    deferred = outcome.kind is Kind.DEFERRED
    message.take(Attempted(1001.0, (1,), outcome, 1300.0 if deferred else None))
    return due(message, warn=warn)


class DueTests(SynchronousTestCase):
    """
    Tests for ``due``.
    """

    def test_failures_together(self) -> None:
        """
        Recipients that fail together are told of in one message; those who
        still wait in none.
        """
        message = standing(None, None, None)
        message.take(Attempted(1001.0, (1, 3), FAILED))
        message.take(Attempted(1001.0, (2,), DEFERRED, 1300.0))

        self.assertEqual(
            due(message, warn=False), (Due(Notice.FAILED, (1, 3)),)
        )

    def test_everything_once(self) -> None:
        """
        What has been told is not told again.
        """
        message = standing(None, None)
        message.take(Attempted(1001.0, (1, 2), DEFERRED, 1300.0))
        self.assertEqual(
            due(message, warn=True), (Due(Notice.DELAYED, (1, 2)),)
        )
        message.take(Told(1002.0, (1, 2), Notice.DELAYED, "Q2"))
        self.assertEqual(due(message, warn=True), ())

        message.take(Attempted(1300.0, (2,), FAILED))

        self.assertEqual(due(message, warn=True), (Due(Notice.FAILED, (2,)),))
        message.take(Told(1301.0, (2,), Notice.FAILED, "Q3"))
        self.assertEqual(due(message, warn=True), ())

    def test_absent_notify(self) -> None:
        """
        Failure and delay are told, success is not (RFC 3461 4.1).
        """
        self.assertEqual(told(FAILED, None), (Due(Notice.FAILED, (1,)),))
        self.assertEqual(
            told(DEFERRED, None, warn=True), (Due(Notice.DELAYED, (1,)),)
        )
        for success in (DELIVERED, SENT, SENT_WITH_DSN):
            self.assertEqual(
                told(success, None), (Due(Notice.SUCCEEDED, (1,), silent=True),)
            )

    def test_never(self) -> None:
        """
        NOTIFY=NEVER means nothing, ever; not even to postmaster.
        """
        for outcome in (FAILED, DELIVERED, SENT, DEFERRED):
            for path in (ALICE, None):
                (one,) = told(
                    outcome, words("NEVER"), warn=True, reverse_path=path
                )
                self.assertTrue(one.silent)
                self.assertFalse(one.double)

    def test_what_was_asked_for(self) -> None:
        """
        Each word brings its own notice, and no other.
        """
        for outcome, word in (
            (FAILED, "FAILURE"),
            (DEFERRED, "DELAY"),
            (DELIVERED, "SUCCESS"),
            (SENT, "SUCCESS"),
        ):
            every = words("FAILURE", "DELAY", "SUCCESS")
            (alone,) = told(outcome, words(word), warn=True)
            self.assertFalse(alone.silent)
            (others,) = told(outcome, every - {word}, warn=True)
            self.assertTrue(others.silent)

    def test_next_hop_that_takes_dsn(self) -> None:
        """
        It has the duty to tell of success (RFC 3461 5.2.2).
        """
        self.assertEqual(
            told(SENT_WITH_DSN, words("SUCCESS")),
            (Due(Notice.SUCCEEDED, (1,), silent=True),),
        )

    def test_expanded(self) -> None:
        """
        An alias that stands for several is told of once, as a success of its
        own (RFC 3461 5.2.7.3 c).
        """
        outcome = Outcome(Kind.EXPANDED, "2.0.0", "")
        message = standing(words("SUCCESS"))
        message.take(Attempted(1001.0, (1,), outcome))

        (one,) = due(message, warn=False)

        self.assertEqual(one, Due(Notice.SUCCEEDED, (1,)))
        self.assertEqual(action_of(message.state(1)), Action.EXPANDED)
        self.assertTrue(told(outcome, None)[0].silent)

    def test_delay_when_asked_only(self) -> None:
        """
        Before its time nothing is told of a delay.
        """
        self.assertEqual(told(DEFERRED, None), ())
        self.assertEqual(due(standing(None), warn=True), ())

    def test_null_reverse_path(self) -> None:
        """
        There is nobody to tell: a failure is a double bounce, the rest
        nothing.
        """
        self.assertEqual(
            told(FAILED, None, reverse_path=None),
            (Due(Notice.FAILED, (1,), silent=True, double=True),),
        )
        self.assertEqual(
            told(DEFERRED, None, warn=True, reverse_path=None),
            (Due(Notice.DELAYED, (1,), silent=True),),
        )
        self.assertEqual(
            told(DELIVERED, words("SUCCESS"), reverse_path=None),
            (Due(Notice.SUCCEEDED, (1,), silent=True),),
        )

    def test_what_an_operator_drops(self) -> None:
        """
        Of recipients that were given up nobody is told.
        """
        message = standing(None)
        message.take(Attempted(1001.0, (1,), DEFERRED, 1300.0))
        message.take(Dropped(1002.0, (1,), "spam"))

        self.assertEqual(due(message, warn=True), ())


class ForTargetsTests(SynchronousTestCase):
    """
    Tests for ``for_targets``.
    """

    CAROL = Address("carol", "crepes.fr")
    DAVE = Address("dave", "crepes.fr")

    def test_alias_to_one(self) -> None:
        """
        All is passed on, and ORCPT is the first address (RFC 3461 5.2.7.2).
        """
        asked = words("SUCCESS", "DELAY")
        bob = Recipient(Address("bob", "hamburger.edu"), notify=asked)

        (one,) = for_targets(bob, [self.CAROL])

        self.assertEqual(
            one,
            Recipient(
                self.CAROL,
                notify=asked,
                original=("rfc822", "bob@hamburger.edu"),
            ),
        )
        (further,) = for_targets(one, [self.DAVE])
        self.assertEqual(further.original, ("rfc822", "bob@hamburger.edu"))

    def test_alias_to_several(self) -> None:
        """
        Their success is not told of: what is left of NOTIFY stays, and
        nothing left is NEVER, not absence.
        """
        for before, after in (
            (words("SUCCESS"), words("NEVER")),
            (words("SUCCESS", "FAILURE"), words("FAILURE")),
            (words("NEVER"), words("NEVER")),
            (None, None),
        ):
            staff = Recipient(Address("staff", "hamburger.edu"), notify=before)
            targets = for_targets(staff, [self.CAROL, self.DAVE])
            self.assertEqual([one.notify for one in targets], [after, after])
            self.assertTrue(all(one.original is not None for one in targets))

    def test_wants_expanded(self) -> None:
        """
        Who asked for success is told that an alias was expanded.
        """
        staff = Address("staff", "hamburger.edu")
        asked = Recipient(staff, notify=words("SUCCESS"))

        self.assertTrue(wants(asked, Action.EXPANDED))
        self.assertFalse(wants(Recipient(staff), Action.EXPANDED))

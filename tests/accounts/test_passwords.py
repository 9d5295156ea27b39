"""
Tests for ``mailsuite.accounts.passwords``.
"""

from __future__ import annotations

import re
from dataclasses import replace

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.accounts import passwords, schemes
from mailsuite.accounts.account_rows import NewPassword, Verifiers
from mailsuite.accounts.errors import BadPassword
from mailsuite.accounts.passwords import Judgement, Passwords
from mailsuite.accounts.threads import SameThread
from mailsuite.errors import LoginUnavailable
from mailsuite.wire.sasl import scram_keys
from tests.support.people import ITERATIONS


class CountedThread(SameThread):
    """
    Runs everything here, once ``gate`` is open, and counts.
    """

    def __init__(self) -> None:
        self.runs = 0
        self.gate: Deferred[None] | None = None

    async def run(self, function, *args, **kwargs):  # type: ignore[no-untyped-def]
        """
        Run it.
        """
        self.runs += 1
        if self.gate is not None:
            await self.gate
        return await super().run(function, *args, **kwargs)


class PasswordsTests(SynchronousTestCase):
    """
    Tests for ``Passwords``.
    """

    def setUp(self) -> None:
        """
        Our own scheme.
        """
        self.clock = Clock()
        self.thread = CountedThread()
        self.passwords = self.made_with(scram=True)

    def made_with(self, *, scram: bool, scheme: str = "argon2id") -> Passwords:
        """
        Passwords of that configuration.
        """
        return Passwords(
            self.thread,
            self.clock,
            scheme=scheme,
            scram=scram,
            scram_iterations=ITERATIONS,
        )

    def make(
        self, password: str, shared: tuple[bytes, int] | None = None
    ) -> NewPassword:
        """
        A password as it is kept.
        """
        making = Deferred.fromCoroutine(self.passwords.make(password, shared))
        return self.successResultOf(making)

    def judge(self, verifiers: Verifiers | None, password: str) -> Judgement:
        """
        What comes of a password.
        """
        judging = Deferred.fromCoroutine(
            self.passwords.judge(verifiers, password)
        )
        return self.successResultOf(judging)

    def verifiers(self, new: NewPassword) -> Verifiers:
        """
        An account with that password.
        """
        return Verifiers(
            number=1,
            address="bob@localhost",
            suspended=False,
            login_epoch=1,
            password=new.password,
            salt=new.salt,
            iterations=new.iterations,
            keys=() if new.keys is None else (new.keys,),
            own_keys=new.keys is not None,
        )

    def imported(self, stored: str) -> Verifiers:
        """
        An account whose password came from elsewhere.
        """
        return self.verifiers(NewPassword(stored, b"salt", ITERATIONS, None))

    # Making

    def test_make(self) -> None:
        """
        A new password is Argon2id, with SCRAM keys beside it.
        """
        new = self.make("hungry")
        self.assertRegex(new.password, r"^\$argon2id\$v=19\$m=19456,t=2,p=1\$")
        self.assertEqual(new.keys, scram_keys(b"hungry", new.salt, ITERATIONS))

    def test_make_with_shared_salt(self) -> None:
        """
        Keys are made with the salt and count that they share with others.
        """
        new = self.make("hungry", (b"shared", 20))
        self.assertEqual((new.salt, new.iterations), (b"shared", 20))
        self.assertEqual(new.keys, scram_keys(b"hungry", b"shared", 20))

    def test_make_without_scram(self) -> None:
        """
        Where SCRAM is not wanted there are no keys.
        """
        self.passwords = self.made_with(scram=False)
        self.assertIsNone(self.make("hungry").keys)

    def test_make_no_password(self) -> None:
        """
        What cannot be a password is refused before anything is hashed.
        """
        making = Deferred.fromCoroutine(self.passwords.make(""))
        self.failureResultOf(making, BadPassword)
        self.assertEqual(self.thread.runs, 0)

    def test_not_shown(self) -> None:
        """
        What is kept is not shown in logs.
        """
        new = self.make("hungry")
        self.assertNotIn("argon2id", repr(new))
        self.assertNotIn("argon2id", repr(self.verifiers(new)))

    def test_generate(self) -> None:
        """
        Generated passwords differ, and can be typed.
        """
        first, second = self.passwords.generate(), self.passwords.generate()
        self.assertNotEqual(first, second)
        self.assertTrue(re.fullmatch(r"([a-z2-9]{5}-){3}[a-z2-9]{5}", first))

    # Judging

    def test_right(self) -> None:
        """
        The right password is right, and is kept well already.
        """
        verifiers = self.verifiers(self.make("hungry"))
        self.assertEqual(self.judge(verifiers, "hungry"), Judgement(True))

    def test_wrong(self) -> None:
        """
        Another password is wrong.
        """
        verifiers = self.verifiers(self.make("hungry"))
        self.assertEqual(self.judge(verifiers, "hungri"), Judgement(False))

    def test_spellings(self) -> None:
        """
        A password is right however its accents are composed.
        """
        verifiers = self.verifiers(self.make("caf\u00e9"))
        self.assertTrue(self.judge(verifiers, "cafe\u0301").right)

    def test_nobody(self) -> None:
        """
        Nobody's password is wrong, after as much hashing.
        """
        seen: list[str] = []
        verify = schemes.verify

        def watched(password: bytes, stored: str) -> bool:
            seen.append(stored)
            return verify(password, stored)

        self.patch(schemes, "verify", watched)
        self.assertEqual(self.judge(None, "hungry"), Judgement(False))
        (decoy,) = seen
        self.assertTrue(schemes.is_made_as(decoy, "argon2id"))

    def test_no_password(self) -> None:
        """
        An account without a password is not logged in to.
        """
        verifiers = self.imported("")
        self.assertEqual(self.judge(verifiers, "hungry"), Judgement(False))
        self.assertEqual(self.judge(verifiers, ""), Judgement(False))

    def test_too_costly(self) -> None:
        """
        A hash that would take hours fits nothing, and is not tried: what is
        verified instead is the decoy, and the reason is given.
        """
        verifiers = self.imported("$6$rounds=999999999$salt$" + 86 * "a")
        runs: list[str] = []
        verify = schemes.verify

        def watched(password: bytes, stored: str) -> bool:
            runs.append(stored)
            return verify(password, stored)

        self.patch(schemes, "verify", watched)
        judgement = self.judge(verifiers, "hungry")
        self.assertFalse(judgement.right)
        self.assertEqual(
            judgement.why_not,
            "999999999 rounds would take too long, 1000000 are the most",
        )
        self.assertEqual(
            [schemes.is_made_as(one, "argon2id") for one in runs], [True]
        )

    def test_very_long(self) -> None:
        """
        What is no password's length is wrong, without any work.
        """
        verifiers = self.verifiers(self.make("hungry"))
        runs = self.thread.runs
        self.assertFalse(self.judge(verifiers, "h" * 5000).right)
        self.assertEqual(self.thread.runs, runs)

    # Rehashing

    def test_imported(self) -> None:
        """
        An imported password that is right is to be kept as ours.
        """
        stored = schemes.make_ssha256(b"hungry", b"salt")
        verifiers = self.imported(stored)
        better = self.judge(verifiers, "hungry").better
        assert better is not None
        self.assertTrue(schemes.verify(b"hungry", better.password))
        self.assertTrue(schemes.is_made_as(better.password, "argon2id"))
        self.assertEqual(
            better.keys, scram_keys(b"hungry", b"salt", ITERATIONS)
        )

    def test_imported_as_it_was_typed(self) -> None:
        """
        Others hash what is typed; that is right, and is prepared from then on.
        """
        raw = "cafe\u0301"
        verifiers = self.imported(schemes.make_ssha256(raw.encode(), b"salt"))
        better = self.judge(verifiers, raw).better
        assert better is not None
        self.assertTrue(schemes.verify("caf\u00e9".encode(), better.password))

    def test_keys_are_lacking(self) -> None:
        """
        A password that was set while SCRAM was not wanted gets its keys.
        """
        verifiers = self.imported(schemes.make_argon2id(b"hungry", b"saltsalt"))
        better = self.judge(verifiers, "hungry").better
        assert better is not None
        self.assertIsNotNone(better.keys)

    def test_keys_are_not_wanted(self) -> None:
        """
        Where SCRAM is not wanted nothing is better about keys.
        """
        self.passwords = self.made_with(scram=False)
        verifiers = self.imported(schemes.make_argon2id(b"hungry", b"saltsalt"))
        self.assertEqual(self.judge(verifiers, "hungry"), Judgement(True))

    # Recent successes

    def test_remembered(self) -> None:
        """
        A success is remembered for five minutes, and then found anew.
        """
        verifiers = self.verifiers(self.make("hungry"))
        self.judge(verifiers, "hungry")
        runs = self.thread.runs

        self.clock.advance(299)
        self.assertTrue(self.judge(verifiers, "hungry").right)
        self.assertEqual(self.thread.runs, runs)
        self.clock.advance(1)
        self.assertTrue(self.judge(verifiers, "hungry").right)
        self.assertEqual(self.thread.runs, runs + 1)

    def test_failures_are_not_remembered(self) -> None:
        """
        A wrong password is judged each time.
        """
        verifiers = self.verifiers(self.make("hungry"))
        self.judge(verifiers, "hungri")
        runs = self.thread.runs
        self.assertFalse(self.judge(verifiers, "hungri").right)
        self.assertEqual(self.thread.runs, runs + 1)

    # Many at once

    def held(self, *passwords: str) -> list[Deferred[Judgement]]:
        """
        Judgements of Bob's password that wait for ``self.gate``.
        """
        verifiers = self.verifiers(self.make("hungry"))
        self.gate: Deferred[None] = Deferred()
        self.thread.gate = self.gate
        return [
            Deferred.fromCoroutine(self.passwords.judge(verifiers, password))
            for password in passwords
        ]

    def test_the_same_at_once(self) -> None:
        """
        The same password of the same account is judged once for all who wait.
        """
        first, second, other = self.held("hungry", "hungry", "hungri")
        self.assertNoResult(second)
        self.gate.callback(None)
        self.assertTrue(self.successResultOf(first).right)
        self.assertTrue(self.successResultOf(second).right)
        self.assertFalse(self.successResultOf(other).right)
        self.assertEqual(self.thread.runs, 3)

    def test_one_of_many_goes_away(self) -> None:
        """
        A client that goes away takes nobody's answer with it.
        """
        first, second = self.held("hungry", "hungry")
        first.addErrback(lambda _: None)
        first.cancel()
        self.gate.callback(None)
        self.assertTrue(self.successResultOf(second).right)

    def test_busy_for_all(self) -> None:
        """
        Where it cannot be judged all who wait hear that, and the next one
        may be judged again.
        """
        first, second = self.held("hungry", "hungry")
        self.gate.errback(LoginUnavailable())
        self.failureResultOf(first, LoginUnavailable)
        self.failureResultOf(second, LoginUnavailable)
        self.thread.gate = None
        verifiers = self.verifiers(self.make("hungry"))
        self.assertTrue(self.judge(verifiers, "hungry").right)

    def test_in_turn(self) -> None:
        """
        Whoever guesses at one account occupies one thread: others are judged
        meanwhile, and what waits has its turn.
        """
        runs = self.thread.runs
        guesses = self.held("hungri", "hungra", "hungry")
        # One has begun, beside the making of the password.
        self.assertEqual(self.thread.runs, runs + 2)
        self.thread.gate = None
        other = replace(self.verifiers(self.make("thirsty")), number=2)
        self.assertTrue(self.judge(other, "thirsty").right)
        for guess in guesses:
            self.assertNoResult(guess)

        self.gate.callback(None)
        self.assertEqual(
            [self.successResultOf(guess).right for guess in guesses],
            [False, False, True],
        )

    def test_turns_are_bounded(self) -> None:
        """
        Too many passwords of one account at once are refused, those of others
        are not, and nothing of it is kept.
        """
        most = passwords._MOST_WAITING + 1
        guesses = self.held(*map(str, range(most + 1)))
        self.failureResultOf(guesses.pop(), LoginUnavailable)
        self.gate.callback(None)
        for guess in guesses:
            self.assertFalse(self.successResultOf(guess).right)
        self.assertEqual(self.passwords._turns, {})

    def test_forgotten_with_the_password(self) -> None:
        """
        Another password, or another epoch of logins, is another thing.
        """
        verifiers = self.verifiers(self.make("hungry"))
        self.judge(verifiers, "hungry")
        other = replace(verifiers, password=self.make("thirsty").password)
        self.assertFalse(self.judge(other, "hungry").right)
        runs = self.thread.runs
        self.judge(replace(verifiers, login_epoch=2), "hungry")
        self.assertEqual(self.thread.runs, runs + 1)

    def test_memory_is_bounded(self) -> None:
        """
        Of very many successes the oldest are forgotten.
        """
        self.patch(passwords, "_REMEMBER", 2)
        accounts = [
            replace(self.verifiers(self.make("hungry")), number=number)
            for number in range(3)
        ]
        for verifiers in accounts:
            self.judge(verifiers, "hungry")
        runs = self.thread.runs

        self.judge(accounts[2], "hungry")
        self.assertEqual(self.thread.runs, runs)
        self.judge(accounts[0], "hungry")
        self.assertEqual(self.thread.runs, runs + 1)

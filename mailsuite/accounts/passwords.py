"""
Making and judging passwords, off the reactor.

Implementation notes

- A password of the account is kept as Argon2id; an imported one as it came,
  until it is typed and can be made so.
- App passwords are long and ours: of them only SCRAM keys are kept, and they
  are looked at first if what was typed looks like one.
- Clients that log in for every command would cost 25 ms and 19 MiB each time:
  a password that was right is right for some minutes more, remembered by an
  HMAC whose key dies with the process.
- Clients that come back with ten connections at once, as after a restart, are
  judged once.
- One account's passwords are judged one after another: foreign hashes may take
  seconds, and whoever guesses at such an account shall keep one thread busy at
  most, and nobody else waiting.
- Nothing here logs.
"""

from __future__ import annotations

import hmac
import re
import secrets
from collections import OrderedDict
from dataclasses import dataclass

from twisted.internet.defer import Deferred, DeferredLock
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

from mailsuite.accounts import schemes
from mailsuite.accounts.account_rows import NewPassword, Verifiers
from mailsuite.accounts.preparation import (
    LONGEST_PASSWORD,
    candidates,
    for_scram,
    prepared,
)
from mailsuite.accounts.threads import Threads
from mailsuite.errors import LoginUnavailable
from mailsuite.wire.sasl import ScramKeys, scram_keys

_SALT_OCTETS = 16

#: How many passwords of one account may wait to be judged.
_MOST_WAITING = 32

_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"
_APP_PASSWORD = re.compile(r"(?:[a-z2-9]{5}-){3}[a-z2-9]{5}")

#: Whoever steals SCRAM keys must repeat as often for each guess.  Cyrus SASL's
#: clients (mbsync 1.4) refuse to compute more than 65,536.
SCRAM_ITERATIONS = 50_000

#: How long a success is remembered, in seconds, and how many are.
_REMEMBER_SECONDS = 300.0
_REMEMBER = 10_000


@dataclass(frozen=True, slots=True)
class Judgement:
    """
    What came of a password.

    :param better: how to keep the same password from here on, if not as it is.
    :param why_not: why no password could be right, app passwords apart.
    """

    right: bool
    better: NewPassword | None = None
    why_not: str | None = None


class Passwords:
    """
    The makers and judges of passwords.
    """

    def __init__(
        self,
        threads: Threads,
        clock: IReactorTime,
        *,
        scheme: str = "argon2id",
        scram: bool = True,
        scram_iterations: int = SCRAM_ITERATIONS,
    ) -> None:
        """
        :param threads: those named ``hash``, with a bounded queue.
        :param scheme: a name in ``schemes.MAKERS``.
        :param scram: whether to make SCRAM keys of accounts' passwords.
        :param scram_iterations: for new keys.
        """
        self.scram_iterations = scram_iterations
        self._threads = threads
        self._clock = clock
        self._scheme = scheme
        self._scram = scram
        self._remembered: OrderedDict[bytes, float] = OrderedDict()
        self._under_way: dict[bytes, list[Deferred[Judgement]]] = {}
        self._turns: dict[int, DeferredLock] = {}
        self._hmac_key = secrets.token_bytes(32)
        self._decoy: str | None = None

    @staticmethod
    def generate() -> str:
        """
        A password that nobody guesses: 100 bits.
        """
        groups = (
            "".join(secrets.choice(_LETTERS) for _ in range(5))
            for _ in range(4)
        )
        return "-".join(groups)

    def new_salt(self) -> tuple[bytes, int]:
        """
        Salt and count for an account's SCRAM keys.
        """
        return secrets.token_bytes(_SALT_OCTETS), self.scram_iterations

    async def make(
        self, password: str, shared: tuple[bytes, int] | None = None
    ) -> NewPassword:
        """
        A password as it is to be kept.

        :param shared: salt and count of the account's other SCRAM keys.
        :raises BadPassword: it cannot be one.
        :raises LoginUnavailable: too much is waiting to be hashed.
        """
        octets = prepared(password)
        return await self._threads.run(
            self._make, octets, password, shared or self.new_salt()
        )

    async def app_keys(
        self, password: str, salt: bytes, iterations: int
    ) -> ScramKeys:
        """
        What is kept of an app password.

        :raises LoginUnavailable: too much is waiting to be hashed.
        """
        return await self._threads.run(
            scram_keys, for_scram(password), salt, iterations
        )

    async def judge(
        self, verifiers: Verifiers | None, password: str
    ) -> Judgement:
        """
        Whether a password is an account's.

        :param verifiers: None if there is no account: nothing fits, and that
            takes as long.
        :raises LoginUnavailable: too much is waiting to be hashed.
        """
        if len(password) > LONGEST_PASSWORD:
            return Judgement(right=False)
        mark = self._mark(verifiers, password)
        if self._remembers(mark):
            return Judgement(right=True)
        judgement = await self._judged(mark, verifiers, password)
        if judgement.right:
            self._remember(mark)
        return judgement

    def _judged(
        self, mark: bytes, verifiers: Verifiers | None, password: str
    ) -> Deferred[Judgement]:
        """
        What comes of a password; who asks for the same while it is judged
        waits for the same answer.
        """
        waiter: Deferred[Judgement] = Deferred()
        waiters = self._under_way.setdefault(mark, [])
        waiters.append(waiter)
        if len(waiters) == 1:
            Deferred.fromCoroutine(self._in_turn(verifiers, password)).addBoth(
                self._tell, mark
            )
        return waiter

    async def _in_turn(
        self, verifiers: Verifiers | None, password: str
    ) -> Judgement:
        """
        What comes of a password, after the account's others.

        :raises LoginUnavailable: too many are waiting.
        """
        if verifiers is None:
            return await self._threads.run(self._judge, None, password)
        turn = self._turns.setdefault(verifiers.number, DeferredLock())
        if len(turn.waiting) >= _MOST_WAITING:
            raise LoginUnavailable
        await turn.acquire()
        try:
            return await self._threads.run(self._judge, verifiers, password)
        finally:
            # Whoever is next begins, and may end, within release.
            if not turn.waiting:
                del self._turns[verifiers.number]
            turn.release()

    def _tell(self, result: Judgement | Failure, mark: bytes) -> None:
        for waiter in self._under_way.pop(mark):
            # Some may have been cancelled.
            if not waiter.called:
                waiter.callback(result)

    # In a thread

    def _make(
        self, octets: bytes, password: str, shared: tuple[bytes, int]
    ) -> NewPassword:
        salt, iterations = shared
        keys = None
        if self._scram:
            keys = scram_keys(for_scram(password), salt, iterations)
        return NewPassword(self._hash(octets), salt, iterations, keys)

    def _hash(self, octets: bytes) -> str:
        make = schemes.MAKERS[self._scheme]
        return make(octets, secrets.token_bytes(_SALT_OCTETS))

    def _judge(self, verifiers: Verifiers | None, password: str) -> Judgement:
        if verifiers is None:
            self._waste(password)
            return Judgement(right=False)
        kept = verifiers.password
        why_not = schemes.why_not(kept) if kept else None
        verifiable = bool(kept) and why_not is None
        if not verifiable:
            self._waste(password)
        if _APP_PASSWORD.fullmatch(password) and _is_app_password(
            verifiers, password
        ):
            return Judgement(right=True)
        for octets in candidates(password):
            if verifiable and schemes.verify(octets, kept, verifiers.address):
                return Judgement(True, self._better(verifiers, password))
        return Judgement(right=False, why_not=why_not)

    def _better(
        self, verifiers: Verifiers, password: str
    ) -> NewPassword | None:
        lacks_keys = self._scram and not verifiers.own_keys
        made_so = schemes.is_made_as(verifiers.password, self._scheme)
        if made_so and not lacks_keys:
            return None
        return self._make(
            candidates(password)[0],
            password,
            (verifiers.salt, verifiers.iterations),
        )

    def _waste(self, password: str) -> None:
        """
        Take as long as a verification would.
        """
        if self._decoy is None:
            self._decoy = self._hash(secrets.token_bytes(_SALT_OCTETS))
        schemes.verify(candidates(password)[0], self._decoy)

    # Recent successes

    def _mark(self, verifiers: Verifiers | None, password: str) -> bytes:
        """
        Stands for this password of this account, kept as it is now; or for
        this password of anybody who is not there.
        """
        parts = [password]
        if verifiers is not None:
            parts += [
                verifiers.password,
                str(verifiers.number),
                str(verifiers.login_epoch),
            ]
        return hmac.digest(self._hmac_key, repr(parts).encode(), "sha256")

    def _remembers(self, mark: bytes) -> bool:
        until = self._remembered.get(mark)
        return until is not None and self._clock.seconds() < until

    def _remember(self, mark: bytes) -> None:
        self._remembered[mark] = self._clock.seconds() + _REMEMBER_SECONDS
        self._remembered.move_to_end(mark)
        if len(self._remembered) > _REMEMBER:
            self._remembered.popitem(last=False)


def _is_app_password(verifiers: Verifiers, password: str) -> bool:
    apps = verifiers.keys[1:] if verifiers.own_keys else verifiers.keys
    if not apps:
        return False
    made = scram_keys(for_scram(password), verifiers.salt, verifiers.iterations)
    return any(
        [hmac.compare_digest(made.stored_key, key.stored_key) for key in apps]
    )

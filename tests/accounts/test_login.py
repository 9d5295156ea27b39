"""
Tests for ``mailsuite.accounts.login``, ``exchanges``, ``scram`` and
``credentials``.
"""

from __future__ import annotations

import re
from collections.abc import Coroutine
from configparser import ConfigParser
from pathlib import Path
from typing import Any, Literal

from twisted.cred.checkers import ICredentialsChecker
from twisted.internet.defer import Deferred
from twisted.logger import LogEvent, eventAsText, globalLogPublisher
from zope.interface.verify import verifyObject

from mailsuite.accounts import account_rows, schemes
from mailsuite.accounts.credentials import (
    IProvenPassword,
    ITypedPassword,
    PasswordChecker,
    ProofChecker,
    ProvenPassword,
    TypedPassword,
)
from mailsuite.accounts.login import Login
from mailsuite.errors import (
    BadExchange,
    EncryptionRequired,
    LoginRefused,
    LoginUnavailable,
    MechanismUnknown,
    StoreFull,
)
from mailsuite.interfaces import (
    Channel,
    IAccount,
    ILogin,
    ILoginSession,
    ISASLExchange,
)
from tests.support.memory_store import MemoryStore
from tests.support.people import ITERATIONS, PeopleTestCase
from tests.support.scram_client import ScramClient

SHA512_CRYPT = (
    "{SHA512-CRYPT}$6$R//RqKoA4ESUaMr.$EeKcEruHfZ1szwauw4k.tlJEUZe3UDQEjgB//YD"
    "3NoeqX4TgYos/yEC/7dpkG0hiODn2dqCnW5cZ4JqyhuWNo/"
)

BINDINGS = {"tls-server-end-point": b"end", "tls-exporter": b"exporter"}


def unbound(_kind: str) -> bytes | None:
    """
    A channel that cannot be bound.
    """
    return None


CLEAR = Channel("imap", "192.0.2.1", secure=False, tls=False, binding=unbound)
LOOPBACK = Channel("imap", "127.0.0.1", secure=True, tls=False, binding=unbound)
TLS = Channel("imap", "192.0.2.1", secure=True, tls=True, binding=BINDINGS.get)


class LoginTestCase(PeopleTestCase):
    """
    A test with Bob, whose password is "hungry".
    """

    def setUp(self) -> None:
        """
        Add him, and open the door.
        """
        super().setUp()
        self.add("bob")
        self.login = self.door()
        self.events: list[LogEvent] = []
        globalLogPublisher.addObserver(self.events.append)
        self.addCleanup(globalLogPublisher.removeObserver, self.events.append)

    def door(self, scram: Literal["auto", "always", "never"] = "auto") -> Login:
        """
        A login of that configuration.
        """
        return Login(
            self.directory,
            self.passwords,
            MemoryStore(self.clock.seconds),
            self.clock,
            scram=scram,
            failure_seconds=2.0,
        )

    def password(
        self, user: str, password: str, channel: Channel = LOOPBACK
    ) -> ILoginSession:
        """
        A login that succeeds at once.
        """
        return self.now(self.login.password(user, password, channel))

    def exchange(
        self, mechanism: str, *responses: bytes | None, channel: Channel = TLS
    ) -> bytes | ILoginSession:
        """
        The last answer of an exchange that nothing delays.
        """
        exchange = self.login.start(mechanism, channel)
        answer: bytes | ILoginSession = b""
        for response in responses:
            answer = self.now(exchange.respond(response))
        return answer

    def refused_in_time(self, coroutine: Coroutine[Any, Any, object]) -> None:
        """
        The attempt is refused after two seconds, not before.
        """
        attempt = Deferred.fromCoroutine(coroutine)
        self.clock.advance(1.75)
        self.assertNoResult(attempt)
        self.clock.advance(0.25)
        failure = self.failureResultOf(attempt, LoginRefused)
        self.assertEqual(str(failure.value), "Authentication failed")

    def account(self, session: object) -> str:
        """
        Whose session it is.
        """
        return ILoginSession(session).address

    def verifiers(self) -> account_rows.Verifiers:
        """
        What Bob's logins are judged by.
        """
        found = self.now(
            self.directory.read(account_rows.verifiers, "bob", "localhost")
        )
        assert found is not None
        return found


class PasswordTests(LoginTestCase):
    """
    Tests for ``Login.password``.
    """

    def test_provides_ilogin(self) -> None:
        """
        It is what front-ends want.
        """
        verifyObject(ILogin, self.login)

    def test_full_address(self) -> None:
        """
        A user is its full address, in any case.
        """
        session = self.password("Bob@LocalHost", "hungry")
        self.assertEqual(session.address, "bob@localhost")

    def test_bare_local_part(self) -> None:
        """
        A bare local part is one in the default domain.
        """
        session = self.password("bob", "hungry")
        self.assertEqual(session.address, "bob@localhost")

    def test_alias_domain(self) -> None:
        """
        An address in an alias domain is the same user.
        """
        self.now(self.administration.add_domain("a.org", alias_of="localhost"))
        session = self.password("bob@a.org", "hungry")
        self.assertEqual(session.address, "bob@localhost")

    def test_alias_is_no_user(self) -> None:
        """
        An alias cannot log in, nor can an address with a detail.
        """
        self.now(self.administration.add_alias("rob", ["bob"]))
        self.refused_in_time(self.login.password("rob", "hungry", LOOPBACK))
        self.refused_in_time(self.login.password("bob+x", "hungry", LOOPBACK))

    def test_wrong_password(self) -> None:
        """
        A wrong password is refused after two seconds.
        """
        self.refused_in_time(self.login.password("bob", "hungri", LOOPBACK))

    def test_unknown_user(self) -> None:
        """
        So is an unknown user.
        """
        self.refused_in_time(self.login.password("dave", "hungry", LOOPBACK))

    def test_unknown_domain(self) -> None:
        """
        So is a user of a domain that is not ours.
        """
        self.refused_in_time(
            self.login.password("bob@example.net", "hungry", LOOPBACK)
        )

    def test_suspended(self) -> None:
        """
        So is a suspended account, with the right password; resumed, it may.
        """
        self.now(self.administration.suspend("bob"))
        self.refused_in_time(self.login.password("bob", "hungry", LOOPBACK))
        self.now(self.administration.resume("bob"))
        self.password("bob", "hungry")

    def test_slow_judgement(self) -> None:
        """
        The time is counted from the attempt, whatever judging took.
        """
        judge = self.passwords.judge

        async def slowly(*arguments: Any) -> object:
            self.clock.advance(1.5)
            return await judge(*arguments)

        self.patch(self.passwords, "judge", slowly)
        attempt = Deferred.fromCoroutine(
            self.login.password("bob", "hungri", LOOPBACK)
        )
        self.clock.advance(0.25)
        self.assertNoResult(attempt)
        self.clock.advance(0.25)
        self.failureResultOf(attempt, LoginRefused)

    def test_very_slow_judgement(self) -> None:
        """
        What took longer than the time is told at twice that time.
        """
        judge = self.passwords.judge

        async def slowly(*arguments: Any) -> object:
            self.clock.advance(2.5)
            return await judge(*arguments)

        self.patch(self.passwords, "judge", slowly)
        attempt = Deferred.fromCoroutine(
            self.login.password("bob", "hungri", LOOPBACK)
        )
        self.clock.advance(1.25)
        self.assertNoResult(attempt)
        self.clock.advance(0.25)
        self.failureResultOf(attempt, LoginRefused)

    def test_no_delay(self) -> None:
        """
        Where no time is configured the refusal comes at once.
        """
        login = Login(
            self.directory,
            self.passwords,
            MemoryStore(self.clock.seconds),
            self.clock,
            failure_seconds=0.0,
        )
        attempt = Deferred.fromCoroutine(
            login.password("bob", "hungri", LOOPBACK)
        )
        self.clock.advance(0)
        self.failureResultOf(attempt, LoginRefused)

    def test_in_clear(self) -> None:
        """
        A password in clear is not looked at.
        """
        self.refused(
            EncryptionRequired, self.login.password("bob", "hungry", CLEAR)
        )

    def test_busy(self) -> None:
        """
        Where too much waits to be hashed, that is told at once.
        """

        async def busy(*_: object) -> object:
            raise LoginUnavailable

        self.patch(self.passwords, "judge", busy)
        self.refused(
            LoginUnavailable, self.login.password("bob", "hungry", LOOPBACK)
        )

    def test_no_database(self) -> None:
        """
        Where accounts cannot be read, nobody can be judged.
        """
        self.now(self.directory.close())
        self.refused(
            LoginUnavailable, self.login.password("bob", "hungry", LOOPBACK)
        )

    def test_session(self) -> None:
        """
        The session opens the account, and ends with a suspension.
        """
        session = self.password("bob", "hungry")
        ended: list[bool] = []
        session.when_ended(lambda: ended.append(True))
        self.assertTrue(IAccount.providedBy(self.now(session.account())))
        self.now(self.administration.suspend("bob"))
        self.assertEqual(ended, [True])

    def test_app_password(self) -> None:
        """
        An app password logs in until it is removed.
        """
        phone = self.now(self.administration.add_app_password("bob", "phone"))
        self.password("bob", phone)
        self.now(self.administration.remove_app_password("bob", "phone"))
        self.refused_in_time(self.login.password("bob", phone, LOOPBACK))

    def test_remembered_password_of_a_suspended_account(self) -> None:
        """
        What is remembered does not help a suspended account.
        """
        self.password("bob", "hungry")
        self.now(self.administration.suspend("bob"))
        self.refused_in_time(self.login.password("bob", "hungry", LOOPBACK))

    def test_log(self) -> None:
        """
        Logins and refusals are logged with who and whence; no passwords.
        """
        self.password("bob", "hungry")
        self.refused_in_time(self.login.password("eve\n", "hungri", LOOPBACK))
        logged = [
            (event["log_level"].name, event["log_format"])
            for event in self.events
            if event["log_namespace"].startswith("mailsuite.accounts")
        ]
        self.assertEqual(
            logged,
            [
                (
                    "info",
                    "{account} logged in to {protocol} from {peer} by"
                    " {mechanism}",
                ),
                (
                    "warn",
                    "Refused {user!r} at {protocol} from {peer} by {mechanism}",
                ),
            ],
        )
        self.assertNotIn("hungr", repr(self.events))

    def test_log_of_an_unverifiable_password(self) -> None:
        """
        An account whose hash would take hours is refused like any other, and
        the log says why; its app passwords stay.
        """
        self.add("dan")
        entry = self.now(self.administration.quota("dan"))
        stored = "$6$rounds=999999999$salt$" + 86 * "a"
        kept = account_rows.NewPassword(stored, b"salt", 10, None)
        self.now(
            self.directory.change(account_rows.set_password, entry.number, kept)
        )
        phone = self.now(self.administration.add_app_password("dan", "phone"))
        self.password("dan", phone)
        self.refused_in_time(self.login.password("dan", "hungry", LOOPBACK))
        [event] = [
            event
            for event in self.events
            if "cannot be verified" in event["log_format"]
        ]
        self.assertIn(
            "The password of dan@localhost cannot be verified: 999999999"
            " rounds would take too long",
            eventAsText(event),
        )


class Fail2banTests(LoginTestCase):
    """
    Tests for ``etc/fail2ban/mailsuite.conf``.
    """

    def banned(self, user: str) -> str | None:
        """
        Whom fail2ban takes a refusal of ``user`` for.
        """
        del self.events[:]
        self.refused_in_time(self.login.password(user, "wrong", TLS))
        [event] = [e for e in self.events if "Refused" in e["log_format"]]
        # fail2ban takes the date away.
        line = eventAsText(event).partition(" ")[2].rstrip()
        read = ConfigParser()
        read.read(Path(__file__).parents[2] / "etc/fail2ban/mailsuite.conf")
        pattern = read["Definition"]["failregex"]
        found = re.search(pattern.replace("<HOST>", r"(?P<host>\S+)"), line)
        return None if found is None else found["host"]

    def test_refusal(self) -> None:
        """
        The client's address is found.
        """
        self.assertEqual(self.banned("bob"), "192.0.2.1")

    def test_name_that_looks_like_a_line(self) -> None:
        """
        A name that holds another address gets nobody else banned.
        """
        for user in (
            "x' at imap from 198.51.100.7 by PLAIN",
            "x' at imap from 198.51.100.7 by PLAIN\n",
            "\"x' at imap from 198.51.100.7 by a password",
            "x" * 200 + "' at imap from 198.51.100.7 by PLAIN",
        ):
            self.assertEqual(self.banned(user), "192.0.2.1")


class ImportedTests(LoginTestCase):
    """
    Passwords that come from elsewhere.
    """

    def setUp(self) -> None:
        """
        Import Carol.
        """
        super().setUp()
        self.now(self.administration.import_accounts([f"carol:{SHA512_CRYPT}"]))

    def stored(self) -> account_rows.Verifiers:
        """
        What Carol's logins are judged by.
        """
        found = self.now(
            self.directory.read(account_rows.verifiers, "carol", "localhost")
        )
        assert found is not None
        return found

    def test_rehashed(self) -> None:
        """
        The first login makes the password ours, with keys; the next one works.
        """
        session = self.password("carol", "hungry pass")
        self.assertTrue(schemes.is_made_as(self.stored().password, "ssha256"))
        self.assertTrue(self.stored().own_keys)
        self.password("carol", "hungry pass")
        self.assertEqual(session.address, "carol@localhost")

    def test_rehashing_ends_no_session(self) -> None:
        """
        The same password in another form is the same password.
        """
        ended: list[bool] = []
        session = self.password("carol", "hungry pass")
        session.when_ended(lambda: ended.append(True))
        self.password("carol", "hungry pass")
        self.assertEqual(ended, [])
        entry = self.now(self.administration.quota("carol"))
        self.assertEqual(entry.password_version, 1)

    def test_wrong_password_changes_nothing(self) -> None:
        """
        A refused login leaves what is kept alone.
        """
        before = self.stored()
        self.refused_in_time(self.login.password("carol", "wrong", LOOPBACK))
        self.assertEqual(self.stored(), before)

    def test_announces_scram_when_all_have_keys(self) -> None:
        """
        SCRAM is announced once the last account has its keys.
        """
        self.assertEqual(self.login.mechanisms(LOOPBACK), ("PLAIN", "LOGIN"))
        self.password("carol", "hungry pass")
        self.assertEqual(
            self.login.mechanisms(LOOPBACK), ("SCRAM-SHA-256", "PLAIN", "LOGIN")
        )

    def test_full_disk(self) -> None:
        """
        A login succeeds though its password cannot be rehashed.
        """

        async def full(*_: object) -> object:
            raise StoreFull

        self.patch(self.directory, "change", full)
        session = self.password("carol", "hungry pass")
        self.assertEqual(session.address, "carol@localhost")

    def test_another_password_meanwhile(self) -> None:
        """
        A password that is set while another is rehashed stays.
        """
        judge = self.passwords.judge

        async def judge_late(*arguments: Any) -> object:
            judgement = await judge(*arguments)
            await self.administration.set_password("carol", "thirsty")
            return judgement

        self.patch(self.passwords, "judge", judge_late)
        self.refused_in_time(
            self.login.password("carol", "hungry pass", LOOPBACK)
        )
        self.patch(self.passwords, "judge", judge)
        self.password("carol", "thirsty")


class MechanismTests(LoginTestCase):
    """
    Tests for ``Login.mechanisms`` and ``Login.start``.
    """

    def test_tls(self) -> None:
        """
        Over TLS there is everything, the strongest first.
        """
        self.assertEqual(
            self.login.mechanisms(TLS),
            ("SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "PLAIN", "LOGIN"),
        )

    def test_loopback(self) -> None:
        """
        Without TLS there is no -PLUS.
        """
        self.assertEqual(
            self.login.mechanisms(LOOPBACK), ("SCRAM-SHA-256", "PLAIN", "LOGIN")
        )

    def test_clear(self) -> None:
        """
        In clear there is nothing.
        """
        self.assertEqual(self.login.mechanisms(CLEAR), ())

    def test_never(self) -> None:
        """
        SCRAM can be switched off.
        """
        self.login = self.door("never")
        self.assertEqual(self.login.mechanisms(TLS), ("PLAIN", "LOGIN"))
        self.assertRaises(
            MechanismUnknown, self.login.start, "SCRAM-SHA-256", TLS
        )

    def test_always(self) -> None:
        """
        SCRAM can be announced though some have no keys.
        """
        self.now(self.administration.import_accounts([f"x:{SHA512_CRYPT}"]))
        self.login = self.door("always")
        self.assertIn("SCRAM-SHA-256", self.login.mechanisms(LOOPBACK))

    def test_start(self) -> None:
        """
        A mechanism's name is taken in any case.
        """
        exchange = self.login.start("plain", LOOPBACK)
        verifyObject(ISASLExchange, exchange)
        verifyObject(ISASLExchange, self.login.start("Scram-Sha-256", LOOPBACK))

    def test_unknown(self) -> None:
        """
        Others are unknown.
        """
        self.assertRaises(MechanismUnknown, self.login.start, "CRAM-MD5", TLS)
        self.assertRaises(MechanismUnknown, self.login.start, "XYZ", CLEAR)

    def test_over_tls_alone(self) -> None:
        """
        What would be there over TLS is told as such.
        """
        self.assertRaises(EncryptionRequired, self.login.start, "PLAIN", CLEAR)
        self.assertRaises(
            EncryptionRequired,
            self.login.start,
            "SCRAM-SHA-256-PLUS",
            LOOPBACK,
        )


class PlainTests(LoginTestCase):
    """
    PLAIN and LOGIN.
    """

    def test_plain(self) -> None:
        """
        One message is a login.
        """
        session = self.exchange("PLAIN", b"\0bob\0hungry")
        self.assertEqual(self.account(session), "bob@localhost")

    def test_plain_asks(self) -> None:
        """
        Without an initial response it is asked for.
        """
        self.assertEqual(self.exchange("PLAIN", None), b"")

    def test_own_authzid(self) -> None:
        """
        To act as oneself is allowed, however one spells it.
        """
        session = self.exchange("PLAIN", b"Bob@localhost\0bob\0hungry")
        self.assertEqual(self.account(session), "bob@localhost")

    def test_foreign_authzid(self) -> None:
        """
        To act as another is refused like a wrong password.
        """
        exchange = self.login.start("PLAIN", TLS)
        self.refused_in_time(exchange.respond(b"alice\0bob\0hungry"))

    def test_wrong_password(self) -> None:
        """
        A wrong password is refused in its time.
        """
        exchange = self.login.start("PLAIN", TLS)
        self.refused_in_time(exchange.respond(b"\0bob\0hungri"))

    def test_malformed(self) -> None:
        """
        A malformed message is told as such.
        """
        exchange = self.login.start("PLAIN", TLS)
        self.refused(BadExchange, exchange.respond(b"bob"))

    def test_login(self) -> None:
        """
        LOGIN asks for the user and the password.
        """
        session = self.exchange("LOGIN", None, b"bob", b"hungry")
        self.assertEqual(self.account(session), "bob@localhost")

    def test_login_wrong(self) -> None:
        """
        A wrong password is refused in its time.
        """
        exchange = self.login.start("LOGIN", TLS)
        self.now(exchange.respond(b"bob"))
        self.refused_in_time(exchange.respond(b"hungri"))


class ScramTests(LoginTestCase):
    """
    SCRAM-SHA-256 and -PLUS.
    """

    def scram(
        self, client: ScramClient, mechanism: str = "SCRAM-SHA-256"
    ) -> ILoginSession:
        """
        The session of an exchange that succeeds.
        """
        exchange = self.login.start(mechanism, TLS)
        challenge = self.now(exchange.respond(client.first))
        assert isinstance(challenge, bytes)
        last = self.now(exchange.respond(client.final(challenge)))
        assert isinstance(last, bytes)
        self.assertTrue(client.believes(last))
        return ILoginSession(self.now(exchange.respond(b"")))

    def refused_client(
        self, client: ScramClient, mechanism: str = "SCRAM-SHA-256"
    ) -> bytes:
        """
        The challenge to a client whose proof is refused in its time.
        """
        exchange = self.login.start(mechanism, TLS)
        challenge = self.now(exchange.respond(client.first))
        assert isinstance(challenge, bytes)
        self.refused_in_time(exchange.respond(client.final(challenge)))
        self.refused(BadExchange, exchange.respond(b""))
        return challenge

    def test_asks(self) -> None:
        """
        Without an initial response it is asked for.
        """
        self.assertEqual(self.exchange("SCRAM-SHA-256", None), b"")

    def test_login(self) -> None:
        """
        The right password is proven, and so are we.
        """
        session = self.scram(ScramClient("bob", "hungry"))
        self.assertEqual(session.address, "bob@localhost")

    def test_app_password(self) -> None:
        """
        An app password is proven as well.
        """
        phone = self.now(self.administration.add_app_password("bob", "phone"))
        session = self.scram(ScramClient("bob@localhost", phone))
        self.assertEqual(session.address, "bob@localhost")
        self.scram(ScramClient("bob", "hungry"))

    def test_app_password_after_another_password(self) -> None:
        """
        A new password leaves app passwords provable.
        """
        phone = self.now(self.administration.add_app_password("bob", "phone"))
        self.now(self.administration.set_password("bob", "thirsty"))
        self.scram(ScramClient("bob", phone))
        self.scram(ScramClient("bob", "thirsty"))

    def test_plus(self) -> None:
        """
        The channel is bound by either binding.
        """
        for kind, octets in BINDINGS.items():
            client = ScramClient(
                "bob", "hungry", gs2_header=f"p={kind},,", binding=octets
            )
            session = self.scram(client, "SCRAM-SHA-256-PLUS")
            self.assertEqual(session.address, "bob@localhost")

    def test_somebody_between(self) -> None:
        """
        Another channel is refused in its time.
        """
        client = ScramClient(
            "bob", "hungry", gs2_header="p=tls-exporter,,", binding=b"other"
        )
        self.refused_client(client, "SCRAM-SHA-256-PLUS")

    def test_downgrade(self) -> None:
        """
        A client that was kept from -PLUS is refused in its time.
        """
        client = ScramClient("bob", "hungry", gs2_header="y,,")
        exchange = self.login.start("SCRAM-SHA-256", TLS)
        self.refused_in_time(exchange.respond(client.first))

    def test_wrong_password(self) -> None:
        """
        A wrong proof is refused in its time.
        """
        self.refused_client(ScramClient("bob", "hungri"))

    def test_unknown_user(self) -> None:
        """
        Nobody is challenged like somebody: with the same salt each time, and
        after a restart.
        """
        first = self.refused_client(ScramClient("dave", "hungry"))
        self.directory = self.opened()
        self.login = self.door()
        second = self.refused_client(ScramClient("dave", "hungry"))
        other = self.refused_client(ScramClient("erin", "hungry"))

        salts = [
            challenge.split(b",")[1] for challenge in (first, second, other)
        ]
        self.assertEqual(salts[0], salts[1])
        self.assertNotEqual(salts[0], salts[2])
        known = self.exchange(
            "SCRAM-SHA-256", ScramClient("bob", "hungry").first
        )
        assert isinstance(known, bytes)
        self.assertEqual(len(known), len(first))
        self.assertTrue(first.endswith(f"i={ITERATIONS}".encode()))

    def test_suspended(self) -> None:
        """
        A suspended account is refused as a wrong password is, and a session
        that was all but open when it was suspended does not begin.
        """
        client = ScramClient("bob", "hungry")
        exchange = self.login.start("SCRAM-SHA-256", TLS)
        challenge = self.now(exchange.respond(client.first))
        assert isinstance(challenge, bytes)
        self.now(exchange.respond(client.final(challenge)))
        self.now(self.administration.suspend("bob"))
        self.refused_client(ScramClient("bob", "hungry"))
        self.refused_in_time(exchange.respond(b""))

    def test_foreign_authzid(self) -> None:
        """
        To act as another is refused in its time.
        """
        client = ScramClient("bob", "hungry", gs2_header="n,a=alice,")
        exchange = self.login.start("SCRAM-SHA-256", TLS)
        self.refused_in_time(exchange.respond(client.first))

    def test_nonces_differ(self) -> None:
        """
        Our nonce is used once.
        """
        first = ScramClient("bob", "hungry").first
        self.assertNotEqual(
            self.exchange("SCRAM-SHA-256", first),
            self.exchange("SCRAM-SHA-256", first),
        )

    def test_words_after_the_end(self) -> None:
        """
        The client says nothing to our last message.
        """
        client = ScramClient("bob", "hungry")
        exchange = self.login.start("SCRAM-SHA-256", TLS)
        challenge = self.now(exchange.respond(client.first))
        assert isinstance(challenge, bytes)
        self.now(exchange.respond(client.final(challenge)))
        self.refused(BadExchange, exchange.respond(b"x"))

    def test_no_database(self) -> None:
        """
        Where accounts cannot be read, nobody can be judged.
        """
        self.now(self.directory.close())
        exchange = self.login.start("SCRAM-SHA-256", TLS)
        self.refused(
            LoginUnavailable,
            exchange.respond(ScramClient("bob", "hungry").first),
        )


class CheckerTests(LoginTestCase):
    """
    Tests for the checkers and credentials of the portal.
    """

    def test_interfaces(self) -> None:
        """
        They are twisted.cred's.
        """
        verifyObject(
            ICredentialsChecker, PasswordChecker(self.directory, self.passwords)
        )
        verifyObject(ICredentialsChecker, ProofChecker())
        verifyObject(ITypedPassword, TypedPassword("bob", "hungry"))
        verifyObject(IProvenPassword, ProvenPassword(self.verifiers()))

    def test_the_portal_gives_accounts(self) -> None:
        """
        Who asks the portal for the account gets it.
        """
        _, account, logout = self.successResultOf(
            self.login.portal.login(
                TypedPassword("bob", "hungry"), None, IAccount
            )
        )
        self.assertTrue(IAccount.providedBy(account))
        logout()

    def test_credentials_are_not_shown(self) -> None:
        """
        Credentials that get into a log do not show what is secret.
        """
        self.assertNotIn("hungry", repr(TypedPassword("bob", "hungry")))
        self.assertNotIn("SSHA", repr(ProvenPassword(self.verifiers())))

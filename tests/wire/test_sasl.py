"""
Tests for ``mailsuite.wire.sasl``.
"""

from __future__ import annotations

import base64
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.errors import BadExchange, LoginRefused, MailError
from mailsuite.wire.sasl import (
    Login,
    Plain,
    PlainLogin,
    Scram,
    ScramKeys,
    ScramSecrets,
    ScramUser,
    decode_base64,
    scram_keys,
)
from tests.support.scram_client import ScramClient

# RFC 7677 3
SALT = base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")
SERVER_NONCE = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
KEYS = scram_keys(b"pencil", SALT, 4096)


def unbound(_kind: str) -> bytes | None:
    """
    A channel that cannot be bound.
    """
    return None


def server(
    *,
    plus: bool = False,
    plus_announced: bool = False,
    binding: Callable[[str], bytes | None] = unbound,
) -> Scram:
    """
    An exchange with RFC 7677's nonce.
    """
    return Scram(
        SERVER_NONCE,
        plus=plus,
        plus_announced=plus_announced,
        binding=binding,
    )


def secrets(*keys: ScramKeys) -> ScramSecrets:
    """
    RFC 7677's salt and count with these keys.
    """
    return ScramSecrets(SALT, 4096, keys)


class Base64Tests(SynchronousTestCase):
    """
    Tests for ``decode_base64``.
    """

    def test_decodes(self) -> None:
        """
        What is base64 is decoded.
        """
        self.assertEqual(decode_base64(b"AGJvYgBodW5ncnk="), b"\0bob\0hungry")

    def test_nothing(self) -> None:
        """
        Nothing is nothing.
        """
        self.assertEqual(decode_base64(b""), b"")

    def test_padding_is_needed(self) -> None:
        """
        Incomplete padding is refused.
        """
        self.assertRaises(BadExchange, decode_base64, b"AGJvYgBodW5ncnk")

    def test_stray_octets(self) -> None:
        """
        Octets outside the alphabet are refused, not skipped.
        """
        self.assertRaises(BadExchange, decode_base64, b"AGJv YgBo")

    def test_stray_bits(self) -> None:
        """
        Bits after the last octet are refused.
        """
        self.assertRaises(BadExchange, decode_base64, b"QR==")

    def test_eight_bit(self) -> None:
        """
        Octets above 127 are refused.
        """
        self.assertRaises(BadExchange, decode_base64, b"\xff\xff\xff\xff")


class PlainTests(SynchronousTestCase):
    """
    Tests for ``Plain``.
    """

    def test_rfc_4616_example(self) -> None:
        """
        The RFC's first example is read.
        """
        self.assertEqual(
            Plain().step(b"\0tim\0tanstaaftanstaaf"),
            PlainLogin("", "tim", "tanstaaftanstaaf"),
        )

    def test_rfc_4616_authzid(self) -> None:
        """
        The RFC's example with an authorization identity is read.
        """
        self.assertEqual(
            Plain().step(b"Ursel\0Kurt\0xipj3plmq"),
            PlainLogin("Ursel", "Kurt", "xipj3plmq"),
        )

    def test_asks(self) -> None:
        """
        Without an initial response the client is asked, with nothing.
        """
        self.assertEqual(Plain().step(None), b"")

    def test_password_may_have_any_character(self) -> None:
        """
        UTF-8 in a password is kept.
        """
        step = Plain().step("\0bob\0grüße".encode())
        self.assertEqual(step, PlainLogin("", "bob", "grüße"))

    def test_too_few_parts(self) -> None:
        """
        A message without its NULs is malformed.
        """
        self.assertRaises(BadExchange, Plain().step, b"bob\0hungry")

    def test_too_many_parts(self) -> None:
        """
        A NUL in the password is malformed.
        """
        self.assertRaises(BadExchange, Plain().step, b"\0bob\0hun\0gry")

    def test_no_user(self) -> None:
        """
        An empty user is malformed.
        """
        self.assertRaises(BadExchange, Plain().step, b"\0\0hungry")

    def test_no_password(self) -> None:
        """
        An empty password is malformed.
        """
        self.assertRaises(BadExchange, Plain().step, b"\0bob\0")

    def test_not_utf8(self) -> None:
        """
        What is not UTF-8 is malformed.
        """
        self.assertRaises(BadExchange, Plain().step, b"\0bob\0\xff")

    def test_repr_hides_the_password(self) -> None:
        """
        A login that gets into a log does not show its password.
        """
        self.assertNotIn("hungry", repr(PlainLogin("", "bob", "hungry")))


class LoginTests(SynchronousTestCase):
    """
    Tests for ``Login``.
    """

    def test_asks_for_both(self) -> None:
        """
        User and password are asked for, in this order.
        """
        machine = Login()
        self.assertEqual(machine.step(None), b"Username:")
        self.assertEqual(machine.step(b"bob"), b"Password:")
        self.assertEqual(
            machine.step(b"hungry"), PlainLogin("", "bob", "hungry")
        )

    def test_initial_response(self) -> None:
        """
        An initial response is the user.
        """
        self.assertEqual(Login().step(b"bob"), b"Password:")

    def test_empty_user(self) -> None:
        """
        An empty user is malformed.
        """
        self.assertRaises(BadExchange, Login().step, b"")

    def test_empty_password(self) -> None:
        """
        An empty password is malformed.
        """
        machine = Login()
        machine.step(b"bob")
        self.assertRaises(BadExchange, machine.step, b"")

    def test_nul(self) -> None:
        """
        A NUL is malformed.
        """
        self.assertRaises(BadExchange, Login().step, b"bo\0b")


class ScramTests(SynchronousTestCase):
    """
    Tests for ``Scram`` without a channel binding.
    """

    def test_rfc_7677_example(self) -> None:
        """
        The RFC's exchange, octet for octet.
        """
        machine = server()

        user = machine.first(b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO")
        challenge = machine.challenge(secrets(KEYS))
        last = machine.final(
            b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
            b"p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
        )

        self.assertEqual(user, ScramUser("", "user"))
        self.assertEqual(
            challenge,
            b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
            b"s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
        )
        self.assertEqual(
            last, b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
        )

    def test_any_of_the_keys(self) -> None:
        """
        Each password that shares the salt is right, and is proven in turn.
        """
        app = scram_keys(b"app-word", SALT, 4096)
        for password in ("pencil", "app-word"):
            client = ScramClient("user", password)
            machine = server()
            machine.first(client.first)
            challenge = machine.challenge(secrets(KEYS, app))
            last = machine.final(client.final(challenge))
            self.assertTrue(client.believes(last))

    def test_wrong_password(self) -> None:
        """
        A proof made with another password is refused.
        """
        client = ScramClient("user", "eraser")
        machine = server()
        machine.first(client.first)
        final = client.final(machine.challenge(secrets(KEYS)))
        self.assertRaises(LoginRefused, machine.final, final)

    def test_nobody(self) -> None:
        """
        Where there are no keys every proof is refused.
        """
        client = ScramClient("user", "pencil")
        machine = server()
        machine.first(client.first)
        final = client.final(machine.challenge(secrets()))
        self.assertRaises(LoginRefused, machine.final, final)

    def test_short_proof(self) -> None:
        """
        A proof of another length is refused.
        """
        client = ScramClient("user", "pencil")
        machine = server()
        machine.first(client.first)
        final = client.final(machine.challenge(secrets(KEYS)))
        cut = final.rpartition(b",p=")[0] + b",p=AAAA"
        self.assertRaises(LoginRefused, machine.final, cut)

    def test_foreign_nonce(self) -> None:
        """
        A final message of another exchange is refused.
        """
        client = ScramClient("user", "pencil")
        machine = server()
        machine.first(client.first)
        final = client.final(machine.challenge(secrets(KEYS)))
        other = final.replace(b"rOpr", b"xOpr")
        self.assertRaises(LoginRefused, machine.final, other)

    def test_names_are_unquoted(self) -> None:
        """
        Comma and equals sign in names come back.
        """
        client = ScramClient("a,b=c", "pencil", gs2_header="n,a=x=2Cy,")
        self.assertEqual(
            server().first(client.first), ScramUser("x,y", "a,b=c")
        )

    def test_bad_quoting(self) -> None:
        """
        Another use of the equals sign is malformed.
        """
        self.assertRaises(BadExchange, server().first, b"n,,n=a=3d,r=abc")

    def test_mandatory_extension(self) -> None:
        """
        An extension that must be understood is not.
        """
        self.assertRaises(BadExchange, server().first, b"n,,m=x,n=bob,r=abc")

    def test_optional_extension(self) -> None:
        """
        Other extensions are passed over, and are part of what is signed.
        """
        client = ScramClient("user", "pencil", nonce="abc,x=y")
        machine = server()
        machine.first(client.first)
        challenge = machine.challenge(secrets(KEYS))
        self.assertTrue(client.believes(machine.final(client.final(challenge))))

    def test_no_nonce(self) -> None:
        """
        A first message without a nonce is malformed.
        """
        self.assertRaises(BadExchange, server().first, b"n,,n=bob,r=")

    def test_final_without_proof(self) -> None:
        """
        A final message without a proof is malformed.
        """
        machine = server()
        machine.first(b"n,,n=user,r=abc")
        machine.challenge(secrets(KEYS))
        self.assertRaises(BadExchange, machine.final, b"c=biws,r=abc")

    def test_keys_are_not_shown(self) -> None:
        """
        Keys that get into a log are not shown.
        """
        self.assertEqual(repr(KEYS), "ScramKeys()")

    @given(st.binary(max_size=80))
    def test_no_octets_make_it_raise_anything_else(self, octets: bytes) -> None:
        """
        Whatever comes first, the answer is a user or one of mail's errors.
        """
        try:
            found: object = server().first(octets)
        except MailError as error:
            found = error
        self.assertIsInstance(found, (ScramUser, BadExchange))

    @given(st.binary(max_size=80))
    def test_no_final_octets_pass(self, octets: bytes) -> None:
        """
        Octets made without the password are never right.
        """
        machine = server()
        machine.first(b"n,,n=user,r=abc")
        machine.challenge(secrets(KEYS))
        self.assertRaises((BadExchange, LoginRefused), machine.final, octets)


class BindingTests(SynchronousTestCase):
    """
    Tests for ``Scram`` with a channel binding.
    """

    def exchange(self, kind: str, client_side: bytes) -> bool:
        """
        Whether a -PLUS exchange succeeds when the client sees the channel as
        ``client_side``.
        """
        client = ScramClient(
            "user", "pencil", gs2_header=f"p={kind},,", binding=client_side
        )
        machine = server(
            plus=True,
            plus_announced=True,
            binding={"tls-exporter": b"\1" * 32, "tls-unique": b"u"}.get,
        )
        machine.first(client.first)
        final = client.final(machine.challenge(secrets(KEYS)))
        return client.believes(machine.final(final))

    def test_bound(self) -> None:
        """
        Both ends see the same channel.
        """
        self.assertTrue(self.exchange("tls-exporter", b"\1" * 32))

    def test_somebody_between(self) -> None:
        """
        The ends see two channels, so somebody stands between.
        """
        self.assertRaises(
            LoginRefused, self.exchange, "tls-exporter", b"\2" * 32
        )

    def test_unknown_binding(self) -> None:
        """
        A binding that we do not take is malformed.
        """
        self.assertRaises(BadExchange, self.exchange, "tls-unique", b"u")

    def test_binding_not_there(self) -> None:
        """
        A binding that this channel does not have is malformed.
        """
        self.assertRaises(
            BadExchange, self.exchange, "tls-server-end-point", b""
        )

    def test_plus_needs_a_binding(self) -> None:
        """
        -PLUS without a binding is malformed.
        """
        machine = server(plus=True, plus_announced=True)
        self.assertRaises(BadExchange, machine.first, b"n,,n=user,r=abc")

    def test_binding_needs_plus(self) -> None:
        """
        A binding without -PLUS is malformed.
        """
        machine = server(binding=lambda kind: b"x")
        self.assertRaises(
            BadExchange, machine.first, b"p=tls-exporter,,n=user,r=abc"
        )

    def test_downgrade(self) -> None:
        """
        A client that could bind and saw no -PLUS, though it was announced,
        is refused (RFC 5802 6).
        """
        machine = server(plus_announced=True)
        self.assertRaises(LoginRefused, machine.first, b"y,,n=user,r=abc")

    def test_no_downgrade(self) -> None:
        """
        The same client is welcome where -PLUS was not announced.
        """
        user = server().first(b"y,,n=user,r=abc")
        self.assertEqual(user, ScramUser("", "user"))

"""
Tests for ``mailsuite.wire.saslclient``.
"""

from __future__ import annotations

import base64

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.errors import BadExchange, LoginRefused
from mailsuite.wire.sasl import (
    Plain,
    PlainLogin,
    Scram,
    ScramSecrets,
    scram_keys,
)
from mailsuite.wire.saslclient import ScramClient, plain
from mailsuite.wire.saslprep import saslprep

_SALT = base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")
_WORDS = st.text(
    st.characters(exclude_characters="\0", codec="utf-8"), min_size=1
)


def client(
    user: str = "user",
    password: str = "pencil",
    *,
    binding: tuple[str, bytes] | None = None,
    could_bind: bool = False,
) -> ScramClient:
    """
    One whose nonce is RFC 7677's.
    """
    return ScramClient(
        user,
        password,
        nonce="rOprNGfwEbeRWgbNEkqO",
        binding=binding,
        could_bind=could_bind,
    )


def server(*, bound: bytes | None = None) -> Scram:
    """
    The server's side.
    """
    return Scram(
        "server",
        plus=bound is not None,
        plus_announced=bound is not None,
        binding=lambda kind: bound,
    )


def exchange(one: ScramClient, other: Scram, password: str) -> None:
    """
    All of it; both believe each other on return.
    """
    other.first(one.first)
    keys = scram_keys(saslprep(password).encode(), _SALT, 4096)
    challenge = other.challenge(ScramSecrets(_SALT, 4096, [keys]))
    final = one.final(one.challenged(challenge).salted())
    one.proven(other.final(final))


class PlainTests(SynchronousTestCase):
    """
    Tests for ``plain``.
    """

    @given(
        st.text(
            st.characters(exclude_characters="\0", codec="utf-8"), min_size=1
        ),
        st.text(
            st.characters(exclude_characters="\0", codec="utf-8"), min_size=1
        ),
    )
    def test_the_server_reads_it(self, user: str, password: str) -> None:
        """
        The server's side reads what was meant.
        """
        self.assertEqual(
            Plain().step(plain(user, password)), PlainLogin("", user, password)
        )


class ScramClientTests(SynchronousTestCase):
    """
    Tests for ``ScramClient``.
    """

    def test_example(self) -> None:
        """
        RFC 7677 3, octet for octet.
        """
        one = client()
        self.assertEqual(one.first, b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO")
        slow = one.challenged(
            b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
            b"s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
        )
        self.assertEqual(
            one.final(slow.salted()),
            b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
            b"p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
        )
        one.proven(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")

    def test_with_the_server(self) -> None:
        """
        Both sides of ours believe each other, bound to the channel or not.
        """
        exchange(client("a=b,c", "pass word"), server(), "pass word")
        exchange(
            client(binding=("tls-exporter", b"bound")),
            server(bound=b"bound"),
            "pencil",
        )

    def test_another_channel(self) -> None:
        """
        Somebody between has another channel.
        """
        self.assertRaises(
            LoginRefused,
            exchange,
            client(binding=("tls-exporter", b"ours")),
            server(bound=b"theirs"),
            "pencil",
        )

    def test_stripped_announcement(self) -> None:
        """
        Somebody took -PLUS out of what the server offers: it is told.
        """
        other = Scram(
            "server", plus=False, plus_announced=True, binding=lambda kind: b"x"
        )

        self.assertRaises(
            LoginRefused, other.first, client(could_bind=True).first
        )

    def test_wrong_proof(self) -> None:
        """
        A server that does not know the password is found out.
        """
        one = client()
        slow = one.challenged(b"r=rOprNGfwEbeRWgbNEkqOx,s=W22Z,i=4096")
        one.final(slow.salted())

        for octets in (
            b"v=" + base64.b64encode(b"x" * 32),
            b"e=other",
            b"\xff",
        ):
            self.assertRaises(BadExchange, one.proven, octets)

    def test_bad_challenges(self) -> None:
        """
        A challenge that is not the answer to ours, or asks for too little or
        too much work, is refused.
        """
        ours = "r=rOprNGfwEbeRWgbNEkqO"
        for text in (
            f"{ours},s=W22Z,i=4096",
            f"{ours}x,s=W22Z,i=4095",
            f"{ours}x,s=W22Z,i=1000001",
            f"{ours}x,s=W22Z,i=99999999999",
            f"{ours}x,s=,i=4096",
            f"{ours}x,s=W2,i=4096",
            "r=other,s=W22Z,i=4096",
            f"m=x,{ours}x,s=W22Z,i=4096",
            "",
        ):
            self.assertRaises(BadExchange, client().challenged, text.encode())

    @given(st.binary(max_size=80))
    def test_nothing_else_is_raised(self, octets: bytes) -> None:
        """
        No challenge makes it raise anything but ``BadExchange``.
        """
        try:
            client().challenged(octets)
        except BadExchange:
            return
        self.assertTrue(octets.startswith(b"r=rOprNGfwEbeRWgbNEkqO"))

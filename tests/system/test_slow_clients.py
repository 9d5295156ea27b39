"""
Clients that ask for much and take nothing.
"""

from __future__ import annotations

import time

from tests.support.adversary import (
    Adversary,
    HardenedTestCase,
    eventually,
    memory,
)

_SIZE = 40 << 20


class SlowClientsTests(HardenedTestCase):
    """
    What waits for them does not wait in memory.
    """

    def setUp(self) -> None:
        """
        With a large message, kept once.
        """
        super().setUp()
        client = self.popped()
        count = int(client.ask(b"STAT\r\n").split()[1])
        client.send(b"QUIT\r\n")
        client.rest()
        if not count:
            line = b"x" * 76 + b"\r\n"
            content = b"Subject: large\r\n\r\n" + line * (_SIZE // len(line))
            self.assertEqual(self.deliver(content)[:3], b"250")
        self.before = memory(self.suite)

    def assertPatient(self, clients: list[Adversary]) -> None:
        """
        While they take nothing, memory stays and others are served.
        """
        time.sleep(1)
        growth = memory(self.suite) - self.before
        self.assertLess(growth, 24 << 20)
        other = self.connect("imap")
        self.assertEqual(other.ask(b"a NOOP\r\n")[:4], b"a OK")
        for client in clients:
            client.reset()

    def test_fetches_that_are_not_read(self) -> None:
        """
        Eight FETCHes of a large message on each of eight sessions, in clear
        and over TLS.
        """
        clients = [self.logged_in(p) for p in ("imap", "imaps") * 4]

        for client in clients:
            client.send(b"f FETCH 1 BODY.PEEK[]\r\n" * 8)

        self.assertPatient(clients)

    def test_fetches_that_are_read_late(self) -> None:
        """
        Are all answered whole.
        """
        client = self.logged_in("imaps")
        client.send(b"f FETCH 1 BODY.PEEK[]\r\n" * 3 + b"g NOOP\r\n")
        time.sleep(0.5)

        octets = client.discard_until(b"g OK")

        self.assertGreater(octets, 3 * (_SIZE - 100))

    def test_retrievals_that_are_not_read(self) -> None:
        """
        RETR of a large message, again and again, over TLS.
        """
        client = self.popped("pop3s")

        client.send(b"RETR 1\r\n" * 1000)

        self.assertPatient([client])

    def test_answers_that_are_not_read(self) -> None:
        """
        Small ones, more than any buffer has; the commands are not taken
        either.
        """
        clients = [self.logged_in(), self.logged_in("imaps")]
        for client in clients:
            client.timeout(0.5)
            for _ in range(400):
                if not client.send_while_taken(b"a CAPABILITY\r\n" * 10_000):
                    break
            else:
                self.fail("all was taken")

        self.assertPatient(clients)

    def test_one_octet_at_a_time(self) -> None:
        """
        Is a command all the same.
        """
        client = self.connect("imap")

        for octet in b"a NOOP\r\n":
            client.send(bytes([octet]))

        self.assertEqual(client.line()[:4], b"a OK")

    def test_a_session_whose_mailbox_goes_meanwhile(self) -> None:
        """
        Its answer goes on; the other's DELETE and EXPUNGE are not kept
        waiting.
        """
        client = self.logged_in()
        client.send(b"c CREATE Gone\r\nd COPY 1 Gone\r\ne SELECT Gone\r\n")
        client.until(b"e OK")
        client.send(b"f FETCH 1 BODY.PEEK[]\r\n")
        other = self.logged_in()

        other.send(b"g DELETE Gone\r\n")

        self.assertEqual(other.until(b"g ")[-1][:4], b"g OK")
        client.half_close()
        self.assertGreater(len(client.rest()), _SIZE - 100)
        gone = self.suite.state / "mail/localhost/alice/Maildir/.Gone"
        self.assertTrue(eventually(lambda: not gone.exists()))

"""
What the ports with TLS throughout answer to who has none, or one of his own.
"""

from __future__ import annotations

# Not ``suppress`` by itself: trial takes a module's for its own.
import contextlib
import os
import socket
import ssl

from tests.support.adversary import Adversary, HardenedTestCase

_PROTOCOLS = ("imaps", "pop3s", "submissions")

#: A record that never ends, half a handshake, an alert, a greeting of SSL 2.
_RECORDS = (
    b"\x16\x03\x01\xff\xff" + b"x" * 70_000,
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"\x15\x03\x01\x00\x02\x02\x28",
    b"\x80\x2e\x01\x00\x02",
)


class TLSTests(HardenedTestCase):
    """
    The connection ends; the log stays calm.
    """

    def raw(self, protocol: str) -> socket.socket:
        """
        A connection without a handshake.
        """
        address = ("127.0.0.1", self.suite.port(protocol))
        connection = socket.create_connection(address, 10)
        self.addCleanup(connection.close)
        return connection

    def test_no_handshake(self) -> None:
        """
        Commands in clear, rubbish, nothing.
        """
        for protocol in _PROTOCOLS:
            for octets in (b"a NOOP\r\n", b"", os.urandom(5000), *_RECORDS):
                connection = self.raw(protocol)
                connection.sendall(octets)
                connection.shutdown(socket.SHUT_WR)
                with contextlib.suppress(ConnectionError):
                    while said := connection.recv(1000):
                        self.assertNotIn(b"OK", said)

    def test_versions_that_are_too_old(self) -> None:
        """
        TLS 1.1 and less get an alert.
        """
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1

        for protocol in _PROTOCOLS:
            with self.assertRaisesRegex(ssl.SSLError, "PROTOCOL_VERSION"):
                context.wrap_socket(self.raw(protocol))

    def test_rubbish_behind_the_handshake(self) -> None:
        """
        Is no record: the connection ends.
        """
        for protocol in _PROTOCOLS:
            client = Adversary(self.suite, protocol)
            self.assertTrue(client.line())
            client.send_in_clear(os.urandom(1000))
            with contextlib.suppress(ssl.SSLError):
                self.assertEqual(client.rest(), b"")
            client.close()

    def test_a_goodbye_and_nothing_more(self) -> None:
        """
        A client that ends TLS in order is answered in order.
        """
        for protocol in _PROTOCOLS:
            client = Adversary(self.suite, protocol)
            self.assertTrue(client.line())
            client.end_tls()
            client.close()

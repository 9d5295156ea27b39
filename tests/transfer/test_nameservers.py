"""
Tests for ``mailsuite.transfer.nameservers`` that need no server; the rest is in
``tests.system.test_resolver``.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from mailsuite.transfer.nameservers import Server, parse_server, system_servers


class ServersTests(SynchronousTestCase):
    """
    Tests for the spellings of servers.
    """

    def test_spellings(self) -> None:
        """
        An address of either family, with a port or without.
        """
        for text, server in (
            ("127.0.0.1", Server("127.0.0.1", 53)),
            ("127.0.0.1:5353", Server("127.0.0.1", 5353)),
            ("::1", Server("::1", 53)),
            ("[::1]", Server("::1", 53)),
            ("[::1]:5353", Server("::1", 5353)),
        ):
            self.assertEqual(parse_server(text), server)

    def test_what_is_no_server(self) -> None:
        """
        Names, nonsense and ports that do not exist are refused.
        """
        for text in (
            "",
            "localhost",
            "127.0.0.1:0",
            "127.0.0.1:x",
            "[::1",
            "[::1]5",
        ):
            with self.assertRaises(ValueError, msg=text):
                parse_server(text)

    def test_resolv_conf(self) -> None:
        """
        The first three name servers; what is none is passed over.
        """
        text = (
            "search example.org\n"
            "# nameserver 192.0.2.9\n"
            "nameserver 192.0.2.1\n"
            "nameserver fe80::1%eth0 # a comment\n"
            "nameserver nonsense\n"
            "nameserver 2001:db8::1\n"
            "nameserver 192.0.2.3\n"
        )
        self.assertEqual(
            system_servers(text),
            (
                Server("192.0.2.1"),
                Server("fe80::1%eth0"),
                Server("2001:db8::1"),
            ),
        )

    def test_empty_resolv_conf(self) -> None:
        """
        Without any, this machine is asked.
        """
        self.assertEqual(system_servers(""), (Server("127.0.0.1"),))

    def test_what_is_local(self) -> None:
        """
        Only a server on this machine has nobody on the way to it.
        """
        self.assertTrue(Server("127.0.0.53").is_local)
        self.assertTrue(Server("::1").is_local)
        self.assertFalse(Server("192.0.2.1").is_local)

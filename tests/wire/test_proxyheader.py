"""
Tests for ``mailsuite.wire.proxyheader``.
"""

from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.wire.buffer import NEED_DATA
from mailsuite.wire.proxyheader import (
    Proxied,
    ProxyHeaderBroken,
    read_header,
)

_V1 = b"PROXY TCP4 192.0.2.7 198.51.100.1 56324 25\r\n"
_SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"


def _v2(command: int, family: int, body: bytes) -> bytes:
    head = struct.pack("!BBH", 0x20 | command, family, len(body))
    return _SIGNATURE + head + body


_V2_IPV6 = _v2(
    1, 0x21, bytes(15) + b"\x01" + bytes(16) + struct.pack("!HH", 4000, 25)
)


class ReadHeaderTests(SynchronousTestCase):
    """
    Tests for ``read_header``.
    """

    def test_version_1_at_every_cut(self) -> None:
        """
        A text header may arrive in any pieces.
        """
        for cut in range(len(_V1)):
            self.assertIs(read_header(_V1[:cut]), NEED_DATA)
        self.assertEqual(
            read_header(_V1 + b"EHLO"), Proxied("192.0.2.7", 56324, b"EHLO")
        )

    def test_version_2_at_every_cut(self) -> None:
        """
        A binary header may arrive in any pieces.
        """
        for cut in range(len(_V2_IPV6)):
            self.assertIs(read_header(_V2_IPV6[:cut]), NEED_DATA)
        self.assertEqual(
            read_header(_V2_IPV6 + b"x"), Proxied("::1", 4000, b"x")
        )

    def test_type_length_values_are_passed_over(self) -> None:
        """
        What version 2 adds behind the addresses is no data of the client's.
        """
        body = bytes([192, 0, 2, 7, 192, 0, 2, 8, 0, 9, 0, 25]) + b"\x03\0\0"
        self.assertEqual(
            read_header(_v2(1, 0x11, body) + b"x"),
            Proxied("192.0.2.7", 9, b"x"),
        )

    def test_health_checks_keep_their_own_address(self) -> None:
        """
        LOCAL and UNKNOWN say nothing about a client.
        """
        self.assertEqual(read_header(_v2(0, 0, b"")), Proxied(None, 0, b""))
        self.assertEqual(
            read_header(b"PROXY UNKNOWN ff\r\n"), Proxied(None, 0, b"")
        )

    def test_other_octets_are_refused_at_once(self) -> None:
        """
        A client that speaks no PROXY is not waited for.
        """
        for octets in (
            b"EHLO me\r\n",
            b"PROXY TCP4 x y 1 2\r\n",
            b"PROXY " + b"x" * 120,
            _v2(7, 0x11, bytes(12)),
            _v2(1, 0x11, bytes(5)),
            _SIGNATURE + b"\x11\x11\0\0",
        ):
            with self.assertRaises(ProxyHeaderBroken):
                read_header(octets)

    @given(st.binary(max_size=200))
    def test_no_octets_raise_anything_else(self, octets: bytes) -> None:
        """
        Whatever arrives is a header, part of one, or refused.
        """
        for start in (b"", b"PROXY ", _SIGNATURE):
            try:
                read_header(start + octets)
            except ProxyHeaderBroken:
                continue

"""
Tests for gzip and zip files from strangers.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import struct
import zipfile

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.app.unpacking import (
    NotUnpackable,
    gzip_content,
    zip_contents,
)


def zipped(
    contents: list[bytes], compression: int = zipfile.ZIP_DEFLATED
) -> bytes:
    """
    A zip file.
    """
    octets = io.BytesIO()
    with zipfile.ZipFile(octets, "w", compression) as archive:
        for place, content in enumerate(contents):
            archive.writestr(f"{place}.xml", content)
    return octets.getvalue()


class GzipTests(SynchronousTestCase):
    """
    Tests for ``gzip_content``.
    """

    def test_content(self) -> None:
        """
        One piece, or several, one after another.
        """
        self.assertEqual(gzip_content(gzip.compress(b"abc"), 3), b"abc")
        two = gzip.compress(b"abc") + gzip.compress(b"de")
        self.assertEqual(gzip_content(two, 5), b"abcde")

    def test_too_much(self) -> None:
        """
        One octet above the limit, in one piece or in all.
        """
        with self.assertRaises(NotUnpackable):
            gzip_content(gzip.compress(b"abcd"), 3)
        with self.assertRaises(NotUnpackable):
            gzip_content(gzip.compress(b"ab") * 2, 3)

    def test_many_empty_pieces(self) -> None:
        """
        Pieces of nothing are limited too.
        """
        with self.assertRaises(NotUnpackable):
            gzip_content(gzip.compress(b"") * 101, 10)

    def test_cut_off(self) -> None:
        """
        A file that ends too early is broken.
        """
        octets = gzip.compress(b"some text that is long enough")
        with self.assertRaises(NotUnpackable):
            gzip_content(octets[:-9], 100)

    def test_junk_behind(self) -> None:
        """
        What follows the file and is none is not looked at.
        """
        self.assertEqual(gzip_content(gzip.compress(b"abc") + b"\0", 9), b"abc")

    @given(st.binary(max_size=60))
    def test_anything(self, octets: bytes) -> None:
        """
        No octets raise anything else.
        """
        with contextlib.suppress(NotUnpackable):
            gzip_content(b"\x1f\x8b\x08\x00" + octets, 1000)


class ZipTests(SynchronousTestCase):
    """
    Tests for ``zip_contents``.
    """

    def refused(self, octets: bytes, most: int = 1000) -> str:
        """
        Why a file is not read.
        """
        with self.assertRaises(NotUnpackable) as caught:
            list(zip_contents(octets, most))
        return str(caught.exception)

    def test_contents(self) -> None:
        """
        The files' contents, in their order; up to the limit together.
        """
        octets = zipped([b"abc", b"de"])
        self.assertEqual(list(zip_contents(octets, 5)), [b"abc", b"de"])
        self.assertIn("too much", self.refused(octets, 4))

    def test_bomb(self) -> None:
        """
        A megabyte in a kilobyte is not unpacked beyond the limit.
        """
        octets = zipped([b"\0" * 1_000_000])
        self.assertLess(len(octets), 2000)
        self.assertIn("too much", self.refused(octets))

    def test_lies_about_its_size(self) -> None:
        """
        What the directory says of a file's size does not count.
        """
        octets = bytearray(zipped([b"\0" * 100_000]))
        at = octets.index(b"PK\x01\x02")
        octets[at + 24 : at + 28] = struct.pack("<I", 1)
        self.refused(bytes(octets))

    def test_many_files(self) -> None:
        """
        A hundred may be in it.
        """
        self.assertEqual(len(list(zip_contents(zipped([b""] * 100), 9))), 100)
        self.assertIn("too many", self.refused(zipped([b""] * 101)))

    def test_large_directory_elsewhere(self) -> None:
        """
        A zip64 file may say that its directory is larger: it is refused.
        """
        octets = zipped([b"abc"])
        at = octets.index(b"PK\x05\x06")
        locator = b"PK\x06\x07" + bytes(16)
        self.assertIn(
            "too many", self.refused(octets[:at] + locator + octets[at:])
        )

    def test_other_compression(self) -> None:
        """
        Only what zlib unpacks is unpacked.
        """
        octets = zipped([b"abc" * 100], zipfile.ZIP_LZMA)
        self.assertIn("unusual", self.refused(octets))

    def test_encrypted(self) -> None:
        """
        A file that has a password cannot be read.
        """
        octets = bytearray(zipped([b"abc"]))
        octets[6] |= 1
        octets[octets.index(b"PK\x01\x02") + 8] |= 1
        self.assertIn("broken", self.refused(bytes(octets)))

    @given(st.data())
    def test_damaged(self, data: st.DataObject) -> None:
        """
        Whatever octet is changed, nothing else is raised.
        """
        octets = bytearray(zipped([b"abc" * 10, b"def"]))
        at = data.draw(st.integers(0, len(octets) - 1))
        octets[at] = data.draw(st.integers(0, 255))
        with contextlib.suppress(NotUnpackable):
            list(zip_contents(bytes(octets), 1000))

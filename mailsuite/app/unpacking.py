"""
What is inside gzip and zip files from strangers.

Implementation notes

- Nothing is unpacked beyond a limit, however small it is packed.  zlib alone
  is used: other ways of compression need memory as their authors please.
- ``zipfile`` reads a zip file's whole directory at once; so its size is looked
  at before.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator

_GZIP = b"\x1f\x8b"
_ZIP = b"PK\x03\x04"

#: How zlib is told that gzip's header comes first.
_GZIP_WINDOW = zlib.MAX_WBITS | 16
#: Compressed pieces that one gzip file may be made of.
_MOST_MEMBERS = 100

# APPNOTE 4.3.16: the record that ends a zip file, before its comment.
_END = struct.Struct("<4s4xHHII")
_END_MARK = b"PK\x05\x06"
# APPNOTE 4.3.15: stands before it if the true numbers are elsewhere.
_LOCATOR_MARK = b"PK\x06\x07"
_LOCATOR_OCTETS = 20
_LONGEST_DIRECTORY = 64 * 1024
_MOST_FILES = 100
_PIECE = 64 * 1024


class NotUnpackable(ValueError):
    """
    The file is broken, or there is more in it than there should be.
    """


def is_gzip(octets: bytes) -> bool:
    """
    Whether that looks like a gzip file.
    """
    return octets.startswith(_GZIP)


def is_zip(octets: bytes) -> bool:
    """
    Whether that looks like a zip file.
    """
    return octets.startswith(_ZIP)


def gzip_content(octets: bytes, most: int) -> bytes:
    """
    What a gzip file holds.

    :param most: octets that it may hold, at least 0.
    :raises NotUnpackable:
    """
    found: list[bytes] = []
    size = 0
    for _ in range(_MOST_MEMBERS):
        member = zlib.decompressobj(_GZIP_WINDOW)
        try:
            piece = member.decompress(octets, most - size + 1)
        except zlib.error as fact:
            raise NotUnpackable("the gzip file is broken") from fact
        size += len(piece)
        if size > most:
            raise NotUnpackable("there is too much in the gzip file")
        found.append(piece)
        if not member.eof:
            raise NotUnpackable("the gzip file is cut off")
        octets = member.unused_data
        if not is_gzip(octets):
            return b"".join(found)
    raise NotUnpackable("there are too many pieces in the gzip file")


def zip_contents(octets: bytes, most: int) -> Iterator[bytes]:
    """
    What each of the files in a zip file holds.

    :param most: octets that they may hold together.
    :raises NotUnpackable:
    """
    _check_directory(octets)
    try:
        with zipfile.ZipFile(io.BytesIO(octets)) as archive:
            members = [one for one in archive.infolist() if not one.is_dir()]
            for member in members:
                content = _member(archive, member, most)
                most -= len(content)
                yield content
    except NotUnpackable:
        raise
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        NotImplementedError,
        OverflowError,
        # It is encrypted.
        RuntimeError,
        # An offset is negative; a name is no text.
        ValueError,
        struct.error,
    ) as fact:
        raise NotUnpackable("the zip file is broken") from fact


def _check_directory(octets: bytes) -> None:
    # The record is 22 octets, and a comment of up to 64 kB follows it.
    at = octets.rfind(_END_MARK, -22 - 0xFFFF)
    if at < 0 or at + _END.size > len(octets):
        raise NotUnpackable("the zip file is broken")
    _, _, files, length, _ = _END.unpack_from(octets, at)
    is_large = octets.startswith(_LOCATOR_MARK, max(at - _LOCATOR_OCTETS, 0))
    if is_large or files > _MOST_FILES or length > _LONGEST_DIRECTORY:
        raise NotUnpackable("there are too many files in the zip file")


def _member(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, most: int
) -> bytes:
    if member.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise NotUnpackable("the zip file is of an unusual kind")
    found: list[bytes] = []
    with archive.open(member) as file:
        while piece := file.read(_PIECE):
            most -= len(piece)
            if most < 0:
                raise NotUnpackable("there is too much in the zip file")
            found.append(piece)
    return b"".join(found)

"""
A whole message for who works through it: searching, rendering.
"""

from __future__ import annotations

import mmap
import os

from mailsuite.mail.lineends import LineEnds
from mailsuite.store.content import bare_line_feeds

#: Larger messages are mapped into memory, not read.
_MAPPED = 256 << 10


def read_whole(path: str) -> bytes | mmap.mmap:
    """
    All octets of a message, CR LF at the end of each line.

    A large message is mapped, so that what is looked at of it alone takes
    memory; but one of another program's whose lines end in LF is read.

    :raises OSError: the file is not there, or cannot be read.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        size = os.fstat(descriptor).st_size
        if size > _MAPPED and not bare_line_feeds(descriptor):
            return mmap.mmap(descriptor, size, access=mmap.ACCESS_READ)
        return LineEnds().feed(os.pread(descriptor, size, 0))
    finally:
        os.close(descriptor)

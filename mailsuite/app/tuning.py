"""
The interpreter's switches and the process's limits, set for a server: one loop
that must not wait, some threads beside it, many objects that last, and a
descriptor for each connection.
"""

from __future__ import annotations

import ctypes
import gc
import resource
import sys
from contextlib import suppress

#: Seconds after which a thread that computes lets the reactor go on.
_SWITCH_SECONDS = 0.001

#: New objects, and then rounds over the young ones, before the next round.
_THRESHOLDS = (50_000, 20, 100)

#: Blocks of so many octets are given back to the system when they are free.
_LARGE_OCTETS = 1 << 20

#: mallopt's names for what is large, and how much may lie idle at the end.
_M_MMAP_THRESHOLD, _M_TRIM_THRESHOLD = -3, -1


def tune() -> None:
    """
    To be called once, when all that lasts as long as the program is there.

    What is there by now is never looked through for garbage again: with
    thousands of connections each full round would stop them all for longer.
    """
    sys.setswitchinterval(_SWITCH_SECONDS)
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
    _allow_descriptors()
    give_memory_back()


def give_memory_back() -> None:
    """
    Have the C library keep little of what is not used.

    Left to itself it takes each large block that was freed for a reason to
    keep larger ones: some odd messages cost 150 MB for good.
    """
    library = ctypes.CDLL(None)
    if not hasattr(library, "mallopt"):
        # It is not glibc, and has no such habit.
        return
    library.mallopt(_M_MMAP_THRESHOLD, _LARGE_OCTETS)
    library.mallopt(_M_TRIM_THRESHOLD, _LARGE_OCTETS)


def _allow_descriptors() -> None:
    """
    Let there be as many as the system grants: most shells ask for 1,024, which
    fewer clients than that use up.
    """
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    # Some kernels grant less than they say.
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))

"""
The interpreter's switches and the process's limits, set for a server: one loop
that must not wait, some threads beside it, many objects that last, and a
descriptor for each connection.
"""

from __future__ import annotations

import gc
import resource
import sys
from contextlib import suppress

#: Seconds after which a thread that computes lets the reactor go on.
_SWITCH_SECONDS = 0.001

#: New objects, and then rounds over the young ones, before the next round.
_THRESHOLDS = (50_000, 20, 100)


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


def _allow_descriptors() -> None:
    """
    Let there be as many as the system grants: most shells ask for 1,024, which
    fewer clients than that use up.
    """
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    # Some kernels grant less than they say.
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))

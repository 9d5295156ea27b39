"""
The interpreter's switches, set for a server: one loop that must not wait, some
threads beside it, and many objects that last.
"""

from __future__ import annotations

import gc
import sys

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

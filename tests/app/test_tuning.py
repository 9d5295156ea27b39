"""
Tests for ``mailsuite.app.tuning``.
"""

from __future__ import annotations

import gc
import resource
import subprocess
import sys

from twisted.trial.unittest import SynchronousTestCase

from mailsuite.app.tuning import tune
from tests.support.suite import environment

#: Makes the C library learn to keep blocks of 30 MiB, leaves 20 MiB below a
#: small one that is used, and prints how many kB of memory there are then.
_HOARDER = """
import ctypes
from mailsuite.app.tuning import give_memory_back
give_memory_back()
library = ctypes.CDLL(None)
library.malloc.restype = ctypes.c_void_p
library.free.argtypes = [ctypes.c_void_p]
library.free(library.malloc(30 << 20))
large = library.malloc(20 << 20)
ctypes.memset(ctypes.c_void_p(large), 1, 20 << 20)
small = library.malloc(1000)
library.free(large)
print(open("/proc/self/statm").read().split()[1])
"""


class TuneTests(SynchronousTestCase):
    """
    Tests for ``tune``.
    """

    def setUp(self) -> None:
        """
        Have everything as it was afterwards.
        """
        self.addCleanup(sys.setswitchinterval, sys.getswitchinterval())
        self.addCleanup(gc.set_threshold, *gc.get_threshold())
        self.addCleanup(gc.unfreeze)
        self.descriptors = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.addCleanup(
            resource.setrlimit, resource.RLIMIT_NOFILE, self.descriptors
        )

    def test_threads_give_way_soon(self) -> None:
        """
        The reactor waits a millisecond at most for a thread that computes.
        """
        tune()
        self.assertLessEqual(sys.getswitchinterval(), 0.001)

    def test_what_lasts_is_not_looked_through_again(self) -> None:
        """
        Objects that are there are frozen, and rounds are rare.
        """
        frozen, threshold = gc.get_freeze_count(), gc.get_threshold()[0]
        tune()
        self.assertGreater(gc.get_freeze_count(), frozen)
        self.assertGreater(gc.get_threshold()[0], threshold)

    def test_as_many_descriptors_as_the_system_grants(self) -> None:
        """
        What a shell asks for is not enough for a thousand connections.
        """
        _, most = self.descriptors
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(1024, most), most))
        tune()
        self.assertEqual(
            resource.getrlimit(resource.RLIMIT_NOFILE), (most, most)
        )

    def test_what_is_not_used_is_given_back(self) -> None:
        """
        Also below something that is used; without ``give_memory_back`` the
        20 MiB would stay.
        """

        def pages(program: str) -> int:
            done = subprocess.run(
                [sys.executable, "-c", program],
                env=environment(),
                capture_output=True,
                check=True,
            )
            return int(done.stdout)

        frugal = pages(_HOARDER)
        hoarding = pages(_HOARDER.replace("\ngive_memory_back()", ""))

        self.assertGreater(hoarding - frugal, (15 << 20) // 4096)

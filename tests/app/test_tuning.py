"""
Tests for ``mailsuite.app.tuning``.
"""

from __future__ import annotations

import gc
import resource
import sys

from twisted.trial.unittest import SynchronousTestCase

from mailsuite.app.tuning import tune


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

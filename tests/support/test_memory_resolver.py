"""
The DNS as a table keeps the contract of a resolver.
"""

from __future__ import annotations

from twisted.trial.unittest import TestCase

from mailsuite.mail.dns import RecordType
from tests.support.memory_resolver import MemoryResolver, failing, zone
from tests.support.resolver_contract import ZONE, ResolverContract


class MemoryResolverTests(ResolverContract, TestCase):
    """
    Tests for ``MemoryResolver``.
    """

    secure = False

    def setUp(self) -> None:
        """
        A table.
        """
        self.resolver = MemoryResolver(
            {**zone(ZONE), **failing("bogus.test", RecordType.A)}
        )

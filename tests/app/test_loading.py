"""
Tests for ``mailsuite.app.loading``.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

#: What is used late, where nothing can be imported any more.
_WITHOUT_FILES = """
import codecs, sys
from mailsuite.app.loading import load_the_rest
load_the_rest()
import dns.rdata
sys.meta_path.clear()
for name in ("charmap", "cp1251", "koi8_r", "euc_kr", "idna", "punycode"):
    codecs.lookup(name)
for kind, text in (("TLSA", "3 1 0 00ff"), ("MX", "5 a."), ("TXT", "x")):
    record = dns.rdata.from_text("IN", kind, text)
    assert type(record) is not dns.rdata.GenericRdata, kind
"""


class LoadTheRestTests(SynchronousTestCase):
    """
    Tests for ``load_the_rest``.
    """

    def test_nothing_is_imported_later(self) -> None:
        """
        Codecs and records' types are there when files cannot be read.
        """
        done = subprocess.run(
            [sys.executable, "-c", _WITHOUT_FILES],
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            timeout=60,
        )

        self.assertEqual(done.returncode, 0, done.stderr)

"""
``docs/rfc.tsv`` holds every RFC that the code cites.
"""

from __future__ import annotations

import re
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

import mailsuite

_CODE = Path(mailsuite.__file__).parent
_TABLE = Path(__file__).parent.parent / "docs" / "rfc.tsv"
_CITED = re.compile(r"RFCs? (\d{3,5})")
_COLUMNS = ["number", "title", "status", "where", "deviation"]


def _rows() -> list[list[str]]:
    lines = _TABLE.read_text(encoding="utf-8").splitlines()
    return [line.split("\t") for line in lines]


class RFCTests(SynchronousTestCase):
    """
    The table and the code agree.
    """

    def test_each_cited_rfc_has_a_row(self) -> None:
        """
        Whoever reads a citation finds what is done of that RFC.
        """
        known = {row[0] for row in _rows()}
        missing = {
            (number, str(path.relative_to(_CODE)))
            for path in sorted(_CODE.rglob("*.py"))
            for number in _CITED.findall(path.read_text(encoding="utf-8"))
            if number not in known
        }
        self.assertEqual(missing, set())

    def test_the_table_is_in_order(self) -> None:
        """
        Five columns, rising numbers, and a status that says something.
        """
        header, *rows = _rows()
        self.assertEqual(header, _COLUMNS)
        numbers = [int(row[0]) for row in rows]
        self.assertEqual(numbers, sorted(set(numbers)))
        for row in rows:
            self.assertEqual(len(row), len(_COLUMNS), row)
            self.assertIn(row[2], {"full", "partial"}, row)

    def test_each_place_exists(self) -> None:
        """
        Where the table says that something is done, there is a file.
        """
        gone = {
            (row[0], place)
            for row in _rows()[1:]
            for place in re.split(r", *", row[3])
            if not (_CODE / place).exists()
        }
        self.assertEqual(gone, set())

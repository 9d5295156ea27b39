"""
Tests for ``mailsuite.app.control``.
"""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from mailsuite.app.asking import NotRunning, OperationFailed, ask
from mailsuite.app.control import ControlFactory, listen
from mailsuite.errors import OverQuota


class ControlTests(TestCase):
    """
    Tests for both ends of the control socket.
    """

    def setUp(self) -> None:
        """
        A suite that performs what the test says.
        """
        self.state = Path(self.mktemp()).absolute() / ("long" * 30)
        self.state.mkdir(parents=True)
        self.asked: list[tuple[str, Any]] = []
        self.answer: Any = None
        port = listen(
            self.state,
            reactor,  # type: ignore[arg-type]
            ControlFactory(self._perform),
        )
        self.addCleanup(port.stopListening)

    async def _perform(self, operation: str, given: dict[str, Any]) -> Any:
        self.asked.append((operation, given))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    async def _ask(self, operation: str, **given: Any) -> Any:
        return await deferToThread(ask, self.state, operation, given)

    async def test_an_operation_goes_there_and_its_result_back(self) -> None:
        """
        Plain values both ways, of any length.
        """
        self.answer = {"lines": ["x" * 100] * 2000}

        result = await self._ask("user.import", lines=["y" * 90] * 10000)

        self.assertEqual(result, self.answer)
        self.assertEqual(self.asked[0][0], "user.import")
        self.assertEqual(len(self.asked[0][1]["lines"]), 10000)

    async def test_an_error_is_its_public_text(self) -> None:
        """
        What cannot be done is said as the operator may read it.
        """
        self.answer = OverQuota("too much")
        try:
            await self._ask("x")
        except OperationFailed as failed:
            self.assertEqual(str(failed), "too much")
        else:
            self.fail("no error")

    async def test_a_bug_is_logged_and_not_told(self) -> None:
        """
        No inner detail leaves the suite.
        """
        self.answer = ValueError("inner detail")
        try:
            await self._ask("x")
        except OperationFailed as failed:
            self.assertNotIn("inner detail", str(failed))
        else:
            self.fail("no error")
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)

    def test_the_socket_is_for_its_owner_alone(self) -> None:
        """
        Mode 0600.
        """
        mode = (self.state / "control.socket").stat().st_mode
        self.assertEqual(stat.S_IMODE(mode), 0o600)

    def test_without_a_suite_it_is_said(self) -> None:
        """
        So that the command does it itself.
        """
        other = Path(self.mktemp())
        other.mkdir()
        with self.assertRaises(NotRunning):
            ask(other, "status", {})

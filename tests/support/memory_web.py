"""
The web as a table, for tests.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred

from mailsuite.transfer.https import HTTPS, Answered, NoAnswer


class MemoryWeb(HTTPS):
    """
    Answers from a table; what is not in it does not answer.

    :ivar answers: by URL; a fact is raised.
    :ivar asked: the URLs, in their order.
    :ivar posted: URL, body and media type of each POST.
    :ivar waits: if set, no answer comes before it fires.
    """

    def __init__(self) -> None:
        self.answers: dict[str, Answered | NoAnswer] = {}
        self.asked: list[str] = []
        self.posted: list[tuple[str, bytes, str]] = []
        self.waits: Deferred[None] | None = None

    async def get(self, url: str) -> Answered:
        """
        The table's answer.
        """
        self.asked.append(url)
        if self.waits is not None:
            await self.waits
        return self._answer(url)

    async def post(self, url: str, body: bytes, media_type: str) -> Answered:
        """
        The table's answer.
        """
        self.posted.append((url, body, media_type))
        if self.waits is not None:
            await self.waits
        return self._answer(url)

    def _answer(self, url: str) -> Answered:
        answer = self.answers.get(url, NoAnswer("no address"))
        if isinstance(answer, NoAnswer):
            raise answer
        return answer

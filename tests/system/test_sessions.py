"""
Many sessions change one mailbox at once, and all end with one picture of it.
"""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor

from tests.support.imapview import PictureKeeper
from tests.support.suite import SuiteTestCase

_SESSIONS = 4
_COMMANDS = 150
_FLAGS = (b"\\Seen", b"\\Flagged", b"\\Deleted", b"red", b"blue")


class SessionsTests(SuiteTestCase):
    """
    Sequence numbers, UIDs and flags, as sessions are told of them.
    """

    def test_all_pictures_agree(self) -> None:
        """
        After appends, flag changes, copies, moves and expunges by all.
        """
        keepers = [PictureKeeper(self.suite) for _ in range(_SESSIONS)]
        for keeper in keepers:
            self.addCleanup(keeper.close)

        with ThreadPoolExecutor(_SESSIONS) as pool:
            # A contradiction that one of them noticed is raised here.
            list(pool.map(meddle, keepers, range(_SESSIONS)))
        # Only when all are done is there nothing more to be told.
        for keeper in keepers:
            keeper.command(b"NOOP")
        for keeper in keepers:
            keeper.command(b"FETCH 1:* UID")
        fresh = PictureKeeper(self.suite)
        self.addCleanup(fresh.close)

        self.assertGreater(len(fresh.uids), 10)
        for keeper in keepers:
            self.assertEqual(keeper.uids, fresh.uids)
            known = {
                u: keeper.flags[u] for u in keeper.flags if u in fresh.flags
            }
            self.assertEqual(known, {u: fresh.flags[u] for u in known})


def meddle(keeper: PictureKeeper, seed: int) -> None:
    """
    Do what comes to mind.
    """
    chance = random.Random(seed)
    for _ in range(_COMMANDS):
        keeper.command(_some_command(chance, keeper.uids))


def _some_command(chance: random.Random, uids: list[int | None]) -> bytes:
    flag = chance.choice(_FLAGS)
    content = b"Subject: %d\r\n\r\nbody\r\n" % chance.randrange(10**6)
    append = b"APPEND INBOX (%b) {%d+}\r\n%b" % (flag, len(content), content)
    if not uids or chance.random() < 0.25:
        return append
    number = chance.randint(1, len(uids))
    last = min(number + 4, len(uids))
    uid = uids[number - 1] or 1
    return chance.choice(
        [
            b"STORE %d:%d +FLAGS (%b)" % (number, last, flag),
            b"STORE %d:%d -FLAGS (%b)" % (number, last, flag),
            b"STORE %d FLAGS (%b)" % (number, flag),
            b"UID STORE %d +FLAGS (\\Deleted)" % uid,
            b"FETCH %d:%d (UID FLAGS BODY.PEEK[TEXT])" % (number, last),
            b"SEARCH UNSEEN",
            b"UID MOVE %d Trash" % uid,
            b"COPY %d INBOX" % number,
            b"EXPUNGE",
            b"NOOP",
        ]
    )

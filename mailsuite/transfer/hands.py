"""
The messages in hand: which there are, and how many may be more.
"""

from __future__ import annotations

from collections import Counter

from mailsuite.transfer.content import MemoryBudget
from mailsuite.transfer.inhand import InHand

#: Messages that are worked on at once.
MOST_IN_HAND = 1000

#: Those of one destination, and of one login.
MOST_OF_ONE = MOST_IN_HAND // 2

#: The part of each at which there is enough: more is looked for when there is
#: less than that, so that one look finds many.
_ENOUGH = 3 / 4


class Hands:
    """
    What is in hand.

    :param memory: for the content of what is worked on.
    """

    def __init__(self, memory: MemoryBudget) -> None:
        self._memory = memory
        self._hands: dict[str, InHand] = {}
        self._destinations: Counter[str] = Counter()
        self._users: Counter[str] = Counter()

    def __contains__(self, queue_id: object) -> bool:
        """
        Whether this message is in hand.
        """
        return queue_id in self._hands

    def __len__(self) -> int:
        """
        How many are.
        """
        return len(self._hands)

    @property
    def room(self) -> int:
        """
        How many more may be worked on.
        """
        return max(0, MOST_IN_HAND - len(self._hands))

    @property
    def is_low(self) -> bool:
        """
        Whether there are fewer than enough.
        """
        return len(self._hands) < MOST_IN_HAND * _ENOUGH

    def have_room(self, destination: str, user: str) -> bool:
        """
        Whether there may be one more of these.

        :param user: empty if no login submitted it.
        """
        return (
            len(self._hands) < MOST_IN_HAND
            and self._destinations[destination] < MOST_OF_ONE
            and (not user or self._users[user] < MOST_OF_ONE)
        )

    def full_destinations(self) -> set[str]:
        """
        Those that have enough.
        """
        return _full(self._destinations)

    def full_users(self) -> set[str]:
        """
        The logins that have enough.
        """
        return _full(self._users)

    def get(self, queue_id: str) -> InHand | None:
        """
        This message, if it is in hand.
        """
        return self._hands.get(queue_id)

    def take(self, hand: InHand, octets: bytes | None) -> None:
        """
        Work on a message begins.

        :param octets: its content, to be kept as far as there is room.
        """
        if octets is not None and self._memory.take(len(octets)):
            hand.octets = octets
            hand.held = len(octets)
        self._destinations[hand.backlog] += 1
        if hand.user:
            self._users[hand.user] += 1
        self.lend(hand)

    def finish(self, hand: InHand) -> None:
        """
        Work on it has ended; ``take_back`` follows.
        """
        self._memory.give_back(hand.held)
        hand.octets, hand.held = None, 0
        _count_down(self._destinations, hand.backlog)
        if hand.user:
            _count_down(self._users, hand.user)

    def lend(self, hand: InHand) -> None:
        """
        One more is at work with it.
        """
        hand.users += 1
        self._hands[hand.queue_id] = hand

    def take_back(self, hand: InHand) -> bool:
        """
        One is at work with it no longer.

        :return: whether nobody is, so that it is in hand no longer.
        """
        hand.users -= 1
        if hand.users:
            return False
        del self._hands[hand.queue_id]
        return True


def _full(counter: Counter[str]) -> set[str]:
    enough = MOST_OF_ONE * _ENOUGH
    return {name for name, number in counter.items() if number >= enough}


def _count_down(counter: Counter[str], name: str) -> None:
    counter[name] -= 1
    if not counter[name]:
        del counter[name]

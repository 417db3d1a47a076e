"""Answers remembered by their Question, so that the replicas of one workload are decided once.

Rule: with and without it the bytes of an answer are the same; and whatever clients send, it never holds more than its
      budget, nor does one of them push out what it holds for the others.
Strategy: the key is the Question as JSON: bytes, whose size is known, where the Question itself may be thirty times as
      large (`{},` becomes a struct) and a dictionary would hash and compare it field by field. The answers are in the
      order of their last use; the oldest goes first, and what is larger than a share of the budget does not come in.
      Nor does what was asked once: an answer that nobody asks for again only takes the place of one in use. Whether a
      pod may have been here is told by a hash of its names, which costs less than a key.
"""

from array import array
from collections import OrderedDict
from sys import getsizeof

import msgspec

from webhook.inject.question import Question
from webhook.server.answer import Answer

# What an entry takes beside its texts: the Answer, its tuple of reasons, the node of the dictionary (measured: 330).
ENTRY = 400
SHARE = 8  # no entry takes more than this part of the budget
SIGHTINGS = 8192  # hashes, 8 bytes each

_encode = msgspec.json.Encoder().encode


class Memory:
    """Not shared between threads: there is one event loop."""

    def __init__(self, budget: int) -> None:
        self._budget = budget
        self._held = 0
        self._answers: OrderedDict[bytes, Answer] = OrderedDict()

    @staticmethod
    def key(question: Question) -> bytes:
        """What stands for the Question."""
        return _encode(question)

    def get(self, key: bytes) -> Answer | None:
        """The answer that was given last time."""
        found = self._answers.get(key)
        if found is not None:
            self._answers.move_to_end(key)
        return found

    def put(self, key: bytes, answer: Answer) -> None:
        """Remember an answer to a key that `get` does not know."""
        size = cost(key, answer)
        if size > self._budget // SHARE:
            return
        self._answers[key] = answer
        self._held += size
        while self._held > self._budget:
            self._held -= cost(*self._answers.popitem(last=False))

    @property
    def held(self) -> int:
        """Bytes, never more than the budget."""
        return self._held

    def __len__(self) -> int:
        return len(self._answers)


class Sightings:
    """Which workloads were seen of late, by a hash each: every hash has one place, where a newer one follows it."""

    def __init__(self) -> None:
        self._hashes = array("q", bytes(8 * SIGHTINGS))

    def again(self, question: Question) -> bool:
        """Whether a pod of these names was here before; from now on it was.

        Never no for the second of two equal Questions, unless too many others came between them.
        """
        seen = hash((question.namespace, *[target.name for target in question.targets]))
        place = seen % SIGHTINGS
        before = self._hashes[place] == seen
        self._hashes[place] = seen
        return before


def cost(key: bytes, answer: Answer) -> int:
    """The memory that an entry takes."""
    return getsizeof(key) + answer.size + ENTRY

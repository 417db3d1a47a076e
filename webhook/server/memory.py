"""Answers remembered by their Question, so that the replicas of one workload are decided once.

Rule: with and without it the bytes of an answer are the same. Whatever a client sends, it never holds more than its
      budget, and nothing of a request stays in it but the answer.
Strategy: the key is a SHA-256 over the Question's JSON: as fast as hashing the value itself, no two Questions share
      it, nobody can aim at one bucket, and a Question that is much larger in memory than on the wire (`{},` a million
      times) costs 32 bytes. The answers are in the order of their last use; the oldest goes first.
"""

from collections import OrderedDict
from hashlib import sha256
from sys import getsizeof

import msgspec

from webhook.inject.question import Question
from webhook.server.answer import Answer

# What an entry costs beside its two texts: key, Answer, tuple of reasons, the node of the dictionary (measured: 420).
ENTRY = 512

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
        return sha256(_encode(question)).digest()

    def get(self, key: bytes) -> Answer | None:
        """The answer that was given last time."""
        found = self._answers.get(key)
        if found is not None:
            self._answers.move_to_end(key)
        return found

    def put(self, key: bytes, answer: Answer) -> None:
        """Remember an answer to a key that `get` does not know."""
        self._answers[key] = answer
        self._held += cost(answer)
        while self._held > self._budget:
            _, oldest = self._answers.popitem(last=False)
            self._held -= cost(oldest)

    @property
    def held(self) -> int:
        """Bytes, never more than the budget."""
        return self._held

    def __len__(self) -> int:
        return len(self._answers)


def cost(answer: Answer) -> int:
    """The memory that an entry takes."""
    return getsizeof(answer.tail) + getsizeof(answer.containers) + ENTRY

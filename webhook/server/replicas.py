"""Replicas told by their bytes: a review that differs from an earlier one only where two replicas of one workload do.

Rule: the answer is the one that reading the body would have led to, whatever clients send; and what is kept never takes
      more than its budget.
Strategy: the pods of a ReplicaSet differ in the uid of the request, in the five random characters of their token's
      volume, in the time of managedFields, and in their name where they have one by now. A body is kept as the pieces
      between these holes. Another one is its replica if every piece is in its place, if a value that stands in several
      holes is the same in each, and if the values are letters, digits and `-.:`, which mean nothing else in JSON. A
      body is kept only if it leads to the same Question with other values in its holes: so a container that is named
      like a token's volume is found out in time.
"""

import re
from collections import OrderedDict
from itertools import chain, pairwise
from sys import getsizeof

import msgspec

from webhook.api.pod import Pod, PodSpec
from webhook.api.review import AdmissionRequest, Malformed, decode
from webhook.inject.question import Door, Question, question
from webhook.server.answer import Answer
from webhook.server.memory import SHARE

Body = bytes | bytearray
Places = tuple[slice, ...]
Hole = tuple[slice, Places]  # where a value stands, and where it stands again

# As kube-apiserver writes them: the fields of k8s.io/api/admission/v1 and of ObjectMeta in the order of Go's structs.
_UID = re.compile(
    rb'\A\{"kind":"AdmissionReview","apiVersion":"admission\.k8s\.io/v1","request":\{"uid":"([0-9a-f-]+)"'
)
_NAME = re.compile(
    rb'(?:\},|"object":\{"kind":"Pod","apiVersion":"v1","metadata":\{)"name":"([a-z0-9.-]+)","namespace":"[a-z0-9-]+",'
)
_TOKEN = re.compile(rb'"kube-api-access-([a-z0-9]{5})"')
_TIME = re.compile(rb'"time":"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)"')
_SIGNS = b"-.:"
_OTHER = bytes.maketrans(b"0123456789abcdefghijklmnopqrstuvwxyz", b"1234567890bcdefghijklmnopqrstuvwxyza")

KINDRED = 4  # bodies of one length that are kept
# What is taken beside the bytes of the pieces (measured).
LENGTH = 700  # bytes by a length: its Kindred, the node of the dictionary
ENTRY = 1600  # bytes by a body: its holes, its request
PIECE = 200  # bytes by a piece: a slice, a tuple, its place in another


class Kept(msgspec.Struct, frozen=True):
    """A body with holes, and what became of it. `uid`, `name`: their first holes; a pod without a name has none."""

    pieces: tuple[tuple[slice, bytes], ...]
    holes: tuple[Hole, ...]
    uid: slice
    name: slice | None
    door: Door
    request: AdmissionRequest
    answer: Answer

    def has_replica(self, body: Body) -> bool:
        """Whether this body, which has the same length, differs in the holes alone."""
        for place, piece in self.pieces:
            if body[place] != piece:
                return False
        for first, others in self.holes:
            value = body[first]
            if not value.translate(None, _SIGNS).isalnum():
                return False
            for place in others:
                if body[place] != value:
                    return False
        return True

    def request_of(self, replica: Body) -> AdmissionRequest:
        """The request of a replica, without most of its pod."""
        name = replica[self.name].decode() if self.name else self.request.name
        return msgspec.structs.replace(self.request, uid=replica[self.uid].decode(), name=name)

    @property
    def cost(self) -> int:
        """The memory that it takes. The answer may be shared, but need not."""
        return ENTRY + self.answer.size + sum([getsizeof(piece) + PIECE for _, piece in self.pieces])


class Kindred(msgspec.Struct):
    """What is kept of one length, last used first. `lessons`: how many more are kept before one of them helps."""

    kept: list[Kept] = []
    lessons: int = KINDRED

    @property
    def cost(self) -> int:
        return LENGTH + sum([kept.cost for kept in self.kept])


class Replicas:
    """Not shared between threads: there is one event loop."""

    def __init__(self, budget: int) -> None:
        self._budget = budget
        self._held = 0
        self._kindred: OrderedDict[int, Kindred] = OrderedDict()

    def find(self, body: Body, door: Door) -> Kept | None:
        """The body of which this one is a replica."""
        kindred = self._kindred.get(len(body))
        if kindred is None:
            return None
        for place, kept in enumerate(kindred.kept):
            if kept.door is door and kept.has_replica(body):
                if place:
                    kindred.kept.insert(0, kindred.kept.pop(place))
                kindred.lessons = KINDRED
                self._kindred.move_to_end(len(body))
                return kept
        return None

    def keep(self, body: Body, request: AdmissionRequest, asked: Question, answer: Answer) -> None:
        """Keep a body that `find` does not know, unless the last ones of its length were kept for nothing."""
        if len(body) > self._budget // SHARE:
            return
        kindred = self._of_length(len(body))
        if not kindred.lessons:
            return
        kindred.lessons -= 1
        if kept := _kept(bytes(body), request, asked, answer):
            kindred.kept.insert(0, kept)
            self._held += kept.cost - sum([old.cost for old in kindred.kept[KINDRED:]])
            del kindred.kept[KINDRED:]
        while self._held > self._budget:
            self._held -= self._kindred.popitem(last=False)[1].cost

    def _of_length(self, length: int) -> Kindred:
        kindred = self._kindred.get(length)
        if kindred is None:
            kindred = self._kindred[length] = Kindred()
            self._held += kindred.cost
        return kindred

    @property
    def held(self) -> int:
        """Bytes, never more than the budget."""
        return self._held


def _kept(body: bytes, request: AdmissionRequest, asked: Question, answer: Answer) -> Kept | None:
    """The body with its holes; None where kube-apiserver did not write it, or where something hangs on a hole."""
    found = [_places(body, pattern) for pattern in (_UID, _NAME, _TOKEN, _TIME)]
    uid, name, *_ = found
    places = sorted(chain(*found), key=lambda place: place.start)
    other = bytearray(body)
    for place in places:
        other[place] = other[place].translate(_OTHER)
    read = decode(other)
    if not uid or isinstance(read, Malformed) or question(read, asked.door) != asked:
        return None
    edges = [0, *[edge for place in places for edge in (place.start, place.stop)], len(body)]
    pieces = [slice(*between) for between in list(pairwise(edges))[::2]]
    kept = Kept(
        tuple([(place, body[place]) for place in pieces]),
        tuple([(there[0], there[1:]) for there in found if there]),
        uid[0],
        name[0] if name else None,
        asked.door,
        _bare(request),
        answer,
    )
    return kept if kept.request_of(other) == _bare(read) else None


def _places(body: bytes, pattern: re.Pattern[bytes]) -> Places:
    """Every place of a value; none where several values compete."""
    places = tuple([slice(*match.span(1)) for match in pattern.finditer(body)])
    return places if len({body[place] for place in places}) == 1 else ()


def _bare(request: AdmissionRequest) -> AdmissionRequest:
    """Without the pod, but for what is read of it beside the Question: whose rights it has."""
    spec = request.object.spec if request.object else None
    pod = Pod(spec=PodSpec(service_account_name=spec.service_account_name if spec else None))
    return msgspec.structs.replace(request, object=pod, old_object=None)

"""Bodies and requests that no API server sends: each has its answer, to the byte, and the process serves on."""

import json
from collections.abc import Iterable, Iterator

import pytest

from tests.edge.service import UID, Service, pod, review
from tests.edge.wire import JSON, Headers, chunked, head, post
from webhook.server.body import LIMIT

MIB = 1024 * 1024
VALID = review(pod())
SKIPPED = (
    b'{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":{"uid":"%b","allowed":true,'
    b'"auditAnnotations":{"outcome":"skipped","reasons":"%b"}}}'
)
NOT_ASKED = SKIPPED % (UID.encode(), b"not-asked")


@pytest.fixture(autouse=True)
def _serves_on(service: Service) -> Iterator[None]:
    """After each test the same process answers the next valid review."""
    yield
    assert service.process.poll() is None
    assert service.ask(VALID)[::2] == (200, NOT_ASKED)


def denied(message: str, uid: str = UID) -> tuple[int, bytes]:
    """HTTP 200 with an AdmissionReview that says no, where the uid could be read."""
    body = (
        '{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":{"uid":"%s","allowed":false,'
        '"status":{"status":"Failure","message":%s,"reason":"BadRequest","code":400}}}'
    )
    return 200, (body % (uid, json.dumps(message))).encode()


def refused(code: int, reason: str, message: str) -> tuple[int, bytes]:
    """A metav1.Status, where there is no uid to answer to."""
    body = '{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":%s,"reason":"%s","code":%d}'
    return code, (body % (json.dumps(message), reason, code)).encode()


def no_json(why: str) -> tuple[int, bytes]:
    return refused(400, "BadRequest", f"the body is not an AdmissionReview in JSON: {why}")


def no_shape(why: str) -> tuple[int, bytes]:
    return denied(f"the AdmissionReview does not have the shape of the API: {why}")


def with_field(value: bytes) -> bytes:
    """The valid review with a field in its container that nobody reads."""
    return VALID.replace(b'"image": "app"', b'"image": "app", "unread": ' + value)


def with_container(fields: bytes) -> bytes:
    """The valid review with fields in its container that are read."""
    return VALID.replace(b'"image": "app"', fields)


DEEP = 100_000
TOO_DEEP = refused(400, "BadRequest", "the body is nested too deeply; accepted: JSON as kube-apiserver writes it")
BETA = VALID.replace(b"admission.k8s.io/v1", b"admission.k8s.io/v1beta1")
IS_BETA = (
    "apiVersion 'admission.k8s.io/v1beta1', kind 'AdmissionReview' is not understood; "
    "accepted: 'admission.k8s.io/v1', 'AdmissionReview'"
)
IS_POD = "apiVersion 'v1', kind 'Pod' is not understood; accepted: 'admission.k8s.io/v1', 'AdmissionReview'"
DEPLOYMENTS = {"group": "apps", "version": "v1", "resource": "deployments"}
DEPLOYMENT = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": {"template": {}}}
PORT = "$.request.object.spec.containers[0].ports[0].containerPort"
CPU = "$.request.object.spec.containers[0].resources.limits.cpu"

BODIES: dict[str, tuple[bytes, tuple[int, bytes]]] = {
    "empty": (b"", refused(400, "BadRequest", "the body is empty; accepted: an AdmissionReview in JSON")),
    "truncated": (VALID[:-30], no_json("Input data was truncated")),
    "followed by another": (VALID + VALID, no_json(f"JSON is malformed: trailing characters (byte {len(VALID) + 1})")),
    "a null": (b"null", no_json("Expected `object`, got `null`")),
    "an array": (b"[]", no_json("Expected `object`, got `array`")),
    "zeros": (bytes(100), no_json("JSON is malformed: invalid character (byte 0)")),
    "deep from the start": (b"[" * DEEP + b"]" * DEEP, no_json("Expected `object`, got `array`")),
    "deep where nothing is read": (with_field(b"[" * DEEP + b"]" * DEEP), TOO_DEEP),
    "deep objects": (with_field(b'{"a":' * DEEP + b"1" + b"}" * DEEP), TOO_DEEP),
    "deep and never closed": (with_field(b"[" * DEEP), TOO_DEEP),
    "not UTF-8": (b"\xff\xfe" + VALID, no_json("JSON is malformed: invalid character (byte 0)")),
    "UTF-16": (VALID.decode().encode("utf-16-le"), no_json("JSON is malformed: object keys must be strings (byte 1)")),
    "not UTF-8 in a string that is read": (
        VALID.replace(b'"shop"', b'"\xff"'),
        no_shape("'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"),
    ),
    # what is not read is not judged either: the API server does it, before us and after us
    "not UTF-8 in a string that is not read": (with_field(b'"\xff"'), (200, NOT_ASKED)),
    "half a surrogate as uid": (
        VALID.replace(UID.encode(), b"\\ud800"),
        no_json("JSON is malformed: unexpected end of escaped utf-16 surrogate pair (byte 91)"),
    ),
    "another kind": (json.dumps(pod()).encode(), refused(400, "BadRequest", IS_POD)),
    "v1beta1": (BETA, denied(IS_BETA)),
    "v1beta1 without uid": (BETA.replace(b'"uid"', b'"uit"'), refused(400, "BadRequest", IS_BETA)),
    "no request": (
        b'{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}',
        refused(
            400,
            "BadRequest",
            "the AdmissionReview has no request; accepted: a request with uid, resource, operation and object",
        ),
    ),
    "a number as uid": (
        VALID.replace(f'"{UID}"'.encode(), b"7"),
        no_json("Expected `str`, got `int` - at `$.request.uid`"),
    ),
    "a uid that needs escapes": (
        VALID.replace(UID.encode(), b'a\\"\\u0000\\\\'),
        (200, SKIPPED % (b'a\\"\\u0000\\\\', b"not-asked")),
    ),
    "a huge number that is not read": (with_field(b"1e999999"), (200, NOT_ASKED)),
    "ten to the fifth digits that are not read": (with_field(b"9" * 100_000), (200, NOT_ASKED)),
    "a huge number as port": (
        with_container(b'"ports": [{"containerPort": 1e999999}]'),
        no_shape(f"Number out of range - at `{PORT}`"),
    ),
    "ten to the fifth digits as port": (
        with_container(b'"ports": [{"containerPort": %b}]' % (b"9" * 100_000)),
        no_shape(f"Integer value out of range - at `{PORT}`"),
    ),
    "a huge number as quantity": (
        with_container(b'"resources": {"limits": {"cpu": 1e999999}}'),
        no_shape(f"Number out of range - at `{CPU}`"),
    ),
    "half a port": (
        with_container(b'"ports": [{"containerPort": 1.5}]'),
        no_shape(f"Expected `int`, got `float` - at `{PORT}`"),
    ),
    # of a repeated key the last counts, as in the API server's own decoder
    "a uid twice": (
        VALID.replace(b'"namespace": "shop"', b'"uid": "first", "uid": "second"'),
        (200, SKIPPED % (b"second", b"not-asked")),
    ),
    "annotations twice": (
        VALID.replace(b'"annotations": {}', b'"annotations": {"a": ""}, "annotations": {"podmeta/inject": "false"}'),
        (200, SKIPPED % (UID.encode(), b"opted-out")),
    ),
    "a Deployment": (review(DEPLOYMENT, resource=DEPLOYMENTS), (200, SKIPPED % (UID.encode(), b"not-a-pod"))),
    "a Deployment that says it is a pod": (review(DEPLOYMENT), (200, NOT_ASKED)),
    "a pod that is none": (
        VALID.replace(b'[{"name": "app", "image": "app"}]', b"3"),
        no_shape("Expected `array | null`, got `int` - at `$.request.object.spec.containers`"),
    ),
    "a deletion": (review(None, operation="DELETE"), (200, SKIPPED % (UID.encode(), b"operation-not-covered"))),
}  # fmt: skip


@pytest.mark.parametrize("name", BODIES)
def test_a_body_has_its_answer(service: Service, name: str) -> None:
    body, expected = BODIES[name]
    answer = service.ask(body)
    assert (answer.code, answer.body) == expected
    assert answer.headers["content-type"] == "application/json"


def test_the_other_door_answers_too(service: Service) -> None:
    """There, a pod that says nothing is injected."""
    assert b'"outcome":"patched"' in service.ask(VALID, "/mutate/namespace").body
    assert service.ask(b"", "/mutate/namespace")[::2] == BODIES["empty"][1]


TOO_LARGE = refused(
    413, "RequestEntityTooLarge", "the body is larger than 7340032 bytes, which is more than an API server sends"
)


def test_too_large_is_known_from_the_head_alone(service: Service) -> None:
    """Before a byte of the body is sent; then the connection is closed."""
    with service.wire() as wire:
        wire.send(post(b"", length=8 * MIB))
        answer = wire.answer()
        assert (answer.code, answer.body) == TOO_LARGE
        assert answer.headers["connection"] == "close"
        assert wire.closed()


def test_too_large_is_answered_even_to_who_sends_it_all_the_same(service: Service) -> None:
    with service.wire() as wire:
        wire.send(post(b" " * (8 * MIB)))
        assert wire.answer()[::2] == TOO_LARGE


def test_too_large_in_chunks_is_cut_off_as_soon_as_it_is(service: Service) -> None:
    """Nothing after the limit is waited for: the last chunk is never sent."""
    with service.wire() as wire:
        for piece in chunked([b" " * MIB] * 8):
            if piece == b"0\r\n\r\n":
                break
            wire.send(piece)
        assert wire.answer()[::2] == TOO_LARGE
        assert wire.closed()


def test_the_limit_itself_is_accepted(service: Service) -> None:
    """7 MiB to the byte: white space is JSON, so the answer is that of the review in front of it."""
    whole = VALID + b" " * (LIMIT - len(VALID))
    assert service.ask(whole).body == NOT_ASKED
    assert service.ask(whole + b" ")[::2] == TOO_LARGE
    with service.wire() as wire:
        for piece in chunked([whole[:MIB], whole[MIB:]]):
            wire.send(piece)
        assert wire.answer().body == NOT_ASKED


WRONG_TYPE = refused(415, "UnsupportedMediaType", "the content type is not accepted; accepted: application/json")


@pytest.mark.parametrize(
    ("headers", "accepted"),
    [
        ([("Content-Type", "application/json; charset=utf-8")], True),
        ([("Content-Type", "Application/JSON")], True),
        ([("Content-Type", "text/plain")], False),
        ([("Content-Type", "application/json-patch+json")], False),
        ([("Content-Type", "application/vnd.kubernetes.protobuf")], False),
        ([], False),
    ],
)
def test_only_json_is_accepted(service: Service, headers: Headers, accepted: bool) -> None:
    with service.wire() as wire:
        wire.send(post(VALID, headers=headers))
        answer = wire.answer()
        assert answer[::2] == ((200, NOT_ASKED) if accepted else WRONG_TYPE)
        assert accepted or wire.closed()


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS"])
def test_another_method_is_told_which_one(service: Service, method: str) -> None:
    with service.wire() as wire:
        wire.send(head(method, "/mutate/namespace"))
        answer = wire.answer()
    sentence = f"{method} is not accepted at /mutate/namespace; accepted: POST"
    assert answer[::2] == refused(405, "MethodNotAllowed", sentence)
    assert answer.headers["allow"] == "POST"


@pytest.mark.parametrize("path", ["/", "/mutate/", "/mutate/x", "/MUTATE", "/docs", "/openapi.json", "/metrics"])
def test_another_path_is_told_which_there_are(service: Service, path: str) -> None:
    answer = service.ask(VALID, path)
    sentence = f"there is nothing at {path}; accepted: /mutate, /mutate/namespace"
    assert answer[::2] == refused(404, "NotFound", sentence)


def test_a_query_changes_nothing(service: Service) -> None:
    """The API server appends ?timeout=10s."""
    assert service.ask(VALID, "/mutate?timeout=10s").body == NOT_ASKED


def test_what_is_no_http_is_closed(service: Service) -> None:
    with service.wire() as wire:
        wire.send(b"\x16\x03\x01 this is no HTTP\r\n\r\n")
        assert wire.answer().code == 400
        assert wire.closed()


def test_who_waits_for_a_go_ahead_gets_it(service: Service) -> None:
    with service.wire() as wire:
        wire.send(post(b"", headers=(JSON, ("Expect", "100-continue")), length=len(VALID)))
        assert wire.connection.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
        wire.send(VALID)
        assert wire.answer().body == NOT_ASKED


def test_two_hundred_pipelined_requests_on_one_connection(service: Service) -> None:
    """Answered in their order, each with its uid; the good ones among bad ones."""
    requests, expected = [], []
    for number in range(200):
        uid = f"uid-{number}".encode()
        if number % 7 == 3:
            requests.append(post(VALID.replace(UID.encode(), uid)[:-1]))
            expected.append(no_json("Input data was truncated"))
        else:
            requests.append(post(VALID.replace(UID.encode(), uid)))
            expected.append((200, SKIPPED % (uid, b"not-asked")))
    with service.wire() as wire:
        wire.send(b"".join(requests))
        assert [wire.answer()[::2] for _ in requests] == expected


def test_a_connection_that_is_cut_in_the_middle_of_a_body_leaves_nothing_behind(service: Service) -> None:
    """No answer, no line in the log, no number, and what was in flight is not."""

    def numbers() -> list[str]:
        counted = ("podmeta_reviews_total", "podmeta_http_errors_total")
        return [line for line in service.health("/metrics")[1].splitlines() if line.startswith(counted)]

    service.ask(VALID.replace(UID.encode(), b"before"))
    before = numbers()
    while service.line("review")["uid"] != "before":
        pass
    seen = len(service.seen)
    for cut in (True, False):
        with service.wire() as wire:
            wire.send(post(VALID[:20], length=len(VALID)))
            while service.metric("podmeta_reviews_in_flight") != 1:
                pass
            if cut:
                wire.cut()
        while service.metric("podmeta_reviews_in_flight") != 0:
            pass
    assert numbers() == before
    service.ask(VALID.replace(UID.encode(), b"after"))
    assert service.line("review")["uid"] == "after"
    assert len(service.seen) == seen + 1


def resident(service: Service) -> int:
    with open(f"/proc/{service.process.pid}/statm") as file:  # noqa: PTH123 - no file that a Path is good for
        return int(file.read().split()[1]) * 4096


def hostile() -> Iterable[bytes]:
    """Large and odd ones, all of them different, so that nothing can be remembered."""
    big = b"x" * (2 * MIB)
    for number in range(25):
        seed = b"%d" % number
        yield with_field(b'"' + big + seed + b'"')
        yield VALID.replace(b'"annotations": {}', b'"annotations": {"podmeta/x%b": "%b"}' % (seed, big))
        yield VALID.replace(
            b'"annotations": {}',
            b'"annotations": {"podmeta/inject": "true", "podmeta/env": "A%b,%b"}' % (seed, b"B,C," * 200),
        )
        yield with_container(b'"env": [' + b"{}," * 100_000 + b'{"name": "%b"}]' % seed)
        yield with_field(b"[" * DEEP + seed)
        yield VALID[:-1] + big + seed
        yield b" " * (8 * MIB)
        yield seed


@pytest.mark.skipif("not __import__('os').path.exists('/proc/self/statm')", reason="resident memory is read from /proc")
def test_two_hundred_hostile_requests_leave_no_memory_behind(service: Service) -> None:
    """What stays is the pages that the allocator keeps for the largest bodies, once, however many came."""
    bodies = list(hostile())
    assert len(bodies) == 200
    for body in bodies[:8]:
        service.ask(body)
    before = resident(service)
    for body in bodies:
        assert service.ask(body).code in (200, 400, 413)
    assert resident(service) - before < 32 * MIB  # 200 bodies of up to 8 MiB

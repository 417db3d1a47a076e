"""The benchmark compares servers that do the same; and its load counts what it sees."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.bodies import BODIES, SERIAL, SUFFIX, body, numbered
from bench.contenders import CONTENDERS, PODMETA, SHIPPED
from bench.drive import drive
from bench.running import Running, running
from bench.same import injected
from tests.kube.binaries import Unavailable
from tests.kube.processes import wait_until


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, Running]]:
    """Every server of the benchmark; the first time, the Go ones are built and kopf is installed."""
    try:
        with running(CONTENDERS.values(), body("3 KB")) as found:
            yield found
    except Unavailable as reason:
        pytest.skip(f"the benchmark's peers: {reason}")


@pytest.mark.parametrize("size", BODIES)
@pytest.mark.parametrize("name", [row.name for row in CONTENDERS.values() if row.injects])
def test_all_peers_make_the_same_pod(servers: dict[str, Running], name: str, size: str) -> None:
    """The same variables in the same order, the same mounts and volumes; and it is not the pod that was sent."""
    review = numbered(body(size), 1)
    pod = injected(review, servers[name].ask(review))
    assert pod == injected(review, servers[PODMETA].ask(review))
    for container in pod["initContainers"] + pod["containers"]:
        assert container["env"][0]["name"] == "POD_NAME"
        assert container["volumeMounts"][-1]["mountPath"] == "/etc/downward"


@pytest.mark.parametrize("name", [row.name for row in CONTENDERS.values() if row.injects])
def test_no_peer_touches_a_pod_that_did_not_ask(servers: dict[str, Running], name: str) -> None:
    """The annotation decides with all of them."""
    review = body("3 KB").replace(b'"podmeta/inject":"true"', b'"podmeta/inject":"false"')
    assert injected(review, servers[name].ask(review)) == injected(review, b'{"response":{}}')


@pytest.mark.parametrize("run", [SERIAL, SUFFIX])
def test_each_request_of_the_load_has_its_own_number(servers: dict[str, Running], tmp_path: Path, run: str) -> None:
    """As many uids in podmeta's log as requests were sent, and as many connections as were asked for."""
    uid = json.loads(body("3 KB"))["request"]["uid"]
    (tmp_path / "body.json").write_bytes(body("3 KB").replace(uid.encode(), f"load-{len(run)}-{run}".encode()))
    server = servers[SHIPPED]
    load = drive(server.port, server.authority, tmp_path / "body.json", "closed", connections=4, requests=60)
    assert (load.requests, load.failed, load.dialled) == (60, 0, 4)
    wait_until(lambda: len(uids(server, f"load-{len(run)}-")) == 60, [server.process], "a log line for each")


def test_an_answer_that_is_not_expected_is_a_failure(servers: dict[str, Running], tmp_path: Path) -> None:
    """No request that failed has a latency."""
    (tmp_path / "body.json").write_bytes(body("3 KB"))
    server = servers[PODMETA]
    load = drive(server.port, server.authority, tmp_path / "body.json", "closed", requests=5, path="/elsewhere")
    assert (load.requests, load.failed) == (0, 5)
    assert load.failure.startswith("404 Not Found")


def uids(server: Running, prefix: str) -> set[str]:
    """The uids of the reviews that a server has logged, those that begin so."""
    lines = [json.loads(line) for line in server.process.log.read_text().splitlines() if line.endswith("}")]
    return {line["uid"] for line in lines if line.get("uid", "").startswith(prefix)}

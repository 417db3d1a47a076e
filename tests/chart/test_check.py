"""The program that `helm test` runs in a pod."""

import importlib.util
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.chart.charts import CHART, Helm, the
from webhook.inject.annotations import defaults
from webhook.inject.mutate import decide
from webhook.inject.question import Door
from webhook.inject.situation import Defaults
from webhook.server.review import Reviewer

CHECK = CHART / "files" / "check.py"


def test_it_sends_a_review_that_the_service_patches() -> None:
    spec = importlib.util.spec_from_file_location("check", CHECK)
    assert spec is not None
    assert spec.loader is not None
    check = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(check)
    core = Defaults(defaults({})[0])
    answer = Reviewer(lambda asked: decide(asked, core), 0).review(json.dumps(check.REVIEW).encode(), Door.POD)
    response = json.loads(answer.body)["response"]
    assert (response["uid"], response["allowed"], response["patchType"]) == ("helm-test", True, "JSONPatch")


@contextmanager
def answering(code: int) -> Iterator[int]:
    """The port of a server that answers every GET with this code."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(code)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is http.server's
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


@pytest.mark.parametrize(
    ("code", "closed", "exit_code", "said"),
    [(200, True, 0, "no review is sent"), (200, False, 1, "no answer"), (503, True, 1, "not ready")],
)
def test_it_fails_where_the_service_does(helm: Helm, code: int, closed: bool, exit_code: int, said: str) -> None:
    """As in the pod: the program that the chart renders, as an argument of `python -c`."""
    (one,) = the(helm.render({}), "Pod", "podmeta-test")["spec"]["containers"]
    assert one["command"] == ["python", "-c"]
    program, *arguments = one["args"]
    assert arguments == ["podmeta.podmeta.svc", "443", "8080"]
    with answering(code) as port:
        arguments = ["127.0.0.1", str(port), str(port), *(["closed"] if closed else [])]
        impatient = program.replace("PATIENCE = 60", "PATIENCE = 0")
        result = subprocess.run(
            [sys.executable, "-c", impatient, *arguments], text=True, capture_output=True, check=False
        )
    assert (result.returncode, said in result.stdout + result.stderr) == (exit_code, True), result


def test_where_only_the_api_server_may_call_it_sends_no_review(helm: Helm) -> None:
    (one,) = the(helm.render({"certificates": {"clientCA": "ca"}}), "Pod", "podmeta-test")["spec"]["containers"]
    assert one["args"][-1] == "closed"

"""Pods asked for without a pause while something is broken: what a cluster feels of it.

Rule: every admission is a real one, over the API server's own connection to the webhook, and every answer is counted.
Strategy: server-side dry runs at a steady pace on one connection, so that a figure says how much of the time was good.
"""

import http.client
import json
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from tests.kube.node import Node

PACE = 0.04  # seconds between two pods
PATIENCE = 120  # seconds until enough were asked
POD: dict[str, Any] = {
    "metadata": {"labels": {"app": "asking"}, "annotations": {"podmeta/inject": "true"}},
    "spec": {
        "terminationGracePeriodSeconds": 0,
        "containers": [{"name": "main", "image": "busybox", "command": ["sleep", "9999999"]}],
    },
}


@dataclass
class Flow:
    """From `with` to its end. `failed` has what the API server said."""

    node: Node
    namespace: str
    asked: int = 0
    injected: int = 0
    streak: int = 0  # injected one after the other, up to now
    failed: list[str] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    @property
    def uninjected(self) -> int:
        """Admitted without what they asked for."""
        return self.asked - self.injected - len(self.failed)

    def until(self, asked: int) -> None:
        """Waits until so many were asked in all."""
        deadline = time.monotonic() + PATIENCE
        while self.asked < asked and time.monotonic() < deadline:
            time.sleep(PACE)

    def _run(self) -> None:
        meta = {"generateName": "flow-", **POD["metadata"]}
        body = json.dumps({"apiVersion": "v1", "kind": "Pod", **POD, "metadata": meta})
        connection = http.client.HTTPSConnection(self.node.url.removeprefix("https://"), context=self.node._tls)
        while not self._stop.wait(PACE):
            path = f"/api/v1/namespaces/{self.namespace}/pods?dryRun=All"
            connection.request("POST", path, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            text = answer.read().decode()
            self.asked += 1
            injected = answer.status == http.HTTPStatus.CREATED and "podmeta/status" in text
            self.injected += injected
            self.streak = self.streak + 1 if injected else 0
            if answer.status != http.HTTPStatus.CREATED:
                self.failed.append(text[-300:])
        with suppress(OSError):
            connection.close()


def told(what: str, flow: Flow) -> str:
    """The figure, as a line."""
    counted = f"asked {flow.asked}, injected {flow.injected}, failed {len(flow.failed)}, uninjected {flow.uninjected}"
    return f"{what}, {flow.namespace}: {counted}"


def while_flowing(flows: list[Flow], act: Callable[[], None], count: int) -> None:
    """The flows before, while and after something is done."""
    for flow in flows:
        flow.until(count // 4)
    act()
    for flow in flows:
        flow.until(max(count, flow.asked + count // 4))

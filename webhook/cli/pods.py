"""The pods in a document: a Pod itself, or the pod template of a workload.

Rule: a kind that holds no pod passes through untouched; a kind that does is found by its group and kind, so that a
      custom resource which happens to be called Job is nobody's.
Strategy: one table, kind -> where the template stands. The pod stays plain data; the core reads its parts from it. A
      recorded AdmissionReview is read like a workload, but asks what it asked then.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from webhook.api.pod import Pod
from webhook.api.review import PODS, AdmissionRequest
from webhook.cli.documents import Document, DocumentError, line_of
from webhook.inject.annotations import PREFIX
from webhook.inject.question import Door, Question, question

TEMPLATES: dict[tuple[str, str], str] = {
    ("", "Pod"): "",
    ("", "PodTemplate"): "/template",
    ("", "ReplicationController"): "/spec/template",
    ("apps", "Deployment"): "/spec/template",
    ("apps", "StatefulSet"): "/spec/template",
    ("apps", "DaemonSet"): "/spec/template",
    ("apps", "ReplicaSet"): "/spec/template",
    ("batch", "Job"): "/spec/template",
    ("batch", "CronJob"): "/spec/jobTemplate/spec/template",
    ("admission.k8s.io", "AdmissionReview"): "/request/object",
}
REVIEW = "AdmissionReview"


@dataclass(frozen=True)
class Site:
    """A pod in a document: `pointer` leads to it, `kind` and `name` are those of the object that holds it."""

    document: Document
    pointer: str
    kind: str
    name: str
    namespace: str
    value: dict[str, Any]
    assumed: bool = False  # nobody said the namespace

    def __str__(self) -> str:
        return f"{self.document.source}: {self.kind} {self.namespace}/{self.name}"

    def error(self, pointer: str, message: str) -> DocumentError:
        """An error about a place inside the pod, by file and line."""
        line = line_of(self.document, self.pointer + pointer)
        return DocumentError(self.document.source, self.document.index, line, message)

    def question(self, door: Door) -> Question:
        """What the webhook would be asked about this pod."""
        annotations = (self.value.get("metadata") or {}).get("annotations") or {}
        for key, value in annotations.items() if isinstance(annotations, dict) else ():
            if key.startswith(PREFIX) and not isinstance(value, str):
                shown = msgspec.json.encode(value).decode()
                raise self.error(
                    f"/metadata/annotations/{key.replace('/', '~1')}",
                    f'{key}: {shown} is not a string; accepted: a string, such as "{shown}" in quotes',
                )
        return question(self._request(), door)

    def _request(self) -> AdmissionRequest:
        """The recorded request of a review, or the one that would create the pod."""
        try:
            if self.kind == REVIEW:
                return msgspec.convert(self.document.value["request"], AdmissionRequest)
            pod = msgspec.convert(self.value, Pod)
        except msgspec.ValidationError as error:
            raise self.error("", f"not the shape of a Pod: {error}") from None
        return AdmissionRequest("", PODS, operation="CREATE", namespace=self.namespace, object=pod)


def pods(document: Document, namespace: str) -> tuple[Site, ...]:
    """Every pod in the document. `namespace`: of objects that name none; "" is assumed to be `default`."""
    return tuple(_sites(document, document.value, "", namespace))


def _sites(document: Document, value: Any, pointer: str, namespace: str) -> Iterator[Site]:
    if not isinstance(value, dict):
        return
    group, _, _ = str(value.get("apiVersion", "")).rpartition("/")
    kind = str(value.get("kind", ""))
    if (group, kind) == ("", "List"):
        for index, item in enumerate(value.get("items") or ()):
            yield from _sites(document, item, f"{pointer}/items/{index}", namespace)
        return
    way = TEMPLATES.get((group, kind))
    if way is None:
        return
    pod = value
    for token in way.split("/")[1:]:
        pod = pod.get(token) or {}
        if not isinstance(pod, dict):
            return
    meta = (pod if kind == REVIEW else value).get("metadata") or {}
    name = str(meta.get("name") or meta.get("generateName") or "")
    said = str(meta.get("namespace") or namespace)
    yield Site(document, pointer + way, kind, name, said or "default", pod, assumed=not said)

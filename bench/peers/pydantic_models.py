"""The webhook as FastAPI's own documentation would have it written: pydantic models for the whole review.

The models keep fields that they do not know, as a webhook must that is not to lose them.
"""

import base64
import json
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict

from bench.peers import downward


class Loose(BaseModel):
    model_config = ConfigDict(extra="allow")


class EnvVar(Loose):
    name: str
    value: str | None = None
    valueFrom: dict[str, Any] | None = None  # noqa: N815 - as the API spells it


class VolumeMount(Loose):
    name: str
    mountPath: str  # noqa: N815 - as the API spells it


class Volume(Loose):
    name: str


class Container(Loose):
    name: str
    image: str | None = None
    env: list[EnvVar] = []
    volumeMounts: list[VolumeMount] = []  # noqa: N815 - as the API spells it
    resources: dict[str, Any] = {}


class PodSpec(Loose):
    containers: list[Container]
    initContainers: list[Container] = []  # noqa: N815 - as the API spells it
    volumes: list[Volume] = []


class ObjectMeta(Loose):
    name: str | None = None
    annotations: dict[str, str] = {}


class Pod(Loose):
    metadata: ObjectMeta
    spec: PodSpec


class AdmissionRequest(Loose):
    uid: str
    namespace: str
    operation: str
    object: Pod


class AdmissionReview(BaseModel):
    apiVersion: str  # noqa: N815 - as the API spells it
    kind: str
    request: AdmissionRequest


class AdmissionResponse(BaseModel):
    uid: str
    allowed: bool = True
    patchType: str | None = None  # noqa: N815 - as the API spells it
    patch: str | None = None


class Answer(BaseModel):
    apiVersion: str = "admission.k8s.io/v1"  # noqa: N815 - as the API spells it
    kind: str = "AdmissionReview"
    response: AdmissionResponse


app = FastAPI()


@app.post("/mutate", response_model_exclude_none=True)
async def mutate(review: AdmissionReview) -> Answer:
    response = AdmissionResponse(uid=review.request.uid)
    pod = review.request.object
    if pod.metadata.annotations.get(downward.ANNOTATION) == "true":
        response.patchType = "JSONPatch"
        response.patch = base64.b64encode(json.dumps(operations(pod.spec)).encode()).decode()
    return Answer(response=response)


def operations(spec: PodSpec) -> list[dict[str, Any]]:
    found, volumes = [], []
    for kind, containers in (("initContainers", spec.initContainers), ("containers", spec.containers)):
        for index, container in enumerate(containers):
            path = f"/spec/{kind}/{index}"
            found += env(f"{path}/env", container)
            found += appended(
                f"{path}/volumeMounts", [downward.mount(container.name)], has=bool(container.volumeMounts)
            )
            volumes.append(downward.volume(container.name))
    return found + appended("/spec/volumes", volumes, has=bool(spec.volumes))


def env(path: str, container: Container) -> list[dict[str, Any]]:
    missing = downward.missing([{"name": entry.name} for entry in container.env])
    if not container.env:
        return [{"op": "add", "path": path, "value": missing}]
    return [{"op": "add", "path": f"{path}/{index}", "value": entry} for index, entry in enumerate(missing)]


def appended(path: str, items: list[dict[str, Any]], *, has: bool) -> list[dict[str, Any]]:
    if not has:
        return [{"op": "add", "path": path, "value": items}]
    return [{"op": "add", "path": f"{path}/-", "value": item} for item in items]

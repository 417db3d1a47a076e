"""Pods as the API may hold them, annotations as users may write them, and JSON as nobody should send it.

Rule: a generated pod is valid for the API (unique names, one mount a path), since the laws are about pods that could
      be stored. `anything` is the opposite: any JSON whose keys happen to be ours.
Strategy: pools of small parts, drawn whole, so that clashes with what podmeta adds are common and a pod is quickly
      made. Every optional parent is now absent, now null, now empty, now filled; the first of a pool is the simplest.
"""

from collections.abc import Iterable
from itertools import chain, cycle, permutations
from typing import Any

from hypothesis import strategies as st

from tests.pods import DEBUG

JSON = dict[str, Any]

# Fields of the future, at every level; none of them is read.
FUTURE: tuple[JSON, ...] = (
    {},
    {"x": 1},
    {"x-future": [None, {"é": [[]]}]},
    {"xyz": {"": "~/"}},
    {"x/y": None, "~": -0.5},
)


def nothing_or(field: str, filled: Iterable[Any], empty: Any) -> tuple[JSON, ...]:
    """The field absent, null, empty, or with one of these values."""
    return ({}, {field: None}, {field: empty}, *({field: value} for value in filled))


def choices(names: Iterable[str], most: int) -> Iterable[tuple[str, ...]]:
    """Every ordered choice of one to `most` of the names."""
    pool = tuple(names)
    return chain.from_iterable(permutations(pool, count) for count in range(1, most + 1))


NAMES = ("app", "web", "log", "mesh", "db", "c" * 46, "c" * 47, "c" * 62 + "1", "c" * 62 + "2", "a" * 36 + "-b" * 5)
ENV_NAMES = ("POD_IP", "POD_NAME", "K8S_POD_IP", "KUBECONFIG", "AMBASSADOR_URL", "GOMAXPROCS", "MINE", "PATH")
PATHS = ("/", "/etc", "/etc/", "/etc/downward", "/etc/downward/x", "/etc/downward2", "/data", "/pod/info", "C:\\x")
SOURCES = {
    "data": {"emptyDir": {}},
    "config": {"configMap": {"name": "c"}},
    "cache": {"emptyDir": {"medium": "Memory"}},
    "kube-api-access-x7zk2": {"projected": {"sources": []}},
}
_more = cycle(FUTURE)
_entries = cycle(
    [{"value": ""}, {"value": "$(POD_IP)"}, {"valueFrom": {"fieldRef": {"fieldPath": "metadata.uid"}}}, {}]
)
_volumes = cycle(SOURCES)
_read_only = cycle([{}, {"readOnly": True}, {"readOnly": False}])
ENVS = nothing_or(
    "env", ([{**next(_more), "name": n, **next(_entries)} for n in ns] for ns in choices(ENV_NAMES, 3)), []
)
ENV_FROMS = nothing_or("envFrom", ([{"secretRef": {"name": "s"}}],), [])
MOUNTS = nothing_or(
    "volumeMounts",
    (
        [{**next(_more), "mountPath": path, "name": next(_volumes), **next(_read_only)} for path in paths]
        for paths in choices(PATHS, 2)
    ),
    [],
)
DEVICES = ({}, {}, {}, {"volumeDevices": [{"name": "disk", "devicePath": "/etc/downward"}]})
PORTS = nothing_or(
    "ports",
    (
        [{"containerPort": 80}],
        [{"containerPort": 9000, "protocol": "TCP"}, {"containerPort": 8001, "protocol": "UDP"}],
        [{"containerPort": 8001}],
    ),
    [],
)
EQUAL = {"cpu": "1", "memory": "1Gi"}
RESOURCES = nothing_or(
    "resources",
    (
        {"limits": EQUAL, "requests": EQUAL},
        {"limits": EQUAL},
        {"limits": {"cpu": 1, "memory": "0", "example.com/gpu": "1"}, "requests": None},
        {"limits": None, "requests": {"cpu": "500m", "ephemeral-storage": "1Gi"}},
        {"limits": {"memory": 1.5, "ephemeral-storage": "1Gi"}, "requests": {}},
    ),
    {},
)
PARTS = [st.sampled_from(pool) for pool in (FUTURE, ENVS, ENV_FROMS, MOUNTS, DEVICES, PORTS, RESOURCES)]
RESTARTS = st.sampled_from([{}, {"restartPolicy": "Always"}])
ABOUT_POD = [
    st.sampled_from(FUTURE),
    st.sampled_from([{}, {}, {"hostNetwork": None}, {"hostNetwork": True}, {"hostNetwork": False}]),
    st.sampled_from([{}, {}, {"os": {"name": "windows"}}, {"nodeSelector": {"kubernetes.io/os": "linux"}}]),
    st.sampled_from([{}, {"resources": None}, {"resources": {"limits": {"memory": "1Gi"}}}]),
]

# annotations

PIECES = (
    *("standard", "all", "go", "jvm", "POD_IP", "POD_NAME", "HOST_IP", "NODE_ZONE", "CONTAINER_NAME", "POD_UID"),
    *("-POD_IP", "-NODE_ZONE", "MINE=metadata.uid", "V=metadata.labels['v']", "L=limits.memory:1Mi"),
    "H=limits.hugepages-2Mi",
)
ITEMS = ("a/b=metadata.uid", "mib=limits.memory:1Mi", "l=metadata.labels", "v=metadata.annotations['v']")
BOOLEANS = ("true", "false")
VALID: dict[str, st.SearchStrategy[str]] = {
    "podmeta/ambassador": st.just("true"),
    "podmeta/env": st.lists(st.sampled_from(PIECES), min_size=1, max_size=4, unique=True).map(",".join)
    | st.just("none"),
    "podmeta/env-prefix": st.sampled_from(["", "K8S_", "GOMAX"]),
    "podmeta/volume": st.sampled_from(BOOLEANS),
    "podmeta/volume-path": st.sampled_from(["/etc/downward", "/pod", "/pod/info/", "C:\\x"]),
    "podmeta/volume-items": st.lists(st.sampled_from(ITEMS), unique=True).map(",".join),
    "podmeta/ambassador-port": st.sampled_from(["8001", "9000", "80"]),
    "podmeta/ambassador-access": st.sampled_from(["read-only", "read-write"]),
    "podmeta/ambassador-kubeconfig": st.sampled_from(BOOLEANS),
}
FOREIGN = st.sampled_from([{}, {}, {"example.com/a": "b", "podmeta.io/x": ""}])
GARBAGE = st.dictionaries(
    st.sampled_from([*VALID, "podmeta/inject", "podmeta/containers", "podmeta/status", "podmeta/nonsense"]),
    st.sampled_from(["", "TRUE", "0", "/", "a,,b", "POD_IPS_", "=", "metadata.name", "none,all", "{}"])
    | st.text(max_size=5),
    max_size=2,
)


@st.composite
def annotations(draw: st.DrawFn, names: list[str]) -> dict[str, str]:
    """A pod that asks, with values that are valid one by one."""
    chosen = draw(st.lists(st.sampled_from(list(VALID)), max_size=4, unique=True))
    texts = {"podmeta/inject": "true"} | {key: draw(VALID[key]) for key in chosen}
    lists = ({}, {}, *({f"podmeta/{key}": names[0]} for key in ("containers", "skip-containers")))
    return texts | draw(st.sampled_from(lists)) | draw(FOREIGN)


@st.composite
def pods(draw: st.DrawFn, *, debuggers: bool = False, garbage: bool = False) -> JSON:
    """A pod that the API could hold. `debuggers`: with ephemeral containers; `garbage`: with malformed annotations."""
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True))
    made = [{**_drawn(draw, PARTS), "name": name} for name in names]
    first = draw(st.integers(0, len(names) - 1))
    spec: JSON = {**_drawn(draw, ABOUT_POD), "containers": made[first:]}
    mounted = any(container.get("volumeMounts") for container in made)
    volumes = [{**more, "name": name, **source} for more, (name, source) in zip(FUTURE, SOURCES.items(), strict=False)]
    spec |= {"volumes": volumes} if mounted else draw(st.sampled_from(nothing_or("volumes", [volumes], [])))
    inits = [container | draw(RESTARTS) for container in made[:first]]
    spec |= {"initContainers": inits} if inits else draw(st.sampled_from(nothing_or("initContainers", [], [])))
    if debuggers:
        targets = st.sampled_from([{}, *({"targetContainerName": name} for name in names)])
        spec["ephemeralContainers"] = [
            {**_drawn(draw, PARTS[:3]), "name": f"debugger-{index}", **target}
            for index, target in enumerate(draw(st.lists(targets, min_size=1, max_size=2)))
        ]
    texts = draw(annotations(names)) | (draw(GARBAGE) if garbage else {})
    return {**draw(PARTS[0]), "metadata": {**draw(PARTS[0]), "name": "web-x7zk2", "annotations": texts}, "spec": spec}


def _drawn(draw: st.DrawFn, parts: Iterable[st.SearchStrategy[JSON]]) -> JSON:
    return {key: value for part in parts for key, value in draw(part).items()}


def requests(*, garbage: bool = False) -> st.SearchStrategy[tuple[JSON, JSON]]:
    """Either of the two covered requests: a pod, and the fields of the request beside it."""
    created = st.tuples(pods(garbage=garbage), st.just({}))
    return created | st.tuples(pods(debuggers=True, garbage=garbage), st.just(DEBUG))


# what nobody should send

KEYS = (
    *("metadata", "spec", "annotations", "name", "podmeta/inject", "podmeta/env", "podmeta/status", "containers"),
    *("initContainers", "ephemeralContainers", "env", "volumeMounts", "mountPath", "volumes", "resources", "limits"),
)
SCALARS = st.sampled_from([None, True, False, 0, -1, 10**30, 1.5, 1e300, "", "true", "all", "/etc", "é\0", "~1/"])
anything = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=12,
)

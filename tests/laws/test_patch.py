"""Laws of the patch, over pods that the API could hold."""

import json
import re
from typing import Any

import msgspec
from hypothesis import event, given
from hypothesis import strategies as st

from tests.laws.strategies import pods, requests
from tests.pods import DEBUG, JSON, KINDS, applied, asked, decided, installed, patched
from webhook.inject.mutate import Patched, Rejected, Skipped
from webhook.inject.question import Door
from webhook.inject.reasons import Reason
from webhook.inject.situation import Defaults
from webhook.inject.uninject import uninject

defaults = st.builds(
    installed,
    st.sampled_from(
        [{}, {"env": "all"}, {"ambassador": "true"}, {"volume": "false"}, {"env": "none", "volume": "false"}]
    ),
    kubernetes=st.sampled_from([28, 34, 36]),
)
AMBASSADOR = "podmeta-ambassador"
OURS = ("podmeta/status", "podmeta/kubeconfig")


def normal(pod: JSON) -> JSON:
    """The pod without the parents that hold nothing: absent, null and empty are one for the API."""
    whole: JSON = json.loads(json.dumps(pod))
    spec, meta = whole["spec"], whole["metadata"]
    for kind in KINDS:
        for container in spec.get(kind) or ():
            _drop_empty(container, "env", "volumeMounts")
    _drop_empty(spec, "volumes", *KINDS)
    _drop_empty(meta, "annotations")
    return whole


def _drop_empty(parent: JSON, *keys: str) -> None:
    for key in keys:
        if not parent.get(key):
            parent.pop(key, None)


def cut_back(after: JSON, before: JSON) -> JSON:
    """The patched pod without what stands before or behind the user's own, by position alone."""
    whole: JSON = json.loads(json.dumps(after))
    spec = whole["spec"]
    for kind in KINDS:
        was, now = before["spec"].get(kind) or [], spec.get(kind) or []
        more = len(now) - len(was)
        now = now[more:] if kind == "initContainers" else now[: len(was)]
        if kind in spec:
            spec[kind] = now
        for own, container in zip(was, now, strict=True):
            env, mounts = own.get("env") or [], own.get("volumeMounts") or []
            if container.get("env"):
                container["env"] = container["env"][len(container["env"]) - len(env) :]
            if container.get("volumeMounts"):
                container["volumeMounts"] = container["volumeMounts"][: len(mounts)]
    if spec.get("volumes"):
        spec["volumes"] = spec["volumes"][: len(before["spec"].get("volumes") or [])]
    texts = before["metadata"].get("annotations") or {}
    found = whole["metadata"]["annotations"]
    whole["metadata"]["annotations"] = {key: text for key, text in found.items() if key in texts or key not in OURS}
    return whole


@given(pods(), defaults, st.sampled_from(Door))
def test_additive(pod: JSON, defaults: Defaults, door: Door) -> None:
    """Taking away what was put in front and behind gives the original: every value survives, in place and order."""
    outcome = decided(pod, defaults, door)
    event(type(outcome).__name__)
    if isinstance(outcome, Patched):
        after = applied(pod, outcome.patch)
        assert after != pod
        assert normal(cut_back(after, pod)) == normal(pod)


@given(pods(debuggers=True), defaults)
def test_additive_in_a_running_pod(pod: JSON, defaults: Defaults) -> None:
    """kubectl debug: only new ephemeral containers differ afterwards, and they keep what they had."""
    old = json.loads(json.dumps(pod))
    old["spec"]["ephemeralContainers"].pop()
    outcome = decided(pod, defaults, **DEBUG, oldObject=old)
    if isinstance(outcome, Patched):
        after = applied(pod, outcome.patch)
        assert normal(cut_back(after, pod)) == normal(pod)
        assert after["metadata"] == pod["metadata"]
        after["spec"]["ephemeralContainers"].pop()
        assert after == old


@given(requests(), defaults)
def test_idempotent(asks: tuple[JSON, JSON], defaults: Defaults) -> None:
    """A pod that was patched gets nothing more, and nothing of ours is taken for the user's."""
    pod, request = asks
    outcome = decided(pod, defaults, **request)
    if isinstance(outcome, Patched):
        again = decided(applied(pod, outcome.patch), defaults, **request)
        assert isinstance(again, Skipped)
        assert again.reason is Reason.NOTHING_TO_ADD
        assert request or set(again.reasons) <= set(outcome.reasons)  # a running pod has no record of what is ours


@given(pods(garbage=True), defaults, st.sampled_from(Door), st.sampled_from(["false", None]))
def test_not_asked_is_not_patched(pod: JSON, defaults: Defaults, door: Door, inject: str | None) -> None:
    """A pod that declines, or says nothing at its own door, is left alone whatever else it says."""
    pod["metadata"]["annotations"].pop("podmeta/inject")
    if inject is not None:
        pod["metadata"]["annotations"]["podmeta/inject"] = inject
    elif door is Door.NAMESPACE:
        return
    reason = Reason.OPTED_OUT if inject else Reason.NOT_ASKED
    assert decided(pod, defaults, door) == Skipped(reason)


@given(pods(garbage=True), defaults)
def test_the_answer_is_stable(pod: JSON, defaults: Defaults) -> None:
    """The same request gives the same bytes; the order of keys in the request does not matter beyond annotations."""
    again = json.loads(json.dumps(pod))
    again["spec"] = dict(reversed(again["spec"].items()))
    again = dict(reversed(again.items()))
    assert decided(pod, defaults) == decided(again, defaults)


@given(requests(garbage=True), defaults)
def test_only_additions(asks: tuple[JSON, JSON], defaults: Defaults) -> None:
    """Every operation is an `add`, and there is none without a value."""
    outcome = decided(asks[0], defaults, **asks[1])
    if isinstance(outcome, Patched):
        operations = json.loads(outcome.patch)
        assert operations
        assert {tuple(operation) for operation in operations} == {("op", "path", "value")}
        assert {operation["op"] for operation in operations} == {"add"}


@given(pods(), defaults, st.sampled_from(Door))
def test_uninject_undoes(pod: JSON, defaults: Defaults, door: Door) -> None:
    """What the status names, taken out, gives the original."""
    outcome = decided(pod, defaults, door)
    if isinstance(outcome, Patched):
        after = applied(pod, outcome.patch)
        found = uninject(after)
        assert isinstance(found, tuple)
        assert normal(applied(after, msgspec.json.encode(found))) == normal(pod)


@given(pods(), defaults, st.data())
def test_a_later_container_gets_its_share(pod: JSON, defaults: Defaults, data: st.DataObject) -> None:
    """Injected in two rounds, with a container that came between them, or in one: the containers are the same."""
    late = {"name": "late", "env": [{"name": "POD_IP", "value": "mine"}]}
    place = data.draw(st.integers(0, len(pod["spec"]["containers"])))
    if {"podmeta/containers", "podmeta/skip-containers"} & set(pod["metadata"]["annotations"]):
        return
    together = json.loads(json.dumps(pod))
    together["spec"]["containers"].insert(place, late)
    first = decided(pod, defaults)
    if not isinstance(first, Patched):
        return
    after = applied(pod, first.patch)
    after["spec"]["containers"].insert(place, late)
    second = decided(after, defaults)
    if isinstance(second, Patched):
        after = applied(after, second.patch)
    once = applied(together, patched(together, defaults).patch)
    by_name = {c["name"]: c for kind in KINDS for c in once["spec"].get(kind) or ()}
    for kind in KINDS:
        for container in after["spec"].get(kind) or ():
            expected = by_name[container["name"]]
            ignored = (
                {"resources": None} if container["name"] == AMBASSADOR else {}
            )  # the pod was Guaranteed without it
            assert {**container, **ignored} == {**expected, **ignored}


# what the patched pod looks like

ENV_FIELDS = {
    *("metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName"),
    *("status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs"),
}
VOLUME_FIELDS = {"metadata.name", "metadata.namespace", "metadata.uid", "metadata.labels", "metadata.annotations"}
SUBSCRIPT = re.compile(r"metadata\.(labels|annotations)\['[^']+'\]")
DIVISORS = {"cpu": {"1", "1m"}}
BYTES = {"1", *(f"1{unit}" for unit in "kMGTPE"), *(f"1{unit}i" for unit in "KMGTPE")}


def legal(source: JSON, fields: set[str], *, named: bool) -> bool:
    """Whether the API server takes this reference at its place."""
    if path := source.get("fieldRef", {}).get("fieldPath"):
        return path in fields or bool(SUBSCRIPT.fullmatch(path))
    reference = source["resourceFieldRef"]
    kind, _, resource = reference["resource"].partition(".")
    known = resource in ("cpu", "memory", "ephemeral-storage") or resource.startswith("hugepages-")
    divisor = reference["divisor"] in DIVISORS.get(resource, BYTES)
    return kind in ("limits", "requests") and known and divisor and (not named or "containerName" in reference)


def all_containers(pod: JSON) -> list[JSON]:
    return [container for kind in KINDS for container in pod["spec"].get(kind) or ()]


def of(pod: JSON, name: str) -> JSON:
    return next((container for container in all_containers(pod) if container["name"] == name), {})


def added_env(before: JSON, container: JSON) -> list[JSON]:
    own = of(before, container["name"]).get("env") or []
    env = container.get("env") or []
    return list(env[: len(env) - len(own)])


def patched_pods(pod: JSON, defaults: Defaults, **request: Any) -> list[JSON]:
    """The pod after its patch, if it gets one."""
    outcome = decided(pod, defaults, **request)
    return [applied(pod, outcome.patch)] if isinstance(outcome, Patched) else []


@given(requests(), defaults)
def test_every_selector_is_legal_at_its_place(asks: tuple[JSON, JSON], defaults: Defaults) -> None:
    """Whatever was asked for, the API server takes every reference that was injected."""
    pod, request = asks
    for after in patched_pods(pod, defaults, **request):
        entries = [entry for container in all_containers(after) for entry in added_env(pod, container)]
        assert all("value" in e or legal(e["valueFrom"], ENV_FIELDS, named=False) for e in entries)
        own = len(pod["spec"].get("volumes") or ())
        volumes = [v for v in (after["spec"].get("volumes") or [])[own:] if "downwardAPI" in v]
        assert all(legal(item, VOLUME_FIELDS, named=True) for v in volumes for item in v["downwardAPI"]["items"])
        assert all(len(paths := [i["path"] for i in v["downwardAPI"]["items"]]) == len(set(paths)) for v in volumes)


@given(requests(), defaults)
def test_what_is_injected_precedes_the_users_own(asks: tuple[JSON, JSON], defaults: Defaults) -> None:
    """So that $(POD_IP) expands; and no name of the user's is defined a second time."""
    pod, request = asks
    for after in patched_pods(pod, defaults, **request):
        for container in all_containers(after):
            own = [entry["name"] for entry in of(pod, container["name"]).get("env") or ()]
            injected = [entry["name"] for entry in added_env(pod, container)]
            assert [entry["name"] for entry in container.get("env") or ()] == [*injected, *own]
            assert len(injected) == len(set(injected))
            assert not set(injected) & set(own)


@given(requests(), defaults)
def test_names_and_paths_stay_unique(asks: tuple[JSON, JSON], defaults: Defaults) -> None:
    """Mount paths in a container, containers and volumes in a pod; a volume's name is a DNS label."""
    pod, request = asks
    for after in patched_pods(pod, defaults, **request):
        names = [container["name"] for container in all_containers(after)]
        assert len(names) == len(set(names))
        for container in all_containers(after):
            paths = [mount["mountPath"] for mount in container.get("volumeMounts") or ()]
            assert len(paths) == len(set(paths))
        volumes = [volume["name"] for volume in after["spec"].get("volumes") or ()]
        assert len(volumes) == len(set(volumes))
        assert all(len(name) <= 63 and re.fullmatch("[a-z0-9]([-a-z0-9]*[a-z0-9])?", name) for name in volumes)


@given(requests(), defaults)
def test_every_mount_of_ours_has_its_volume_and_is_read_only(asks: tuple[JSON, JSON], defaults: Defaults) -> None:
    """No mount without a volume, no volume without a mount, and KUBECONFIG only where the file is."""
    pod, request = asks
    for after in patched_pods(pod, defaults, **request):
        volumes = {v["name"]: v for v in after["spec"].get("volumes") or () if v["name"].startswith("podmeta-")}
        mounts = [
            (container["name"], mount)
            for container in all_containers(after)
            for mount in container.get("volumeMounts") or ()
            if mount["name"].startswith("podmeta-")
        ]
        assert {mount["name"] for _, mount in mounts} == set(volumes)
        assert all(mount["readOnly"] is True for _, mount in mounts)
        where = {name: mount for name, mount in mounts if mount["name"] != "podmeta-ambassador-token"}
        for container in all_containers(after):
            for entry in added_env(pod, container):
                if entry["name"] == "KUBECONFIG":
                    mount = where[container["name"]]
                    items = volumes[mount["name"]]["downwardAPI"]["items"]
                    assert entry["value"] == f"{mount['mountPath']}/kubeconfig"
                    assert "kubeconfig" in [item["path"] for item in items]
                    assert "podmeta/kubeconfig" in after["metadata"]["annotations"]


@given(pods(garbage=True), defaults)
def test_a_pod_that_is_rejected_gets_no_patch_and_every_outcome_has_reasons(pod: JSON, defaults: Defaults) -> None:
    """Rejected: problems alone. Admitted with warnings instead: the same problems, and still no patch."""
    outcome = decided(pod, defaults)
    event(type(outcome).__name__)
    match outcome:
        case Rejected(problems):
            assert problems
            assert all(problem.reason in Reason and problem.key and problem.accepted for problem in problems)
            lenient = decided(pod, installed({}, deny_invalid=False, kubernetes=defaults.kubernetes))
            if isinstance(lenient, Skipped) and lenient.reason is Reason.INVALID:
                assert len(lenient.warnings) >= 1
        case Skipped(reason, _, reasons):
            assert all(isinstance(one, Reason) for one in (reason, *reasons))
        case Patched(_, _, reasons, containers):
            assert all(isinstance(one, Reason) for one in reasons)
            assert set(containers) <= {target.name for target in asked(pod).targets}


@given(pods(), defaults)
def test_the_status_names_exactly_what_was_added(pod: JSON, defaults: Defaults) -> None:
    """By container the names in front of its env and the paths of its new mounts; the new volumes and containers."""
    for after in patched_pods(pod, defaults):
        added = json.loads(after["metadata"]["annotations"]["podmeta/status"])["added"]
        env = {c["name"]: [e["name"] for e in added_env(pod, c)] for c in all_containers(after)}
        ours = {
            c["name"]: [
                m["mountPath"] for m in c.get("volumeMounts") or () if m["name"].startswith("podmeta-downward-")
            ]
            for c in all_containers(after)
        }
        assert added.get("env", {}) == {name: names for name, names in env.items() if names and name != AMBASSADOR}
        assert added.get("volumeMounts", {}) == {name: paths for name, paths in ours.items() if paths}
        volumes = [v["name"] for v in after["spec"].get("volumes") or () if v["name"].startswith("podmeta-")]
        assert added.get("volumes", []) == volumes
        assert added.get("containers", []) == [n for n in env if n == AMBASSADOR]
        assert added.get("annotations", []) == [k for k in OURS[1:] if k in after["metadata"]["annotations"]]

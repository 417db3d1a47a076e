"""Chapter 8.1, passing metadata through the Downward API: what the notes write by hand is one annotation."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.kube.running import Running

pytestmark = [pytest.mark.xdist_group("node"), pytest.mark.usefixtures("installed")]

CHAPTER = Path(__file__).parents[2] / "examples" / "chapter"
DOWNWARD = (CHAPTER / "downward.yaml").read_text()
FILES = {
    "podName": "downward",
    "labels": 'foo="bar"',
    "containerCpuRequestMilliCores": "15",
    "containerMemoryLimitBytes": "6291456",
}
RESOURCES = {"init": ("20m", "8Mi"), "web": ("30m", "16Mi"), "cache": ("40m", "24Mi"), "log": ("50m", "32Mi")}


def annotated(manifest: str, **more: str) -> str:
    """The manifest that asks for something more than podmeta/inject."""
    lines = "".join(f'\n    podmeta/{key}: "{value}"' for key, value in more.items())
    return manifest.replace('podmeta/inject: "true"', f'podmeta/inject: "true"{lines}')


def environment(node: Running, pod: str, space: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in node.execute(pod, "env", namespace=space).splitlines())


def read(node: Running, space: str, name: str, pod: str = "downward", container: str = "") -> str:
    return node.execute(pod, "cat", f"/etc/downward/{name}", namespace=space, container=container)


def test_8_1_1_each_kind_of_metadata_is_there(node: Running, space: str) -> None:
    """The list of the notes: nine kinds, as variables but for labels and annotations, which are files."""
    node.run(annotated(DOWNWARD, env="all"), space)
    pod = node.get("pod", "downward", f"--namespace={space}")
    expected = {
        "POD_NAME": "downward",
        "POD_IP": pod["status"]["podIP"],
        "POD_NAMESPACE": space,
        "NODE_NAME": pod["spec"]["nodeName"],
        "SERVICE_ACCOUNT": "default",
        "CONTAINER_CPU_REQUEST_MILLICORES": "15",
        "CONTAINER_MEMORY_REQUEST_KIBIBYTES": "100",
        "CONTAINER_CPU_LIMIT_MILLICORES": "100",
        "CONTAINER_MEMORY_LIMIT_KIBIBYTES": "6144",
    }
    assert expected.items() <= environment(node, "downward", space).items()
    assert read(node, space, "labels") == 'foo="bar"'
    assert {'key1="value1"', r'key2="multi\nline\nvalue\n"'} <= set(read(node, space, "annotations").splitlines())


def test_8_1_2_env_is_what_the_seven_entries_by_hand_make_of_it(node: Running, space: str) -> None:
    """With the notes' own resources: their 6Mi are above the least that a kubelet takes, so nothing is raised."""
    by_hand = (CHAPTER / "by-hand" / "downward-api-env.yaml").read_text()
    node.run(by_hand.replace("name: downward", "name: by-hand"), space)
    node.run(DOWNWARD, space)
    own = {"HOSTNAME", "POD_NAME", "POD_IP"}
    found, wanted = (environment(node, pod, space) for pod in ("downward", "by-hand"))
    assert {name: found[name] for name in found.keys() - own} == {name: wanted[name] for name in wanted.keys() - own}
    assert (found["CONTAINER_CPU_REQUEST_MILLICORES"], found["CONTAINER_MEMORY_LIMIT_KIBIBYTES"]) == ("15", "6144")
    assert (found["POD_NAME"], wanted["POD_NAME"]) == ("downward", "by-hand")


def test_8_1_3_the_files_are_what_the_volume_by_hand_makes_of_it(node: Running, space: str) -> None:
    by_hand = (CHAPTER / "by-hand" / "downward-api-volume.yaml").read_text()
    node.run(by_hand.replace("name: downward\n  labels", "name: by-hand\n  labels"), space)
    node.run(DOWNWARD, space)
    listed = node.execute("downward", "ls", "-lL", "/etc/downward", namespace=space).splitlines()[1:]
    sizes = {line.split()[-1]: int(line.split()[4]) for line in listed}
    expected = {**FILES, "podNamespace": space, "podUid": node.get("pod", "downward", f"-n={space}")["metadata"]["uid"]}
    assert sizes.keys() - {"annotations"} == expected.keys()
    for name, text in expected.items():
        assert (read(node, space, name), sizes[name]) == (text, len(text))
    for name in ("podNamespace", "labels", "containerCpuRequestMilliCores", "containerMemoryLimitBytes"):
        assert read(node, space, name, "by-hand") == expected[name]
    assert read(node, space, "podName", "by-hand") == "by-hand"


def test_8_1_3_labels_and_annotations_change_in_the_files_and_not_in_env(node: Running, space: str) -> None:
    own = "standard,FOO=metadata.labels['foo'],KEY1=metadata.annotations['key1']"
    node.run(annotated(DOWNWARD, env=own), space)
    node.kubectl("label", "pod", "downward", "foo=changed", "--overwrite", f"--namespace={space}")
    node.kubectl("annotate", "pod", "downward", "key1=changed", "--overwrite", f"--namespace={space}")
    node.until(lambda: read(node, space, "labels") == 'foo="changed"', "the changed label in its file")
    node.until(lambda: 'key1="changed"' in read(node, space, "annotations"), "the changed annotation in its file")
    env = environment(node, "downward", space)
    assert (env["FOO"], env["KEY1"]) == ("bar", "value1")


def several() -> dict[str, Any]:
    """A pod of three containers behind an init container, each with resources of its own."""

    def container(name: str, *command: str) -> dict[str, Any]:
        cpu, memory = RESOURCES[name]
        resources = {"requests": {"cpu": cpu}, "limits": {"memory": memory}}
        return {"name": name, "image": "busybox", "command": list(command), "resources": resources}

    said = "cd /etc/downward; cat containerCpuRequestMilliCores; echo; cat containerMemoryLimitBytes; echo; env"
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "several", "annotations": {"podmeta/inject": "true"}},
        "spec": {
            "terminationGracePeriodSeconds": 0,
            "initContainers": [container("init", "sh", "-c", said)],
            "containers": [container(n, "sh", "-c", f"{said}; exec sleep 9999999") for n in ("web", "cache", "log")],
        },
    }


def test_8_1_3_every_container_reads_its_own_resources_at_the_same_path(node: Running, space: str) -> None:
    """Nobody names a container, as the notes have to: each has a volume of its own behind the same path."""
    node.run(json.dumps(several()), space)
    for name, (cpu, memory) in RESOURCES.items():
        milli, mebi = int(cpu.removesuffix("m")), int(memory.removesuffix("Mi"))
        first, second, *env = node.logs("several", space, name).splitlines()
        assert (first, second) == (str(milli), str(mebi * 1024**2))
        assert {
            f"CONTAINER_CPU_REQUEST_MILLICORES={milli}",
            f"CONTAINER_MEMORY_LIMIT_KIBIBYTES={mebi * 1024}",
        } <= set(env)


def test_8_1_3_a_resize_in_place_shows_in_the_files_and_not_in_env(node: Running, space: str) -> None:
    node.run(DOWNWARD, space)
    larger = {"name": "main", "resources": {"requests": {"cpu": "30m"}, "limits": {"memory": "12Mi"}}}
    patch = f"--patch={json.dumps({'spec': {'containers': [larger]}})}"
    node.kubectl("patch", "pod", "downward", "--subresource=resize", patch, f"--namespace={space}")
    node.until(lambda: read(node, space, "containerMemoryLimitBytes") == str(12 * 1024**2), "the new limit in its file")
    assert read(node, space, "containerCpuRequestMilliCores") == "30"
    env = environment(node, "downward", space)
    assert (env["CONTAINER_CPU_REQUEST_MILLICORES"], env["CONTAINER_MEMORY_LIMIT_KIBIBYTES"]) == ("15", "6144")
    node.wait("jsonpath={.status.containerStatuses[0].resources.limits.memory}=12Mi", "pod/downward", space)
    (status,) = node.get("pod", "downward", f"--namespace={space}")["status"]["containerStatuses"]
    assert status["restartCount"] == 0


@pytest.mark.parametrize("name", ["downward", "curl-with-ambassador"])
def test_what_stands_beside_an_example_is_what_the_webhook_makes_of_it(node: Running, name: str) -> None:
    """`podmeta inject` before the cluster, and the webhook in it, agree on every field."""
    plain, injected = (
        json.loads(node.apply(path / f"{name}.yaml", "--dry-run=server", "--output=json").stdout)
        for path in (CHAPTER, CHAPTER / "injected")
    )
    assert own(plain) == own(injected)


def own(pod: dict[str, Any]) -> dict[str, Any]:
    """The pod without what the API server puts in: the token, before the webhook is asked, and kubectl's own note."""
    spec = pod["spec"]
    for has, places in ((spec, "volumes"), *((c, "volumeMounts") for c in spec["containers"])):
        has[places] = [one for one in has[places] if not one["name"].startswith("kube-api-access-")]
    pod["metadata"]["annotations"].pop("kubectl.kubernetes.io/last-applied-configuration")
    return {"annotations": pod["metadata"]["annotations"], "spec": spec}

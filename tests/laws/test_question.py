"""Laws of the Question: what is not in it cannot change the answer, and what differs within a workload is not in it."""

import json

from hypothesis import given
from hypothesis import strategies as st

from tests.laws.strategies import FUTURE, pods
from tests.pods import DEFAULTS, JSON, KINDS, asked
from webhook.inject.explain import explain
from webhook.inject.mutate import decide
from webhook.inject.question import Door

suffixes = st.text("bcdfghjklmnpqrstvwxz2456789", min_size=5, max_size=5)
futures = st.sampled_from(FUTURE)


@st.composite
def siblings(draw: st.DrawFn) -> tuple[JSON, JSON]:
    """Two pods of one workload: another name, uid and token volume, other values and fields that nobody reads."""
    one = draw(pods(garbage=True))
    other = json.loads(json.dumps(one))
    token = f"kube-api-access-{draw(suffixes)}"
    other["metadata"] |= {"name": f"web-{draw(suffixes)}", "uid": draw(suffixes), "labels": draw(futures)}
    other["metadata"]["annotations"] = {
        key: text if key.startswith("podmeta/") else draw(st.text(max_size=3))
        for key, text in other["metadata"]["annotations"].items()
    }
    other["spec"] |= {"nodeName": draw(st.none() | suffixes), "tolerations": draw(futures)}
    for kind in KINDS:
        for container in other["spec"].get(kind) or ():
            container |= {"image": draw(suffixes), "command": draw(futures)}
            for entry in container.get("env") or ():
                entry["value"] = draw(st.text(max_size=3))
            for mount in container.get("volumeMounts") or ():
                mount["name"] = token if mount["name"].startswith("kube-api-access-") else mount["name"]
    for volume in other["spec"].get("volumes") or ():
        volume["name"] = token if volume["name"].startswith("kube-api-access-") else volume["name"]
    return one, other


@given(siblings(), st.sampled_from(Door))
def test_two_pods_of_one_workload_put_one_question(pair: tuple[JSON, JSON], door: Door) -> None:
    """Equal Questions, equal hashes, equal answers: an answer can be remembered."""
    one, other = (asked(pod, door) for pod in pair)
    assert one == other
    assert hash(one) == hash(other)
    assert decide(one, DEFAULTS) == decide(other, DEFAULTS)
    assert explain(one, DEFAULTS) == explain(other, DEFAULTS)


@given(pods(garbage=True), st.sampled_from(Door))
def test_a_question_is_a_value(pod: JSON, door: Door) -> None:
    """Every Question can be the key of a map, and is told from that of the other door."""
    one = asked(pod, door)
    assert {one: 1}[asked(pod, door)] == 1
    assert asked(pod, Door.POD) != asked(pod, Door.NAMESPACE)

"""Laws of what is prepared: the short ways give what the long ways give."""

from collections.abc import Iterable

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from tests.laws.strategies import JSON, requests
from tests.pods import DEFAULTS, app, asked, decided, notes, pod
from webhook.api.pod import Quantities, Resources
from webhook.inject import env
from webhook.inject.mutate import consider
from webhook.inject.plan import Plan
from webhook.inject.prepared import prepared
from webhook.inject.question import Door
from webhook.inject.reasons import Reason
from webhook.inject.situation import Situation, amount, declared
from webhook.inject.status import NOTHING


@given(requests())
def test_the_whole_block_is_what_its_variables_give_one_by_one(asks: tuple[JSON, JSON]) -> None:
    """For every container, to the byte and to the last note."""
    question = asked(asks[0], **asks[1])
    ready = prepared(question.annotations, DEFAULTS)
    situation = Situation.of(question, ready.options, DEFAULTS, NOTHING)
    slow = msgspec.structs.replace(ready.environment, whole=None)
    for target in situation.selected:
        assert env.inject(situation, target, ready.environment) == env.inject(situation, target, slow)


@given(st.lists(requests(garbage=True), min_size=2, max_size=3))
def test_the_order_of_the_pods_does_not_matter(reviews: list[tuple[JSON, JSON]]) -> None:
    """An answer is the same whoever was answered before."""
    ways: Iterable[Iterable[tuple[JSON, JSON]]] = (reviews, reversed(reviews))
    one, other = ([decided(whole, **request) for whole, request in way] for way in ways)
    assert one == other[::-1]


digits = st.text("0123456789+-.eE", max_size=6)
units = st.sampled_from(["", "n", "u", "m", "k", "M", "Ki", "Gi", "x"])
quantities = st.builds(str.__add__, digits, units) | st.integers() | st.floats(allow_nan=False, allow_infinity=False)


@given(quantities | st.text(max_size=3))
def test_what_is_declared_is_what_is_not_zero(quantity: str | float) -> None:
    """However it is written, and whether or not it is a quantity."""
    assert declared(Resources(limits=Quantities(cpu=quantity)), "limits", "cpu") is (amount(quantity) != 0)


parts = st.sampled_from(["", ".", "..", "...", "etc", ".etc", "etc.", "downward", "pod", "C:"])
paths = st.lists(parts, max_size=4).flatmap(
    lambda found: st.sampled_from(["/".join(found), "/" + "/".join(found), "\\".join(found)])
)


@given(paths, st.sampled_from(["/etc/downward", "/.etc", "/.../x", "/pod", "C:\\etc"]), st.booleans())
def test_a_mount_is_in_the_way_where_the_parts_of_the_paths_say_so(theirs: str, ours: str, roomy: bool) -> None:
    """At the path or below it, or above it in what is no writable emptyDir; without `.`, and either slash is one."""
    mount = {"name": "data", "mountPath": theirs}
    volume = {"name": "data", **({"emptyDir": {}} if roomy else {})}
    whole = pod({"env": "none", "volume-path": ours}, containers=[app(volumeMounts=[mount])], volumes=[volume])
    one, other = ([p for p in path.replace("\\", "/").split("/") if p not in ("", ".")] for path in (theirs, ours))
    shorter = min(len(one), len(other))
    taken = one[:shorter] == other[:shorter] and (len(one) >= len(other) or not roomy)
    assert [note[2] for note in notes(whole)] == ([Reason.MOUNT_KEPT] if taken else [])


@given(requests())
def test_a_plan_is_text_already(asks: tuple[JSON, JSON]) -> None:
    """Every piece of a Plan is JSON, and what it is called by is what the JSON says."""
    found = consider(asked(asks[0], Door.NAMESPACE, **asks[1]), DEFAULTS)
    if not isinstance(found, Plan):
        return
    for item in (*found.volumes, *([found.access.container] if found.access.container else [])):
        assert msgspec.json.decode(item.json)["name"] == item.name
    for container in found.containers:
        assert [entry["name"] for entry in msgspec.json.decode(container.env.array)] == list(container.env.names)
        if container.mount:
            assert msgspec.json.decode(container.mount)["mountPath"] == found.options.volume_path

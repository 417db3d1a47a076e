"""The annotation podmeta/status: its exact text, how it grows, and what is not one."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook.api.jsonpatch import as_json
from webhook.inject.status import Added, Form, Status, dump, fingerprint, load

FULL = Added(
    env={"app": ("POD_NAME", "POD_IP")},
    volume_mounts={"app": ("/etc/downward",)},
    volumes=("podmeta-downward-app",),
    containers=("podmeta-ambassador",),
    annotations=("podmeta/kubeconfig",),
)
TEXT = (
    '{"version":"1.2.3","config":"0123456789ab","added":{"env":{"app":["POD_NAME","POD_IP"]},'
    '"volumeMounts":{"app":["/etc/downward"]},"volumes":["podmeta-downward-app"],'
    '"containers":["podmeta-ambassador"],"annotations":["podmeta/kubeconfig"]}}'
)


def test_the_text_is_byte_stable() -> None:
    """The same status is the same bytes, and reads back as itself."""
    status = Status("1.2.3", "0123456789ab", FULL)
    assert dump(status) == TEXT
    assert load(TEXT) == status


def test_containers_stand_in_alphabetical_order() -> None:
    """Whatever the order in which they were injected, the text is the same."""
    one, other = (Added(env=dict.fromkeys(order, ("A",))) for order in ("ab", "ba"))
    assert dump(Status("1", "c", one)) == dump(Status("1", "c", other))
    assert dump(Status("1", "c", other)) == '{"version":"1","config":"c","added":{"env":{"a":["A"],"b":["A"]}}}'


def test_what_was_not_added_is_not_written() -> None:
    """No empty lists."""
    text = dump(Status("1", "c", Added(volumes=("v",))))
    assert text == '{"version":"1","config":"c","added":{"volumes":["v"]}}'
    assert load('{"added":{},"config":"c","version":"1"}') == Status("1", "c", Added())


@given(st.sets(st.from_regex("[a-z0-9-]{1,5}", fullmatch=True), min_size=1), st.text())
def test_the_form_is_filled_with_what_would_be_written(names: set[str], path: str) -> None:
    """Whatever the order of the containers; a path with a mark in it has no form."""
    form, volumes = Form.of("1", "c", ("A", "B"), path), [f"v-{name}" for name in names]
    added = Added(dict.fromkeys(names, ("A", "B")), dict.fromkeys(names, (path,)), tuple(volumes))
    assert (form is None) is any(mark in path for mark in "\1\2")
    if form:
        assert form.filled([*names, *names], volumes) == as_json(dump(Status("1", "c", added)))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "injected",
        "null",
        "[]",
        '{"version":"1","config":"c"}',
        '{"version":"1","config":"c","added":{},"more":1}',
        '{"version":"1","config":"c","added":{"more":1}}',
        '{"version":"1","config":"c","added":{"env":{"app":"POD_NAME"}}}',
        '{"version":1,"config":"c","added":{}}',
        '{"version":"1","config":"c","added":{"volumes":[null]}}',
        '{"version":"1","config":"c","added":{}',
        '{"a":' * 100_000,
    ],
    ids=lambda text: text[:50] or "empty",
)
def test_what_is_not_a_status(text: str) -> None:
    """Anything that this program does not write is None, never an exception."""
    assert load(text) is None


def test_a_second_round_adds_and_never_takes_away() -> None:
    """The union by container and by name: what stood there first, then the new, nothing twice."""
    more = Added(
        env={"app": ("POD_IP", "AMBASSADOR_URL"), "late": ("POD_NAME",)},
        volume_mounts={"late": ("/etc/downward",), "app": ("/other",)},
        volumes=("podmeta-downward-late", "podmeta-downward-app"),
        containers=("podmeta-ambassador", "x"),
        annotations=("podmeta/a",),
    )
    assert FULL.merged(more) == Added(
        env={"app": ("POD_NAME", "POD_IP", "AMBASSADOR_URL"), "late": ("POD_NAME",)},
        volume_mounts={"app": ("/etc/downward", "/other"), "late": ("/etc/downward",)},
        volumes=("podmeta-downward-app", "podmeta-downward-late"),
        containers=("podmeta-ambassador", "x"),
        annotations=("podmeta/kubeconfig", "podmeta/a"),
    )
    assert FULL.merged(Added()) == Added().merged(FULL) == FULL.merged(FULL) == FULL


def test_a_fingerprint_is_short_stable_and_changes_with_any_part() -> None:
    """Twelve hexadecimal digits of the parts, independent of the order of a map's keys, dependent on all else."""
    one = fingerprint({"a": 1, "b": 2}, ("x",))
    assert re.fullmatch("[0-9a-f]{12}", one)
    assert one == fingerprint({"b": 2, "a": 1}, ("x",)) == "9b2a86cc625e"
    assert len({one, fingerprint({"a": 1, "b": 2}), fingerprint({"a": 1, "b": 3}, ("x",))}) == 3

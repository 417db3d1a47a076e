"""The grammar of annotation values: each kind, its good texts, and every fault with the piece that has it."""

from collections.abc import Callable
from typing import Any

import pytest

from webhook.inject import values
from webhook.inject.fields import ALL, STANDARD, FieldRef, File, ResourceFieldRef, Variable
from webhook.inject.reasons import Reason

BOOLEAN = '"true" or "false"'
CHOICE = "read-only or read-write"
PORT = "a number from 1 to 65535"
PREFIX = "letters, digits and _, not a digit first, such as K8S_"
NAME = "letters, digits and _, not a digit first, such as MY_NAME"
PATH = "an absolute path below /, without .. and :, such as /etc/downward"
PIECES = "pieces between commas, none of them empty"
ONCE = "each name once"
FILE = "FILE=SELECTOR, FILE being a relative path without .."
CATALOGUE = (
    "standard, all, none, go, jvm, POD_NAME, POD_NAMESPACE, POD_IP, NODE_NAME, SERVICE_ACCOUNT, "
    "CONTAINER_CPU_REQUEST_MILLICORES, CONTAINER_MEMORY_LIMIT_KIBIBYTES, POD_UID, POD_IPS, HOST_IP, HOST_IPS, "
    "CONTAINER_NAME, CONTAINER_CPU_LIMIT_MILLICORES, CONTAINER_MEMORY_REQUEST_KIBIBYTES, "
    "CONTAINER_EPHEMERAL_STORAGE_REQUEST_MEBIBYTES, CONTAINER_EPHEMERAL_STORAGE_LIMIT_MEBIBYTES, NODE_ZONE, "
    "NODE_REGION, or NAME=SELECTOR"
)
Parser = Callable[[str], tuple[Any, list[Any]]]


def _row(parse: Parser, text: str, *outcome: Any) -> Any:
    return pytest.param(parse, text, *outcome, id=f"{parse.__name__} {ascii(text)[:30]}")


def _bad(parse: Parser, reason: Reason, accepted: str, *texts: str) -> list[Any]:
    """Rows in which the whole text is the offending piece."""
    return [_row(parse, text, (reason, text, accepted)) for text in texts]


@pytest.mark.parametrize(
    ("parse", "text", "value"),
    [
        _row(values.boolean, "true", True),
        _row(values.boolean, "false", False),
        _row(values.access, "read-only", "read-only"),
        _row(values.access, "read-write", "read-write"),
        _row(values.port, "1", 1),
        _row(values.port, "8001", 8001),
        _row(values.port, "65535", 65535),
        _row(values.prefix, "", ""),
        _row(values.prefix, "K8S_", "K8S_"),
        _row(values.prefix, "_", "_"),
        _row(values.prefix, "a1", "a1"),
        _row(values.mount_path, "/etc/downward", "/etc/downward"),
        _row(values.mount_path, "/etc/downward/", "/etc/downward"),
        _row(values.mount_path, "//etc/./downward", "/etc/downward"),
        _row(values.mount_path, "/a b/ü", "/a b/ü"),
        _row(values.mount_path, "/...", "/..."),
        _row(values.mount_path, "/a\\b", "/a\\b"),
        _row(values.mount_path, "C:\\etc\\downward", "C:/etc/downward"),
        _row(values.mount_path, "c:/etc/downward/", "c:/etc/downward"),
        _row(values.names, "", ()),
        _row(values.names, "app", ("app",)),
        _row(values.names, " app , proxy ", ("app", "proxy")),
        _row(values.files, "", ()),
    ],
)
def test_a_good_value_is_read_without_a_fault(parse: Parser, text: str, value: Any) -> None:
    """The text becomes the value that the injectors see, a path without its trailing slash, a list without spaces."""
    assert parse(text) == (value, [])


BAD_PORTS = ("", "0", "65536", "99999", "-1", "80.0", "http", " 80", "+80", "\uff11", "²", "9" * 5000, "008001")
BAD_PATHS = (
    *("", "/", "//", "/.", "etc/downward", "./etc", "/etc/../x", "/..", "/a:b", "/a\0b", "/a\nb"),
    *("C:\\", "C:/", "C:etc", "C:\\..\\x", "C:\\a:b", "CC:\\a", "1:\\a", "\\a"),
)


@pytest.mark.parametrize(
    ("parse", "text", "fault"),
    [
        *_bad(values.boolean, Reason.BAD_BOOLEAN, BOOLEAN, "", "True", "yes", "1", " true", "on"),
        *_bad(values.access, Reason.BAD_CHOICE, CHOICE, "", "ro", "Read-Only", "read-only "),
        *_bad(values.port, Reason.BAD_PORT, PORT, *BAD_PORTS),
        *_bad(values.prefix, Reason.BAD_ENV_NAME, PREFIX, "1A", "A-B", "A B", "é", "A\n", " "),
        *_bad(values.mount_path, Reason.BAD_PATH, PATH, *BAD_PATHS),
        *_bad(values.names, Reason.BAD_LIST, PIECES, ",", "app,", ",app", "a, ,b", " "),
        _row(values.names, "a,b,a", (Reason.DUPLICATE, "a", ONCE)),
    ],
)
def test_a_bad_value_is_named_with_what_would_be_accepted(parse: Parser, text: str, fault: tuple[Any, ...]) -> None:
    """One fault: its reason, the offending piece as it was written, and the accepted form."""
    assert parse(text)[1] == [fault]


def test_a_list_tells_every_fault() -> None:
    """An empty piece and a doubled name in one list are both reported."""
    assert values.names("a,,a") == (
        ("a", "a"),
        [(Reason.BAD_LIST, "a,,a", PIECES), (Reason.DUPLICATE, "a", ONCE)],
    )


# podmeta/env

POD_NAME, POD_NAMESPACE, POD_IP = STANDARD[:3]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        pytest.param("standard", [v.name for v in STANDARD], id="standard"),
        pytest.param("all", [v.name for v in ALL], id="all"),
        pytest.param("none", [], id="none"),
        pytest.param("POD_IP", ["POD_IP"], id="one of the catalogue"),
        pytest.param(" POD_IP ,\tPOD_NAME\n", ["POD_IP", "POD_NAME"], id="in the order written, spaces ignored"),
        pytest.param("POD_UID,standard", ["POD_UID", *[v.name for v in STANDARD]], id="a name before a set"),
        pytest.param(
            "POD_IP,standard", ["POD_IP", *[v.name for v in STANDARD if v.name != "POD_IP"]], id="moved to the front"
        ),
        pytest.param("standard,all", [v.name for v in ALL], id="overlapping sets"),
        pytest.param("standard,standard", [v.name for v in STANDARD], id="a set twice adds nothing"),
        pytest.param("standard,POD_IP", [v.name for v in STANDARD], id="a name that a set brought"),
        pytest.param("standard,-POD_IP", [v.name for v in STANDARD if v.name != "POD_IP"], id="taken out"),
        pytest.param("-POD_IP", [v.name for v in STANDARD if v.name != "POD_IP"], id="nothing but taken out"),
        pytest.param("-POD_IP,standard", [v.name for v in STANDARD if v.name != "POD_IP"], id="taken out before"),
        pytest.param("POD_IP,POD_UID,-POD_IP,-POD_IP", ["POD_UID"], id="taken out twice"),
        pytest.param("standard,-NODE_ZONE", [v.name for v in STANDARD], id="taking out what is not in"),
        pytest.param("go", ["GOMAXPROCS", "GOMEMLIMIT"], id="go"),
        pytest.param("jvm", ["JAVA_TOOL_OPTIONS"], id="jvm"),
        pytest.param("go,-GOMAXPROCS", ["GOMEMLIMIT"], id="part of a preset"),
        pytest.param("MINE=metadata.name,-MINE", [], id="an own one taken out again"),
    ],
)
def test_which_variables_a_list_asks_for(text: str, names: list[str]) -> None:
    """Sets and names expand in the order written, each variable once, at its first place; `-NAME` wins anywhere."""
    found, faults = values.variables(text)
    assert [variable.name for variable in found] == names
    assert faults == []


def test_an_own_variable_takes_its_selector() -> None:
    """NAME=SELECTOR is a variable like one of the catalogue, with the selector as Kubernetes spells it."""
    found, faults = values.variables("APP=metadata.labels['app'],_m1=limits.memory:1Mi,BARE=requests.cpu")
    assert faults == []
    assert [(v.name, str(v.source), v.needs, v.since, v.fixed) for v in found] == [
        ("APP", "metadata.labels['app']", None, 0, False),
        ("_m1", "limits.memory:1Mi", None, 0, False),
        ("BARE", "requests.cpu:1", None, 0, False),
    ]


def test_an_own_variable_before_a_set_replaces_that_of_the_set() -> None:
    """The first definition of a name counts, so an own one in front of `standard` redefines it and is not lost."""
    found, faults = values.variables("POD_NAME=metadata.uid,standard")
    assert faults == []
    assert found[0] == Variable("POD_NAME", FieldRef("metadata.uid", found[1].source.places))
    assert [v.name for v in found] == [v.name for v in STANDARD]


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        pytest.param("", [(Reason.BAD_LIST, "", PIECES)], id="empty"),
        pytest.param("standard,", [(Reason.BAD_LIST, "standard,", PIECES)], id="a comma at the end"),
        pytest.param("none,go", [(Reason.BAD_LIST, "none,go", "`none` alone")], id="none and more"),
        pytest.param("POD_NAM", [(Reason.UNKNOWN_VARIABLE, "POD_NAM", "did you mean POD_NAME?")], id="a slip"),
        pytest.param("pod_name", [(Reason.UNKNOWN_VARIABLE, "pod_name", "did you mean POD_NAME?")], id="lower case"),
        pytest.param("GO", [(Reason.UNKNOWN_VARIABLE, "GO", "did you mean go?")], id="a preset in upper case"),
        pytest.param("Standart", [(Reason.UNKNOWN_VARIABLE, "Standart", "did you mean standard?")], id="a preset"),
        pytest.param("stan", [(Reason.UNKNOWN_VARIABLE, "stan", CATALOGUE)], id="not near enough"),
        pytest.param("qqq", [(Reason.UNKNOWN_VARIABLE, "qqq", CATALOGUE)], id="nothing near"),
        pytest.param("-", [(Reason.UNKNOWN_VARIABLE, "-", CATALOGUE)], id="a dash alone"),
        pytest.param("-qqq", [(Reason.UNKNOWN_VARIABLE, "-qqq", CATALOGUE)], id="taking out the unknown"),
        pytest.param(
            "-POD_NAM", [(Reason.UNKNOWN_VARIABLE, "-POD_NAM", "did you mean POD_NAME?")], id="taking out a slip"
        ),
        pytest.param("-GOMAXPROCS", [(Reason.UNKNOWN_VARIABLE, "-GOMAXPROCS", CATALOGUE)], id="a preset not asked for"),
        pytest.param("1A=metadata.name", [(Reason.BAD_ENV_NAME, "1A", NAME)], id="a digit first"),
        pytest.param("=metadata.name", [(Reason.BAD_ENV_NAME, "", NAME)], id="no name"),
        pytest.param("A-B=metadata.name", [(Reason.BAD_ENV_NAME, "A-B", NAME)], id="a dash in the name"),
        pytest.param("POD_IP,POD_IP", [(Reason.DUPLICATE, "POD_IP", ONCE)], id="a name twice"),
        pytest.param("A=metadata.name,A=metadata.uid", [(Reason.DUPLICATE, "A", ONCE)], id="an own one twice"),
        pytest.param(
            "A=metadata.name,A=metadata.uid,A=metadata.namespace",
            [(Reason.DUPLICATE, "A", ONCE)],
            id="thrice, told once",
        ),
        pytest.param("POD_IP,POD_IP=status.podIP", [(Reason.DUPLICATE, "POD_IP", ONCE)], id="a name and an own one"),
        pytest.param(
            "standard,POD_NAME=metadata.uid", [(Reason.DUPLICATE, "POD_NAME", ONCE)], id="an own one behind its set"
        ),
    ],
)
def test_a_list_that_is_refused(text: str, faults: list[Any]) -> None:
    """Each fault of podmeta/env names the piece, and what is near it or everything that there is."""
    assert values.variables(text)[1] == faults


def test_a_bad_selector_is_named_with_its_variable() -> None:
    """The offending piece is NAME=SELECTOR as written, since a list may hold the same selector twice."""
    found, faults = values.variables("L=metadata.labels,X=limits.gpu,OK=metadata.name,D=limits.cpu:9,A=B=metadata.name")
    assert [v.name for v in found] == ["OK"]
    assert [(fault.reason, fault.got) for fault in faults] == [
        (Reason.SELECTOR_PLACE, "L=metadata.labels"),
        (Reason.UNKNOWN_SELECTOR, "X=limits.gpu"),
        (Reason.BAD_DIVISOR, "D=limits.cpu:9"),
        (Reason.UNKNOWN_SELECTOR, "A=B=metadata.name"),
    ]


def test_every_fault_of_a_list_is_found() -> None:
    """An empty piece, an unknown name, a bad own name, an unknown removal and a double, in one go."""
    faults = values.variables("standard,,qqq,1=metadata.name,-zzz,A=metadata.name,A=metadata.name,none")[1]
    assert [(fault.reason, fault.got[:8]) for fault in faults] == [
        (Reason.BAD_LIST, "standard"),
        (Reason.UNKNOWN_VARIABLE, "qqq"),
        (Reason.BAD_ENV_NAME, "1"),
        (Reason.UNKNOWN_VARIABLE, "-zzz"),
        (Reason.BAD_LIST, "standard"),
        (Reason.DUPLICATE, "A"),
    ]


# podmeta/volume-items


def test_further_files() -> None:
    """FILE=SELECTOR, in the order written; a file may lie in a folder, and all labels may be one."""
    found, faults = values.files("a/version=metadata.labels['v'], all=metadata.labels ")
    assert faults == []
    assert [(file.path, str(file.selector)) for file in found] == [
        ("a/version", "metadata.labels['v']"),
        ("all", "metadata.labels"),
    ]
    assert values.files("m=limits.memory:1Mi") == ((File("m", ResourceFieldRef("limits.memory", "1Mi")),), [])


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        *[
            pytest.param(f"{path}=metadata.name", (Reason.BAD_FILE, f"{path}=metadata.name", FILE), id=repr(path))
            for path in ("", "/a", "a/", "a//b", ".", "./a", "..", "../a", "a/..", "..a", "a\tb", "a/./b")
        ],
        pytest.param("version", (Reason.BAD_FILE, "version", FILE), id="no selector"),
        pytest.param("a,b=metadata.name", (Reason.BAD_FILE, "a", FILE), id="one without a selector"),
        pytest.param("x=metadata.name,", (Reason.BAD_LIST, "x=metadata.name,", PIECES), id="a comma at the end"),
        pytest.param("x=metadata.name,x=metadata.uid", (Reason.DUPLICATE, "x", ONCE), id="twice"),
        pytest.param("podName=metadata.uid", (Reason.DUPLICATE, "podName", ONCE), id="a standard file"),
        pytest.param("labels=metadata.labels", (Reason.DUPLICATE, "labels", ONCE), id="another standard file"),
        pytest.param("kubeconfig=metadata.name", (Reason.DUPLICATE, "kubeconfig", ONCE), id="the kubeconfig"),
        pytest.param(
            "a=metadata.name,a/b=metadata.uid",
            (Reason.BAD_FILE, "a/b", "a path that does not go through the file a"),
            id="through a file",
        ),
        pytest.param(
            "labels/app=metadata.name",
            (Reason.BAD_FILE, "labels/app", "a path that does not go through the file labels"),
            id="through a standard file",
        ),
        pytest.param(
            "kubeconfig/a=metadata.name",
            (Reason.BAD_FILE, "kubeconfig/a", "a path that does not go through the file kubeconfig"),
            id="through the kubeconfig",
        ),
    ],
)
def test_a_file_that_is_refused(text: str, fault: tuple[Any, ...]) -> None:
    """A path leaves the volume nowhere, no two files share one, and none lies inside another."""
    assert values.files(text)[1] == [fault]


@pytest.mark.parametrize("path", ["a..b", ".hidden", "a b", "ü/ß", "a/..b"])
def test_a_file_with_an_odd_but_legal_name(path: str) -> None:
    """Only `..` as a folder and at the very start are reserved by Kubernetes."""
    found, faults = values.files(f"{path}=metadata.name")
    assert [file.path for file in found] == [path]
    assert faults == []


def test_the_first_equals_sign_divides_file_and_selector() -> None:
    """A second one belongs to the selector, which has none."""
    assert values.files("a=b=metadata.name")[1][0][:2] == (Reason.UNKNOWN_SELECTOR, "a=b=metadata.name")


def test_a_selector_that_only_a_variable_may_have_is_refused_in_a_file() -> None:
    """The fault of the selector is the fault of the file."""
    ((reason, got, accepted),) = values.files("ip=status.podIP")[1]
    assert reason is Reason.SELECTOR_PLACE
    assert "status.podIP" in got
    assert accepted.endswith("; as a variable it is legal (podmeta/env)")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("abc", "'abc'", id="in quotes"),
        pytest.param("a\nb", "'a\\nb'", id="on one line"),
        pytest.param("x" * 60, "'" + "x" * 60 + "'", id="sixty characters are whole"),
        pytest.param("x" * 61, "'" + "x" * 59 + "…'", id="more are cut to sixty"),
    ],
)
def test_how_an_error_shows_a_value(text: str, shown: str) -> None:
    """A user recognises the value, and a huge or hostile one cannot break the line."""
    assert values.shown(text) == shown


@pytest.mark.parametrize("parse", [values.variables, values.files, values.names])
def test_a_list_without_end_is_not_read(parse: Any) -> None:
    """The API server checks sizes only after its webhooks."""
    ((reason, _, accepted),) = parse(",".join(f"a{i}" for i in range(257)))[1]
    assert (reason, accepted) == (Reason.BAD_LIST, "at most 256 pieces")

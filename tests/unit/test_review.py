"""AdmissionReview bytes: a request that can be decided, or Malformed with a sentence."""

import json
from typing import Any

import pytest

from tests.pods import app, pod, review
from webhook.api.review import AdmissionRequest, GroupVersionResource, Malformed, decode

UID = "705ab4f5-6393-11e8-b7cc-42010a800002"
V1 = "accepted: 'admission.k8s.io/v1', 'AdmissionReview'"
DEEP = "the body is nested too deeply; accepted: JSON as kube-apiserver writes it"


def body(**fields: Any) -> bytes:
    return json.dumps({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", **fields}).encode()


def test_a_request_is_read_with_everything_that_a_decision_needs() -> None:
    """uid, resource, operation, subresource, namespace, name, dryRun and both objects arrive as the API spells them."""
    found = decode(
        review(
            pod(containers=[app("new")]),
            operation="UPDATE",
            subResource="ephemeralcontainers",
            name="web-1",
            dryRun=True,
            oldObject=pod(containers=[app("old")]),
        )
    )
    assert isinstance(found, AdmissionRequest)
    assert (found.uid, found.operation, found.sub_resource) == (UID, "UPDATE", "ephemeralcontainers")
    assert (found.namespace, found.name, found.dry_run) == ("shop", "web-1", True)
    assert found.resource == GroupVersionResource("", "v1", "pods")
    assert found.object
    assert found.old_object
    assert [c.name for c in found.object.spec.containers or ()] == ["new"]
    assert [c.name for c in found.old_object.spec.containers or ()] == ["old"]


@pytest.mark.parametrize(
    ("sent", "message", "uid"),
    [
        pytest.param(
            body(apiVersion="admission.k8s.io/v1beta1", request={"uid": "q"}),
            f"apiVersion 'admission.k8s.io/v1beta1', kind 'AdmissionReview' is not understood; {V1}",
            "q",
            id="v1beta1 with a uid",
        ),
        pytest.param(
            body(apiVersion="admission.k8s.io/v1beta1"),
            f"apiVersion 'admission.k8s.io/v1beta1', kind 'AdmissionReview' is not understood; {V1}",
            None,
            id="v1beta1 without a request",
        ),
        pytest.param(
            body(apiVersion="admission.k8s.io/v1beta1", request={"object": {"spec": {"containers": 1}}}),
            f"apiVersion 'admission.k8s.io/v1beta1', kind 'AdmissionReview' is not understood; {V1}",
            None,
            id="v1beta1 without a uid",
        ),
        pytest.param(
            body(apiVersion="admission.k8s.io/v1beta1", request={"uid": "q", "object": []}),
            f"apiVersion 'admission.k8s.io/v1beta1', kind 'AdmissionReview' is not understood; {V1}",
            "q",
            id="v1beta1 about another shape",
        ),
        pytest.param(
            body(kind="TokenReview", request={"uid": "q"}),
            f"apiVersion 'admission.k8s.io/v1', kind 'TokenReview' is not understood; {V1}",
            "q",
            id="another kind",
        ),
        pytest.param(
            body(kind="TokenReview", request={"uid": "q", "object": []}),
            f"apiVersion 'admission.k8s.io/v1', kind 'TokenReview' is not understood; {V1}",
            "q",
            id="another kind about another shape",
        ),
        pytest.param(b"{}", f"apiVersion '', kind '' is not understood; {V1}", None, id="an object that says nothing"),
        pytest.param(
            body(),
            "the AdmissionReview has no request; accepted: a request with uid, resource, operation and object",
            None,
            id="no request",
        ),
        pytest.param(
            body(request=None),
            "the AdmissionReview has no request; accepted: a request with uid, resource, operation and object",
            None,
            id="request null",
        ),
    ],
)
def test_a_body_that_is_no_v1_review_says_so_with_the_uid_where_it_stands(
    sent: bytes, message: str, uid: str | None
) -> None:
    """Another version, another kind or no request is Malformed, and the uid is kept for the protocol's own answer."""
    assert decode(sent) == Malformed(message, uid)


@pytest.mark.parametrize(
    ("sent", "start", "uid"),
    [
        pytest.param(b"", "the body is not an AdmissionReview in JSON: ", None, id="empty"),
        pytest.param(b"hello", "the body is not an AdmissionReview in JSON: ", None, id="not JSON"),
        pytest.param(review(pod())[:-30], "the body is not an AdmissionReview in JSON: ", None, id="truncated"),
        pytest.param(b"null", "the body is not an AdmissionReview in JSON: ", None, id="null"),
        pytest.param(b"[]", "the body is not an AdmissionReview in JSON: ", None, id="an array"),
        pytest.param(b"\xff\xfe{}", "the body is not an AdmissionReview in JSON: ", None, id="UTF-16"),
        pytest.param(
            review(pod()).replace(b'"705ab', b'"\xff'),
            "the body is not an AdmissionReview in JSON: ",
            None,
            id="invalid UTF-8 in the uid",
        ),
        pytest.param(
            review(pod()).replace(b'"shop"', b'"\xc3\x28"'),
            "the AdmissionReview does not have the shape of the API: ",
            UID,
            id="invalid UTF-8 in the namespace",
        ),
        pytest.param(
            review(pod(containers=[app("\ud800")])),
            "the body is not an AdmissionReview in JSON: ",
            None,
            id="half a surrogate pair",
        ),
        pytest.param(
            review(pod(containers={})),
            "the AdmissionReview does not have the shape of the API: ",
            UID,
            id="a map as list",
        ),
        pytest.param(
            review(pod(containers=[{"name": 1}])),
            "the AdmissionReview does not have the shape of the API: ",
            UID,
            id="a number as name",
        ),
        pytest.param(
            body(request={"object": pod()}),
            "the AdmissionReview does not have the shape of the API: ",
            None,
            id="no uid",
        ),
        pytest.param(
            body(request={"uid": "", "object": {"spec": 1}, "resource": {"resource": "deployments"}}),
            "the AdmissionReview does not have the shape of the API: ",
            None,
            id="an empty uid",
        ),
    ],
)
def test_a_body_that_cannot_be_read_never_raises(sent: bytes, start: str, uid: str | None) -> None:
    """Whatever the bytes, the answer is Malformed; what broke is told behind our sentence, with the uid if readable."""
    found = decode(sent)
    assert isinstance(found, Malformed)
    assert found.message.startswith(start)
    assert len(found.message) > len(start)
    assert found.uid == uid


@pytest.mark.parametrize(
    ("before", "opening"),
    [
        pytest.param(b"", b"[", id="arrays alone"),
        pytest.param(b"", b'{"a":', id="objects alone"),
        pytest.param(b'{"apiVersion":"admission.k8s.io/v1","x":', b"[", id="in a field that nobody reads"),
        pytest.param(b'{"request":{"uid":"q","object":{"spec":{"x":', b'{"a":', id="in the pod"),
    ],
)
def test_a_hundred_thousand_levels_are_refused_not_crashed_on(before: bytes, opening: bytes) -> None:
    """A body as deep as a recursion attack is Malformed; the process lives on."""
    found = decode(before + opening * 100_000)
    assert isinstance(found, Malformed)
    assert found.uid is None
    assert found.message == DEEP or found.message.startswith("the body is not an AdmissionReview in JSON: ")


def test_depth_has_its_own_sentence() -> None:
    """Where the depth is what breaks, the sentence says so instead of quoting the interpreter."""
    assert decode(b'{"a":' * 100_000) == Malformed(DEEP)


def test_a_deployment_that_is_not_shaped_like_a_pod_is_a_request_all_the_same() -> None:
    """A well-formed review about another kind reaches the decision, which names the kind, and never the error path."""
    deployments = {"group": "apps", "version": "v1", "resource": "deployments"}
    found = decode(review({"metadata": {"name": "web"}, "spec": {"containers": 3}}, resource=deployments))
    assert found == AdmissionRequest(
        uid=UID, resource=GroupVersionResource("apps", "v1", "deployments"), operation="CREATE"
    )


def test_a_broken_pod_of_another_group_is_a_request_all_the_same() -> None:
    """`pods` of the metrics API are not the pods that this code reads."""
    metrics = {"group": "metrics.k8s.io", "version": "v1beta1", "resource": "pods"}
    found = decode(review({"metadata": [], "spec": None}, resource=metrics))
    assert isinstance(found, AdmissionRequest)
    assert found.resource.group == "metrics.k8s.io"
    assert found.object is None


def test_of_a_repeated_key_the_last_counts() -> None:
    """As in kube-apiserver's own decoder: a second uid replaces the first."""
    found = decode(review(pod()).replace(b'"namespace": "shop"', b'"namespace": "first", "namespace": "last"'))
    assert isinstance(found, AdmissionRequest)
    assert found.namespace == "last"


@pytest.mark.parametrize("field", ["object", "oldObject", "dryRun"])
def test_null_in_a_request_means_absent(field: str) -> None:
    """The fields of a request that kube-apiserver writes as null read like absent ones."""
    asks = json.loads(review(pod()))
    asks["request"].pop(field)
    assert decode(review(pod(), **{field: None})) == decode(json.dumps(asks).encode())


def test_fields_that_nobody_declared_are_passed_over() -> None:
    """userInfo, options and whatever a later version adds neither break the reading nor reach the decision."""
    assert decode(review(pod(), userInfo={"extra": {"a": [1]}}, future={"x": None})) == decode(review(pod()))

"""AdmissionReview, admission.k8s.io/v1: bytes to AdmissionRequest.

Rule: a body is either a request that can be decided or Malformed with a sentence; it never raises.
Strategy: one pass of msgspec over the bytes reads just the declared fields. Only when that fails, a second, smaller
      read looks for the uid, so that the error can be answered in the protocol's own form.
Source: https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/
"""

import msgspec

from webhook.api.pod import Pod

API_VERSION = "admission.k8s.io/v1"
KIND = "AdmissionReview"


class GroupVersionKind(msgspec.Struct, frozen=True, gc=False):
    group: str = ""
    version: str = ""
    kind: str = ""


class GroupVersionResource(msgspec.Struct, frozen=True, gc=False):
    group: str = ""
    version: str = ""
    resource: str = ""


class AdmissionRequest(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """The `request` of a review; `object` is absent on DELETE, `oldObject` on CREATE."""

    uid: str
    resource: GroupVersionResource = GroupVersionResource()
    sub_resource: str = ""
    name: str = ""
    namespace: str = ""
    operation: str = ""
    object: Pod | None = None
    old_object: Pod | None = None
    dry_run: bool | None = None


class Malformed(msgspec.Struct, frozen=True):
    """A body that is no AdmissionReview v1: why, and the uid where it could still be read."""

    message: str
    uid: str | None = None


class _Review(msgspec.Struct, frozen=True, rename="camel"):
    kind: str = ""
    api_version: str = ""
    request: AdmissionRequest | None = None


class _Anything(msgspec.Struct, frozen=True):
    """An object of which nothing is read."""


class _OtherRequest(msgspec.Struct, frozen=True, rename="camel"):
    """A request about something that is not read as a Pod."""

    uid: str = ""
    resource: GroupVersionResource = GroupVersionResource()
    operation: str = ""
    sub_resource: str = ""


class _OtherReview(msgspec.Struct, frozen=True, rename="camel"):
    api_version: str = ""
    kind: str = ""
    request: _OtherRequest | None = None


_decode = msgspec.json.Decoder(_Review).decode
_decode_other = msgspec.json.Decoder(_OtherReview).decode
PODS = GroupVersionResource(group="", version="v1", resource="pods")


def decode(body: bytes | bytearray) -> AdmissionRequest | Malformed:
    """Read a review's bytes. Of a repeated key the last counts, as in kube-apiserver's own decoder."""
    try:
        review = _decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        return _second_look(body, error)
    if review.api_version != API_VERSION or review.kind != KIND:
        uid = review.request.uid if review.request else None
        return Malformed(_not_v1(review.api_version, review.kind), uid)
    if review.request is None:
        return Malformed(f"the {KIND} has no request; accepted: a request with uid, resource, operation and object")
    return review.request


def _second_look(body: bytes | bytearray, error: Exception) -> AdmissionRequest | Malformed:
    """Why the body could not be read; a well-formed review about another kind of object is a request all the same."""
    if isinstance(error, RecursionError):
        return Malformed("the body is nested too deeply; accepted: JSON as kube-apiserver writes it")
    try:
        review = _decode_other(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return Malformed(f"the body is not an {KIND} in JSON: {error}")
    request = review.request
    uid = request.uid if request and request.uid else None
    if review.api_version != API_VERSION or review.kind != KIND:
        return Malformed(_not_v1(review.api_version, review.kind), uid)
    if request and uid and request.resource != PODS:
        return AdmissionRequest(uid=uid, resource=request.resource, operation=request.operation)
    return Malformed(f"the {KIND} does not have the shape of the API: {error}", uid)


def _not_v1(api_version: str, kind: str) -> str:
    return f"apiVersion {api_version!r}, kind {kind!r} is not understood; accepted: {API_VERSION!r}, {KIND!r}"

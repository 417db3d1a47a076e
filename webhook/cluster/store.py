"""What the replicas share in the cluster: the CA in a Secret, the caBundle in a webhook configuration.

Rule: nothing is overwritten that was not looked at: a Secret is created or refused, and changed only at the version
      that was read. Of the configuration nothing but each webhook's caBundle is ours, held by our own field manager.
Strategy: plain values of certs/ in and out; what Kubernetes adds to them (versions, owners, encodings) stays in here.
"""

import base64
from collections.abc import AsyncIterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Literal

from lightkube import ApiError, AsyncClient
from lightkube.models.meta_v1 import ObjectMeta, OwnerReference
from lightkube.resources.admissionregistration_v1 import MutatingWebhookConfiguration
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import Secret
from lightkube.types import PatchType

from certs import Bundle, CertificateAuthority, Unreadable
from certs.rotation import Stored

Kind = Literal["secret", "configuration"]
FIELD_MANAGER = "podmeta"
CERTIFICATE, KEY, BUNDLE = "tls.crt", "tls.key", "ca.crt"
LABELS = {"app.kubernetes.io/name": "podmeta", "app.kubernetes.io/managed-by": "podmeta"}


@dataclass(frozen=True)
class Places:
    """Where the two things are. `owner`: the Deployment with which the Secret is to go, "" for none."""

    namespace: str
    secret: str
    configuration: str
    owner: str = ""


@dataclass(frozen=True)
class Found:
    """The Secret as it was read.

    `version` is "" where there is none; `stored` is None where it cannot be used; `owners` are kept.
    """

    stored: Stored | None
    version: str
    owners: tuple[OwnerReference, ...] = ()


class Store:
    """The two objects, by name. Every method may raise httpx2.HTTPError: the API server is out of reach, or says no."""

    def __init__(self, client: AsyncClient, places: Places) -> None:
        self._client, self._places = client, places

    async def read(self) -> Found:
        """The stored CA."""
        try:
            secret = await self._client.get(Secret, self._places.secret, namespace=self._places.namespace)
        except ApiError as error:
            if error.status.code == HTTPStatus.NOT_FOUND:
                return Found(None, "")
            raise
        meta = secret.metadata or ObjectMeta()
        return Found(_stored(secret.data or {}), meta.resourceVersion or "", tuple(meta.ownerReferences or ()))

    async def write(self, what: Stored, found: Found) -> bool:
        """Store in place of what was found. False: somebody else was first; read again."""
        data = {CERTIFICATE: what.authority.pem, KEY: what.authority.key_pem, BUNDLE: what.bundle.pem}
        meta = ObjectMeta(
            name=self._places.secret,
            namespace=self._places.namespace,
            labels=LABELS,
            ownerReferences=list(found.owners) or await self._owners(),
            resourceVersion=found.version or None,
        )
        encoded = {name: base64.b64encode(content).decode() for name, content in data.items()}
        secret = Secret(metadata=meta, data=encoded, type="Opaque")
        try:
            await (self._client.replace(secret) if found.version else self._client.create(secret))
        except ApiError as error:
            if error.status.code in (HTTPStatus.CONFLICT, HTTPStatus.NOT_FOUND):
                return False
            raise
        return True

    async def announced(self) -> Bundle | None:
        """The caBundle that all webhooks have; empty where they differ or hold garbage; None: no configuration."""
        configuration = await self._configuration()
        if configuration is None:
            return None
        bundles = {webhook.clientConfig.caBundle or "" for webhook in configuration.webhooks or ()}
        return _parsed(bundles.pop()) if len(bundles) == 1 else Bundle()

    async def announce(self, bundle: Bundle) -> None:
        """Write the caBundle of every webhook, by server-side apply."""
        configuration = await self._configuration()
        if configuration is None:
            return
        webhooks = [
            {"name": webhook.name, "clientConfig": {"caBundle": bundle.ca_bundle}}
            for webhook in configuration.webhooks or ()
        ]
        whole: dict[str, Any] = {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "MutatingWebhookConfiguration",
            "metadata": {"name": self._places.configuration},
            "webhooks": webhooks,
        }
        await self._client.patch(
            MutatingWebhookConfiguration,
            self._places.configuration,
            whole,
            patch_type=PatchType.APPLY,
            field_manager=FIELD_MANAGER,
            force=True,
        )

    async def changes(self, kind: Kind) -> AsyncIterator[None]:
        """A turn for each change of the object, the first for what is there; ends with an error, or never."""
        if kind == "secret":
            events: Any = self._client.watch(
                Secret, namespace=self._places.namespace, fields={"metadata.name": self._places.secret}
            )
        else:
            events = self._client.watch(
                MutatingWebhookConfiguration, fields={"metadata.name": self._places.configuration}
            )
        async for _ in events:
            yield

    async def _configuration(self) -> MutatingWebhookConfiguration | None:
        try:
            return await self._client.get(MutatingWebhookConfiguration, self._places.configuration)
        except ApiError as error:
            if error.status.code == HTTPStatus.NOT_FOUND:
                return None
            raise

    async def _owners(self) -> list[OwnerReference]:
        if not self._places.owner:
            return []
        owner = await self._client.get(Deployment, self._places.owner, namespace=self._places.namespace)
        uid = (owner.metadata.uid if owner.metadata else None) or ""
        return [OwnerReference("apps/v1", "Deployment", self._places.owner, uid)]


def _stored(data: dict[str, str]) -> Stored | None:
    parts = {name: _decoded(data.get(name, "")) for name in (CERTIFICATE, KEY, BUNDLE)}
    authority = CertificateAuthority.read(parts[CERTIFICATE], parts[KEY])
    bundle = Bundle.parse(parts[BUNDLE])
    if isinstance(authority, Unreadable):
        return None
    # A bundle that somebody broke costs only the trust in older CAs, not the CA.
    return Stored(authority, authority.bundle.merge(Bundle() if isinstance(bundle, Unreadable) else bundle))


def _parsed(ca_bundle: str) -> Bundle:
    found = Bundle.parse(_decoded(ca_bundle))
    return Bundle() if isinstance(found, Unreadable) else found


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        return b"\0"  # no PEM: whoever reads it says that it cannot be read

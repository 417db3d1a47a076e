"""The certificate that a replica really shows: a TLS handshake with each pod.

Rule: neither the Secret nor a metric is believed: self-managed certificates exist in a replica's memory only.
Strategy: through the API server's `portforward`, since a pod's address means nothing outside of the cluster; as the
      WebSocket protocol v4.channel.k8s.io, which every kubelet speaks and httpx2 carries. The TLS bytes travel in its
      data channel. Once without verification, for the certificate; once with the caBundle, for its verdict.
Source: k8s.io/cri-streaming/pkg/streaming/portforward/websocket.go: channel 0 is data, channel 1 is errors, and the
      first message of each is the port.
"""

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import httpx2 as httpx
from cryptography import x509
from httpx2.websockets import AsyncWebSocketSession, HTTPXWSException, WebSocketUpgradeError
from lightkube.config import client_adapter

from certs import Bundle, Unreadable
from webhook.cluster.check.facts import Gap, Served, Target
from webhook.cluster.check.looks.access import TIMEOUT, Access

PROTOCOL = "v4.channel.k8s.io"
DATA = 0
PATIENCE = 5.0  # seconds for each answer of the pod
# X509_V_ERR_CERT_NOT_YET_VALID and X509_V_ERR_CERT_HAS_EXPIRED: the issuer was found, which is all that is asked here
KNOWN_ISSUER = (9, 10)

Shown = Served | str | Gap


@dataclass(frozen=True)
class Way:
    """To the TLS of the pods behind a Service. `ca`: what the API server trusts there."""

    http: httpx.AsyncClient
    target: Target
    port: int
    ca: Bundle | Unreadable


def shown(
    access: Access, target: Target, pods: Sequence[str], port: int, ca: Bundle | Unreadable
) -> Mapping[str, Shown]:
    """By pod: what it shows, a sentence where it shows nothing, or a gap where nobody may look."""

    async def look() -> dict[str, Shown]:
        # Not Access.http: the synchronous WebSocket goes on reading its file descriptor for a moment after it is
        # closed, and what it then takes away belongs to the next connection.
        async with client_adapter.AsyncClient(access.config, client_adapter.ConnectionParams(timeout=TIMEOUT)) as http:
            way = Way(http, target, port, ca)
            return {pod: await _shown(access, way, pod) for pod in pods}

    return asyncio.run(look()) if port else dict.fromkeys(pods, Gap.UNREAD)


async def _shown(access: Access, way: Way, pod: str) -> Shown:
    where = f"the certificate of Pod {way.target.namespace}/{pod}"
    try:
        tls = await _handshake(way, pod, _context(None))
        leaf = x509.load_der_x509_certificate(tls.getpeercert(binary_form=True) or b"")
        _ = leaf.extensions  # read lazily; what is broken in them shows here
        return Served(leaf, trusted=await _trusted(way, pod))
    except WebSocketUpgradeError as error:
        return access.gap(where, f"the port-forward answers {error.response.status_code}", needed=False)
    except (ssl.SSLError, EOFError, ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType) as error:
        return f"{type(error).__name__}: {error}"
    except (HTTPXWSException, TimeoutError) as error:
        return access.gap(where, f"the port-forward ended: {type(error).__name__} {error}".rstrip(), needed=False)


async def _trusted(way: Way, pod: str) -> bool:
    if isinstance(way.ca, Unreadable) or not way.ca.certificates:
        return False
    try:
        await _handshake(way, pod, _context(way.ca))
    except ssl.SSLCertVerificationError as error:
        return error.verify_code in KNOWN_ISSUER
    return True


def _context(ca: Bundle | None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False  # rules/certificates.py judges the names, in the API server's way
    if ca is None:
        context.verify_mode = ssl.CERT_NONE
    else:
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # to Go, every certificate of the caBundle is a root
        context.load_verify_locations(cadata=ca.pem.decode())
    return context


async def _handshake(way: Way, pod: str, context: ssl.SSLContext) -> ssl.SSLObject:
    received, to_send = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(received, to_send, server_hostname=way.target.host)
    path = f"/api/v1/namespaces/{way.target.namespace}/pods/{pod}/portforward"
    failed: Exception | None = None
    async with way.http.websocket(path, params={"ports": way.port}, subprotocols=[PROTOCOL]) as socket:
        try:
            await _shake(socket, tls, received, to_send)
        except (ssl.SSLError, EOFError, HTTPXWSException, TimeoutError) as error:
            failed = error  # what is raised in here comes out as a group
    if failed:
        raise failed
    return tls


async def _shake(
    socket: AsyncWebSocketSession, tls: ssl.SSLObject, received: ssl.MemoryBIO, to_send: ssl.MemoryBIO
) -> None:
    opened: set[int] = set()
    while True:
        done = _go_on(tls)
        if flight := to_send.read():
            await socket.send_bytes(bytes([DATA]) + flight)
        if done:
            return
        message = await socket.receive_bytes(timeout=PATIENCE)
        channel, content = message[0], message[1:]
        if channel not in opened:
            opened.add(channel)
        elif channel == DATA:
            received.write(content)
        else:
            raise EOFError(content.decode(errors="replace"))


def _go_on(tls: ssl.SSLObject) -> bool:
    """As far as it goes with what was received; whether the handshake is done."""
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        return False
    return True

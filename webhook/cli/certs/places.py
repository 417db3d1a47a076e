"""Where certificates are: files, ports, Secrets. What cannot be read is Seen with the reason."""

import base64
import binascii
import socket
import ssl
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from webhook.cli.certs.seen import Seen
from webhook.cli.common import USAGE, fail

SECONDS = 5.0  # to connect


def read(path: Path | None) -> bytes | None:
    """A file, or standard input."""
    if path is None:
        return None
    try:
        return sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
    except OSError as error:
        fail(USAGE, f"{path}: {error.strerror}")


def served(place: str, name: str, ca: bytes | None) -> Seen:
    """What a TLS server shows. Nothing is verified here: what is wrong with it is to be seen."""
    host, _, port = place.rpartition(":")
    if not host or not port.isdigit():
        fail(USAGE, f"--connect {place}: accepted: HOST:PORT")
    host = host.strip("[]")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with (
            socket.create_connection((host, int(port)), SECONDS) as connection,
            context.wrap_socket(connection, server_hostname=name or host) as tls,
        ):
            shown = tls.getpeercert(binary_form=True) or b""
    except (OSError, OverflowError) as error:
        return Seen(place, problem=f"no TLS connection: {error}")
    return Seen(place, ssl.DER_cert_to_PEM_cert(shown).encode(), None, ca)


def stored(places: Iterable[str], kubeconfig: Path | None, context: str) -> Iterator[Seen]:
    """Secrets of a cluster, of type kubernetes.io/tls or podmeta's own."""
    if wrong := [f"--secret {place}: accepted: NAMESPACE/NAME" for place in places if place.count("/") != 1]:
        fail(USAGE, *wrong)
    import httpx2  # noqa: PLC0415 - these are slow, and only a cluster needs them
    from lightkube import Client  # noqa: PLC0415
    from lightkube.resources.core_v1 import Secret  # noqa: PLC0415

    from webhook.cluster.client import UnconfiguredError, configured  # noqa: PLC0415

    try:
        client = Client(configured(kubeconfig, context))
    except UnconfiguredError as error:
        fail(USAGE, str(error))
    for place in places:
        namespace, _, name = place.partition("/")
        try:
            data = client.get(Secret, name, namespace=namespace).data or {}
            found = {key: base64.b64decode(text) for key, text in data.items()}
        except (httpx2.HTTPError, OSError, binascii.Error) as error:
            yield Seen(place, problem=str(error))
        else:
            yield Seen(f"{place} tls.crt", found.get("tls.crt", b""), found.get("tls.key"), found.get("ca.crt"))
            yield Seen(f"{place} ca.crt", found.get("ca.crt", b""))

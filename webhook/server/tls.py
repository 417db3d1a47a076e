"""TLS: one SSLContext for uvicorn whose certificate can be replaced while it serves.

Rule: a connection that is open goes on; a new handshake sees the newest pair that is usable; a pair that is not
      (mismatch, garbage, half-written) is refused with the reason, and the old one stays.
Strategy: the outer context never changes. At each handshake it hands over to the current one, which was built whole
      from bytes that were read once, so neither a half-changed context nor a file that changes between two reads can be
      served, and a client CA that was taken out is out. (load_cert_chain on a live context gives none of the three.)
"""

import os
import ssl
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from webhook.server.offered import Material, Offered, refused

# TLS 1.2 with forward secrecy and AEAD only; 1.3 has nothing else. kube-apiserver speaks 1.3.
CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"


class Tls:
    """What is served. Nothing, until the first `offer` that is taken."""

    def __init__(self, *, ask_clients: bool, names: Sequence[str] = ()) -> None:
        self._ask_clients = ask_clients
        self._names = names  # what clients dial
        self._served: Offered | None = None
        self.context = _new(ask_clients=ask_clients)
        self._current = self.context
        self.context.sni_callback = self._choose

    def offer(self, material: Material, now: datetime) -> list[str]:
        """Serve this from now on, or say why not."""
        try:
            context = holding(material, ask_clients=self._ask_clients)
            offered = Offered(material, holding(material, ask_clients=False), self._names)
        except (ssl.SSLError, ValueError) as error:
            return refused(material) or [f"OpenSSL refuses it: {error}; accepted: certificates and a key in PEM"]
        if found := offered.refused(now):
            return found
        # A certificate that works is not given up for one that does not; the first of all is better than none.
        if self._served and (found := offered.problems(now)) and not self._served.problems(now):
            return found
        self._served, self._current = offered, context
        return []

    def unready(self, now: datetime) -> list[str]:
        """Why the API server would not believe us now."""
        return self._served.unready(now) if self._served else ["no certificate is served yet"]

    @property
    def ca(self) -> bytes | None:
        """What the API server was given, PEM; None where nobody knows."""
        return self._served.ca if self._served else None

    def expires(self) -> float:
        """Unix time at which the served certificate ends; 0 without one."""
        return self._served.expires if self._served else 0.0

    def _choose(self, connection: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        """OpenSSL calls it in every handshake, with a name or without."""
        connection.context = self._current


def holding(material: Material, *, ask_clients: bool) -> ssl.SSLContext:
    """A context for a pair. ssl.SSLError, ValueError: OpenSSL cannot use it."""
    context = _new(ask_clients=ask_clients)
    if ask_clients:
        context.load_verify_locations(cadata=(material.client_ca or b"").decode())
    with _as_file(material.certificate) as certificate, _as_file(material.key) as key:
        context.load_cert_chain(certificate, key, password=_no_password)
    return context


def _new(*, ask_clients: bool) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS)
    context.verify_mode = ssl.CERT_REQUIRED if ask_clients else ssl.CERT_NONE
    # The client's order: Go begins with AES-128 and SHA-256, which cost less than the AES-256 and SHA-384 of ours.
    context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    # No resumption: Go's client keeps no tickets, and to make and send two of them costs every handshake.
    context.options |= ssl.OP_NO_TICKET | ssl.OP_NO_RENEGOTIATION
    context.num_tickets = 0
    return context


def _no_password() -> str:
    """In place of OpenSSL's question on the terminal."""
    raise ValueError("the key has a password")


@contextmanager
def _as_file(content: bytes) -> Iterator[str]:
    """A path for OpenSSL, which reads a key only from a file: in memory, so that the key does not touch a disk."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("podmeta")
        try:
            os.write(descriptor, content)
            yield f"/proc/self/fd/{descriptor}"
        finally:
            os.close(descriptor)
    else:  # macOS, for development
        with tempfile.NamedTemporaryFile() as file:
            file.write(content)
            file.flush()
            yield file.name


class Files:
    """The files of a Secret volume, polled: the kubelet swaps the symlink `..data`, which no watch on a file sees."""

    def __init__(self, certificate: Path, key: Path, client_ca: Path | None, ca: Path | None) -> None:
        self._certificate, self._key, self._client_ca, self._ca = certificate, key, client_ca, ca
        self._seen = self._signatures()

    def changed(self) -> bool:
        """Whether a file is another one than at the last call, or at the start."""
        before, self._seen = self._seen, self._signatures()
        return self._seen != before

    def _signatures(self) -> list[object]:
        return [_signature(path) for path in (self._certificate, self._key, self._client_ca, self._ca)]

    def read(self) -> Material | list[str]:
        """What is in them now, or why it cannot be read."""
        try:
            return Material(
                self._certificate.read_bytes(),
                self._key.read_bytes(),
                self._client_ca.read_bytes() if self._client_ca else None,
                self._ca.read_bytes() if self._ca else None,
            )
        except OSError as error:
            return [f"{error.filename} cannot be read: {error.strerror}"]


def _signature(path: Path | None) -> object:
    """What tells one file from another; stat follows the symlinks."""
    try:
        found = path.stat() if path else None
    except OSError:
        return "absent"
    return found and (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)

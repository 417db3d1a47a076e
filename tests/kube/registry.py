"""The registry that the node pulls from: `python registry.py DIRECTORY PORT` answers from an oci.Store.

Rule: reading only, and whatever host an image's name begins with, it is looked for here and nowhere else.
Strategy: the read half of the OCI distribution specification; containerd names the host of a mirrored image in `ns`.
      It imports nothing of the project, since it runs as a program of its own on the node.
"""

import json
import re
import shutil
import sys
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")
# https://github.com/opencontainers/distribution-spec/blob/main/spec.md#endpoints
_ENDPOINT = re.compile(r"/v2/(?P<repository>[a-z0-9._/-]+)/(?P<kind>manifests|blobs)/(?P<reference>[\w.:-]+)")


class Registry(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    directory: Path

    def do_GET(self) -> None:
        self._answer(body=True)

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def _answer(self, *, body: bool) -> None:
        address = urlsplit(self.path)
        endpoint = _ENDPOINT.fullmatch(address.path)
        host = parse_qs(address.query).get("ns", ["docker.io"])[0]
        hashed = self._find(host, **endpoint.groupdict()) if endpoint else None
        if hashed is None or ".." in self.path:
            self._send(HTTPStatus.OK if address.path == "/v2/" else HTTPStatus.NOT_FOUND, {"Content-Length": "0"})
            return
        blob = self.directory / "blobs" / hashed
        headers = {"Content-Length": str(blob.stat().st_size), "Docker-Content-Digest": f"sha256:{hashed}"}
        if endpoint and endpoint["kind"] == "manifests":
            headers["Content-Type"] = json.loads(blob.read_bytes())["mediaType"]
        self._send(HTTPStatus.OK, headers)
        if body:
            with blob.open("rb") as file:
                shutil.copyfileobj(file, self.wfile)

    def _find(self, host: str, repository: str, kind: str, reference: str) -> str | None:
        """The hash of what is asked for, if it is here."""
        name = self.directory / "names" / host / repository / reference
        if kind == "manifests" and name.is_file():
            reference = name.read_text()
        digest = _DIGEST.fullmatch(reference)
        return digest[1] if digest and (self.directory / "blobs" / digest[1]).exists() else None

    def _send(self, status: HTTPStatus, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()


def main() -> None:
    directory, port = sys.argv[1:]
    Registry.directory = Path(directory)
    ThreadingHTTPServer(("127.0.0.1", int(port)), Registry).serve_forever()


if __name__ == "__main__":
    main()

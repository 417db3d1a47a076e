"""podmeta certs issue: a certificate for the mode `secret`, from a CA that is given or from a new one.

Rule: a private key goes where it was sent and nowhere else, readable to its owner only, and never over another file.
Strategy: a folder with the file names that a Secret of type kubernetes.io/tls has, or that Secret as a manifest.
"""

import base64
import ipaddress
import os
import re
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from certs import CertificateAuthority, ServingCertificate, Unreadable
from webhook.cli.common import USAGE, fail
from webhook.server.parsing import duration

# RFC 1123, with a wildcard for the first label
_DNS = re.compile(r"(\*\.)?([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\.)*[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_SECRET = re.compile(r"(?:([a-z0-9][-a-z0-9]*)/)?([a-z0-9][-.a-z0-9]*)")

Names = Annotated[
    list[str], typer.Option("--name", metavar="NAME", help="DNS name or IP address that clients dial; several times.")
]
Out = Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Write tls.crt, tls.key and ca.crt there.")]
Secret = Annotated[
    str, typer.Option("--secret", metavar="[NAMESPACE/]NAME", help="Print a manifest of this Secret instead.")
]
Authority = Annotated[
    tuple[Path, Path] | None,
    typer.Option("--ca", metavar="CERTIFICATE KEY", help="Issue from this CA. Else from a new one; ca.key in --out."),
]
Life = Annotated[str, typer.Option("--lifetime", metavar="DURATION", help="The certificate's, never beyond its CA's.")]
AuthorityLife = Annotated[str, typer.Option("--ca-lifetime", metavar="DURATION", help="A new CA's.")]


def issue(
    name: Names,
    *,
    out: Out = None,
    secret: Secret = "",
    ca: Authority = None,
    lifetime: Life = "2160h",
    ca_lifetime: AuthorityLife = "8760h",
) -> None:
    """Issue a serving certificate: into a folder, or as a Secret on standard output."""
    place = _SECRET.fullmatch(secret)
    wrong = [*_wrong_names(name), *_wrong_durations(lifetime=lifetime, ca_lifetime=ca_lifetime)]
    if (out is None) == (not secret):
        wrong.append("there is one place for what is issued; accepted: --out DIR, or --secret [NAMESPACE/]NAME")
    if secret and not place:
        wrong.append(f"--secret {secret}: no name of a Secret; accepted: NAME or NAMESPACE/NAME")
    if wrong:
        fail(USAGE, *wrong)
    now = datetime.now(UTC)
    authority = _read(*ca) if ca else CertificateAuthority.issue(now, lifetime=duration(ca_lifetime))
    served = authority.serving(name, now, lifetime=duration(lifetime))
    if out:
        _write(out, authority, served, new=ca is None)
    elif place:
        sys.stdout.write(_manifest(place[1] or "", place[2], authority, served))
        if not ca:
            sys.stderr.write("the new CA's key is not kept: the next certificate comes from another CA\n")


def _wrong_names(names: list[str]) -> list[str]:
    return [
        f"--name {name}: accepted: a DNS name in small letters, such as podmeta.podmeta.svc, or an IP address"
        for name in names
        if not _address(name) and not _DNS.fullmatch(name)
    ]


def _address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _wrong_durations(**given: str) -> list[str]:
    found = []
    for name, text in given.items():
        flag = f"--{name.replace('_', '-')} {text}"
        try:
            nothing = duration(text) == timedelta()
        except ValueError as error:
            found.append(f"{flag}: {error}")
        else:
            found += [f"{flag}: no time at all; accepted: such as 2160h"] if nothing else []
    return found


def _read(certificate: Path, key: Path) -> CertificateAuthority:
    try:
        found = CertificateAuthority.read(certificate.read_bytes(), key.read_bytes())
    except OSError as error:
        fail(USAGE, f"--ca {error.filename}: {error.strerror}")
    if isinstance(found, Unreadable):
        fail(USAGE, f"--ca {certificate} {key}: {found.problem}")
    return found


def _write(folder: Path, authority: CertificateAuthority, served: ServingCertificate, *, new: bool) -> None:
    files = {"tls.crt": served.pem, "tls.key": served.key_pem, "ca.crt": authority.pem}
    files |= {"ca.key": authority.key_pem} if new else {}
    there = [str(folder / name) for name in files if (folder / name).exists()]
    if there:
        fail(USAGE, f"{', '.join(there)}: there already, and not written over; accepted: --out with another folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            mode = 0o600 if name.endswith(".key") else 0o644
            with os.fdopen(os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
                file.write(content)
    except OSError as error:
        fail(USAGE, f"--out {error.filename}: {error.strerror}")
    sys.stderr.writelines(f"written: {folder / name}\n" for name in files)


def _manifest(namespace: str, name: str, authority: CertificateAuthority, served: ServingCertificate) -> str:
    lines = ["apiVersion: v1", "kind: Secret", "metadata:", f"  name: {name}"]
    lines += [f"  namespace: {namespace}"] if namespace else []
    lines += ["type: kubernetes.io/tls", "data:"]
    data = {"tls.crt": served.pem, "tls.key": served.key_pem, "ca.crt": authority.pem}
    lines += [f"  {key}: {base64.b64encode(content).decode()}" for key, content in data.items()]
    return "\n".join(lines) + "\n"

"""A certificate and its key as they are offered: would the API server believe them?

Rule: what is wrong with them is said by `certs`, whose judge is Go's crypto/x509. OpenSSL, which serves them, only says
      yes: where its client takes them under every name, nothing is wrong with them.
Strategy: fast yes, slow no. The yes is a handshake in memory, which leaves the clock out: it tells between which times
      it holds. Only outside of these, or without a yes, `certs` is imported, and with it cryptography, which has an
      OpenSSL of its own: a service with a good certificate needs 9 MiB less.
"""

import ssl
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from certs import Bundle, ServingCertificate

_NO_CHECK_TIME = 0x200000  # X509_V_FLAG_NO_CHECK_TIME; ssl has no name for it
# id-ce-extKeyUsage and id-kp-serverAuth, RFC 5280: OpenSSL takes the Server Gated Crypto of old for the latter as well.
_USAGES, _SERVER_AUTH = bytes.fromhex("0603551d25"), bytes.fromhex("06082b06010505070301")


class Material(NamedTuple):
    """PEM: the pair, the CAs of clients, the CAs that the API server was given; None where none was configured."""

    certificate: bytes
    key: bytes
    client_ca: bytes | None = None
    ca: bytes | None = None


class Proof(NamedTuple):
    """A yes, in Unix time: it holds from `start` to `end`; `expires`: the end of the certificate itself."""

    start: float
    end: float
    expires: float


class Offered:
    """What OpenSSL can serve: `server` is a context that holds it and asks no client; `names`: what clients dial."""

    def __init__(self, material: Material, server: ssl.SSLContext, names: Sequence[str]) -> None:
        self.ca = material.ca
        self._material, self._names = material, names
        self._proof = prove(server, material, names)

    def refused(self, now: datetime) -> list[str]:
        """Why it is not to be served at all."""
        return [] if self._proved(now) else refused(self._material)

    def problems(self, now: datetime) -> list[str]:
        """What is wrong with the certificate in itself."""
        return [] if self._proved(now) else _judged(self._material, now)

    def unready(self, now: datetime) -> list[str]:
        """Why a client that dials the names and trusts the CA would not take it."""
        return [] if self._proved(now) else _judged(self._material, now, self._names)

    @cached_property
    def expires(self) -> float:
        """Unix time at which the certificate ends."""
        if self._proof:
            return self._proof.expires
        found = _read(self._material)
        return 0.0 if isinstance(found, str) else found[0].certificate.not_valid_after_utc.timestamp()

    def _proved(self, now: datetime) -> bool:
        return self._proof is not None and self._proof.start <= now.timestamp() <= self._proof.end


def refused(material: Material) -> list[str]:
    """Why certificate, key or CA cannot be read."""
    found = _read(material)
    return [found] if isinstance(found, str) else []


def _judged(material: Material, now: datetime, names: Sequence[str] | None = None) -> list[str]:
    """What is wrong with it, for clients that dial these names, if they are given, and trust the CA."""
    from certs import problems  # noqa: PLC0415 - see Strategy

    found = _read(material)
    if isinstance(found, str):
        return [found]
    served, authorities = found
    return problems(served, now) if names is None else problems(served, now, authorities=authorities, expected=names)


def _read(material: Material) -> "tuple[ServingCertificate, Bundle | None] | str":
    """As `certs` reads it, or why it does not."""
    from certs import Bundle, ServingCertificate, Unreadable  # noqa: PLC0415 - see Strategy

    served = ServingCertificate.read(material.certificate, material.key)
    if isinstance(served, Unreadable):
        return served.problem
    bundle = None if material.ca is None else Bundle.parse(material.ca)
    return f"the CA: {bundle.problem}" if isinstance(bundle, Unreadable) else (served, bundle)


def prove(server: ssl.SSLContext, material: Material, names: Sequence[str]) -> Proof | None:
    """A client's yes under every name; None: it was not won over."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname, client.hostname_checks_common_name = bool(names), False
    client.verify_flags |= _NO_CHECK_TIME
    try:
        if material.ca is None:
            client.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
            client.load_verify_locations(cadata=material.certificate.decode())
        else:
            client.load_verify_locations(cadata=material.ca.decode())
        (certificate, der), *_ = [_handshake(server, client, name) for name in names or ("",)]
    except (ssl.SSLError, ValueError):
        return None
    authorities = [] if material.ca is None else client.get_ca_certs()
    # Which of the CAs it was is not told, so all of them have to be good.
    known = len(authorities) == (material.ca or b"").count(b"-----BEGIN ")
    named = any(kind in ("DNS", "IP Address") for kind, _ in certificate.get("subjectAltName", ()))
    if not known or not named or (_USAGES in der and _SERVER_AUTH not in der):
        return None
    spans = [(_time(one, "notBefore"), _time(one, "notAfter")) for one in (certificate, *authorities)]
    return Proof(max([start for start, _ in spans]), min([end for _, end in spans]), _time(certificate, "notAfter"))


def _handshake(
    server_context: ssl.SSLContext, client_context: ssl.SSLContext, name: str
) -> tuple[dict[str, Any], bytes]:
    """The certificate as the client has seen it, read and in DER. ssl.SSLError, ValueError: it was not content."""
    one, other = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context.wrap_bio(one, other, server_hostname=name or None)
    server = server_context.wrap_bio(other, one, server_side=True)
    for side in (client, server, client, server):
        with suppress(ssl.SSLWantReadError):
            side.do_handshake()
    return client.getpeercert() or {}, client.getpeercert(binary_form=True) or b""


def _time(certificate: dict[str, Any], field: str) -> float:
    return ssl.cert_time_to_seconds(certificate[field])

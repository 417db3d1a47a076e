"""The settings: what an installer can choose, from flags and from the environment.

Rule: a setting is one row here, with its default and its meaning; flags, variables, errors and docs/settings.md come
      from it. All that is wrong is reported together, each with its flag, its value and what would be accepted.
Strategy: a pydantic-settings model; a flag wins over the variable. What belongs to the core is checked by the core's
      own tables, and leaves here as its Defaults.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, PlainValidator, ValidationError, ValidationInfo, field_validator
from pydantic_core import PydanticUndefined
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from webhook.inject import annotations
from webhook.inject.situation import Defaults
from webhook.server.parsing import duration, pairs, parse_version, quantities, words

PREFIX = "PODMETA_"
CORE = Defaults(annotations.defaults({})[0])
API_SERVER_IDLE = 90  # seconds; IdleConnTimeout of k8s.io/apimachinery's SetTransportDefaults
# Kubernetes gives every container variables for the Services of its namespace ({NAME}_PORT=tcp://10.0.0.1:443): a
# Service called podmeta would set PODMETA_PORT unless the pod says enableServiceLinks: false.
SERVICE_LINK = re.compile(r".*_(SERVICE_HOST|SERVICE_PORT(_.*)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)")


def installed(given: object) -> Mapping[str, str]:
    """The installer's defaults, checked by the table of annotations."""
    parsed = pairs(given, annotations.INSTALLABLE)
    _, problems = annotations.defaults(parsed)
    if problems:
        raise ValueError("\n".join(map(str, problems)))
    return parsed


def no_service_link(given: object, info: ValidationInfo) -> object:
    """Take a variable that Kubernetes made for a Service for what it is: not set."""
    is_link = isinstance(given, str) and given.partition("://")[0] in ("tcp", "udp", "sctp")
    return Settings.model_fields[str(info.field_name)].default if is_link else given


Port = Annotated[int, BeforeValidator(no_service_link), Field(ge=0, le=65535)]
Words = Annotated[tuple[str, ...], NoDecode, PlainValidator(words)]
Duration = Annotated[timedelta, BeforeValidator(duration)]
Quantities = Annotated[Mapping[str, str], NoDecode, PlainValidator(quantities)]


class Settings(BaseSettings):
    """The mutating admission webhook of podmeta. Every flag can be given as an environment variable as well."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=False,
        cli_prog_name="podmeta serve",
        cli_kebab_case=True,
        cli_implicit_flags="toggle",
        cli_avoid_json=True,
        cli_hide_none_type=True,
    )

    host: str = Field("", description="Address of the webhook; empty means every one, IPv4 and IPv6.")
    port: Port = Field(8443, description="Port of the webhook, HTTPS; 0 means any that is free.")
    health_host: str = Field("", description="Address of the second port; empty means every one.")
    health_port: Port = Field(8080, description="Port of /healthz, /readyz and /metrics, plain HTTP.")
    certificates: Literal["files", "self-managed"] = Field(
        "files",
        description="files: those that are named below; self-managed: the service makes its own, shares the CA in a "
        "Secret and writes the caBundle.",
    )
    service_names: Words = Field(
        (), description="What the API server dials, such as podmeta.podmeta-system.svc; the certificate must cover it."
    )
    namespace: str = Field("", description="Self-managed: where the Secret is; the pod's own namespace.")
    ca_secret: str = Field("", description="Self-managed: name of the Secret that holds the CA.")
    certificate_lifetime: Duration = Field(
        timedelta(days=90),  # as certs.Lifetimes, which would bring cryptography
        ge=timedelta(minutes=2),
        description="Self-managed: how long a serving certificate is good for; it is renewed at two thirds of that.",
    )
    ca_lifetime: Duration = Field(
        timedelta(days=365),
        ge=timedelta(minutes=10),  # its last third must hold the minute for which a new CA is only announced
        description="Self-managed: the same of the CA, which is followed by a new one at two thirds.",
    )
    owner: str = Field("", description="Self-managed: Deployment that owns the Secret, so that both go together.")
    webhook_configuration: str = Field(
        "", description="Name of the MutatingWebhookConfiguration whose caBundle the service writes; empty for none."
    )
    tls_cert_file: Path | None = Field(
        None, description="Serving certificate, PEM, followed by its intermediates; read again when it changes."
    )
    tls_key_file: Path | None = Field(None, description="Its private key, PEM without a password.")
    tls_ca_file: Path | None = Field(
        None, description="The caBundle that the API server was given: /readyz is true only while it vouches for us."
    )
    tls_client_ca_file: Path | None = Field(
        None, description="CAs of the API server's client certificate; without it, clients are not asked for one."
    )
    dev: bool = Field(
        False,
        validate_default=True,
        description="Issue a throw-away CA in memory and print its caBundle; for development only.",
    )
    dev_names: Words = Field((), description="With --dev: further names of the certificate, comma separated.")
    on_invalid: Literal["deny", "warn"] = Field(
        "deny", description="A pod with a malformed annotation: denied, or admitted unchanged with warnings."
    )
    defaults: Annotated[Mapping[str, str], NoDecode, PlainValidator(installed)] = Field(
        {}, description=f"Defaults of the annotations, KEY=VALUE or JSON; keys: {', '.join(annotations.INSTALLABLE)}."
    )
    kubernetes_version: str = Field(f"1.{CORE.kubernetes}", description="Version of the cluster's oldest node.")
    ambassador_image: str = Field(CORE.ambassador_image, pattern=r"^\S+$", description="Image with kubectl.")
    ambassador_user: int = Field(CORE.ambassador_user, ge=1, description="Its runAsUser; never root.")
    ambassador_requests: Quantities = Field(dict(CORE.ambassador_requests), description="Its resource requests.")
    ambassador_limits: Quantities = Field(dict(CORE.ambassador_limits), description="Its resource limits.")
    foresight: bool = Field(
        False,
        description="Ask the API server whether the ServiceAccount of a pod with an ambassador may list pods, and warn "
        "if not. Needs the right to create subjectaccessreviews.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="From `warning` on there is no line per review."
    )
    log_format: Literal["json", "console"] = Field("json", description="One JSON object a line, or text for people.")
    remember_bytes: int = Field(16 << 20, ge=0, description="Memory for answers by the shape of a pod; 0 for none.")
    body_timeout: float = Field(10, gt=0, description="Seconds within which the whole body must arrive.")
    keep_alive: int = Field(
        120,
        gt=API_SERVER_IDLE,
        description="Seconds that an idle connection is kept. The API server keeps its side for 90 s; whoever closes "
        "earlier makes it send a review into a closed connection.",
    )
    drain_seconds: float = Field(
        5, ge=0, description="Seconds after SIGTERM in which new connections are still served: until nobody sends any."
    )
    shutdown_grace: int = Field(25, ge=0, description="Seconds for reviews that are in flight after that.")

    @field_validator("dev")
    @classmethod
    def _one_source(cls, dev: bool, info: ValidationInfo) -> bool:
        """A validator of a field, not of the model, so that it reports beside whatever else is wrong."""
        certificate, key = info.data.get("tls_cert_file"), info.data.get("tls_key_file")
        if dev and (certificate or key):
            raise ValueError("a throw-away CA and a serving certificate exclude each other; accepted: one of them")
        known = {"tls_cert_file", "tls_key_file", "certificates"} <= info.data.keys()
        if info.data.get("certificates") == "self-managed":
            return _self_managed(dev, info.data)
        if known and not dev and not (certificate and key):
            missing = " and ".join(flag(n) for n in ("tls_cert_file", "tls_key_file") if not info.data[n])
            raise ValueError(f"there is no serving certificate; accepted: {missing}, or --dev")
        return dev

    @field_validator("kubernetes_version")
    @classmethod
    def _version(cls, text: str) -> str:
        parse_version(text)
        return text

    def core(self) -> Defaults:
        """What the pure core needs to know of them."""
        options, _ = annotations.defaults(self.defaults)
        return Defaults(
            options,
            kubernetes=parse_version(self.kubernetes_version),
            deny_invalid=self.on_invalid == "deny",
            ambassador_image=self.ambassador_image,
            ambassador_user=self.ambassador_user,
            ambassador_requests=tuple(self.ambassador_requests.items()),
            ambassador_limits=tuple(self.ambassador_limits.items()),
        )


def _self_managed(dev: bool, given: Mapping[str, object]) -> bool:
    needed = ("service_names", "namespace", "ca_secret", "webhook_configuration")
    missing = [flag(name) for name in needed if name in given and not given[name]]
    excluded = [flag(n) for n in ("tls_cert_file", "tls_key_file", "tls_ca_file") if given.get(n)] + ["--dev"] * dev
    if missing:
        raise ValueError(f"self-managed certificates need to know their places; accepted: with {', '.join(missing)}")
    if excluded:
        raise ValueError(f"self-managed certificates exclude {', '.join(excluded)}; accepted: one of them")
    return dev


def read_settings(arguments: Sequence[str]) -> Settings | list[str]:
    """The settings of flags and environment, or all that is wrong with them. Ends the program for `--help`."""
    try:
        return Settings(_cli_parse_args=list(arguments))  # type: ignore[call-arg] # mypy makes up an __init__ of fields only
    except ValidationError as error:
        return [line for found in error.errors() for line in _lines(found["loc"], found["input"], found["msg"])]


def unknown(environment: Iterable[str]) -> list[str]:
    """Variables with our prefix that are no setting: a sentence each. None, for those of Services."""
    known = [variable(name) for name in Settings.model_fields]
    found = [name for name in environment if name.startswith(PREFIX) and name not in known]
    nearest = {
        name: get_close_matches(name, known, n=1, cutoff=0.85) for name in found if not SERVICE_LINK.fullmatch(name)
    }
    return [f"{n} is no setting" + (f"; did you mean {near[0]}?" if near else "") for n, near in nearest.items()]


def flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def variable(name: str) -> str:
    return PREFIX + name.upper()


def _lines(where: tuple[int | str, ...], given: object, message: str) -> Iterable[str]:
    """A sentence for each line of pydantic's message, under the flag's and the variable's name."""
    name = str(where[0])
    shown = "" if given in (None, PydanticUndefined) or isinstance(given, (bool, Mapping)) else f" {given!r}:"
    source = f"{flag(name)} ({variable(name)}):{shown}"
    return [f"{source} {line}" for line in message.removeprefix("Value error, ").splitlines()]

"""podmeta check: what is wrong with podmeta in a cluster, as a table a person reads or as data."""

import sys
from typing import Annotated, Any, Literal

import msgspec
import typer
from cryptography import x509
from rich.console import Console
from rich.table import Table
from rich.text import Text

from certs import inspect
from webhook.cli import common
from webhook.cluster.check.facts import Facts
from webhook.cluster.check.findings import Finding, Severity, clean
from webhook.cluster.check.judge import judge
from webhook.cluster.check.look import look
from webhook.cluster.check.looks.access import OutOfReach, accessing
from webhook.cluster.client import UnconfiguredError, configured

WIDE = 2000  # columns where the output is no terminal: nothing is wrapped, as with kubectl
STYLES = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.NOTE: "dim"}

Configuration = Annotated[
    str, typer.Option("--configuration", help="The MutatingWebhookConfiguration; else found by its webhooks.")
]
Namespace = Annotated[str, typer.Option("--namespace", "-n", help="Whose pods are tried; else the context's.")]
Account = Annotated[
    str, typer.Option("--serviceaccount", help="Of that namespace: what its pods may do through an ambassador.")
]
Output = Annotated[Literal["table", "json"], typer.Option("--output", "-o", help="json: the facts as well.")]


def check(
    *,
    kubeconfig: common.Kubeconfig = None,
    context: common.Context = "",
    configuration: Configuration = "",
    namespace: Namespace = "",
    serviceaccount: Account = "",
    output: Output = "table",
) -> None:
    """Look at podmeta in a cluster: nothing is changed. Exit 0: nothing to do, 1: errors or warnings, 2: no cluster."""
    try:
        with accessing(configured(kubeconfig, context)) as access:
            facts = look(access, configuration, namespace or access.namespace, serviceaccount)
    except (UnconfiguredError, OutOfReach) as error:
        common.fail(common.USAGE, str(error))
    findings = judge(facts)
    if output == "table":
        _print_table(findings)
    else:
        sys.stdout.write(_data(findings, facts))
    if not clean(findings):
        raise typer.Exit(common.FINDINGS)


def _print_table(findings: tuple[Finding, ...]) -> None:
    console = Console(highlight=False, soft_wrap=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=WIDE)
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    for heading in ("SEVERITY", "FINDING", "WHERE", "WHAT", "MEANS", "TO DO"):
        table.add_column(heading, overflow="fold")
    for one in findings:
        severity = Text(one.severity, style=STYLES[one.severity])
        table.add_row(severity, one.code, Text(one.where), Text(one.what), Text(one.code.means), Text(one.code.mend))
    with console.capture() as capture:
        console.print(table)
    if findings:
        sys.stdout.write("\n".join(line.rstrip() for line in capture.get().splitlines()) + "\n")
    if clean(findings):
        sys.stdout.write("nothing to do\n")


def _data(findings: tuple[Finding, ...], facts: Facts) -> str:
    found = [
        {
            "severity": one.severity,
            "code": one.code.value,
            "where": one.where,
            "what": one.what,
            "means": one.code.means,
            "todo": one.code.mend,
            "documentation": one.code.anchor,
        }
        for one in findings
    ]
    value = {"clean": clean(findings), "findings": found, "facts": facts}
    return msgspec.json.format(msgspec.json.encode(value, enc_hook=_certificate), indent=2).decode() + "\n"


def _certificate(value: Any) -> Any:
    """A certificate as facts; everything else that msgspec does not know is a mistake of ours."""
    if isinstance(value, x509.Certificate):
        return inspect(value)
    raise NotImplementedError(type(value))

"""podmeta certs inspect: reads certificates from where they are, and prints what they say and what is wrong."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from certs import Facts
from webhook.cli.certs.places import read, served, stored
from webhook.cli.certs.seen import Judged, Seen, judge
from webhook.cli.common import FINDINGS, USAGE, Context, Kubeconfig, fail

WIDE = 2000  # columns where the output is no terminal

Files = Annotated[list[str] | None, typer.Argument(metavar="[FILE|-]...", help="PEM: certificates, or a caBundle.")]
Key = Annotated[Path | None, typer.Option("--key", metavar="FILE", help="The key that must belong to the first file.")]
Ca = Annotated[Path | None, typer.Option("--ca", metavar="FILE", help="The CAs that must have issued it.")]
Names = Annotated[
    list[str] | None, typer.Option("--name", metavar="NAME", help="A name that it must cover; several times.")
]
Connect = Annotated[
    list[str] | None, typer.Option("--connect", metavar="HOST:PORT", help="What is served there; several times.")
]
Secrets = Annotated[
    list[str] | None,
    typer.Option("--secret", metavar="NAMESPACE/NAME", help="A Secret of the current cluster; several times."),
]
Output = Annotated[Literal["table", "json"], typer.Option("--output", "-o", help="How to print it.")]


def inspect(
    files: Files = None,
    *,
    key: Key = None,
    ca: Ca = None,
    name: Names = None,
    connect: Connect = None,
    secret: Secrets = None,
    kubeconfig: Kubeconfig = None,
    context: Context = "",
    output: Output = "table",
) -> None:
    """Show certificates and what kube-apiserver would refuse of them. Exit 1 if there is anything."""
    if not (files or connect or secret):
        fail(USAGE, "nothing to inspect; accepted: FILE, - for standard input, --connect HOST:PORT, --secret NS/NAME")
    keys, authorities = read(key), read(ca)
    seen = [
        *(
            Seen(file, read(Path(file)) or b"", None if index else keys, authorities)
            for index, file in enumerate(files or ())
        ),
        *(served(place, (name or [""])[0], authorities) for place in connect or ()),
        *(stored(secret, kubeconfig, context) if secret else ()),
    ]
    now = datetime.now(UTC)
    judged = [judge(one, name or (), now) for one in seen]
    if output == "json":
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(judged), indent=2).decode() + "\n")
    else:
        _print(judged, now)
    if any(one.problems for one in judged):
        raise typer.Exit(FINDINGS)


def _print(judged: list[Judged], now: datetime) -> None:
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=WIDE)
    for one in judged:
        console.print(Text(one.where, style="bold"))
        if one.certificates:
            console.print(_table(one.certificates, now))
        for problem in one.problems or ("nothing is wrong with it",):
            console.print(Text(f"  {problem}", style="red" if one.problems else "green"))


def _table(certificates: tuple[Facts, ...], now: datetime) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2))
    for heading in ("", "NAMES", "ISSUER", "FROM", "UNTIL", "LEFT", "SERIAL"):
        table.add_column(heading, overflow="fold")
    for index, facts in enumerate(certificates):
        kind = "CA" if facts.authority else "intermediate" if index else "certificate"
        names = ", ".join(facts.names) or facts.subject
        left = f"{max(0, (facts.not_after - now).total_seconds() / 86400):.1f} d"
        times = (f"{moment:%Y-%m-%d %H:%M}" for moment in (facts.not_before, facts.not_after))
        table.add_row(kind, names, facts.issuer, *times, left, facts.serial)
    return table

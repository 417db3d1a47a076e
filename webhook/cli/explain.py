"""podmeta explain: why a pod gets what it gets, as a table a person reads or as data."""

import sys
from typing import Annotated, Any, Literal

import msgspec
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from webhook.cli import common
from webhook.cli.pods import Site, pods
from webhook.cli.sources import documents
from webhook.inject.explain import Explanation
from webhook.inject.explain import explain as explained
from webhook.inject.question import Door

WIDE = 2000  # columns where the output is no terminal: nothing is wrapped, as with kubectl
STYLES = {"injected": "green", "kept": "yellow", "left out": "yellow", "refused": "red"}

Output = Annotated[Literal["table", "json", "yaml"], typer.Option("--output", "-o", help="How to print it.")]
ExitCode = Annotated[bool, typer.Option("--exit-code", help="Exit 1 if anything is refused, kept or left out.")]


def explain(
    files: common.Files,
    *,
    every: common.All = False,
    exit_code: ExitCode = False,
    output: Output = "table",
    recursive: common.Recursive = False,
    namespace: common.Namespace = "",
    installed: common.Installed = [],  # noqa: B006 - Typer's way to say: none
    kubernetes_version: common.Version = common.KUBERNETES,
    ambassador_image: common.Image = common.IMAGE,
) -> None:
    """Show for every pod what is injected, kept and left out, and why."""
    defaults = common.build_defaults(installed, kubernetes_version, ambassador_image)
    door = Door.NAMESPACE if every else Door.POD
    with common.reporting():
        sources = documents(files, recursive=recursive)
        sites = [site for source in sources for document in source for site in pods(document, namespace)]
        found = [(site, explained(site.question(door), defaults)) for site in sites]
    if output == "table":
        _print_tables(found)
    else:
        sys.stdout.write(_data(found, output))
    if exit_code and not all(explanation.clean for _, explanation in found):
        raise typer.Exit(common.FINDINGS)


def _print_tables(found: list[tuple[Site, Explanation]]) -> None:
    console = Console(highlight=False, soft_wrap=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=WIDE)
    for index, (site, explanation) in enumerate(found):
        if index:
            console.print()
        with console.capture() as capture:
            _print_table(console, site, explanation)
        sys.stdout.write("\n".join(line.rstrip() for line in capture.get().splitlines()) + "\n")
    if not found:
        sys.stdout.write("no pods found\n")


def _print_table(console: Console, site: Site, explanation: Explanation) -> None:
    console.print(Text.assemble(f"{site}: ", (explanation.reason.value, "bold"), f": {explanation.sentence}"))
    if not explanation.rows:
        return
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    for heading in ("CONTAINER", "ITEM", "VERDICT", "REASON", "FROM"):
        table.add_column(heading, overflow="fold")
    for row in explanation.rows:
        verdict = Text(row.verdict, style=STYLES[row.verdict])
        table.add_row(row.container or "(pod)", Text(row.item), verdict, row.reason or "", Text(row.source))
    console.print(table)
    reasons = dict.fromkeys(row.reason for row in explanation.rows if row.reason)
    for reason in reasons:
        console.print(Text(f"{reason}: {reason.sentence}", style="dim"))


def _data(found: list[tuple[Site, Explanation]], output: str) -> str:
    values: list[dict[str, Any]] = [
        {
            "source": site.document.source,
            "document": site.document.index,
            "kind": site.kind,
            "namespace": site.namespace,
            "name": site.name,
            **msgspec.to_builtins(explanation),
        }
        for site, explanation in found
    ]
    if output == "json":
        return msgspec.json.format(msgspec.json.encode(values), indent=2).decode() + "\n"
    from io import StringIO  # noqa: PLC0415 - only -o yaml needs them, and start-up counts

    from ruamel.yaml import YAML  # noqa: PLC0415

    stream = StringIO()
    YAML().dump(values, stream)
    return stream.getvalue()

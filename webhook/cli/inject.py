"""podmeta inject: the webhook's engine on manifests, before they reach a cluster.

Rule: what is not injected keeps every byte, and where one pod is refused nothing is printed at all, so that
      `podmeta inject -f . | kubectl apply -f -` applies everything or nothing.
"""

import sys
from collections.abc import Callable, Iterable
from typing import Annotated, Literal

import msgspec
import typer

from webhook.api.jsonpatch import Operation, decode, document, escape
from webhook.cli import common
from webhook.cli.documents import Document
from webhook.cli.edits import apply, diff, edit
from webhook.cli.pods import Site, pods
from webhook.cli.sources import documents
from webhook.inject.annotations import KUBECONFIG
from webhook.inject.mutate import Rejected, Skipped, consider, warnings
from webhook.inject.patch import operations
from webhook.inject.question import Door
from webhook.inject.situation import Defaults

Work = Callable[[Site], tuple[Operation, ...]]
Output = Annotated[
    Literal["yaml", "json"], typer.Option("--output", "-o", help="yaml: as the input stands; json: one List.")
]
Diff = Annotated[bool, typer.Option("--diff", help="Only what would change, as a unified diff.")]


def inject(
    files: common.Files,
    *,
    every: common.All = False,
    show_diff: Diff = False,
    output: Output = "yaml",
    recursive: common.Recursive = False,
    namespace: common.Namespace = "",
    installed: common.Installed = [],  # noqa: B006 - Typer's way to say: none
    kubernetes_version: common.Version = common.KUBERNETES,
    ambassador_image: common.Image = common.IMAGE,
) -> None:
    """Inject the pods that ask for it (podmeta/inject: "true") and print the manifests."""
    defaults = common.build_defaults(installed, kubernetes_version, ambassador_image)
    door = Door.NAMESPACE if every else Door.POD
    refused: list[str] = []

    def work(site: Site) -> tuple[Operation, ...]:
        return _operations(site, door, defaults, refused)

    rewrite(files, work, refused, show_diff=show_diff, output=output, recursive=recursive, namespace=namespace)


def _operations(site: Site, door: Door, defaults: Defaults, refused: list[str]) -> tuple[Operation, ...]:
    considered = consider(site.question(door), defaults)
    if isinstance(considered, Skipped):
        return ()
    if isinstance(considered, Rejected):
        keys = [(f"/metadata/annotations/{escape(problem.key)}", str(problem)) for problem in considered.problems]
        refused += [str(site.error(pointer, message)) for pointer, message in keys]
        return ()
    for warning in warnings(considered.notes):
        print(f"warning: {site}: {warning}", file=sys.stderr)  # noqa: T201
    if site.assumed and KUBECONFIG in considered.annotations:
        said = "the kubeconfig says namespace default, which nobody named; accepted: --namespace"
        print(f"warning: {site}: {said}", file=sys.stderr)  # noqa: T201
    return decode(document(operations(considered)))


def rewrite(
    files: list[str],
    work: Work,
    refused: list[str],
    *,
    show_diff: bool,
    output: str,
    recursive: bool,
    namespace: str,
) -> None:
    """Print every document with `work` done on its pods; `refused` is filled by `work`, and ends everything."""
    with common.reporting():
        sources = documents(files, recursive=recursive)
        done = [
            [_edited(document, pods(document, namespace), work, output) for document in source] for source in sources
        ]
        if refused:
            common.fail(common.FINDINGS, *refused)
        if show_diff:
            for source, edited in zip(sources, done, strict=True):
                before, after = "".join(d.text for d in source), "".join(map(str, edited))
                _print_diff(diff(before, after, source[0].source if source else ""))
        elif output == "json":
            values = [value for edited in done for value in edited if value is not None]
            whole = values[0] if len(values) == 1 else {"apiVersion": "v1", "kind": "List", "items": values}
            sys.stdout.write(msgspec.json.format(msgspec.json.encode(whole), indent=2).decode() + "\n")
        else:
            sys.stdout.write(_joined("".join(map(str, edited)) for edited in done))


def _edited(document: Document, sites: Iterable[Site], work: Work, output: str) -> object:
    """The document's new text, or its new value where JSON is asked for."""
    found = [Operation(o.op, site.pointer + o.path, o.value) for site in sites for o in work(site)]
    if output == "json":
        return apply(document.value, found)
    return edit(document, found) if found else document.text


def _joined(texts: Iterable[str]) -> str:
    """Several files as one stream: a file that does not start with a document marker gets one before it."""
    whole = ""
    for text in texts:
        if whole and text.strip():
            whole += "" if whole.endswith("\n") else "\n"
            whole += "" if text.startswith("---") else "---\n"
        whole += text
    return whole


def _print_diff(text: str) -> None:
    """In colour on a terminal; rich honours NO_COLOR and a pipe."""
    from rich.console import Console  # noqa: PLC0415 - only --diff needs it, and start-up counts
    from rich.text import Text  # noqa: PLC0415

    console = Console(soft_wrap=True, highlight=False)
    styles = {"+++": "bold", "---": "bold", "@": "cyan", "+": "green", "-": "red"}
    for line in text.splitlines():
        style = next((style for start, style in styles.items() if line.startswith(start)), "")
        console.print(Text(line, style=style))

"""podmeta uninject: take out of manifests exactly what podmeta/status names."""

from webhook.api.jsonpatch import Operation, escape
from webhook.cli import common
from webhook.cli.inject import Diff, Output, rewrite
from webhook.cli.pods import Site
from webhook.inject.annotations import Problem
from webhook.inject.uninject import uninject as undo


def uninject(
    files: common.Files,
    *,
    show_diff: Diff = False,
    output: Output = "yaml",
    recursive: common.Recursive = False,
    namespace: common.Namespace = "",
) -> None:
    """Take out what was injected, and print the manifests."""
    refused: list[str] = []

    def work(site: Site) -> tuple[Operation, ...]:
        found = undo(site.value)
        if isinstance(found, Problem):
            refused.append(str(site.error(f"/metadata/annotations/{escape(found.key)}", str(found))))
            return ()
        return found

    rewrite(files, work, refused, show_diff=show_diff, output=output, recursive=recursive, namespace=namespace)

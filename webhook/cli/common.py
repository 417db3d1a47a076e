"""What the offline verbs share: their options, their exit codes, and the frame in which they run.

Rule: exit 0 done, 1 findings, 2 usage; an error is one line on stderr that names file, document and line.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from webhook.cli.documents import DocumentError
from webhook.cli.sources import SourceError
from webhook.inject.annotations import INSTALLABLE, defaults
from webhook.inject.situation import Defaults

FINDINGS, USAGE = 1, 2

Files = Annotated[list[str], typer.Option("--filename", "-f", help="File, folder, URL, or - for standard input.")]
Recursive = Annotated[bool, typer.Option("--recursive", "-R", help="Look into the folders of a folder.")]
Namespace = Annotated[str, typer.Option("--namespace", "-n", help="Of objects that name none; else default.")]
All = Annotated[bool, typer.Option("--all", help="Every pod, as if its namespace asked for it.")]
Version = Annotated[str, typer.Option("--kubernetes-version", help="Of the cluster that will run the pods.")]
Installed = Annotated[
    list[str],
    typer.Option("--default", metavar="KEY=VALUE", help=f"As the installer sets it: {', '.join(INSTALLABLE)}."),
]
Kubeconfig = Annotated[Path | None, typer.Option("--kubeconfig", help="The cluster; else as kubectl finds it.")]
Context = Annotated[str, typer.Option("--context", help="The context of the kubeconfig.")]
Image = Annotated[str, typer.Option("--ambassador-image", help="Image of the ambassador.")]

IMAGE = Defaults(defaults({})[0]).ambassador_image
KUBERNETES = "1.36"


def build_defaults(installed: list[str], version: str, image: str) -> Defaults:
    """The Defaults that the options make; a usage error names every bad one."""
    pairs = dict(pair.split("=", 1) for pair in installed if "=" in pair)
    wrong = [f"--default {pair}: accepted: KEY=VALUE" for pair in installed if "=" not in pair]
    options, problems = defaults(pairs)
    wrong += [f"--default {problem}" for problem in problems]
    major, _, minor = version.removeprefix("v").partition(".")
    number = minor.partition(".")[0].rstrip("+")
    if major != "1" or not number.isdigit():
        wrong.append(f"--kubernetes-version {version}: accepted: a version such as {KUBERNETES}")
    if wrong:
        fail(USAGE, *wrong)
    return Defaults(options, kubernetes=int(number), ambassador_image=image)


def fail(code: int, *lines: str) -> NoReturn:
    """End the program: the lines on stderr, nothing more on stdout."""
    for line in lines:
        print(f"podmeta: {line}", file=sys.stderr)  # noqa: T201 - this is how the CLI speaks
    raise typer.Exit(code)


@contextmanager
def reporting() -> Iterator[None]:
    """Turns what can go wrong with the input into a line and exit code 2."""
    try:
        yield
    except (DocumentError, SourceError) as error:
        fail(USAGE, str(error))
    except BrokenPipeError:
        sys.stderr.close()
        raise typer.Exit(0) from None

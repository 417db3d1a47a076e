"""podmeta: the command and its verbs.

Rule: a verb costs what it imports, nothing that another verb imports: the service must be up soon after a restart, and
      `podmeta inject` runs in the loops of people's editors.
Strategy: a table of verbs; `--help` and completion read it, and only the verb that runs is imported:
      webhook/cli/VERB.py and its function VERB. A package instead of a module has a table VERBS of its own. `serve`
      takes its arguments as they are; webhook/__main__.py calls it without any of this.
"""

import sys
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from webhook import __version__

VERBS = {
    "serve": "The service: answer the API server's reviews.",
    "inject": 'Inject the pods of manifests that ask for it (podmeta/inject: "true") and print them.',
    "uninject": "Take out of manifests exactly what podmeta/status names.",
    "certs": "Certificates by hand: issue, inspect, rotate.",
    "rbac": "Print the least Role and RoleBinding for the pods of manifests.",
    "explain": "Show for every pod of manifests what is injected, kept and left out, and why.",
    "check": "Look at podmeta in a cluster: configuration, certificates, replicas, and whether pods are injected.",
}
AS_THEY_ARE = {"allow_extra_args": True, "ignore_unknown_options": True}


class Verbs(TyperGroup):
    """A group: placeholders until one of them runs."""

    package, verbs = "webhook.cli", VERBS

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = {name: TyperCommand(name, help=text) for name, text in self.verbs.items()}

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, _, rest = super().resolve_command(ctx, args)
        return name, _load(self.package, str(name)), rest


def _load(package: str, name: str) -> Any:
    module = import_module(f"{package}.{name}")
    alone = typer.Typer(add_completion=False)
    if hasattr(module, "__path__"):
        group = type("Verbs", (Verbs,), {"package": module.__name__, "verbs": module.VERBS})
        return group(name=name, help=module.__doc__, no_args_is_help=True)
    if name == "serve":
        alone.command(name, add_help_option=False, context_settings=AS_THEY_ARE)(_serve)
    else:
        alone.command(name)(getattr(module, name))
    return typer.main.get_command(alone)


def _serve(context: typer.Context) -> None:
    raise typer.Exit(import_module("webhook.cli.serve").serve(context.args))


app = typer.Typer(cls=Verbs, no_args_is_help=True, pretty_exceptions_enable=False)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(__version__)
        raise typer.Exit


Version = Annotated[
    bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
]


@app.callback()
def podmeta(*, version: Version = False) -> None:
    """Give a pod its own metadata as environment and files, and the Kubernetes API on localhost."""


def run() -> None:
    """The verb that the command line names."""
    app(prog_name="podmeta", args=sys.argv[1:])

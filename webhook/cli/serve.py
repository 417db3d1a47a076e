"""podmeta serve: its flags are the settings, so the model reads them, not Typer."""

import sys

import typer

from webhook.server.run import USAGE, run
from webhook.server.settings import read_settings

COMMAND = {
    "add_help_option": False,
    "context_settings": {"allow_extra_args": True, "ignore_unknown_options": True},
}


def serve(context: typer.Context) -> None:
    """The service: answer the API server's reviews."""
    settings = read_settings(context.args)
    if isinstance(settings, list):
        sys.stderr.writelines(f"podmeta serve: {sentence}\n" for sentence in settings)
        raise typer.Exit(USAGE)
    raise typer.Exit(run(settings))

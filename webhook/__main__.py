"""`podmeta`, which is `python -m webhook` as well.

Rule: the service stays in memory, so it does not begin with what only the other verbs use: its settings read their own
      flags, and Typer stays out.
"""

import sys


def run() -> None:
    """The entry point of the installed command."""
    if sys.argv[1:2] == ["serve"]:
        from webhook.cli.serve import serve  # noqa: PLC0415 - as above

        sys.exit(serve(sys.argv[2:]))
    from webhook.cli import main  # noqa: PLC0415 - as above

    main.run()


if __name__ == "__main__":
    run()

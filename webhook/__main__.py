"""`python -m webhook` is `podmeta`."""

from webhook.cli.main import run

run()

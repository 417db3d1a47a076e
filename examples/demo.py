"""`make demo`: the real service over TLS takes a recorded AdmissionReview; the pod before and after.

Nothing here is staged: `podmeta serve --dev` runs as a process with a throw-away CA, the review is the one that a real
kube-apiserver sent for the pod of examples/chapter/curl-with-ambassador.yaml, and the answer's patch is applied as it
came.
"""

import base64
import difflib
import json
import ssl
import sys
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.panel import Panel
from rich.rule import Rule
from rich.text import Text

from tests.service import dev_service
from tests.stories import applied, dumped
from webhook.api.jsonpatch import Operation
from webhook.cli.main import app

ROOT = Path(__file__).parents[1]
STORY = ROOT / "tests/cases/seed-ambassador"
NOISE = ("managedFields", "uid", "creationTimestamp")  # of no interest here
console = Console(highlight=False)


def main() -> None:
    review = (STORY / "review.json").read_bytes()
    before = json.loads(review)["request"]["object"]
    say("1", "A pod that a user applied. The only thing it says of podmeta is its annotations:")
    console.print(Panel(Text((STORY / "manifest.yaml").read_text().rstrip()), border_style="dim"))
    say(
        "2",
        "`podmeta serve --dev` starts with a throw-away CA; kube-apiserver's AdmissionReview is posted to it over TLS.",
    )
    with dev_service() as service:
        answer = post(service.port, service.ca_pem, review)
        response = answer["response"]
        console.print(
            f"   POST https://127.0.0.1:{service.port}/mutate  ->  allowed: {response['allowed']}, "
            f"patchType: {response.get('patchType')}, {len(response.get('patch', ''))} characters of patch"
        )
    operations = msgspec.json.decode(base64.b64decode(response["patch"]), type=list[Operation])
    after = applied(before, [msgspec.to_builtins(operation) for operation in operations])
    say("3", f"Its {len(operations)} operations, applied to the pod. Nothing of the user's is touched:")
    show_diff(readable(before), readable(after))
    say("4", "Why, line by line (`podmeta explain`):")
    app(["explain", "-f", str(STORY / "review.json")], standalone_mode=False)
    say("5", "Try next:")
    console.print(Text(NEXT))


NEXT = """   .venv/bin/podmeta inject -f examples/chapter/downward.yaml --diff   the same engine on a manifest, offline
   .venv/bin/podmeta explain -f examples/chapter/                      what every example there would get, and why
   .venv/bin/podmeta serve --help                                      every setting
   make test                                                           the same against a real kube-apiserver"""


def say(number: str, sentence: str) -> None:
    console.print()
    console.print(Rule(Text(f"{number}. {sentence}", style="bold cyan"), align="left", style="cyan"))


def post(port: int, ca_bundle: str, review: bytes) -> dict[str, Any]:
    """Over TLS 1.2+, the certificate verified against the CA that the service printed."""
    context = ssl.create_default_context(cadata=ca_bundle)
    connection = HTTPSConnection("localhost", port, context=context, timeout=10)
    connection.request("POST", "/mutate", review, {"Content-Type": "application/json"})
    answer: dict[str, Any] = json.loads(connection.getresponse().read())
    connection.close()
    return answer


def readable(pod: dict[str, Any]) -> str:
    meta = {key: value for key, value in pod["metadata"].items() if key not in NOISE}
    return dumped({**pod, "metadata": meta})


def show_diff(before: str, after: str) -> None:
    styles = {"+": "green", "-": "red", "@": "cyan"}
    lines = difflib.unified_diff(
        before.splitlines(), after.splitlines(), "pod, as applied", "pod, as stored", n=3, lineterm=""
    )
    for line in lines:
        console.print(Text(line, style=styles.get(line[0], "")), soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main())

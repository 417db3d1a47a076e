"""The grammar of settings that hold more than one value, the same for a flag, a repeated flag and a variable.

Rule: a text that is not understood is an error that says what would be; nothing is guessed.
Strategy: JSON, since a chart writes it without thinking, or the form that a person types.
"""

import json
import re
from collections.abc import Mapping
from datetime import timedelta

# resource.Quantity, https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/, without signs
QUANTITY = re.compile(r"[0-9]+(\.[0-9]+)?(m|k|[KMGTPE]i?|[eE][0-9]+)?")
RESOURCES = ("cpu", "memory", "ephemeral-storage")
DURATION = re.compile(r"(?=.)(?:([0-9]+)h)?(?:([0-9]+)m)?(?:([0-9]+)s)?")  # of time.ParseDuration, whole numbers
VERSION = re.compile(r"v?1\.([0-9]+)\+?([.+-].*)?")


def pairs(given: object, keys: tuple[str, ...]) -> dict[str, str]:
    """KEY=VALUE texts, joined by commas or semicolons, or a JSON object of strings.

    A comma ends a value only before one of the `keys`, since values are comma lists themselves.
    """
    if isinstance(given, Mapping):
        parsed = dict(given)
    elif str(given).lstrip().startswith("{"):
        try:
            parsed = json.loads(str(given))
        except ValueError as error:
            raise ValueError(f"not JSON: {error}; accepted: an object of strings") from None
    else:
        ends = rf"[;\n]|,(?=(?:{'|'.join(keys)})=)"
        pieces = [piece.strip() for piece in re.split(ends, str(given)) if piece.strip()]
        wrong = [piece for piece in pieces if "=" not in piece]
        if wrong:
            raise ValueError(f"{wrong[0]!r} is no KEY=VALUE; accepted: KEY=VALUE,KEY=VALUE, or JSON")
        parsed = dict(piece.split("=", 1) for piece in pieces)
    texts = [key for key, value in parsed.items() if not isinstance(value, str)]
    if texts:
        raise ValueError(f"the value of {texts[0]} is not a string; accepted: an object of strings")
    return parsed


def quantities(given: object) -> dict[str, str]:
    """Resource names and quantities, `cpu=10m,memory=64Mi`."""
    parsed = pairs(given, RESOURCES)
    wrong = [f"{key} is no resource; accepted: {', '.join(RESOURCES)}" for key in parsed if key not in RESOURCES]
    wrong += [
        f"{key}: {text!r} is no quantity; accepted: a number with a suffix, such as 10m or 64Mi"
        for key, text in parsed.items()
        if not QUANTITY.fullmatch(text)
    ]
    if missing := {"cpu", "memory"} - parsed.keys():
        wrong.append(f"{' and '.join(sorted(missing))} missing; accepted: cpu=10m,memory=64Mi")
    if wrong:
        raise ValueError("\n".join(wrong))
    return parsed


def words(given: object) -> tuple[str, ...]:
    """A comma list."""
    pieces = given if isinstance(given, (list, tuple)) else str(given).split(",")
    return tuple(str(piece).strip() for piece in pieces if str(piece).strip())


def duration(given: object) -> timedelta:
    """Hours, minutes and seconds, `2160h` or `1h30m`, as Go writes them."""
    if isinstance(given, timedelta):
        return given
    found = DURATION.fullmatch(str(given))
    if not found:
        raise ValueError("not a duration; accepted: hours, minutes and seconds, such as 2160h or 1h30m")
    hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return timedelta(hours=hours, minutes=minutes, seconds=seconds)


def parse_version(text: str) -> int:
    """The minor version of `1.36`, `v1.36.3` or `1.36+`, as providers write it."""
    found = VERSION.fullmatch(text)
    if not found:
        raise ValueError("not a version of Kubernetes; accepted: such as 1.36")
    return int(found[1])

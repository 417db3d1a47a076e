"""The grammar of annotation values: text to a value and the faults found in it.

Rule: total functions. Whatever the text, a value comes back beside every fault; it is used only if there is none.
Strategy: one function per kind of value. An empty piece of a comma list is a fault, an empty list is only accepted
      where it means something; white space around pieces is not significant.
"""

import re
from collections import Counter
from difflib import get_close_matches

from webhook.inject.fields import ALL, CATALOGUE, FILES, PRESETS, Fault, File, Place, Variable, parse_selector
from webhook.inject.reasons import Reason

# The API server checks sizes only after its webhooks: without a bound, a hundred thousand pieces would be read.
PIECES = 256
SHOWN = 60  # characters of a user's value in an error: enough to recognise it in a line
C_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_WINDOWS_DRIVE = re.compile(r"[A-Za-z]:[/\\]")


def shown(text: str) -> str:
    """A value as an error shows it: quoted, on one line, cut."""
    return repr(text) if len(text) <= SHOWN else repr(text[: SHOWN - 1] + "…")


def boolean(text: str) -> tuple[bool, list[Fault]]:
    faults = [] if text in ("true", "false") else [Fault(Reason.BAD_BOOLEAN, text, '"true" or "false"')]
    return text == "true", faults


def access(text: str) -> tuple[str, list[Fault]]:
    choices = ("read-only", "read-write")
    return text, [] if text in choices else [Fault(Reason.BAD_CHOICE, text, " or ".join(choices))]


def port(text: str) -> tuple[int, list[Fault]]:
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= len("65535") else 0
    return number, [] if 1 <= number <= 65535 else [Fault(Reason.BAD_PORT, text, "a number from 1 to 65535")]


def prefix(text: str) -> tuple[str, list[Fault]]:
    if text and not C_IDENTIFIER.fullmatch(text):
        return text, [Fault(Reason.BAD_ENV_NAME, text, "letters, digits and _, not a digit first, such as K8S_")]
    return text, []


def mount_path(text: str) -> tuple[str, list[Fault]]:
    """An absolute path, without a slash at its end. Kubernetes forbids `:` in it but for a Windows drive."""
    drive, rest = (text[:2], text[2:]) if _WINDOWS_DRIVE.match(text) else ("", text)
    parts = rest.replace("\\", "/").split("/") if drive else rest.split("/")
    absolute = rest[:1] in ("/", "\\") if drive else rest.startswith("/")
    names = [part for part in parts if part not in ("", ".")]
    if not absolute or not names or ".." in names or ":" in rest or "\0" in rest or "\n" in rest:
        return text, [Fault(Reason.BAD_PATH, text, "an absolute path below /, without .. and :, such as /etc/downward")]
    return drive + "/" + "/".join(names), []


def names(text: str) -> tuple[tuple[str, ...], list[Fault]]:
    """Container names; whether the pod has them is checked where the pod is known. The default alone is empty."""
    if not text:
        return (), []
    pieces, faults = _pieces(text)
    return tuple(pieces), faults + _twice(pieces)


def files(text: str) -> tuple[tuple[File, ...], list[Fault]]:
    """FILE=SELECTOR pieces: the files beside the standard ones."""
    if not text:
        return (), []
    pieces, faults = _pieces(text)
    found: list[File] = []
    for piece in pieces:
        path, equals, selector_text = piece.partition("=")
        selector = parse_selector(selector_text, Place.VOLUME)
        if not equals or not _inside(path):
            faults.append(Fault(Reason.BAD_FILE, piece, "FILE=SELECTOR, FILE being a relative path without .."))
        elif isinstance(selector, Fault):
            faults.append(selector._replace(got=piece))
        else:
            found.append(File(path, selector))
    paths = [*(file.path for file in FILES), "kubeconfig", *(file.path for file in found)]
    faults += [
        Fault(Reason.BAD_FILE, path, f"a path that does not go through the file {file}")
        for path in paths
        for file in paths
        if path.startswith(file + "/")
    ]
    return tuple(found), faults + _twice(paths)


def variables(text: str) -> tuple[tuple[Variable, ...], list[Fault]]:
    """The `podmeta/env` list: presets and names expand in the order written, `-NAME` takes out wherever it stands.

    A list that only takes out takes out of `standard`, which is what stands there without a list.
    """
    pieces, faults = _pieces(text)
    if pieces and all(piece.startswith("-") for piece in pieces):
        pieces.insert(0, "standard")
    named = [piece.partition("=")[0] for piece in pieces if piece not in PRESETS and not piece.startswith("-")]
    chosen: dict[str, Variable] = {}
    for piece in pieces:
        found = _variables(piece)
        if isinstance(found, Fault):
            faults.append(found)
            continue
        for variable in found:
            if "=" in piece and variable.name in chosen and named.count(variable.name) == 1:
                faults.append(_double(variable.name))
            chosen.setdefault(variable.name, variable)
    for name in [piece[1:] for piece in pieces if piece.startswith("-")]:
        if name not in CATALOGUE and name not in chosen:
            faults.append(Fault(Reason.UNKNOWN_VARIABLE, f"-{name}", _nearest(name)))
        chosen.pop(name, None)
    if "none" in pieces and len(pieces) > 1:
        faults.append(Fault(Reason.BAD_LIST, text, "`none` alone"))
    return tuple(chosen.values()), faults + _twice(named)


def _variables(piece: str) -> tuple[Variable, ...] | Fault:
    """What one piece of the list adds."""
    name, equals, selector_text = piece.partition("=")
    if piece.startswith("-") or piece in PRESETS:
        return PRESETS.get(piece, ())
    if not equals:
        known = CATALOGUE.get(piece)
        return (known,) if known else Fault(Reason.UNKNOWN_VARIABLE, piece, _nearest(piece))
    if not C_IDENTIFIER.fullmatch(name):
        return Fault(Reason.BAD_ENV_NAME, name, "letters, digits and _, not a digit first, such as MY_NAME")
    selector = parse_selector(selector_text, Place.ENV)
    return selector._replace(got=piece) if isinstance(selector, Fault) else (Variable(name, selector),)


def _nearest(name: str) -> str:
    near = get_close_matches(name.upper(), CATALOGUE, n=1) or get_close_matches(name.lower(), PRESETS, n=1, cutoff=0.75)
    if near:
        return f"did you mean {near[0]}?"
    return f"{', '.join(PRESETS)}, {', '.join(variable.name for variable in ALL)}, or NAME=SELECTOR"


def _pieces(text: str) -> tuple[list[str], list[Fault]]:
    pieces = [piece.strip() for piece in text.split(",")]
    if len(pieces) > PIECES:
        return [], [Fault(Reason.BAD_LIST, text, f"at most {PIECES} pieces")]
    full = [piece for piece in pieces if piece]
    fault = Fault(Reason.BAD_LIST, text, "pieces between commas, none of them empty")
    return full, [] if len(full) == len(pieces) else [fault]


def _twice(names: list[str]) -> list[Fault]:
    return [_double(name) for name, count in Counter(names).items() if count > 1]


def _double(name: str) -> Fault:
    return Fault(Reason.DUPLICATE, name, "each name once")


def _inside(path: str) -> bool:
    """A path that Kubernetes accepts inside a volume (ValidateLocalNonReservedPath), and that is not a directory."""
    parts = path.split("/")
    return all(part not in ("", ".", "..") for part in parts) and not path.startswith("..") and path.isprintable()

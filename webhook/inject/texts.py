"""What is added, as JSON text: with holes where a container's own belongs.

Rule: a text is written here once, whoever asks for it, and whether its holes are filled at once or many times.
Strategy: HOLE (jsonpatch.py) stands where pieces are joined, NAME and VOLUME inside of strings.
"""

from webhook.api.jsonpatch import HOLE, as_json, quoted
from webhook.inject.fields import File, Literal, Source

NAME, VOLUME = "\1", "\2"  # like HOLE they are no character of any JSON


def env_var(name: str, source: Source, debugs: str = "") -> str:
    """An EnvVar, with a NAME where the container's belongs. `debugs`: another, whose figures it shows."""
    if isinstance(source, Literal):
        pieces = [source.text] if source.verbatim else source.text.split("{container}")
        value = NAME.join([quoted(piece)[1:-1] for piece in pieces])
        return f'{{"name":{quoted(name)},"value":"{value}"}}'
    return as_json({"name": name, "valueFrom": source.to_json(debugs or None)})


def file_item(file: File) -> str:
    """A DownwardAPIVolumeFile, with a HOLE where `container_name` belongs."""
    item = as_json({"path": file.path, **file.selector.to_json(HOLE)})
    return item.replace(container_name(HOLE), HOLE)


def container_name(name: str) -> str:
    """The field of a resourceFieldRef that says whose it is; the API server refuses a container without a name."""
    return f'"containerName":{quoted(name)},' if name else ""


def volume(name: str, items: str) -> str:
    """A downwardAPI Volume. `name`: with its quotes; `items`: with commas between them."""
    return f'{{"name":{name},"downwardAPI":{{"items":[{items}]}}}}'


def mount(name: str, path: str) -> str:
    """A VolumeMount. `name`: with its quotes."""
    return f'{{"name":{name},"mountPath":{quoted(path)},"readOnly":true}}'

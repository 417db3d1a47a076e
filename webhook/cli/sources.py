"""Where manifests come from: files, folders, standard input, URLs.

Rule: everything is read before anything is printed, so that a missing file never leaves half an output behind.
Strategy: the same `-f` as kubectl's. A folder gives its .yaml, .yml and .json files in the order of their names.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import urlopen

from webhook.cli.documents import Document, read

ENDINGS = (".yaml", ".yml", ".json")
TIMEOUT = 30.0  # seconds for a URL


class SourceError(Exception):
    """A source that cannot be read; the message names it."""


def documents(names: list[str], *, recursive: bool = False) -> tuple[tuple[Document, ...], ...]:
    """The documents of each source, source by source."""
    if names.count("-") > 1:
        raise SourceError("-: standard input can be read only once")
    return tuple(read(name, text) for given in names for name, text in _texts(given, recursive=recursive))


def _texts(given: str, *, recursive: bool) -> Iterator[tuple[str, str]]:
    if given == "-":
        yield given, sys.stdin.buffer.read().decode()
    elif urlsplit(given).scheme in ("http", "https"):
        yield given, _fetched(given)
    elif Path(given).is_dir():
        found = sorted(p for p in Path(given).glob("**/*" if recursive else "*") if p.suffix in ENDINGS)
        if not found:
            raise SourceError(f"{given}: no file ends in {', '.join(ENDINGS)}; accepted: a folder that holds one")
        for path in found:
            yield str(path), _file(path)
    else:
        yield given, _file(Path(given))


def _file(path: Path) -> str:
    try:
        return path.read_bytes().decode()
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror}; accepted: a file, a folder, a URL or -") from None
    except UnicodeDecodeError as error:
        raise SourceError(f"{path}: byte {error.start} is not UTF-8; accepted: YAML or JSON in UTF-8") from None


def _fetched(url: str) -> str:
    try:
        with urlopen(url, timeout=TIMEOUT) as answer:  # noqa: S310 - only http and https get here
            content: bytes = answer.read()
            return content.decode()
    except (URLError, OSError, UnicodeDecodeError) as error:
        raise SourceError(f"{url}: {error}") from None

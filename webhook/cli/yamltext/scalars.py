"""What one scalar means to Kubernetes, and how a string has to be written so that it means itself.

Rule: kubectl turns YAML into JSON with sigs.k8s.io/yaml v1.6, on go-yaml v2: `yes`, `on` and `y` are booleans, `0777`
      and `0o777` are octal, `1_000` is a number, `12:30` and dates are strings. What kubectl reads is what counts.
Strategy: `resolve` is a translation of resolve.go of go-yaml v2.4, checked against it. Writing asks `resolve`, and the
      readers of YAML 1.1 and 1.2 beside it: a string that any of them takes for something else is quoted.
Source: https://github.com/yaml/go-yaml/blob/v2.4.2/resolve.go, convertToJSONableObject of sigs.k8s.io/yaml.
"""

import base64
import binascii
import json
import math
import re
import struct

Plain = str | int | float | bool | None

_WORDS: dict[str, Plain] = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
}
_INT = re.compile(r"[-+]?(?:0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_DOTTED = re.compile(r"\.[0-9]+(?:_[0-9]+)*(?:[eE][-+]?[0-9]+)?")
_TAG = "tag:yaml.org,2002:"
_KINDS: dict[str, tuple[type, ...]] = {
    "bool": (bool,),
    "int": (int,),
    "float": (int, float),
    "null": (type(None),),
}

# Strings to readers of Kubernetes, numbers or dates or operators to others: https://yaml.org/type/
_ELSEWHERE = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}.*|=|<<")
_PLAIN = re.compile(r"(?:[^\s\-?:,\[\]{}#&*!|>'\"%@`]|[-?:](?=\S))(?:[ ]?(?:[^\s:#]|:(?=\S)|(?<=\S)#))*")
_PLAIN_IN_FLOW = re.compile(r"[A-Za-z0-9_./][A-Za-z0-9_./-]*")
# Line breaks of YAML 1.1, controls and what is no character: only an escape can carry them.
SURROGATE = re.compile("[\ud800-\udfff]")
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff\ufffe\uffff]")


def resolve(text: str, tag: str | None = None) -> Plain:
    """A plain scalar's value; `tag` is an explicit tag. ValueError: the text is not of the tag's kind."""
    kind = tag.removeprefix(_TAG) if tag and tag.startswith(_TAG) else tag
    if kind == "binary":
        try:
            return base64.b64decode(text, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError) as error:
            raise ValueError("a !!binary value must be base64 of UTF-8 text") from error
    if kind is not None and kind not in _KINDS:
        return text
    value = _WORDS[text] if text in _WORDS else _number(text)
    if kind is not None and (type(value) not in _KINDS[kind]):
        raise ValueError(f"{text!r} is not a !!{kind}")
    return value


def _number(text: str) -> Plain:
    if text.startswith("."):
        return _float(text, text) if _DOTTED.fullmatch(text) else text
    if text[0] not in "+-0123456789":
        return text
    digits = text.replace("_", "")
    if _INT.fullmatch(digits):
        sign, bare = (digits[0], digits[1:]) if digits[0] in "+-" else ("", digits)
        octal = bare[:1] == "0" and bare.isdigit()
        value = int(bare, 8) if octal else int(bare, 0)
        value = -value if sign == "-" else value
        if -(2**63) <= value < (2**63 if sign else 2**64):
            return value
    return _float(text, digits) if _FLOAT.fullmatch(digits) else text


def _float(text: str, digits: str) -> Plain:
    value = float(digits)
    return text if math.isinf(value) else value


def to_json(value: Plain) -> Plain:
    """The value as the API server gets it: Go writes a whole number without a point. ValueError: no such number."""
    if not isinstance(value, float):
        return value
    if not math.isfinite(value):
        raise ValueError("JSON has no infinite number and no NaN")
    return int(value) if value.is_integer() and abs(value) < 2**63 else value


def key_text(value: Plain) -> str:
    """A mapping key as the JSON that kubectl makes of it. ValueError: null, which JSON cannot have as a key."""
    match value:
        case None:
            raise ValueError("a key must not be null")
        case bool():
            return "true" if value else "false"
        case float():
            return _shortest(value)
        case _:
            return str(value)


def _shortest(value: float) -> str:
    """strconv.FormatFloat(value, 'g', -1, 32): the fewest digits that a 32-bit float needs."""
    try:
        wanted = struct.pack("<f", value)
    except OverflowError:
        value = math.copysign(math.inf, value)
    if not math.isfinite(value):
        return ".nan" if math.isnan(value) else ".inf" if value > 0 else "-.inf"
    digits = next(n for n in range(17) if struct.pack("<f", float(f"{value:.{n}e}")) == wanted)
    mantissa, _, exponent = f"{value:.{digits}e}".partition("e")
    power = int(exponent)
    return f"{value:.{max(digits - power, 0)}f}" if -4 <= power < 6 else f"{mantissa}e{power:+03d}"


def written(text: str, *, flow: bool = False) -> str:
    """A string on one line: plain where every reader takes it for a string, else in the quotes that stay readable."""
    plain = _PLAIN_IN_FLOW if flow else _PLAIN
    if plain.fullmatch(text) and not _UNSAFE.search(text) and not text.startswith(("---", "...")) and _is_string(text):
        return text
    if ('"' in text or "\\" in text) and "'" not in text and text.isprintable():
        return f"'{text}'"
    return quoted(text)


def _is_string(text: str) -> bool:
    return resolve(text) == text and not _ELSEWHERE.fullmatch(text) and not _FLOAT.fullmatch(text.replace("_", ""))


def quoted(text: str) -> str:
    """A string in double quotes that JSON and YAML read alike."""
    return _UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", json.dumps(text, ensure_ascii=False))


def literal(text: str) -> tuple[str, list[str]] | None:
    """A text of several lines as a literal block: its header and its lines; None where quotes carry it more safely:
    white space at its end would run into that of the document (`|+`), at its begin it needs a number (`|2`).
    """
    body = text.removesuffix("\n")
    if "\n" not in text or not body or body != body.strip() or _UNSAFE.search(text):
        return None
    return "|-" if body == text else "|", body.split("\n")

"""Reason: one code for metric, log, audit annotation and explain, beside one sentence for people."""

import json

import msgspec
import pytest

from webhook.inject.reasons import Reason


@pytest.mark.parametrize("reason", Reason, ids=str)
def test_a_reason_is_its_code_everywhere(reason: Reason) -> None:
    """As text, in JSON, in an f-string and looked up again, a Reason is its code and nothing else."""
    code = reason.value
    assert str(reason) == f"{reason}" == reason == code
    assert json.dumps(reason) == f'"{code}"'
    assert msgspec.json.encode(reason) == f'"{code}"'.encode()
    assert Reason(code) is reason


@pytest.mark.parametrize("reason", Reason, ids=str)
def test_a_reason_knows_its_place_in_the_documentation(reason: Reason) -> None:
    """The anchor is the page of reasons at the heading of the code."""
    assert reason.anchor == f"docs/reasons.md#{reason.value}"


def test_a_code_that_does_not_exist_is_none() -> None:
    """Reasons are an enumeration: no text becomes one by accident."""
    with pytest.raises(ValueError, match="no-such-code"):
        Reason("no-such-code")

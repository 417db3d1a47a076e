"""Second door: the ASGI application, by the bytes that a client of it reads."""

import asyncio
import base64
import json
from typing import Any

import httpx

from tests.stories import Story
from webhook.server.app import Application


def answered(story: Story, application: Application) -> dict[str, Any]:
    async def post() -> httpx.Response:
        transport = httpx.ASGITransport(app=application)
        async with httpx.AsyncClient(transport=transport, base_url="https://podmeta") as client:
            return await client.post(story.path, content=story.review, headers={"content-type": "application/json"})

    answer = asyncio.run(post())
    assert answer.status_code == 200
    review: dict[str, Any] = answer.json()
    assert (review["apiVersion"], review["kind"]) == ("admission.k8s.io/v1", "AdmissionReview")
    assert review["response"]["uid"] == story.request["uid"]
    return dict(review["response"])


def test_application_answers_with_the_golden(story: Story, application: Application) -> None:
    """The same patch as the engine's; neither patch nor patchType where there is nothing to add; 422 where denied."""
    response = answered(story, application)
    golden = json.loads(story.read("patch.json"))
    assert ("patch" in response) == ("patchType" in response) == bool(golden)
    if golden:
        assert json.loads(base64.b64decode(response["patch"])) == golden
    assert response["allowed"] is not story.denied
    assert (response.get("status", {}).get("code") == 422) is story.denied


def test_second_answer_to_the_same_shape_is_the_same(story: Story, application: Application) -> None:
    """What is remembered is what was decided."""
    assert answered(story, application) == answered(story, application)

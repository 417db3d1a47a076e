"""Foresight: one question a ServiceAccount, an answer in time or none, and a warning that no memory keeps."""

import asyncio
import base64
import json
from typing import Any

import httpx
import pytest

from tests.pods import DEFAULTS, decided, pod, review
from webhook.cluster import foresight as module
from webhook.cluster.foresight import ALLOWED, BUDGET, DENIED, UNKNOWN, Foresight
from webhook.inject.mutate import Patched, decide
from webhook.inject.reasons import Reason
from webhook.server.answer import answer
from webhook.server.app import Application
from webhook.server.review import Review


class Cluster:
    """Who is asked: what it says of an account, and who has asked it when. Nothing: it never answers."""

    def __init__(self, **says: bool | Exception | None) -> None:
        self.says = says
        self.asked: list[str] = []
        self.said: list[tuple[str, str]] = []
        self.now = 1000.0
        self.foresight = Foresight(self.ask, lambda *line: self.said.append(line), lambda: self.now)

    async def ask(self, _namespace: str, account: str) -> bool:
        self.asked.append(account)
        await asyncio.sleep(0)
        match self.says[account]:
            case bool(allowed):
                return allowed
            case Exception() as error:
                raise error
            case None:
                await asyncio.Event().wait()
        raise AssertionError("what never answers has answered")

    async def forbidden(self, *accounts: str) -> list[bool]:
        return await asyncio.gather(*(self.foresight.forbidden("shop", account) for account in accounts))


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """What never answers need not be waited for that long."""
    monkeypatch.setattr(module, "BUDGET", 0.05)


def test_only_a_clear_no_is_one() -> None:
    cluster = Cluster(reader=True, default=False, broken=OSError("no route"), silent=None)
    found = asyncio.run(cluster.forbidden("reader", "default", "broken", "silent"))
    assert found == [False, True, False, False]
    assert cluster.said == [
        ("foresight-unanswered", "shop/broken: OSError: no route"),
        ("foresight-unanswered", "shop/silent: TimeoutError: "),
    ]


def test_the_budget_is_less_than_the_api_server_waits_for_its_webhooks() -> None:
    """timeoutSeconds is 1 at least."""
    assert BUDGET < 1


def test_those_who_ask_at_once_share_one_question() -> None:
    cluster = Cluster(default=False)
    assert asyncio.run(cluster.forbidden(*["default"] * 50)) == [True] * 50
    assert cluster.asked == ["default"]


def test_a_name_in_another_namespace_is_another_account() -> None:
    cluster = Cluster(default=False)

    async def both() -> None:
        await cluster.foresight.forbidden("shop", "default")
        await cluster.foresight.forbidden("bank", "default")

    asyncio.run(both())
    assert cluster.asked == ["default", "default"]


def test_one_who_gives_up_takes_the_answer_from_nobody() -> None:
    cluster = Cluster(default=False)

    async def run() -> bool:
        first, second = (asyncio.create_task(cluster.foresight.forbidden("shop", "default")) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        return await second

    assert asyncio.run(run())
    assert cluster.asked == ["default"]


@pytest.mark.parametrize(
    ("said", "seconds"), [(True, ALLOWED), (False, DENIED), (OSError(), UNKNOWN), (None, UNKNOWN)], ids=repr
)
def test_an_answer_is_remembered_for_its_time(said: bool | Exception | None, seconds: float) -> None:
    cluster = Cluster(default=said)

    async def run() -> list[int]:
        counted = []
        for passed in (0.0, seconds - 0.1, 0.2):
            cluster.now += passed
            await cluster.forbidden("default")
            counted.append(len(cluster.asked))
        return counted

    assert asyncio.run(run()) == [1, 1, 2]


def test_a_no_is_forgotten_soonest_after_no_answer() -> None:
    """Whoever is warned makes the Role and tries again."""
    assert UNKNOWN < DENIED < 60 < ALLOWED


def test_the_oldest_questions_are_forgotten_where_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REMEMBERED", 3)
    cluster = Cluster(**dict.fromkeys("abcd", True))

    async def run() -> None:
        for account in "abcddcba":
            await cluster.forbidden(account)

    asyncio.run(run())
    assert "".join(cluster.asked) == "abcda"
    assert len(cluster.foresight._known) == 3


AMBASSADOR = pod({"ambassador": "true"}, serviceAccountName="web")
WARNING = f"podmeta: shop/web: {Reason.CANNOT_LIST.sentence}"


def test_only_a_pod_that_gets_an_ambassador_says_so() -> None:
    """Not one that has it already: it was warned of then."""
    for whole, expected in ((AMBASSADOR, True), (pod(), False)):
        outcome = decided(whole)
        assert isinstance(outcome, Patched)
        assert (outcome.ambassador, answer(outcome).ambassador) == (expected, expected)


def test_a_warning_more_changes_nothing_else() -> None:
    """The patch stays, and so does the answer that is remembered."""
    outcome = Patched(b"[]", ("podmeta: first",), (Reason.ENV_KEPT,), ("app",), ambassador=True)
    plain = answer(outcome)
    before = json.loads(plain.body("u", ""))
    warned = plain.warned(Reason.CANNOT_LIST, "podmeta: second")
    after = json.loads(warned.body("u", ""))
    assert json.loads(plain.body("u", "")) == before
    assert after["response"].pop("warnings") == [*before["response"].pop("warnings"), "podmeta: second"]
    reasons = "injected,env-kept,cannot-list-pods"
    assert after["response"]["auditAnnotations"].pop("reasons") == reasons == ",".join(warned.reasons)
    before["response"]["auditAnnotations"].pop("reasons")
    assert after == before


class Noted:
    """A Foresee that notes who is asked about; its answers in turn, the last one again and again."""

    def __init__(self, *forbidden: bool) -> None:
        self.asked: list[tuple[str, str]] = []
        self._forbidden = list(forbidden)

    async def __call__(self, namespace: str, account: str) -> bool:
        self.asked.append((namespace, account))
        return self._forbidden.pop(0) if len(self._forbidden) > 1 else self._forbidden[0]


def thrice(whole: dict[str, Any], foresee: Noted | None) -> tuple[list[bytes], list[Review]]:
    """The answers to three pods of one shape, and what the observers saw: the third is remembered."""
    seen: list[Review] = []
    application = Application(lambda question: decide(question, DEFAULTS))
    application.observers.append(lambda found, _: seen.append(found))
    application.foresee = foresee

    async def post() -> list[bytes]:
        transport, headers = httpx.ASGITransport(app=application), {"content-type": "application/json"}
        async with httpx.AsyncClient(transport=transport, base_url="https://podmeta", headers=headers) as client:
            return [(await client.post("/mutate", content=review(whole))).content for _ in range(3)]

    return asyncio.run(post()), seen


def test_a_forbidden_account_is_warned_of_at_every_admission() -> None:
    """From the memory as well as when it was decided; the log and the counters are told why."""
    foresee = Noted(True)
    (first, second, third), seen = thrice(AMBASSADOR, foresee)
    response = json.loads(first)["response"]
    assert first == second == third
    assert foresee.asked == [("shop", "web")] * 3
    assert response["warnings"].count(WARNING) == 1
    assert base64.b64decode(response["patch"])
    assert [(one.remembered, one.answer.reasons[-1]) for one in seen] == [
        (False, "cannot-list-pods"),
        (False, "cannot-list-pods"),
        (True, "cannot-list-pods"),
    ]


def test_what_is_remembered_is_free_of_it() -> None:
    """The next pod of that shape may be another account's."""
    (_, warned, plain), _ = thrice(AMBASSADOR, Noted(True, True, False))
    assert WARNING in json.loads(warned)["response"]["warnings"]
    assert plain == thrice(AMBASSADOR, None)[0][1]


@pytest.mark.parametrize(
    ("whole", "account"),
    [
        (AMBASSADOR, "web"),
        (pod({"ambassador": "true"}), "default"),
        (pod(), None),
        (pod({"ambassador": "true"}, hostNetwork=True), None),
        (pod({"inject": "false", "ambassador": "true"}), None),
    ],
    ids=["its own account", "no account", "no ambassador", "refused", "opted out"],
)
def test_who_is_asked_about(whole: dict[str, Any], account: str | None) -> None:
    """Who may list pods is answered to the byte as without foresight."""
    foresee = Noted(False)
    assert thrice(whole, foresee)[0] == thrice(whole, None)[0]
    assert foresee.asked == [("shop", account)] * 3 * (account is not None)

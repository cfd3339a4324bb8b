"""What a message to the bot means: the command, completed from its thread, or an answer."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from bot.domain.commands.values import NOTHING_CHANGED, Defaults
from bot.domain.errors import (
    ChatLoginError,
    ChatUnavailableError,
    StoreUnavailableError,
)
from bot.domain.jobs.model import Job
from bot.domain.swarm.model import Mode, Service
from bot.domain.text.message import Message
from bot.jobs.thread_lookup import STORE_AWAY, TOO_OLD
from bot.ports import Request, Spoken
from handlers.messages import UNREAD, Messages
from tests.contract.job_kit import a_job
from tests.messages.sample import AT, context, port

THREAD = f"{AT - 600:.6f}"
SAID = Request(
    key="C1:1", user="U1", channel="C1", text="restart", message=f"{AT - 1:.6f}", thread=THREAD,
    spoken=Spoken("@orochi"),
)  # fmt: skip


async def passed(request: Request, told: Any = None, **jobs: Any) -> str | tuple[str]:
    """The answer to a message, or in a tuple the command that was passed on."""
    commands: list[str] = []

    async def command(meant: Request) -> None:
        commands.append(meant.text)

    found = {"outline": None} | jobs
    ctx = context(
        chat=port(told_in=told if told is not None else {}),
        jobs=port(
            outline=found["outline"],
            active=found.get("active", ()),
            recent=found.get("recent", ()),
        ),
        plans=port(load=found.get("plan")),
        looks=port(services=found.get("services", ())),
    )
    answer = await Messages(ctx, command, Defaults()).receive(request)
    if answer is None:
        return (commands[0],)
    assert not commands
    return answer.text


def alert(target: str = "orochi_web", cause: str = "exit_code") -> dict[str, str]:
    return {"incident_id": "k3f9ab", "target": target, "cause": cause}


async def test_in_an_alerts_thread_its_service_is_meant():
    assert await passed(SAID, alert()) == ("restart orochi_web",)


async def test_in_the_thread_of_a_lost_nodes_alert_no_service_is_meant():
    assert await passed(SAID, alert("photon-machine-02", "node_down")) == ("restart",)


async def test_in_a_thread_of_people_no_service_is_meant():
    assert await passed(SAID, {}) == ("restart",)


async def test_a_command_with_a_name_needs_no_look_at_the_thread():
    named = replace(SAID, text="restart django")

    assert await passed(named, ChatUnavailableError("Slack is away.")) == ("restart django",)


SHOP = (
    Service("s1", "shop_web", 1, Mode.REPLICATED, 1, stack="shop"),
    Service("s2", "orochi_django", 1, Mode.REPLICATED, 1, stack="orochi"),
)


@pytest.mark.parametrize(
    ("text", "meant"),
    [("logs web", "logs shop_web"), ("logs django", "logs django"), ("logs wbe", "logs wbe")],
)
async def test_in_an_alerts_thread_its_short_name_is_that_of_its_stack(text, meant):
    asked = replace(SAID, text=text)
    assert await passed(asked, alert("shop_web"), services=SHOP) == (meant,)


async def test_in_the_thread_of_an_alert_whose_service_is_gone_that_is_said():
    answer = await passed(SAID, alert("shop_old"), services=SHOP)
    assert "The service `shop_old` of this alert is not there any more." in answer


async def test_in_a_jobs_or_a_plans_thread_its_service_is_meant():
    told, job = {"job_id": "k3f9ab", "target": "web"}, a_job("web")

    assert await passed(SAID, told, outline=job) == ("restart web",)
    assert await passed(SAID, told, plan=job) == ("restart web",)


async def test_of_a_job_with_several_services_none_is_guessed():
    said = await passed(SAID, {"job_id": "k3f9ab"}, outline=a_job("web", "db"))

    assert "This thread is about several: `web`, `db`." in said
    assert NOTHING_CHANGED in said


@pytest.mark.parametrize(
    ("told", "jobs", "why"),
    [
        ({"job_id": "k3f9ab"}, {}, TOO_OLD),
        ({"job_id": "k3f9ab"}, {"outline": StoreUnavailableError("away")}, STORE_AWAY),
        ({"job_id": "k3f9ab"}, {"outline": replace(a_job("web"), unreadable=True)}, TOO_OLD),
        (ChatUnavailableError("Slack is away."), {}, UNREAD),
    ],
)
async def test_what_is_not_known_is_said(told, jobs, why):
    said = await passed(SAID, told, **jobs)

    assert why in said
    assert "`@orochi restart SERVICE`" in said
    assert NOTHING_CHANGED in said


AWAY = StoreUnavailableError("away")
ALL = (
    SimpleNamespace(name="orochi_web", stack="orochi"),
    SimpleNamespace(name="shop_web", stack="shop"),
    SimpleNamespace(name="shop_db", stack="shop"),
)


def job_told(action: str, target: str) -> dict[str, str]:
    return {"job_id": "k3f9ab", "action": action, "target": target}


@pytest.mark.parametrize(
    ("told", "text", "meant"),
    [
        (job_told("scale", "shop_web"), "restart", "restart shop_web"),
        (job_told("scale", "shop_web"), "history", "history shop"),
        (job_told("scale", "shop_web,shop_db"), "deploy --yes", "deploy shop --yes"),
        (job_told("deploy", "shop"), "ps", "ps shop/"),
        (job_told("rollback", "shop"), "rollback", "rollback shop/"),
        (job_told("rollback", "shop_web"), "rollback", "rollback shop_web"),
    ],
)
@pytest.mark.parametrize("outline", [AWAY, None])
async def test_without_the_job_its_message_says_what_it_is_about(outline, told, text, meant):
    said = replace(SAID, text=text)

    assert await passed(said, told, outline=outline, services=ALL) == (meant,)


async def test_a_target_that_the_swarm_does_not_know_is_not_guessed():
    for target in ("gone_web", "node:m-02", ""):
        said = await passed(SAID, job_told("scale", target), outline=AWAY, services=ALL)
        assert STORE_AWAY in said


@pytest.mark.parametrize(
    ("told", "text", "meant"),
    [
        (alert("shop_web"), "deploy --yes", "deploy shop --yes"),
        (alert("shop_web"), "update --all", "update shop --all"),
        (alert("shop_web"), "images", "images shop"),
        (alert("shop_web"), "ps --wide", "ps shop_web --wide"),
        ({}, "deploy", "deploy"),
    ],
)
async def test_in_an_alerts_thread_the_stack_of_its_service_is_meant(told, text, meant):
    assert await passed(replace(SAID, text=text), told, services=ALL) == (meant,)


async def test_in_a_deploys_thread_its_stack_is_deployed():
    job = replace(a_job("shop_web"), stack="shop", id="k3f9ab")
    said = replace(SAID, text="deploy --yes")

    assert await passed(said, {"job_id": "k3f9ab"}, outline=job) == ("deploy shop --yes",)


async def test_in_a_jobs_thread_that_job_is_cancelled():
    said = replace(SAID, text="cancel")

    assert await passed(said, {"job_id": "k3f9ab"}, outline=AWAY) == ("cancel k3f9ab",)
    assert await passed(said, alert()) == ("cancel",)
    assert await passed(said, ChatUnavailableError("away")) == ("cancel",)


SCOPE = ChatLoginError("The Slack app lacks the scope groups:history for conversations.replies.")


@pytest.mark.parametrize("text", ["status", "ps", "ps --wide", "history", "images", "volumes"])
async def test_what_needs_no_service_is_answered_without_the_thread(text):
    assert await passed(replace(SAID, text=text), SCOPE) == (text,)


@pytest.mark.parametrize("text", ["logs", "restart", "rollback", "deploy", "update --all"])
async def test_a_service_that_is_needed_is_asked_for_with_the_missing_scope(text):
    said = await passed(replace(SAID, text=text), SCOPE)

    assert "the scope groups:history" in said
    what = "STACK" if text in {"deploy", "update --all"} else "SERVICE"
    assert f"`@orochi {text} {what}`" in said


async def test_a_command_that_only_reads_claims_nothing():
    said = await passed(replace(SAID, text="logs"), {"job_id": "k3f9ab"})

    assert TOO_OLD in said
    assert NOTHING_CHANGED not in said


@pytest.mark.parametrize(
    ("text", "age", "answered"),
    [
        ("restart web", 119, False),
        ("restart web", 121, True),
        ("cancel k3f9ab", 121, True),
        ("status", 9999, False),
        ("statsu", 9999, False),
    ],
)
async def test_a_change_that_comes_late_is_refused(text, age, answered):
    late = replace(SAID, text=text, thread="", message=f"{AT - age:.6f}")
    said = await passed(late)

    assert isinstance(said, str) is answered
    if answered:
        assert said == "That message arrived 2 min 1 s after it was sent.\nType it again.\n" + (
            NOTHING_CHANGED
        )


def scaled(after: float, *names: str, **more: Any) -> Job:
    """A job of somebody, begun so long after the message."""
    job = replace(a_job(*names), user="U2", id="m2n3pq")
    return replace(job, created=AT - 90 + after, **more)


LATE = replace(SAID, text="scale web 1", thread="", message=f"{AT - 90:.6f}")


@pytest.mark.parametrize("where", ["active", "recent"])
async def test_an_older_change_does_not_follow_a_newer_one(where):
    said = await passed(LATE, **{where: (scaled(10, "orochi_db"), scaled(5, "orochi_web"))})

    assert said == (
        "That message arrived late: job `m2n3pq` began meanwhile, on the same service.\n"
        "Look first: `@orochi status`. Then type it again.\n" + NOTHING_CHANGED
    )


@pytest.mark.parametrize(
    "job",
    [
        scaled(-1, "orochi_web"),
        scaled(10, "orochi_db"),
        replace(scaled(10, "orochi_web"), user="U1", text="scale web 1"),
    ],
)
async def test_a_late_change_that_follows_nothing_is_made(job):
    assert await passed(LATE, recent=(job,)) == ("scale web 1",)


async def test_a_change_that_arrives_at_once_is_made():
    soon = replace(LATE, message=f"{AT - 4:.6f}")

    assert await passed(soon, recent=(replace(scaled(0, "web"), created=AT - 1),)) == (
        "scale web 1",
    )
    assert await passed(LATE, active=AWAY) == ("scale web 1",)


async def test_a_mistake_in_an_alerts_thread_is_explained_with_its_service():
    said = await passed(replace(SAID, text="restart --yes"), alert())

    assert "Try: `@orochi restart orochi_web`" in said
    assert await passed(replace(SAID, text="restart --yes"), SCOPE) == ("restart --yes",)


async def test_a_name_in_the_middle_gets_a_short_help():
    said = await passed(replace(SAID, spoken=Spoken("@orochi", begins=False)))

    assert said == ("A command begins with my name.\nTry: `@orochi status` or `@orochi help`")


async def test_a_message_is_answered_once_also_without_redis():
    heard: list[str] = []

    async def receive(request: Request) -> None:
        heard.append(request.key)

    away = StoreUnavailableError("Redis does not answer.")
    ctx = context(jobs=port(claim_message=away, answered_message=away))
    once = Messages(ctx, receive, Defaults()).once(receive)
    for key in ("C1:1", "C1:1", "C1:2"):
        await once(replace(SAID, key=key))

    assert heard == ["C1:1", "C1:2"]


async def test_a_message_that_another_replica_has_is_left_alone():
    async def receive(_request: Request) -> Message:
        return Message("an answer")

    ctx = context(jobs=port(claim_message=False, answered_message=None))

    assert await Messages(ctx, receive, Defaults()).once(receive)(SAID) is None


async def test_only_so_many_messages_are_remembered(monkeypatch):
    monkeypatch.setattr("handlers.messages.REMEMBERED_KEYS", 2)

    async def receive(request: Request) -> Message:
        return Message(request.key)

    ctx = context(jobs=port(claim_message=True, answered_message=None))
    once = Messages(ctx, receive, Defaults()).once(receive)
    answers = [await once(replace(SAID, key=key)) for key in ("1", "2", "3", "1", "3")]

    assert [answer.text if answer else "" for answer in answers] == ["1", "2", "3", "1", ""]


@pytest.mark.parametrize("text", ["/orochi restart web", "orochi restart web", "restart *web*."])
async def test_a_command_may_begin_with_the_slash_command_and_be_formatted(text):
    for spoken in (Spoken("@orochi"), Spoken("")):
        said = replace(SAID, text=text, spoken=spoken)
        assert await passed(said) == ("restart web",)


async def test_the_name_alone_gets_a_short_help():
    said = await passed(replace(SAID, text=""))

    assert isinstance(said, str)
    assert len(said.splitlines()) == 5
    assert "`@orochi help`" in said


async def test_a_command_behind_other_words_is_offered_and_not_made():
    spoken = Spoken("@orochi", begins=False)
    said = await passed(replace(SAID, text="restart web", spoken=spoken))

    assert "Did you mean `@orochi restart web`?" in said


@pytest.mark.parametrize(
    ("text", "label"),
    [("ack", "Acknowledge"), ("Silence", "Silence 1 h"), ("silence 2h", "Silence 1 h")],
)
async def test_the_words_of_an_alerts_buttons_point_at_them(text, label):
    said = await passed(replace(SAID, text=text), alert())

    assert f"Press *{label}* at the alert" in said
    assert NOTHING_CHANGED not in said
    assert await passed(replace(SAID, text=text), {}) == (text,)
    assert await passed(replace(SAID, text=text), SCOPE) == (text,)

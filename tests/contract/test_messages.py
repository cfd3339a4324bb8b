"""Commands in messages: the whole bot over the emulator, with a real Redis and the simulated swarm.

Every test speaks through slack-bolt's own client, in Socket Mode or over HTTP.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from playground.slack import BOT_USER_ID, Content, Message, SlackEmulator
from playground.slack.web_api import BOT_SCOPES
from tests.bot import BotProcess
from tests.contract.simulated_lab import SimulatedLab
from tests.contract.slack_side import ANN, MODES, SWARM
from tests.desk import Desk, finished, is_job
from tests.lab.redis import RedisServer
from tests.swarm.alerting import ALERTS, QUIET, incident

BOB, GUS, EVE = "U0BOB00001", "U0GUS00001", "U0EVE00001"
BOT = f"<@{BOT_USER_ID}>"


@pytest.fixture(scope="module")
def simulated() -> Iterator[SimulatedLab]:
    """A swarm for all tests of this file; each one cleans up its services."""
    with SimulatedLab(nodes=2) as made:
        yield made


@pytest.fixture
async def desk(simulated: Any, redis_server: RedisServer) -> AsyncIterator[Desk]:
    """A desk without a bot, and without services at the end."""
    async with SlackEmulator(strict=True) as slack:
        slack.events.retries = (0.0, 0.2, 0.5)
        made = Desk(slack, simulated, redis_server)
        yield made
        await made.close()
    for service in simulated.client().services():
        simulated.client().remove_service(service["ID"])


async def start(desk: Desk, mode: str = "socket", **settings: str) -> BotProcess:
    """A bot in one of the modes."""
    if mode == "socket":
        return await desk.start_bot(**settings)
    desk.settings.pop("SLACK_APP_TOKEN", None)
    secret = desk.slack.tokens.signing_secret
    bot = await desk.start_bot(SLACK_SIGNING_SECRET=secret, **settings)
    desk.slack.request_url = f"http://127.0.0.1:{bot.port}/slack/events"
    return bot


def direct(desk: Desk, user: str = ANN) -> str:
    """The id of a person's conversation with the bot."""
    return desk.slack.workspace.open_direct([user]).id


def of_bot(desk: Desk) -> list[Message]:
    """Everything that the bot posted for all to see."""
    return [m for m in desk.slack.workspace.messages.values() if m.bot_id]


async def answer(desk: Desk, said: Message, *words: str) -> Message:
    """The message of the bot in the thread of a message, or that it begins."""
    thread = said.thread_ts or said.ts
    return await desk.slack.wait_for_message(
        lambda m: m.thread_ts == thread and all(word in m.shown_text for word in words)
    )


async def shown_more_than(desk: Desk, count: int) -> None:
    """Wait until Ann was shown more messages than that."""
    await desk.slack.workspace.until(
        lambda: len(desk.slack.workspace.shown_to(ANN)) > count or None, 30
    )


async def settled(desk: Desk) -> None:
    """Wait until the bot has surely handled what came before: it answers a later command."""
    await desk.answer("help")


@pytest.mark.parametrize("mode", MODES)
async def test_a_mention_in_a_channel_is_answered_in_its_thread(desk: Desk, mode: str):
    """Everyone may read it; nothing is said in the channel itself."""
    await desk.service("web")
    await start(desk, mode)
    said = await desk.slack.say(f"{BOT} status", user=BOB)
    await answer(desk, said, "web", "1/1")

    assert [m.thread_ts for m in of_bot(desk)] == [said.ts]
    assert desk.slack.workspace.ephemerals == []


@pytest.mark.parametrize("mode", MODES)
async def test_in_a_thread_the_answer_and_the_job_go_there(desk: Desk, mode: str):
    await desk.service("web")
    await start(desk, mode)
    root = await desk.slack.say("is web down?", user=BOB)
    said = await desk.slack.say(f"{BOT}\u00a0`ps web`", thread=root.ts)
    await answer(desk, said, "web.1")
    await desk.slack.say(f"{BOT} scale web 2", thread=root.ts)
    job = await desk.slack.wait_for_message(finished)
    told = await answer(desk, root, f"<@{ANN}>")

    assert job.thread_ts == told.thread_ts == root.ts
    assert job.payload["verdict"] == "converged"
    assert {m.thread_ts for m in of_bot(desk)} == {root.ts}
    assert f"thread_ts={root.ts}" in await desk.answer("jobs")


async def test_a_job_of_a_mention_in_the_channel_is_in_the_channel(desk: Desk):
    """Changes are for all who read the channel, as with the slash command."""
    await desk.service("web")
    await start(desk)
    await desk.slack.say(f"{BOT} scale web 2")
    job = await desk.slack.wait_for_message(finished)

    assert (job.channel, job.thread_ts) == (SWARM, None)


@pytest.mark.parametrize("mode", MODES)
async def test_in_the_direct_conversation_no_name_is_needed(desk: Desk, mode: str):
    """Answers stay there, also refusals; jobs are there too."""
    await desk.service("web")
    await start(desk, mode)
    channel = direct(desk)
    await desk.slack.say("status", channel=channel)
    shown = await desk.slack.wait_for_message(lambda m: "1/1" in m.shown_text, channel=channel)
    await desk.slack.say("statsu", channel=channel)
    refused = await desk.slack.wait_for_message(lambda m: "Unknown command" in m.text)
    await desk.slack.say("scale wbe 2", channel=channel)
    unknown = await desk.slack.wait_for_message(lambda m: "Did you mean `web`" in m.text)
    await desk.slack.say(f"{BOT} scale web 2", channel=channel)
    job = await desk.slack.wait_for_message(finished)

    assert {m.channel for m in (shown, refused, unknown, job)} == {channel}
    assert {m.thread_ts for m in (shown, refused, unknown, job)} == {None}
    assert "`status`" in refused.text
    assert desk.slack.workspace.ephemerals == []


async def test_what_is_not_understood_is_answered_to_the_person_with_help(desk: Desk):
    await start(desk)
    root = await desk.slack.say("hello all")
    await desk.slack.say("me too", user=BOB, thread=root.ts)
    await desk.slack.say(f"{BOT} restrat web", thread=root.ts)
    told = await desk.told(lambda m: "Unknown command" in m.text)
    assert told.thread_ts == root.ts
    assert "`@orochi restart web`" in told.text
    await desk.slack.say(f"thanks {BOT}!", user=BOB)
    short = await desk.told(lambda m: "begins with my name" in m.text, user=BOB)
    assert (short.channel, short.thread_ts) == (SWARM, None)
    assert "`@orochi help`" in short.text
    await desk.slack.say(BOT)
    await desk.told(lambda m: "`@orochi status" in m.text)
    await desk.slack.say(f"please {BOT} restart web")
    await settled(desk)

    assert of_bot(desk) == []
    assert len(desk.slack.workspace.shown_to(BOB)) == 1


async def test_what_is_not_for_the_bot_gets_no_answer(desk: Desk):
    """Other messages, edits, other bots, the bot itself, and deletions."""
    await desk.service("web")
    await start(desk)
    channel = direct(desk)
    workspace = desk.slack.workspace
    robot = workspace.add_user("robot", is_bot=True).id
    workspace.channels[SWARM].members.add(robot)
    first = await desk.slack.say("status", channel=channel)
    await desk.slack.wait_for_message(lambda m: "1/1" in m.shown_text, channel=channel)
    workspace.edit(first, Content("restart web"))
    workspace.delete(first)
    await desk.slack.say("status everyone", user=BOB)
    late = await desk.slack.say("hello")
    workspace.edit(late, Content(f"{BOT} status"))
    event = {"type": "app_mention", "channel": SWARM, "user": robot, "bot_id": "B0ROBOT001"}
    await desk.slack.event(event | {"text": f"{BOT} status", "ts": workspace.next_ts()})
    joined = {"type": "message", "subtype": "channel_join", "channel": channel, "user": BOB}
    joined |= {"channel_type": "im", "text": f"{BOT} status", "ts": workspace.next_ts()}
    assert (await desk.slack.event(joined)).ok
    await settled(desk)
    await asyncio.gather(*(desk.slack.replay(each) for each in desk.slack.courier.deliveries[:1]))

    assert len(of_bot(desk)) == 1
    assert all(each.ok for each in desk.slack.courier.deliveries)
    assert len(workspace.shown_to(ANN)) == 1  # the answer to `help`


async def test_a_message_that_comes_again_is_answered_once_by_two_replicas(desk: Desk):
    """Slack sends it to each replica in turn; a job begins once as well."""
    await desk.service("web")
    await start(desk)
    await start(desk)
    await desk.slack.wait_for_connections(2)
    asked = await desk.slack.say(f"{BOT} status")
    changed = await desk.slack.say(f"{BOT} scale web 2")
    wrong = await desk.slack.say(f"{BOT} statsu")
    for ts in (asked.ts, changed.ts, wrong.ts):
        delivery = next(
            each
            for each in desk.slack.courier.deliveries
            if each.kind == "events_api" and each.payload["event"]["ts"] == ts
        )
        for _ in range(3):
            delivery = await desk.slack.courier.retry(delivery)
            assert delivery.ok
    await desk.slack.wait_for_message(finished)
    await settled(desk)

    assert len([m for m in of_bot(desk) if m.thread_ts == asked.ts]) == 1
    assert len([m for m in of_bot(desk) if is_job(m)]) == 1
    assert len([m for m in desk.slack.workspace.shown_to(ANN) if "statsu" in m.text]) == 1


@pytest.mark.parametrize("mode", MODES)
async def test_a_message_during_an_outage_of_the_bot_is_answered_when_it_is_back(
    desk: Desk, mode: str
):
    """Slack tries again, and says so."""
    bot = await start(desk, mode)
    await bot.kill()
    await desk.slack.workspace.until(lambda: not desk.slack.sockets.connections or None, 10)
    desk.slack.events.retries = (0.0, 30.0)
    sent = asyncio.create_task(desk.slack.say(f"{BOT} jobs"))
    await sent
    desk.slack.events.retries = ()
    first = desk.slack.courier.deliveries[-1]
    await start(desk, mode)
    again = await desk.slack.courier.retry(first)
    await answer(desk, sent.result(), "No jobs")

    assert not first.ok
    assert again.ok
    assert again.retry_attempt >= 1
    assert len(of_bot(desk)) == 1


async def test_a_change_that_comes_much_later_is_not_made(desk: Desk):
    await desk.service("web")
    await start(desk)
    now = desk.slack.workspace.clock()
    event = {"type": "app_mention", "channel": SWARM, "user": ANN, "ts": f"{now - 300:.6f}"}
    await desk.slack.event(event | {"text": f"{BOT} scale web 2"})
    told = await desk.told(lambda m: "after it was sent" in m.text)

    assert "Nothing was changed" in told.text
    assert of_bot(desk) == []


async def test_without_the_scope_slash_commands_still_work(desk: Desk):
    """The log says what does not."""
    desk.slack.tokens.scopes = BOT_SCOPES - {"app_mentions:read"}
    bot = await start(desk)
    await desk.slack.say("status", channel=direct(desk))
    await desk.slack.wait_for_message(lambda m: "orochi" in m.shown_text.lower())
    desk.slack.workspace.say(ANN, SWARM, f"{BOT} status")
    assert "`/orochi status" in await desk.answer("help")

    log = "\n".join(bot.lines)
    assert "lacks the scopes app_mentions:read (commands that begin with the bot's name)" in log
    assert [m.channel for m in of_bot(desk)] == [direct(desk)]


async def test_guests_and_strangers_get_a_refusal_of_their_own(desk: Desk):
    workspace = desk.slack.workspace
    workspace.add_user("gus", is_guest=True)
    workspace.add_user("eve", team="T0OTHER001")
    workspace.channels[SWARM].members |= {GUS, EVE}
    await start(desk)
    await desk.slack.say(f"{BOT} status", user=GUS)
    await desk.slack.say(f"{BOT} status", user=EVE)
    await desk.told(lambda m: "Guests" in m.text, user=GUS)
    await desk.told(lambda m: "Only people of the workspace" in m.text, user=EVE)

    assert of_bot(desk) == []


async def test_only_operators_change_something(desk: Desk):
    await desk.service("web")
    await start(desk)
    await desk.slack.say(f"{BOT} scale web 2", user=BOB)
    told = await desk.told(lambda m: "Only operators" in m.text, user=BOB)

    assert f"<@{ANN}>" in told.text
    assert of_bot(desk) == []


async def test_in_a_shared_channel_answers_are_for_the_person_alone(desk: Desk):
    await desk.service("web")
    desk.slack.workspace.channels[SWARM].is_ext_shared = True
    await start(desk)
    await desk.slack.say(f"{BOT} status")
    await desk.told(lambda m: "1/1" in m.shown_text)
    await desk.slack.say(f"{BOT} map")
    await desk.told(lambda m: "direct messages" in m.text)

    assert [m.channel for m in of_bot(desk)] == [direct(desk)]


async def test_a_join_token_stays_private(desk: Desk):
    """In a channel, a thread and the direct conversation; there it does not stay either."""
    await start(desk)
    root = await desk.slack.say("a new node")
    await desk.slack.say("which one?", user=BOB, thread=root.ts)
    places = [(SWARM, ""), (SWARM, root.ts), (direct(desk), "")]
    for channel, thread in places:
        known = len(desk.slack.workspace.shown_to(ANN))
        await desk.slack.say(f"{BOT} join worker", channel=channel, thread=thread)
        await shown_more_than(desk, known)
    shown = desk.slack.workspace.shown_to(ANN)

    assert all("SWMTKN" in m.shown_text for m in shown)
    assert [(m.channel, m.thread_ts or "") for m in shown] == places
    assert of_bot(desk) == []
    assert "SWMTKN" not in "\n".join(desk.bots[0].lines)


async def test_in_an_alerts_thread_its_service_is_meant(desk: Desk):
    """What acts says its name; what names another service is about that one."""
    await start(desk, **QUIET)
    await desk.service("web", "crash", "0", "7", running=0)
    alert = await incident(desk, "orochi_web")
    await desk.slack.say(f"{BOT} status", channel=ALERTS, thread=alert.ts)
    shown = await answer(desk, alert, "web")
    assert "orochi_web" in shown.shown_text or "*web*" in shown.shown_text
    await desk.slack.say(f"{BOT} ps", channel=ALERTS, thread=alert.ts)
    await answer(desk, alert, "*orochi_web*", "web.1")
    await desk.slack.say(f"{BOT} scale 0", channel=ALERTS, thread=alert.ts)
    job = await desk.slack.wait_for_message(finished)

    assert job.payload["target"] == "orochi_web"
    assert "web" in job.text
    assert (job.channel, job.thread_ts) == (ALERTS, alert.ts)


async def test_in_a_jobs_thread_its_only_service_is_meant(desk: Desk):
    """Of several, none is guessed."""
    await desk.service("web")
    await desk.service("db")
    await start(desk)
    one = await desk.job("scale web 2")
    await desk.slack.say(f"{BOT} restart", thread=one.ts)
    restarted = await desk.slack.wait_for_message(
        lambda m: finished(m) and m.payload["action"] == "restart"
    )
    both = await desk.job("scale web=1 db=2")
    await desk.slack.say("which?", user=BOB, thread=both.ts)
    await desk.slack.say(f"{BOT} restart", thread=both.ts)
    told = await desk.told(lambda m: "Which service?" in m.text)

    assert (restarted.payload["target"], restarted.thread_ts) == ("orochi_web", one.ts)
    assert "`orochi_web`, `orochi_db`" in told.text
    assert told.thread_ts == both.ts


async def test_a_thread_whose_job_is_forgotten_is_about_what_its_message_says(desk: Desk):
    await desk.service("web")
    await start(desk)
    one = await desk.job("scale web 2")
    desk.redis.flush()
    await desk.slack.say(f"{BOT} restart", thread=one.ts)
    done = await desk.slack.wait_for_message(
        lambda m: finished(m) and m.payload["action"] == "restart"
    )

    assert (done.payload["target"], done.thread_ts) == ("orochi_web", one.ts)


async def test_in_a_jobs_thread_that_job_is_the_one_to_cancel(desk: Desk):
    await desk.service("web")
    await start(desk)
    one = await desk.job("scale web 2")
    await desk.slack.say(f"{BOT} cancel", thread=one.ts)
    told = await desk.told(lambda m: "has already ended" in m.text)

    assert one.payload["job_id"] in told.text


async def test_a_job_in_a_thread_can_be_cancelled_there(desk: Desk):
    await desk.service("web", "serve")
    await start(desk)
    root = await desk.slack.say("scaling")
    await desk.slack.say(f"{BOT} scale web 2 ", thread=root.ts)
    job = await desk.slack.wait_for_message(lambda m: is_job(m) and m.thread_ts == root.ts)
    await desk.slack.say(f"{BOT} cancel {job.payload['job_id']}", thread=root.ts)
    told = await desk.told(lambda m: job.payload["job_id"] in m.text)
    await desk.slack.wait_for_message(finished)

    assert told.thread_ts == root.ts


async def test_a_refused_press_in_a_thread_is_seen_there(desk: Desk):
    await desk.service("web")
    await start(desk)
    root = await desk.slack.say("away with it")
    await desk.slack.say(f"{BOT} remove orochi", thread=root.ts)
    plan = await desk.slack.wait_for_message(lambda m: "Plan: remove" in m.text)
    await desk.slack.press(plan, "job.confirm", user=BOB)
    told = await desk.told(lambda m: "Only operators" in m.text, user=BOB)

    assert told.thread_ts == root.ts


async def test_a_plan_waits_for_its_confirmation_in_the_thread(desk: Desk):
    """Its buttons work there, and its end is told there."""
    await desk.service("web")
    await start(desk)
    root = await desk.slack.say("away with it")
    await desk.slack.say(f"{BOT} remove orochi", thread=root.ts)
    plan = await desk.slack.wait_for_message(lambda m: "Plan: remove" in m.text)
    assert plan.thread_ts == root.ts
    (field,) = (each for each in plan.blocks if each["type"] == "input")
    element = field["element"]
    typed = {"type": element["type"], "value": "orochi"}
    values = {field["block_id"]: {element["action_id"]: typed}}
    await desk.slack.press(plan, "job.confirm", values=values)
    done = await desk.slack.wait_for_message(finished)
    await answer(desk, root, f"<@{ANN}>")

    assert done is plan

"""Events of messages: who gets which, and when Slack tries again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from slack_sdk.web.async_client import AsyncWebClient

from playground.slack import BOT_USER_ID, Content, SlackEmulator
from playground.slack.web_api import BOT_SCOPES

SWARM, LOUNGE = "C0SWARM001", "C0LOUNGE01"
ANN, BOB = "U0ANN00001", "U0BOB00001"
BOT = f"<@{BOT_USER_ID}>"


class Server:
    """A request URL that notes what it gets, and answers with these states in turn, then 200."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], dict[str, Any]]] = []
        self.states: list[int] = []
        self.url = ""
        self._news = asyncio.Condition()

    async def handle(self, request: web.Request) -> web.Response:
        """Answer one request."""
        async with self._news:
            self.got.append((dict(request.headers), await request.json()))
            self._news.notify_all()
        return web.Response(status=self.states.pop(0) if self.states else 200)

    async def events(self, count: int) -> list[dict[str, Any]]:
        """The first events, once there are so many."""
        async with asyncio.timeout(10), self._news:
            await self._news.wait_for(lambda: len(self.got) >= count)
        return [body["event"] for _, body in self.got]


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    made = Server()
    application = web.Application()
    application.router.add_post("/", made.handle)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    yield made
    await runner.cleanup()


@pytest.fixture
async def slack(server: Server) -> AsyncIterator[SlackEmulator]:
    async with SlackEmulator(strict=True) as emulator:
        emulator.request_url = server.url
        emulator.events.retries = (0.0, 0.0, 0.0)
        yield emulator


async def test_a_mention_reaches_the_app_where_it_is_a_member(slack: SlackEmulator, server: Server):
    root = slack.workspace.say(ANN, SWARM, "no mention")
    slack.workspace.say(ANN, LOUNGE, f"{BOT} status")
    said = await slack.say(f"{BOT} status", thread=root.ts)
    (event,) = await server.events(1)

    assert (event["type"], event["user"], event["channel"]) == ("app_mention", ANN, SWARM)
    assert (event["text"], event["ts"]) == (f"{BOT} status", said.ts)
    assert (event["thread_ts"], event["event_ts"]) == (root.ts, said.ts)
    assert "subtype" not in event
    assert "edited" not in event
    assert server.got[0][1]["is_ext_shared_channel"] is False


async def test_an_edited_mention_comes_again_with_a_mark(slack: SlackEmulator, server: Server):
    said = await slack.say(f"{BOT} status")
    slack.workspace.edit(said, Content(f"{BOT} ps"))
    first, second = await server.events(2)

    assert first["ts"] == second["ts"]
    assert second["edited"]["user"] == ANN
    assert server.got[0][1]["event_id"] != server.got[1][1]["event_id"]


async def test_in_a_direct_conversation_the_app_gets_everything(
    slack: SlackEmulator, server: Server
):
    """Also what it says itself, edits and deletions."""
    channel = slack.workspace.open_direct([ANN]).id
    asked = await slack.say("status", channel=channel)
    own = slack.workspace.post(channel, Content("an answer"))
    slack.workspace.edit(own, Content("another answer"))
    await server.events(3)
    slack.workspace.delete(asked)
    events = await server.events(4)

    assert {event["channel_type"] for event in events} == {"im"}
    assert {event["type"] for event in events} == {"message"}
    by_subtype = {event.get("subtype") or event["user"]: event for event in events}
    assert by_subtype[ANN]["text"] == "status"
    assert by_subtype[BOT_USER_ID]["bot_id"]
    assert by_subtype["message_changed"]["message"]["text"] == "another answer"
    assert by_subtype["message_deleted"]["previous_message"]["ts"] == asked.ts


async def test_what_is_not_acknowledged_is_sent_again_with_number_and_reason(
    slack: SlackEmulator, server: Server
):
    server.states = [500, 500]
    await slack.say(f"{BOT} status")
    await server.events(3)
    headers = [each for each, _ in server.got]
    numbers = [each.get("X-Slack-Retry-Num") for each in headers]
    reasons = [each.get("X-Slack-Retry-Reason") for each in headers]

    assert numbers == [None, "1", "2"]
    assert reasons == [None, "http_error", "http_error"]
    assert len({body["event_id"] for _, body in server.got}) == 1


async def test_it_is_given_up_after_three_retries(slack: SlackEmulator, server: Server):
    server.states = [500] * 9
    await slack.say(f"{BOT} status")
    await server.events(4)
    server.states = []
    await slack.say(f"{BOT} ps")
    texts = [event["text"] for event in await server.events(5)]

    assert texts == [f"{BOT} status"] * 4 + [f"{BOT} ps"]


async def test_without_the_scope_or_the_subscription_nothing_is_sent(
    slack: SlackEmulator, server: Server
):
    """What comes last is sent, so what came before was not."""
    direct = slack.workspace.open_direct([ANN]).id
    slack.tokens.scopes = BOT_SCOPES - {"app_mentions:read"}
    slack.workspace.say(ANN, SWARM, f"{BOT} status")
    await slack.say("first", channel=direct)
    slack.tokens.scopes = BOT_SCOPES
    slack.events.subscribed = {"app_mention"}
    slack.workspace.say(ANN, direct, "status")
    await slack.say(f"{BOT} last")
    texts = [event["text"] for event in await server.events(2)]

    assert texts == ["first", f"{BOT} last"]


async def test_a_person_of_another_workspace_is_marked(slack: SlackEmulator, server: Server):
    eve = slack.workspace.add_user("eve", team="T0OTHER001").id
    slack.workspace.channels[SWARM].is_ext_shared = True
    await slack.say(f"{BOT} status", user=eve)
    (event,) = await server.events(1)

    assert event["user_team"] == event["source_team"] == "T0OTHER001"
    assert server.got[0][1]["is_ext_shared_channel"] is True


async def test_an_ephemeral_message_needs_a_thread_with_replies(slack: SlackEmulator):
    """https://docs.slack.dev/reference/methods/chat.postEphemeral"""
    client = AsyncWebClient(slack.tokens.bot, base_url=slack.base_url)
    root = slack.workspace.say(ANN, SWARM, "a thread")
    asked: dict[str, Any] = {"channel": SWARM, "user": ANN, "thread_ts": root.ts, "text": "for you"}
    await client.chat_postEphemeral(**asked)
    slack.workspace.say(BOB, SWARM, "a reply", thread_ts=root.ts)
    await client.chat_postEphemeral(**asked)

    assert [m.thread_ts for m in slack.workspace.shown_to(ANN)] == [root.ts]

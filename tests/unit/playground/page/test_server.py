"""The page's server: access, what each person sees, and streams that miss nothing."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import pytest

from bot.domain.commands.table import COMMANDS
from playground.page import Playground
from playground.page.journal import KEPT, Journal
from playground.slack import BOT_USER_ID, Content, File, Json, SlackEmulator, Workspace

ANN, BOB = "U0ANN00001", "U0BOB00001"
SWARM, SECRET = "C0SWARM001", "C0SECRET01"


@pytest.fixture
async def slack() -> AsyncIterator[SlackEmulator]:
    async with SlackEmulator(strict=True, enforce_rates=False) as emulator:
        yield emulator


@pytest.fixture
async def page(slack: SlackEmulator) -> AsyncIterator[Playground]:
    async with Playground(slack, operators=frozenset({ANN})) as made:
        yield made


@pytest.fixture
async def web(page: Playground) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(page.url) as session:
        yield session


class Stream:
    """One page's server-sent events."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self._answer = answer

    async def next(self) -> tuple[str, str, Any]:
        """The next event: its id, name and data."""
        fields: dict[str, str] = {}
        async for line in self._answer.content:
            name, _, value = line.decode().rstrip("\n").partition(": ")
            if name:
                fields[name] = value
            elif "data" in fields:
                return fields["id"], fields["event"], json.loads(fields["data"])
        raise EOFError

    def close(self) -> None:
        self._answer.close()


@pytest.fixture
async def stream(web: aiohttp.ClientSession) -> AsyncIterator[Callable[..., Awaitable[Stream]]]:
    """Opens streams, `await stream(BOB, last="…")`, that are closed after the test."""
    async with AsyncExitStack() as stack:

        async def opened(user: str = ANN, last: str = "") -> Stream:
            headers = {"Last-Event-ID": last} if last else {}
            asked = web.get("/events", params={"user": user}, headers=headers)
            return Stream(await stack.enter_async_context(asked))

        yield opened


async def refusal(web: aiohttp.ClientSession, action: str, **asked: object) -> str:
    async with web.post(f"/api/{action}", json=asked) as answer:
        return str((await answer.json())["error"])


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 403),
        ({"Host": "127.0.0.1.evil.example"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Content-Type": "text/plain"}, 415),
    ],
)
async def test_another_website_cannot_act(web, slack, headers, status):
    body = json.dumps({"user": ANN, "channel": SWARM, "text": "hello"})
    sent = {"Content-Type": "application/json"} | headers
    async with web.post("/api/type", data=body, headers=sent) as answer:
        assert answer.status == status
    assert slack.workspace.in_channel(SWARM) == []


async def test_the_page_itself_can(web, page, slack):
    own = {"Origin": page.url.rstrip("/")}
    asked = {"user": ANN, "channel": SWARM, "text": "a < b"}
    async with web.post("/api/type", json=asked, headers=own) as answer:
        assert await answer.json() == {}
    assert [each.text for each in slack.workspace.in_channel(SWARM)] == ["a &lt; b"]


@pytest.mark.parametrize("path", ["/", "/page.js", "/page.css", "/icon.svg"])
async def test_the_page_loads_nothing_from_elsewhere(web, path):
    async with web.get(path) as answer:
        assert answer.status == 200
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["/source.sha256", "/../server.py", "/%2e%2e%2fserver.py"])
async def test_only_the_pages_own_files_are_served(web, path):
    async with web.get(path) as answer:
        assert answer.status == 404


async def test_the_state_has_the_bots_commands_and_peoples_roles(web):
    async with web.get("/api/state") as answer:
        state = await answer.json()
    assert [each["usage"] for each in state["commands"]] == [row.usage for row in COMMANDS]
    assert (state["user"], state["operators"], state["bot"]) == (ANN, [ANN], False)
    assert {each["id"] for each in state["channels"]} >= {SWARM, SECRET}
    assert "C0ATTIC001" not in {each["id"] for each in state["channels"]}


async def test_the_bot_is_added_to_a_channel_by_one_of_its_members(web, slack):
    asked = {"user": BOB, "channel": SECRET, "text": "/invite @orochi"}
    async with web.post("/api/type", json=asked) as answer:
        assert await answer.json() == {}

    channel = slack.workspace.channels[SECRET]
    assert BOT_USER_ID in channel.members
    (said,) = slack.workspace.in_channel(SECRET)
    assert (said.user, said.text) == (BOB, "added Orochi to #secret.")


async def test_nobody_is_added_to_a_direct_conversation(web, slack):
    direct = slack.workspace.open_direct([ANN]).id
    said = await refusal(web, "type", user=ANN, channel=direct, text="/invite @orochi")
    assert "direct conversation" in said


async def test_each_person_sees_their_own(stream, slack):
    workspace = slack.workspace
    mine = await stream(ANN)
    theirs = await stream(BOB)
    assert [(await each.next())[1] for each in (mine, theirs)] == ["state", "state"]
    workspace.show(SWARM, Content("for Ann"), only_for=ANN)
    workspace.post(SWARM, Content("for all"))
    assert [(await mine.next())[2]["message"]["text"] for _ in "ab"] == ["for Ann", "for all"]
    assert (await theirs.next())[2]["message"]["text"] == "for all"


async def test_a_page_that_reconnects_gets_exactly_what_it_missed(stream, slack):
    first = await stream()
    await first.next()
    message = slack.workspace.post(SWARM, Content("one"))
    mark, *_ = await first.next()
    first.close()
    slack.workspace.edit(message, Content("two"))
    slack.workspace.delete(message)
    slack.workspace.post(SWARM, Content("three"))
    again = await stream(last=mark)
    told = [await again.next() for _ in range(3)]
    assert [name for _, name, _ in told] == ["message", "gone", "message"]
    assert [data["message"]["text"] for _, name, data in told if name == "message"] == [
        "two",
        "three",
    ]


@pytest.mark.parametrize("last", ["other-1", "nonsense", "-", "é-1"])
async def test_a_page_of_another_run_gets_everything(stream, slack, last):
    slack.workspace.post(SWARM, Content("there"))
    _, name, data = await (await stream(last=last)).next()
    assert (name, [each["text"] for each in data["messages"]]) == ("state", ["there"])


async def test_forgotten_changes_are_replaced_by_the_whole_state():
    workspace = Workspace.furnished()
    journal = Journal(workspace)
    assert journal.since(journal.mark(0)) == []
    assert journal.since(journal.mark(1)) is None
    assert journal.since(f"{journal.run}-9" + "9" * KEPT) is None


async def test_a_file_is_shown_as_a_picture_only_if_it_is_safe(web, slack):
    for name in ("map.png", "page.html", "logo.svg"):
        slack.workspace.files[name] = made = upload(name)
        made.channels.append(SWARM)
    kinds = {}
    for name in ("map.png", "page.html", "logo.svg"):
        async with web.get(f"/api/files/{name}") as answer:
            kind = answer.headers["Content-Disposition"].split(";")[0]
            kinds[name] = (answer.content_type, kind)
    assert kinds == {
        "map.png": ("image/png", "inline"),
        "page.html": ("application/octet-stream", "attachment"),
        "logo.svg": ("application/octet-stream", "attachment"),
    }


def upload(name: str) -> File:
    return File(name, name, 3, b"<b>")


@pytest.mark.parametrize(
    ("action", "asked", "said"),
    [
        ("type", {"user": ANN, "channel": SWARM, "text": " "}, "nothing to send"),
        ("type", {"user": "U0BOT00001", "channel": SWARM, "text": "x"}, "person does not exist"),
        ("type", {"user": ANN, "channel": "C0ATTIC001", "text": "x"}, "channel does not exist"),
        ("type", {"user": ANN, "channel": SWARM, "text": "/x"}, "Try /orochi."),
        ("type", {"user": ANN, "channel": SWARM, "text": "/invite @orochi"}, "already in #swarm"),
        ("type", {"user": ANN, "channel": SWARM, "text": "/invite @bob"}, "Try /invite @orochi"),
        ("press", {"user": ANN, "action_id": "demo.try.0"}, "types that command itself"),
        ("type", {"user": ANN, "channel": SWARM, "text": "/orochi jobs"}, "not connected"),
        ("type", {"user": ANN, "channel": SWARM, "text": "/orochi", "thread": "1"}, "in threads"),
        ("type", {"user": 7, "channel": [], "text": {}}, "person does not exist"),
        ("press", {"user": ANN, "channel": SWARM, "ts": "1.0"}, "no longer available"),
        ("submit", {"user": ANN, "view": "V1"}, "dialog is closed"),
        ("break", {"name": "all"}, "no action called all"),
    ],
)
async def test_impossible_actions_are_answered_with_a_sentence(web, action, asked, said):
    assert said in await refusal(web, action, **asked)


@pytest.mark.parametrize("body", ["", "[]", "{", "null"])
async def test_a_body_that_is_not_an_object_is_refused(web, body):
    headers = {"Content-Type": "application/json"}
    async with web.post("/api/type", data=body, headers=headers) as answer:
        assert answer.status == 400


async def test_invisible_buttons_cannot_be_pressed(web, slack):
    block = {"type": "actions", "elements": [{"type": "button", "action_id": "a"}]}
    shown = slack.workspace.show(SWARM, Content("x", (block,)), only_for=ANN)
    at: Json = {"channel": SWARM, "ts": shown.ts, "action_id": "a"}
    assert "no longer available" in await refusal(web, "press", user=BOB, **at)
    assert "not connected" in await refusal(web, "press", user=ANN, **at)


async def test_the_next_free_port_is_used_if_one_is_taken(slack):
    async with Playground(slack) as first:
        taken = int(first.url.rstrip("/").rpartition(":")[2])
        async with Playground(slack, port=taken) as second:
            assert taken < int(second.url.rstrip("/").rpartition(":")[2]) < taken + 20


async def test_what_is_typed_reaches_the_bot_as_slack_sends_it(web, page, slack):
    """A name is a mention, in a channel or a thread, but not in code; the rest is escaped."""
    root = slack.workspace.say(BOB, SWARM, "down?")
    sent = "@orochi logs a&b `@orochi` x@orochi.io @orochix @bob!"
    asked = {"user": ANN, "channel": SWARM, "thread": root.ts, "text": sent}
    async with web.post("/api/type", json=asked) as answer:
        assert await answer.json() == {}
    said = slack.workspace.in_thread(SWARM, root.ts)[-1]
    await slack.workspace.until(lambda: slack.courier.deliveries or None, 5)
    event = slack.courier.deliveries[0].payload["event"]

    assert said.text == ("<@U0BOT00001> logs a&amp;b `@orochi` x@orochi.io @orochix <@U0BOB00001>!")
    assert (event["type"], event["thread_ts"]) == ("app_mention", root.ts)


async def test_in_the_direct_conversation_everything_reaches_the_bot(web, page, slack):
    channel = slack.workspace.open_direct([ANN]).id
    async with web.post("/api/type", json={"user": ANN, "channel": channel, "text": "status"}):
        pass
    await slack.workspace.until(lambda: slack.courier.deliveries or None, 5)
    event = slack.courier.deliveries[0].payload["event"]

    assert (event["type"], event["channel_type"], event["text"]) == ("message", "im", "status")

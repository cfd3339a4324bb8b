"""A workspace with its page and a small bot, in a thread of its own: browser drivers block.

The bot talks to the emulator as any app does: signed HTTP in, the Web API out. It posts an example
of everything that the page can show.
"""

from __future__ import annotations

import asyncio
import json
import threading
import zlib
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from aiohttp import web
from slack_sdk.web.async_client import AsyncWebClient

from playground.page import Breakable, CannotBreakError, Names, Parameter, Playground
from playground.slack import Json, SlackEmulator

ANN, BOB = "U0ANN00001", "U0BOB00001"
SWARM, ALERTS = "C0SWARM001", "C0ALERTS01"
PATIENCE = 20.0

T = TypeVar("T")


def mrkdwn(text: str) -> Json:
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text, "emoji": True}


def section(text: str) -> Json:
    return {"type": "section", "text": mrkdwn(text)}


def button(action_id: str, label: str, **more: Any) -> Json:
    shown = {"type": "button", "action_id": action_id, "text": plain(label), "value": "k3f9ab"}
    return shown | more


def confirm(title: str, text: str) -> Json:
    return {"title": plain(title), "text": plain(text)} | {
        "confirm": plain("Scale back"),
        "deny": plain("Keep five"),
    }


def scaled(running: int, *, by: str = ANN) -> Json:
    """A job's message with a number of running replicas out of five."""
    done = running == 5
    headline = "✅ Scale worker01 to 5: converged" if done else "🔄 Scale worker01 to 5"
    slots = [f"• slot {n} running on `photon-machine-0{n}`" for n in range(1, running + 1)]
    question = confirm("Scale back to 2?", "Three of the five replicas are stopped.")
    buttons = [button("scale_back", "Scale back to 2", confirm=question)]
    return {
        "text": f"{headline}, {running} of 5 run.",
        "blocks": [
            {"type": "header", "text": plain(headline)},
            section(
                "\n".join([f"*worker01* {'▰' * running}{'▱' * (5 - running)} {running}/5", *slots])
            ),
            {
                "type": "context",
                "elements": [
                    mrkdwn(
                        f"Job `k3f9ab` · asked by <@{by}> · "
                        "<!date^1800000000^{date_short_pretty} {time}|2027-01-15 08:00 UTC>"
                    )
                ],
            },
            {"type": "actions", "elements": buttons},
        ],
        "metadata": {
            "event_type": "swarm_job",
            "event_payload": {
                "job_id": "k3f9ab",
                "state": "finished" if done else "running",
                "running": running,
                "desired": 5,
            },
        },
    }


STATUS = {
    "response_type": "ephemeral",
    "text": "orochi: 1 of 3 services unhealthy.",
    "blocks": [
        {"type": "header", "text": plain("❌ orochi: 1 of 3 services unhealthy")},
        section(
            "*django* ▰▱ 1/2 *unhealthy*\n"
            "&gt; out of memory on `photon-machine-03`, limit 512 MiB\n"
            "Last lines:\n```\nTraceback &lt;most recent call last&gt;:\n"
            "  a &amp;&amp; b, snake_case_name, 2 * 3 * 4\n# no heading\n1. no list\n```"
        ),
        {"type": "section", "fields": [mrkdwn("*Nodes*\n10 of 10 ready"), mrkdwn("*Feed*\nlive")]},
        {"type": "divider"},
        section("*redis* ▰ 1/1 ~3~ :white_check_mark: <https://docs.docker.com|docs>"),
    ],
}
MODAL: Json = {
    "type": "modal",
    "callback_id": "silence",
    "title": plain("Silence an alert"),
    "submit": plain("Silence"),
    "blocks": [
        section("`django` stays quiet; what happens is still recorded."),
        {
            "type": "input",
            "block_id": "why",
            "label": plain("Why"),
            "element": {"type": "plain_text_input", "action_id": "text", "focus_on_load": True},
        },
        {
            "type": "input",
            "block_id": "long",
            "label": plain("For how long"),
            "element": {
                "type": "static_select",
                "action_id": "choice",
                "options": [
                    {"text": plain("An hour"), "value": "1h"},
                    {"text": plain("A day"), "value": "1d"},
                ],
            },
        },
        {
            "type": "input",
            "block_id": "tell",
            "optional": True,
            "label": plain("Tell"),
            "element": {
                "type": "checkboxes",
                "action_id": "who",
                "options": [{"text": plain("The channel"), "value": "channel"}],
            },
        },
    ],
}
ALERT: Json = {
    "text": "django fails: out of memory.",
    "blocks": [
        {"type": "header", "text": plain("🔥 django: out of memory")},
        section("Slot 2 on `photon-machine-03`, 3 times in the last minute."),
        {
            "type": "actions",
            "elements": [
                button("acknowledge", "Acknowledge", style="primary"),
                button("silence", "Silence …"),
                {
                    "type": "static_select",
                    "action_id": "next",
                    "placeholder": plain("What next"),
                    "options": [
                        {"text": plain("Show logs"), "value": "logs"},
                        {"text": plain("Restart django"), "value": "restart"},
                    ],
                },
            ],
        },
    ],
}


def picture(width: int = 480, height: int = 200) -> bytes:
    """A PNG of coloured tiles."""
    rows = b"".join(
        b"\0" + b"".join(bytes((40 + 20 * (x // 48), 120 + y // 2, 160)) for x in range(width))
        for y in range(height)
    )

    def chunk(kind: bytes, body: bytes) -> bytes:
        crc = zlib.crc32(kind + body).to_bytes(4, "big")
        return len(body).to_bytes(4, "big") + kind + body + crc

    size = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes((8, 2, 0, 0, 0))
    parts = [(b"IHDR", size), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(kind, body) for kind, body in parts)


async def names() -> Names:
    """The names of a small swarm."""
    return Names(("django", "worker01", "shop/web"), ("orochi", "shop"), ("photon-machine-01",))


class SmallBot:
    """Answers commands and clicks; the last request is in `got`."""

    def __init__(self, slack: SlackEmulator) -> None:
        self.client = AsyncWebClient(token=slack.tokens.bot, base_url=slack.base_url)
        self.got: list[Json] = []
        self.job = ""

    async def handle(self, request: web.Request) -> web.Response:
        """One request of Slack's: a form, or JSON for events."""
        if request.content_type == "application/json":
            return await self._event((await request.json())["event"])
        form = dict(parse_qsl(await request.text(), keep_blank_values=True))
        body: Json = json.loads(form["payload"]) if "payload" in form else form
        self.got.append(body)
        if body.get("type") == "view_submission":
            return self._submitted(body)
        if body.get("type") == "block_actions":
            return await self._pressed(body)
        return await self._command(body)

    async def _command(self, body: Json) -> web.Response:
        word = str(body["text"]).split(" ")[0]
        channel, user = str(body["channel_id"]), str(body["user_id"])
        if word == "":
            return web.json_response({"text": "All commands: `scale`, `status`."})
        if word == "status":
            return web.json_response(STATUS)
        if word == "logs":
            await self.client.files_upload_v2(
                channel=channel,
                filename="map.png",
                title="The swarm",
                alt_txt="Three nodes, ten tiles",
                content=picture(),
            )
            return web.Response()
        if word == "incidents":
            await self.client.chat_postMessage(channel=ALERTS, **ALERT)
            return web.Response()
        if user != ANN:
            return web.json_response(
                {"text": "Only operators may use `scale`. Nothing was changed."}
            )
        answer = await self.client.chat_postMessage(channel=channel, **scaled(2))
        self.job = str(answer["ts"])
        return web.Response()

    async def _pressed(self, body: Json) -> web.Response:
        action = body["actions"][0]["action_id"]
        if action == "silence":
            await self.client.views_open(trigger_id=body["trigger_id"], view=MODAL)
        elif "channel" in body:
            at = {"channel": body["channel"]["id"], "thread_ts": body["container"]["message_ts"]}
            who = f"<@{body['user']['id']}>"
            await self.client.chat_postMessage(text=f"{who} pressed `{action}`", **at)
        return web.Response()

    def _submitted(self, body: Json) -> web.Response:
        why = body["view"]["state"]["values"]["why"]["text"]["value"]
        if len(why) < 5:
            errors = {"why": "Say a little more: at least five letters."}
            return web.json_response({"response_action": "errors", "errors": errors})
        return web.Response()

    async def _event(self, event: Json) -> web.Response:
        blocks = [
            {"type": "header", "text": plain(":house: Your swarm")},
            {
                "type": "section",
                "text": mrkdwn("*orochi* 3 services healthy"),
                "accessory": button("refresh", "Refresh"),
            },
        ]
        home = {"type": "home", "blocks": blocks}
        await self.client.views_publish(user_id=event["user"], view=home)
        return web.Response()

    async def progress(self, running: int) -> None:
        """Edit the job's message."""
        await self.client.chat_update(channel=SWARM, ts=self.job, **scaled(running))


class Hammer:
    """Two actions: one breaks something, one repairs it."""

    def __init__(self) -> None:
        self.broken = ""

    def listed(self) -> Sequence[Breakable]:
        services = Parameter("service", "Service", ("django", "worker01"))
        kill = Breakable(
            "kill", "Kill a task", "Its process ends with SIGKILL.", parameters=(services,)
        )
        return (kill, Breakable("heal", "Let all be well", mends=True))

    async def do(self, name: str, values: Mapping[str, str]) -> str:
        if name == "heal" and not self.broken:
            raise CannotBreakError("All is well already.")
        self.broken = values.get("service", "")
        return f"A task of {self.broken} was killed." if self.broken else "All is well again."


class Stage:
    """The emulator, the bot and the page; `call` runs something in their thread."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="stage")
        self.hammer = Hammer()
        self.slack: SlackEmulator
        self.page: Playground
        self.bot: SmallBot
        self._runner: web.AppRunner

    def __enter__(self) -> Stage:
        self._thread.start()
        self.call(self._start())
        return self

    def __exit__(self, *_: object) -> None:
        self.call(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine where the servers run, and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE)

    def until(self, probe: Callable[[], T | None]) -> T:
        """The result of the probe once it is not None."""
        return self.call(self.slack.workspace.until(probe, PATIENCE))

    def say(self, text: str, channel: str = SWARM, **more: Any) -> str:
        """Post a message as the bot; returns its ts."""
        answer = self.call(self.bot.client.chat_postMessage(channel=channel, text=text, **more))
        return str(answer["ts"])

    async def _start(self) -> None:
        self.slack = await SlackEmulator(strict=True, enforce_rates=False).__aenter__()
        self.bot = SmallBot(self.slack)
        application = web.Application()
        application.router.add_post("/", self.bot.handle)
        self._runner = web.AppRunner(application)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.slack.request_url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/"
        self.page = Playground(
            self.slack, breakables=self.hammer, operators=frozenset({ANN}), names=names
        )
        await self.page.__aenter__()

    async def _stop(self) -> None:
        await self.page.__aexit__(None, None, None)
        await self.slack.__aexit__(None, None, None)
        await self._runner.cleanup()

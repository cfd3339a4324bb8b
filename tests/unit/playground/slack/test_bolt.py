"""The official client and framework work against the emulator, by Socket Mode and by HTTP."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from playground.slack import SlackEmulator

SWARM = "C0SWARM001"
ANN = "U0ANN00001"
BUTTON = {
    "type": "button",
    "action_id": "job.cancel",
    "value": "job-1",
    "text": {"type": "plain_text", "text": "Cancel"},
}


def bolt_app(slack: SlackEmulator) -> AsyncApp:
    client = AsyncWebClient(token=slack.tokens.bot, base_url=slack.base_url)
    app = AsyncApp(
        client=client, signing_secret=slack.tokens.signing_secret, process_before_response=True
    )

    @app.command("/orochi")
    async def on_command(ack, command, client, respond):
        await ack()
        if command["text"] == "who":
            await respond(text=f"<@{command['user_id']}>")
            return
        posted = await client.chat_postMessage(channel=command["channel_id"], text="queued")
        await client.chat_update(
            channel=posted["channel"],
            ts=posted["ts"],
            text="running",
            blocks=[{"type": "actions", "elements": [BUTTON]}],
        )

    @app.command("/quick")
    async def on_quick(ack, command):
        await ack(text=f"you said {command['text']}")

    @app.action("job.cancel")
    async def on_cancel(ack, action, respond):
        await ack()
        await respond(text=f"cancelled {action['value']}", replace_original=True)

    @app.event("app_mention")
    async def on_mention(event, client):
        await client.chat_postMessage(channel=event["channel"], text="hello", thread_ts=event["ts"])

    return app


@asynccontextmanager
async def in_socket_mode(slack: SlackEmulator) -> AsyncIterator[AsyncSocketModeHandler]:
    handler = AsyncSocketModeHandler(bolt_app(slack), slack.tokens.app, ping_interval=1)
    await handler.connect_async()
    try:
        await slack.wait_for_connections(1)
        yield handler
    finally:
        await handler.close_async()


@asynccontextmanager
async def in_http_mode(slack: SlackEmulator) -> AsyncIterator[None]:
    runner = web.AppRunner(bolt_app(slack).web_app(path="/slack/events"))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    slack.request_url = f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
    try:
        yield
    finally:
        await runner.cleanup()


@pytest.fixture(params=["socket", "http"])
async def connected(request) -> AsyncIterator[SlackEmulator]:
    mode = in_socket_mode if request.param == "socket" else in_http_mode
    async with SlackEmulator(strict=True) as slack, mode(slack):
        yield slack


async def test_a_command_is_acknowledged_and_its_message_edited(connected):
    delivery = await connected.command("/orochi", "scale 5")
    message = await connected.wait_for_message(lambda m: m.text == "running")
    assert delivery.ok
    assert delivery.latency is not None
    assert [edit.content.text for edit in message.history] == ["queued", "running"]
    assert connected.rates.violations == []


async def test_an_immediate_response_is_visible_to_the_person_only(connected):
    delivery = await connected.command("/quick", "status")
    message = await connected.wait_for_ephemeral(ANN)
    assert delivery.shown is message
    assert message.text == "you said status"


async def test_respond_reaches_the_person_through_the_response_url(connected):
    await connected.command("/orochi", "who")
    message = await connected.wait_for_ephemeral(ANN)
    assert message.text == f"<@{ANN}>"


async def test_a_pressed_button_replaces_its_message(connected):
    await connected.command("/orochi", "scale 5")
    message = await connected.wait_for_message(lambda m: m.blocks)
    pressed = await connected.press(message, "job.cancel")
    await connected.wait_for_message(lambda m: m.text == "cancelled job-1")
    assert pressed.ok


async def test_an_event_is_acknowledged_and_answered_in_its_thread(connected):
    mention = connected.workspace.say(ANN, SWARM, "<@U0BOT00001> hello")
    event = {"type": "app_mention", "user": ANN, "channel": SWARM, "ts": mention.ts, "text": "x"}
    delivery = await connected.event(event)
    answer = await connected.wait_for_message()
    assert delivery.ok
    assert answer.thread_ts == mention.ts


async def test_the_same_command_can_be_delivered_twice(connected):
    first = await connected.command("/quick", "once")
    second = await connected.replay(first)
    assert second.ok
    assert second.envelope_id == first.envelope_id
    assert second.trigger_id == first.trigger_id
    assert [m.text for m in connected.workspace.shown_to(ANN)] == ["you said once"] * 2


async def test_a_wrong_signing_secret_is_refused_by_the_app():
    async with SlackEmulator() as slack, in_http_mode(slack):
        slack.tokens.signing_secret = "another"
        delivery = await slack.command("/quick", "status")
    assert (delivery.error, delivery.status) == ("http_service_error", 401)


async def test_a_command_without_a_connected_app_fails_at_once():
    async with SlackEmulator() as slack:
        by_socket = await slack.command("/orochi", "status", via="socket")
        slack.request_url = "http://127.0.0.1:1/"
        by_http = await slack.command("/orochi", "status")
    assert [by_socket.error, by_http.error] == ["dispatch_failed"] * 2


async def test_the_client_reconnects_after_an_aborted_connection():
    async with SlackEmulator() as slack, in_socket_mode(slack):
        slack.sockets.abort()
        await slack.wait_for_connections(0)
        await slack.wait_for_connections(1)
        delivery = await slack.command("/quick", "again")
    assert delivery.ok


async def test_the_client_moves_to_a_new_connection_when_told_to():
    async with SlackEmulator() as slack, in_socket_mode(slack):
        before = slack.sockets.connections[0]
        await slack.sockets.disconnect("refresh_requested")
        await slack.workspace.until(
            lambda: slack.sockets.connections not in ([], [before]) or None, timeout=5
        )
        await slack.wait_for_connections(1)
        delivery = await slack.command("/quick", "again")
    assert delivery.ok


async def test_each_payload_goes_to_one_of_several_connections():
    async with SlackEmulator() as slack, in_socket_mode(slack):
        second = AsyncSocketModeHandler(bolt_app(slack), slack.tokens.app)
        await second.connect_async()
        await slack.wait_for_connections(2)
        deliveries = await asyncio.gather(*(slack.command("/quick", str(n)) for n in range(6)))
        delivered = [connection.delivered for connection in slack.sockets.connections]
        await second.close_async()
    assert all(delivery.ok for delivery in deliveries)
    assert delivered == [3, 3]

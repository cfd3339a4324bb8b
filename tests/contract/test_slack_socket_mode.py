"""The WebSocket reconnects by itself, a wrong token fails at once, acks survive the shutdown."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bot.domain.errors import ChatLoginError, ChatUnavailableError
from bot.runtime.clock import SystemClock
from bot.runtime.tasks import Background
from bot.slack import socket_mode
from bot.slack.api import SlackApi
from bot.slack.app import Listeners, bolt_app
from bot.slack.socket_mode import SocketMode
from playground.slack import SlackEmulator
from tests.contract.slack_side import COMMAND, Recorder, a_message, connected, eventually


async def never(*_arguments, **_named) -> None:
    raise AssertionError("nobody is to be told anything")


@asynccontextmanager
async def listening(slack: SlackEmulator, receive: Recorder) -> AsyncIterator[SocketMode]:
    """Socket Mode with short intervals."""
    api = SlackApi(slack.tokens.bot, SystemClock(), slack.base_url)
    listeners = Listeners(receive, receive, never, Background())
    mode = SocketMode(api, slack.tokens.app, ping_interval=0.2, look_interval=0.05)
    await mode.open(bolt_app(COMMAND, listeners, await api.login(), slack.base_url))
    try:
        yield mode
    finally:
        await mode.drain(1.0)
        await api.close()


async def lost_and_found(slack: SlackEmulator) -> None:
    """Break the connection and wait for the new one."""
    slack.sockets.abort()
    await slack.wait_for_connections(0)
    await slack.wait_for_connections(1)


async def test_an_aborted_connection_is_restored():
    async with SlackEmulator() as slack, listening(slack, Recorder()) as mode:
        await lost_and_found(slack)
        assert (await slack.command(COMMAND, "status")).ok
        assert await mode.is_connected()


async def test_an_expired_ticket_is_replaced():
    """Without this the SDK retries the same expired ticket for ever."""
    async with SlackEmulator() as slack, listening(slack, Recorder()):
        slack.sockets.expire_tickets(times=1)
        await lost_and_found(slack)

        assert slack.sockets.refusals >= 1
        assert (await slack.command(COMMAND, "status")).ok


async def test_tickets_and_payloads_are_not_logged(caplog):
    caplog.set_level(logging.DEBUG)
    async with SlackEmulator() as slack, listening(slack, Recorder()):
        slack.sockets.expire_tickets(times=1)
        await lost_and_found(slack)
        await slack.command(COMMAND, "private words")
    ours = [each for each in caplog.records if each.name.startswith("bot.")]
    failures = [each.getMessage() for each in ours if "Failed to connect" in each.getMessage()]

    assert failures
    assert all("ticket=…" in each for each in failures)
    assert "private words" not in " ".join(each.getMessage() for each in ours)
    assert not any(each.exc_info for each in ours)


async def test_it_reconnects_after_slack_was_away():
    async with SlackEmulator() as slack, listening(slack, Recorder()):
        async with slack.down():
            await slack.wait_for_connections(0)
        await slack.wait_for_connections(1)

        assert (await slack.command(COMMAND, "status")).ok


async def test_a_connection_that_slack_refreshes_loses_nothing(monkeypatch):
    monkeypatch.setattr(socket_mode, "GRACE", 0.2)
    received = Recorder()
    async with SlackEmulator() as slack, listening(slack, received):
        await slack.sockets.disconnect()
        answers = [await slack.command(COMMAND, str(number)) for number in range(20)]

        assert all(answer.ok for answer in answers)
        assert len(received.requests) == 20
        await slack.wait_for_connections(1)


async def test_two_refresh_requests_make_one_new_connection(monkeypatch):
    monkeypatch.setattr(socket_mode, "GRACE", 0.1)
    async with SlackEmulator() as slack, listening(slack, Recorder()):
        await slack.sockets.disconnect("warning")
        await slack.sockets.disconnect("refresh_requested")
        await slack.wait_for_connections(2)
        await slack.wait_for_connections(1)

        assert len(slack.calls_of("apps.connections.open")) == 2
        assert (await slack.command(COMMAND, "status")).ok


async def test_a_shutdown_in_the_middle_of_a_refresh_leaves_no_connection():
    async with SlackEmulator() as slack:
        async with listening(slack, Recorder()):
            slack.faults.slow("apps.connections.open", 0.2)
            await slack.sockets.disconnect()
        await slack.wait_for_connections(0)


async def test_a_refresh_while_commands_are_in_flight_loses_no_answer():
    release, began = asyncio.Event(), asyncio.Semaphore(0)

    async def receive(_request):
        began.release()
        await release.wait()

    async with SlackEmulator() as slack, listening(slack, Recorder(receive)):
        commands = [asyncio.create_task(slack.command(COMMAND, "x")) for _ in range(5)]
        for _ in commands:
            await began.acquire()
        await slack.sockets.disconnect()
        await slack.wait_for_connections(2)
        release.set()

        assert all(answer.ok for answer in await asyncio.gather(*commands))


async def test_a_connection_that_slack_closes_at_once_is_restored():
    async with SlackEmulator() as slack, listening(slack, Recorder()):
        await slack.sockets.disconnect("warning", close=True)
        await eventually(lambda: any(not each.retiring for each in slack.sockets.connections))

        assert (await slack.command(COMMAND, "status")).ok


async def test_a_failed_refresh_is_retried():
    async with SlackEmulator() as slack, listening(slack, Recorder()):
        slack.faults.fail("apps.connections.open", "internal_error", times=2)
        await slack.sockets.disconnect(close=True)
        await eventually(lambda: any(not each.retiring for each in slack.sockets.connections))

        assert (await slack.command(COMMAND, "status")).ok


async def test_a_wrong_app_token_fails_with_a_sentence_and_does_not_hang():
    async with SlackEmulator() as slack, asyncio.timeout(5):
        api = SlackApi(slack.tokens.bot, SystemClock(), slack.base_url)
        app = bolt_app(COMMAND, Listeners(never, never, never, Background()), await api.login())
        with pytest.raises(ChatLoginError, match="token"):
            await SocketMode(api, "xapp-wrong").open(app)
        await api.close()


async def test_a_wrong_bot_token_fails_with_a_sentence_and_does_not_hang():
    async with SlackEmulator() as slack, asyncio.timeout(5):
        api = SlackApi("xoxb-wrong", SystemClock(), slack.base_url)
        with pytest.raises(ChatLoginError, match="invalid_auth"):
            await api.login()
        await api.close()


async def test_an_unreachable_slack_at_the_start_fails_with_a_sentence():
    async with SlackEmulator() as slack, asyncio.timeout(5):
        api = SlackApi(slack.tokens.bot, SystemClock(), slack.base_url)
        async with slack.down():
            with pytest.raises(ChatUnavailableError, match="reached"):
                await api.login()
        await api.close()


async def test_a_socket_that_never_opens_fails_with_a_sentence(monkeypatch):
    monkeypatch.setattr(socket_mode, "CONNECT_WITHIN", 0.3)
    async with SlackEmulator() as slack, asyncio.timeout(5):
        slack.sockets.expire_tickets(times=1000)
        api = SlackApi(slack.tokens.bot, SystemClock(), slack.base_url)
        mode = SocketMode(api, slack.tokens.app, ping_interval=0.1)
        app = bolt_app(COMMAND, Listeners(never, never, never, Background()), await api.login())
        with pytest.raises(ChatUnavailableError, match="WebSocket"):
            await mode.open(app)
        assert not await mode.is_connected()
        await api.close()


async def test_many_acks_in_flight_at_shutdown_all_arrive():
    release, began = asyncio.Event(), asyncio.Semaphore(0)

    async def receive(_request):
        began.release()
        await release.wait()
        return a_message("heard")

    async with connected("socket", receive) as side:
        commands = [asyncio.create_task(side.slack.command(COMMAND, "x")) for _ in range(20)]
        for _ in commands:
            await began.acquire()
        stopping = asyncio.create_task(side.service.stop_listening())
        await asyncio.sleep(0)
        release.set()
        answers = await asyncio.gather(*commands)

        assert await stopping
        await side.slack.wait_for_connections(0)
    assert [answer.error for answer in answers] == [""] * 20
    assert all(answer.body for answer in answers)


async def test_closing_twice_is_harmless():
    async with connected("socket") as side:
        assert await side.service.is_connected()
        await side.service.stop_listening()
        await side.service.close()
        assert not await side.service.is_connected()


async def test_a_proxy_in_the_environment_is_not_used_for_loopback(monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    async with connected("socket") as side:
        assert (await side.slack.command(COMMAND, "status")).ok
        assert await side.messenger.post("C0SWARM001", a_message())

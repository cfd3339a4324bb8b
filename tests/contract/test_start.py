"""How the bot's process starts and stops when a part is missing."""

from __future__ import annotations

import pytest

from bot.app import App
from bot.domain.errors import BotError
from bot.settings import load
from playground.slack import SlackEmulator
from tests.bot import BotProcess
from tests.desk import settings_for

PATIENCE = 60.0
"""Seconds until a wait fails, even on a busy machine."""
NO_DOCKER = "unix:///nowhere/docker.sock"
HANGING_LOOKUPS = """
import socket, sys, time
ask = socket.getaddrinfo

def hang(host, *args, **kwargs):
    if host == "silent.example":
        sys.stderr.write("looking up silent.example\\n")
        time.sleep(300)
    return ask(host, *args, **kwargs)

socket.getaddrinfo = hang
"""
"""A ``sitecustomize`` in which the lookup of one name never gets an answer."""


async def test_a_stop_during_the_start_works(redis_server):
    """Slack hangs at the login: SIGTERM still shuts the process down cleanly."""
    async with SlackEmulator() as slack:
        slack.faults.hang("auth.test")
        bot = BotProcess(settings_for(slack, redis_server.url, NO_DOCKER))
        await bot.launch()
        await slack.wait_for_calls("auth.test")
        assert await bot.stop(PATIENCE) == 0


async def test_a_refused_token_ends_the_start_with_a_sentence(redis_server):
    """Exit code 1, a sentence in the log without the token. The log level is in lower case."""
    async with SlackEmulator() as slack:
        settings = settings_for(slack, redis_server.url, NO_DOCKER) | {"BOT_LOG_LEVEL": "info"}
        bot = BotProcess(settings | {"SLACK_BOT_TOKEN": "xoxb-wrong"})
        await bot.launch()
        assert await bot.ended(seconds=PATIENCE) == 1
    assert any("cannot start" in line for line in bot.lines)
    assert "xoxb-wrong" not in "\n".join(bot.lines)


async def test_a_hanging_name_server_does_not_delay_the_stop(tmp_path):
    """The lookup of Redis' name cannot be cancelled: SIGTERM still ends the process."""
    (tmp_path / "sitecustomize.py").write_text(HANGING_LOOKUPS)
    async with SlackEmulator() as slack:
        settings = settings_for(slack, "redis://silent.example:6379/0", NO_DOCKER)
        bot = BotProcess(settings | {"PYTHONPATH": str(tmp_path)})
        await bot.start(seconds=PATIENCE)
        await bot.wait_for_log("looking up silent.example", PATIENCE)
        assert await bot.stop(PATIENCE) == 0


@pytest.mark.parametrize("host", ["192.0.2.1", "no.such.host.invalid"])
async def test_an_http_port_that_cannot_be_opened_is_reported_in_a_sentence(redis_server, host):
    """The sentence has the address, the port, and the settings to check."""
    async with SlackEmulator() as slack:
        settings = settings_for(slack, redis_server.url, NO_DOCKER)
        settings |= {"BOT_HTTP_HOST": host, "BOT_HTTP_PORT": "8099"}
        app = App(load(settings, secrets_dir=None))
        try:
            with pytest.raises(BotError) as caught:
                await app.start()
        finally:
            await app.stop()
    assert f"The HTTP port 8099 of {host} cannot be opened" in str(caught.value)
    assert "BOT_HTTP_HOST" in str(caught.value)

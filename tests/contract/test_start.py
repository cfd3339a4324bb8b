"""How the bot's process starts and stops when a part is missing."""

from __future__ import annotations

from bot.demo.slack import SlackEmulator
from tests.bot import BotProcess
from tests.desk import settings_for

NO_DOCKER = "unix:///nowhere/docker.sock"


async def test_a_stop_while_it_starts_is_heeded(redis_server):
    """Slack hangs at the login: SIGTERM ends the process in good order all the same."""
    async with SlackEmulator() as slack:
        slack.faults.hang("auth.test")
        bot = BotProcess(settings_for(slack, redis_server.url, NO_DOCKER))
        await bot.launch()
        await slack.wait_for_calls("auth.test")
        assert await bot.stop(seconds=10) == 0


async def test_a_token_that_slack_refuses_ends_the_start_with_a_sentence(redis_server):
    """Exit code 1, a sentence in the log, no token in it."""
    async with SlackEmulator() as slack:
        settings = settings_for(slack, redis_server.url, NO_DOCKER)
        bot = BotProcess(settings | {"SLACK_BOT_TOKEN": "xoxb-wrong"})
        await bot.launch()
        assert await bot.ended(seconds=15) == 1
    assert any("cannot start" in line for line in bot.lines)
    assert "xoxb-wrong" not in "\n".join(bot.lines)

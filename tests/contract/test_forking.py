"""Bots that are forked for tests: each is a process of its own, and none outlives the tests."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from tests.forking import ForkedBot
from tests.lab.waiting import wait_until
from tests.stacks import END, write_stacks

START = """
import asyncio, socket
from tests.forking import ForkedBot

async def start() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        bot = await ForkedBot.start({
            "SLACK_BOT_TOKEN": "xoxb-1",
            "SLACK_APP_TOKEN": "xapp-1",
            "SLACK_API_URL": f"http://127.0.0.1:{silent.getsockname()[1]}/api/",
            "BOT_HTTP_PORT": "0",
        })
        print(bot.pid, flush=True)
        await asyncio.sleep(3600)

asyncio.run(start())
"""
"""A test that never ends, with a bot that waits for Slack's answer."""


async def test_its_log_and_exit_code_are_available() -> None:
    bot = await ForkedBot.start({"SLACK_BOT_TOKEN": ""})
    said = (await bot.stderr.read()).decode()

    assert await bot.wait() == 2
    assert bot.returncode == 2
    assert "SLACK_BOT_TOKEN" in said


def test_a_bot_ends_with_the_tests_that_started_it() -> None:
    with subprocess.Popen([sys.executable, "-c", START], stdout=subprocess.PIPE) as tests:
        assert tests.stdout is not None
        bot = Path("/proc", tests.stdout.readline().decode().strip())
        assert bot.is_dir()
        tests.kill()

    wait_until(lambda: not bot.exists(), "the end of the bot", seconds=60)
    assert not bot.exists()


async def test_a_task_that_waits_for_good_tells_where(capsys: pytest.CaptureFixture[str]) -> None:
    async def stuck() -> None:
        await asyncio.Event().wait()

    async with asyncio.TaskGroup() as group:
        task = group.create_task(stuck(), name="a task of the test")
        await asyncio.sleep(0)
        write_stacks()
        task.cancel()

    *said, end = capsys.readouterr().err.splitlines()
    assert end == END
    after = said[said.index("TASK a task of the test") + 1 :]
    assert after[0].endswith(" stuck")
    assert after[1].endswith(" wait")
    assert "THREAD MainThread" in said

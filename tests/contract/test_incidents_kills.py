"""A watcher is killed or paused at each critical point; the next one continues from there."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.domain.incidents.alert import Button, Press
from bot.domain.incidents.model import IncidentState
from bot.ports import Kept
from bot.store.incidents import RedisIncidents
from playground.slack import Message, SlackEmulator
from tests.contract.incident_kit import incidents_on
from tests.contract.watcher_crew import Crew, Nursery, a_crew, alerts
from tests.contract.watcher_kit import Head, begin_watching, counts_at, first_failure
from tests.lab.redis import RedisServer

PATIENCE = 60.0
"""Seconds until a wait fails; it takes a few on an idle machine."""
POST, UPDATE = "chat.postMessage", "chat.update"
TURN_SECONDS = 3
"""The delay of a call while Slack is busy: longer than a lease."""


def later() -> int:
    """A version with more failures: new incidents, and more of the first."""
    return first_failure() + 5


@dataclass
class Scene:
    """A swarm without failures, and one watcher of it."""

    slack: SlackEmulator
    store: RedisIncidents
    crew: Crew
    head: Head
    log: Path

    async def until(self, true: Callable[[Kept], bool]) -> Kept:
        """The stored state once it matches."""
        async with asyncio.timeout(PATIENCE):
            while not true(kept := await self.store.load()):  # noqa: ASYNC110 - Redis has no event
                await asyncio.sleep(0.01)
        return kept

    async def saved(self, version: int) -> Kept:
        """The stored state once everything up to a version is handled."""
        return await self.until(lambda kept: (kept.state.cursor or 0) >= version)

    async def told(self, version: int) -> list[Message]:
        """The messages once they show all failures up to a version."""
        wanted = counts_at(version)

        def told_all(_: Message) -> bool:
            return _counts(alerts(self.slack)) == wanted

        await self.slack.wait_for_message(told_all, timeout=PATIENCE)
        return alerts(self.slack)

    async def replace_watcher(self) -> None:
        """Kill the running watcher, and start another."""
        self.crew.lose(0)
        self.slack.faults.clear()
        self.crew.hire()


@pytest.fixture
async def scene(
    nursery: Nursery, redis_server: RedisServer, tmp_path: Path
) -> AsyncIterator[Scene]:
    async with a_scene(nursery, redis_server, tmp_path) as made:
        yield made


@asynccontextmanager
async def a_scene(
    nursery: Nursery, redis_server: RedisServer, folder: Path
) -> AsyncIterator[Scene]:
    file, start = folder / "head", time.time()
    head = Head(file)
    head.put(first_failure() - 1)
    async with (
        SlackEmulator(strict=True) as slack,
        incidents_on(redis_server.url) as store,
    ):
        with a_crew(nursery, redis_server, slack, file, start=start, factor=1.0) as crew:
            await begin_watching(store)
            crew.hire()
            made = Scene(slack, store, crew, head, folder / "watchers.log")
            await made.saved(first_failure() - 1)
            yield made


def _counts(messages: list[Message]) -> dict[str, int]:
    return {message.payload["incident_id"]: message.payload["count"] for message in messages}


def _once(messages: list[Message]) -> bool:
    counted = Counter(message.payload["incident_id"] for message in messages)
    return set(counted.values()) == {1}


@pytest.mark.parametrize("there", [False, True])
async def test_a_kill_while_an_alert_is_posted(scene: Scene, there: bool):
    """The kill comes right after the save, before or after Slack has the message."""
    scene.slack.faults.hang(POST, after_effect=there)
    scene.head.put(first_failure())
    await scene.slack.wait_for_calls(POST)
    if there:
        await scene.slack.wait_for_message()
    await scene.replace_watcher()
    messages = await scene.told(first_failure())
    await scene.until(lambda kept: all(alert.message for alert in kept.alerts.values()))

    assert _once(messages)


@pytest.mark.parametrize("there", [False, True])
async def test_a_kill_in_the_middle_of_an_edit(scene: Scene, there: bool):
    """The next watcher updates the message to the current state."""
    scene.head.put(first_failure())
    await scene.told(first_failure())
    await scene.until(lambda kept: all(alert.message for alert in kept.alerts.values()))
    scene.slack.faults.hang(UPDATE, after_effect=there)
    scene.head.put(later())
    await scene.slack.wait_for_calls(UPDATE)
    await scene.replace_watcher()

    assert _once(await scene.told(later()))


async def test_a_kill_between_two_batches(scene: Scene):
    """Over many kills nothing is skipped, and nothing is counted twice."""
    for version in range(first_failure(), later()):
        scene.head.put(version)
        await scene.saved(version)
        await scene.replace_watcher()
    scene.head.put(later())
    kept = await scene.saved(later())

    assert {each.id: each.count for each in kept.state.incidents.values()} == counts_at(later())
    assert _once(await scene.told(later()))


async def test_a_press_without_a_watcher(scene: Scene):
    """The next watcher handles it."""
    scene.head.put(first_failure())
    (message,) = await scene.told(first_failure())
    scene.crew.lose(0)
    await scene.store.press(_acknowledges(message))
    scene.crew.hire()
    await scene.slack.wait_for_message(_is_acknowledged, timeout=PATIENCE)


async def test_a_kill_after_a_press_was_handled(scene: Scene):
    """It is visible in the end, and not handled a second time."""
    scene.head.put(first_failure())
    (message,) = await scene.told(first_failure())
    await scene.until(lambda kept: all(alert.message for alert in kept.alerts.values()))
    scene.slack.faults.hang(UPDATE, times=10)
    await scene.store.press(_acknowledges(message))
    handled = await scene.until(lambda kept: bool(kept.handled))
    await scene.replace_watcher()
    await scene.slack.wait_for_message(_is_acknowledged, timeout=PATIENCE)
    (before,) = handled.state.incidents.values()
    (after,) = (await scene.store.load()).state.incidents.values()

    assert before.state is after.state is IncidentState.ACKNOWLEDGED
    assert before.acknowledged == after.acknowledged
    assert _once(alerts(scene.slack))


async def test_a_paused_watcher_posts_nothing_after_it_resumes(scene: Scene):
    """Another watcher took over during the pause, while a post and an edit were waiting."""
    scene.head.put(first_failure())
    await scene.told(first_failure())
    await scene.until(lambda kept: all(alert.message for alert in kept.alerts.values()))
    edits = scene.slack.workspace.arrivals[UPDATE]
    for method in (POST, UPDATE):
        scene.slack.faults.rate_limit(method, retry_after=TURN_SECONDS)
    scene.head.put(later() - 3)
    await scene.slack.wait_for_calls(POST, 2)
    await scene.slack.wait_for_calls(UPDATE, edits + 1)
    (paused,) = scene.crew.members
    os.kill(paused, signal.SIGSTOP)
    scene.crew.hire()
    scene.head.put(later())
    await scene.told(later())
    os.kill(paused, signal.SIGCONT)
    async with asyncio.timeout(PATIENCE):
        while f"{paused} this replica no longer watches the swarm" not in scene.log.read_text():  # noqa: ASYNC110 - another process's log
            await asyncio.sleep(0.01)

    messages = await scene.told(later())
    assert _once(messages)
    assert all(counts == sorted(counts) for counts in map(_counted, messages))


def _counted(message: Message) -> list[int]:
    """The counts that a message has shown, in order."""
    shown = [(edit.content.metadata or {})["event_payload"]["count"] for edit in message.history]
    return [int(count) for count in shown]


def _acknowledges(message: Message) -> Press:
    return Press(Button.ACKNOWLEDGE, message.payload["incident_id"], "U0ANN00001", time.time())


def _is_acknowledged(message: Message) -> bool:
    return message.payload.get("state") == "acknowledged"

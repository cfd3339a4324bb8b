"""The Home tab between the loop and Slack: published when opened, then after each change."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from bot.domain.errors import ChatUnavailableError, SwarmError
from bot.domain.jobs.model import Job
from bot.domain.operations.dashboard import Dashboard
from bot.domain.text.message import Message
from bot.loops.home import Home, May
from bot.runtime.tasks import cancel_all
from bot.views.home import home_message
from playground.slack.model import View, texts_within
from tests.contract.job_kit import a_job
from tests.contract.slack_side import ANN, MODES, FastClock, Side, connected, eventually

BOB = "U0BOB00001"
OPENED = {"type": "app_home_opened", "user": ANN, "channel": "D0ANN00001", "tab": "home"}


@dataclass
class Scene:
    """A dashboard that the test changes; ``looks`` counts how often it was read."""

    active: tuple[Job, ...] = ()
    looks: int = 0
    trouble: Exception | None = None
    looked: asyncio.Event = field(default_factory=asyncio.Event)

    async def read(self) -> Dashboard:
        self.looks += 1
        self.looked.set()
        if self.trouble is not None:
            raise self.trouble
        return Dashboard(1_700_000_000.0 + self.looks, active=self.active)

    async def next_look(self) -> None:
        """Return at the beginning of the next look."""
        self.looked.clear()
        await self.looked.wait()


async def ann_may(user: str) -> bool:
    return user == ANN


def rendered(board: Dashboard, operator: bool, now: float, until: float) -> Message:
    return home_message(board, now, until, operator=operator)


@asynccontextmanager
async def at_home(
    side: Side, scene: Scene, may: May = ann_may, **limits: Any
) -> AsyncIterator[Home]:
    """The running loop, a hundred times as fast as in real life; it gets openings of the tab."""
    home = Home(side.messenger, FastClock(100), **limits)
    side.opened.append(home.opened)
    loop = asyncio.create_task(home.run(scene.read, may, rendered))
    try:
        yield home
    finally:
        await cancel_all([loop])


def tab_of(side: Side, user: str) -> View | None:
    return next((v for v in side.slack.workspace.views.values() if v.user == user), None)


def text_of(side: Side, user: str) -> str:
    tab = tab_of(side, user)
    return "\n".join(texts_within(tab.body["blocks"])) if tab else ""


@pytest.mark.parametrize("mode", MODES)
async def test_the_tab_is_published_for_the_person_who_opens_it(mode):
    """An operator sees buttons, a viewer does not; nobody else gets a tab."""
    scene = Scene(active=(a_job("web", job_id="job222"),))
    async with connected(mode) as side, at_home(side, scene):
        for user in (ANN, BOB):
            delivery = await side.slack.event({**OPENED, "user": user})
            assert delivery.ok
        await eventually(lambda: bool(text_of(side, ANN) and text_of(side, BOB)))
        assert "job222" in text_of(side, BOB)
        assert "Stop waiting" in text_of(side, ANN)
        assert "Stop waiting" not in text_of(side, BOB)
        assert len(side.slack.workspace.views) == 2


async def test_a_person_who_may_not_look_sees_nothing_of_the_swarm():
    """A guest, or somebody of another workspace: one sentence, and no updates."""

    async def nobody(_user: str) -> bool | None:
        return None

    scene = Scene(active=(a_job("web", job_id="job222"),))
    async with connected("socket") as side, at_home(side, scene, nobody) as home:
        await side.slack.event({**OPENED, "user": BOB})
        await eventually(lambda: "Only members" in text_of(side, BOB))
        await eventually(lambda: home.viewers == ())
        assert "job222" not in text_of(side, BOB)


async def test_a_tab_that_slack_refuses_is_left_alone():
    """The app has no Home tab: one call, not one every five seconds."""
    async with connected("socket") as side, at_home(side, Scene()) as home:
        side.slack.faults.fail("views.publish", "not_enabled")
        await side.slack.event({**OPENED, "user": BOB})
        await eventually(lambda: len(side.slack.calls_of("views.publish")) == 1)
        await eventually(lambda: home.viewers == ())


@pytest.mark.parametrize("mode", MODES)
async def test_opening_another_tab_of_the_app_is_ignored(mode):
    scene = Scene()
    async with connected(mode) as side, at_home(side, scene) as home:
        assert (await side.slack.event({**OPENED, "tab": "messages"})).ok
        assert home.viewers == ()
    assert scene.looks == 0


@pytest.mark.parametrize("mode", MODES)
async def test_a_press_in_the_tab_is_answered_in_the_direct_conversation(mode):
    """The press has neither channel nor response URL; the answer still reaches the person."""

    async def press(_request):
        return Message("It was cancelled already.")

    scene = Scene(active=(a_job("web", job_id="job222"),))
    async with connected(mode, press=press) as side, at_home(side, scene):
        await side.slack.event(OPENED)
        await eventually(lambda: tab_of(side, ANN) is not None)
        tab = tab_of(side, ANN)
        assert tab is not None
        await side.slack.press_in_view(tab, "job.cancel")
        said = await side.slack.wait_for_message(lambda m: "cancelled" in m.text)
    (request,) = side.pressed.requests
    assert (request.action_id, request.value, request.user) == ("job.cancel", "job222", ANN)
    assert request.channel == ""
    assert side.slack.workspace.channels[said.channel].is_direct


async def test_it_is_published_again_only_when_something_changed():
    """Equal looks cost no call; a change is published once for each viewer."""
    scene = Scene()
    async with connected("socket") as side, at_home(side, scene):
        await side.slack.event(OPENED)
        await side.slack.event({**OPENED, "user": BOB})
        await eventually(lambda: len(side.slack.workspace.views) == 2)
        for _ in range(3):
            await scene.next_look()
        calls = len(side.slack.calls_of("views.publish"))
        assert calls <= 3
        scene.active = (a_job("web", job_id="job222"),)
        await eventually(lambda: "job222" in text_of(side, ANN) + text_of(side, BOB))
        for _ in range(3):
            await scene.next_look()
        assert len(side.slack.calls_of("views.publish")) == calls + 2


async def test_nothing_is_read_without_viewers():
    """A viewer expires after some time, and with the last one the looks end."""
    scene = Scene()
    async with connected("socket") as side, at_home(side, scene, fresh=12.0) as home:
        home.opened(ANN)
        await eventually(lambda: not home.viewers)
        looks = scene.looks
        assert looks >= 1
        home.opened(ANN)
        await scene.next_look()
        assert scene.looks == looks + 1


async def test_the_number_of_viewers_is_bounded():
    """The viewer who looked the longest ago is dropped."""
    async with connected("socket") as side:
        home = Home(side.messenger, FastClock(100), most=3)
        for number in range(10):
            home.opened(f"U{number}")
        home.opened("U8")
        assert home.viewers == ("U7", "U9", "U8")


async def test_slack_and_the_swarm_may_fail():
    """After a failed look or call, the next round publishes the tab."""
    scene = Scene(trouble=SwarmError("The engine does not answer."))
    async with connected("socket") as side, at_home(side, scene):
        side.slack.faults.fail("views.publish", "fatal_error", times=2)
        await side.slack.event(OPENED)
        await scene.next_look()
        scene.trouble = None
        await eventually(lambda: "Refresh" in text_of(side, ANN), seconds=10)


async def test_roles_are_read_again_until_slack_answers():
    """While the operators' group is unknown there is no tab, then the right one."""
    asked = []

    async def may(user: str) -> bool:
        asked.append(user)
        if len(asked) == 1:
            raise ChatUnavailableError("Slack does not answer.")
        return True

    scene = Scene(active=(replace(a_job("web"), id="job222"),))
    async with connected("socket") as side, at_home(side, scene, may):
        await side.slack.event(OPENED)
        await eventually(lambda: "Stop waiting" in text_of(side, ANN))

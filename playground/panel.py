"""What the page's panel can break: the simulated swarm, the demo's own Redis, Slack."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from playground.page import Breakable, CannotBreakError, Parameter
from playground.slack import SlackEmulator
from playground.swarm.faults import FaultError

BUSY_SECONDS: Final = 5
_LIMITED: Final = ("chat.postMessage", "chat.update", "views.publish")

Values = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class PanelAction:
    """One action of the panel and the function that runs it with the chosen values."""

    shown: Breakable
    do: Callable[[Values], Awaitable[str]]


class Part(Protocol):
    """A part of the demo that can be broken."""

    def actions(self) -> list[PanelAction]:
        """The actions that are possible now."""

    async def mend(self) -> None:
        """Repair it; does nothing when it works."""


class Panel:
    """Implements ``playground.page.Breakables`` over all parts that can be broken."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self._parts = parts

    def listed(self) -> Sequence[Breakable]:
        """The actions that are possible now."""
        return [action.shown for action in self._actions()]

    async def do(self, name: str, values: Values) -> str:
        """Run an action. Raises CannotBreakError."""
        found = next((each for each in self._actions() if each.shown.name == name), None)
        if found is None:
            raise CannotBreakError("That is no longer possible: things have changed.")
        for parameter in found.shown.parameters:
            if parameter.choices and values.get(parameter.name) not in parameter.choices:
                raise CannotBreakError(f"{parameter.label}: choose one from the list.")
        try:
            return await found.do(values)
        except FaultError as error:
            raise CannotBreakError(str(error)) from error

    def _actions(self) -> list[PanelAction]:
        mending = Breakable(
            "mend",
            "Fix everything",
            "Machines are on, the registry, Redis and Slack answer, nothing is broken on purpose.",
            mends=True,
        )
        broken = [action for part in self._parts for action in part.actions()]
        return [*broken, PanelAction(mending, self._mend)]

    async def _mend(self, _values: Values) -> str:
        for part in self._parts:
            await part.mend()
        return (
            "What was broken here is repaired. Services need a moment, then their alerts resolve."
        )


class StoppableRedis(Protocol):
    """A Redis that can be stopped and started again with its data."""

    @property
    def running(self) -> bool:
        """Whether it runs."""

    async def start(self) -> None:
        """Start it on the port that it had; does nothing while it runs."""

    async def stop(self) -> None:
        """Stop it; does nothing when it does not run."""


class RedisPart:
    """The demo's Redis."""

    def __init__(self, store: StoppableRedis) -> None:
        self._store = store

    def actions(self) -> list[PanelAction]:
        """Stop or start Redis."""
        lose = Breakable(
            "lose_redis",
            "Lose Redis",
            "Commands that change something are refused until it is back.",
        )
        back = Breakable("redis_back", "Start Redis again", "Its data was kept.", mends=True)
        if self._store.running:
            return [PanelAction(lose, self._lose)]
        return [PanelAction(back, self._back)]

    async def mend(self) -> None:
        """Start Redis."""
        await self._store.start()

    async def _lose(self, _values: Values) -> str:
        await self._store.stop()
        return "Redis is gone. Try /orochi scale 3 now."

    async def _back(self, _values: Values) -> str:
        await self._store.start()
        return "Redis is back, with its data."


class SlackPart:
    """The emulated Slack."""

    def __init__(self, slack: SlackEmulator) -> None:
        self._slack = slack

    def actions(self) -> list[PanelAction]:
        """Make Slack answer 429."""
        busy = Breakable(
            "slack_busy",
            "Slack answers 429",
            f"The bot must wait {BUSY_SECONDS} s before it can post; nothing is lost.",
        )
        return [PanelAction(busy, self._busy)]

    async def mend(self) -> None:
        """Remove the faults that have not happened yet."""
        self._slack.faults.clear()

    async def _busy(self, _values: Values) -> str:
        for method in _LIMITED:
            self._slack.faults.rate_limit(method, retry_after=BUSY_SECONDS)
        return f"The next calls of the bot get 429 with Retry-After: {BUSY_SECONDS}."


def one_of(name: str, label: str, choices: Sequence[str], first: str = "") -> Parameter:
    """A choice; ``first`` is preselected if it is among ``choices``."""
    initial = first if first in choices else next(iter(choices), "")
    return Parameter(name, label, tuple(choices), initial)

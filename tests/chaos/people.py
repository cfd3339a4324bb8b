"""What people type and press on the stage; each command has a person of its own."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from pathlib import Path

from playground.slack import AppDelivery, Message, SlackEmulator
from tests.chaos.recorded import Asked
from tests.chaos.schedule import COMMANDS, SERVICES, Action, Confirmed, Event
from tests.chaos.swarm import compose

PLAN_SECONDS = 6.0
"""How long a person waits for the plan that they have asked for."""
SLOWLY = (0.0, 0.8)
"""The seconds between the plan and its answer."""


def users() -> list[str]:
    """The ids of all people: more than are ever needed."""
    return [f"U0P{number:06d}" for number in range(1, 4 * COMMANDS)]


class People:
    """Type commands and press buttons; ``asked`` is all of it."""

    def __init__(self, slack: SlackEmulator, stacks: Path, seed: int) -> None:
        self.asked: list[Asked] = []
        self._slack = slack
        self._stacks = stacks
        self._chance = random.Random(seed)
        self._users = iter(users())
        self._by_number: dict[int, str] = {}
        self._releases = dict.fromkeys(SERVICES, 0)

    def release(self, service: str = "") -> None:
        """Write the stack's file, with a new release of a service."""
        if service:
            self._releases[service] += 1
        (self._stacks / "orochi.yml").write_text(compose(self._releases))

    async def do(self, event: Event) -> None:
        """What an event says."""
        if event.what is Action.CANCEL:
            await self._cancel(event)
            return
        if event.what is Action.DEPLOY:
            self.release(event.service)
        user = next(self._users)
        self._by_number[event.number] = user
        await self._type(event, user)
        if event.what is Action.DEPLOY and event.confirmed is not Confirmed.NOT_ASKED:
            await self._answer_plan(event, user)

    async def _type(self, event: Event, user: str) -> None:
        channel = self._usable(event.channel)
        text = event.text or "cancel zzzzzz"
        delivery = await self._slack.command("/orochi", text, user=user, channel=channel)
        self._note(event, user, text, delivery)

    async def _answer_plan(self, event: Event, user: str) -> None:
        plan = await self._plan_of(user)
        if plan is None:
            return
        await asyncio.sleep(self._chance.uniform(*SLOWLY))
        if event.confirmed is Confirmed.CANCELLED:
            await self._press(event, plan, "job.cancel")
        elif event.confirmed is Confirmed.BY_TWO:
            await asyncio.gather(*(self._press(event, plan, "job.confirm") for _ in range(2)))
        else:
            delivery = await self._press(event, plan, "job.confirm")
            if event.confirmed is Confirmed.REPEATED and delivery:
                await self._slack.replay(delivery)

    async def _cancel(self, event: Event) -> None:
        """Press the button of an earlier command's message; without one, type an unknown id."""
        earlier = self._by_number.get(event.earlier, "-")
        message = next((m for m in self._live() if _is_of(m, earlier) and _offers_cancel(m)), None)
        if message is not None:
            await self._press(event, message, "job.cancel")
        else:
            await self._type(event, next(self._users))

    async def _press(self, event: Event, message: Message, button: str) -> AppDelivery | None:
        user, about = next(self._users), str(message.payload.get("job_id", ""))
        try:
            delivery = await self._slack.press(message, button, user=user)
        except LookupError:
            return None  # it has changed meanwhile
        self._note(event, user, button, delivery, about)
        return delivery

    async def _plan_of(self, user: str) -> Message | None:
        def plan() -> Message | None:
            return next((m for m in self._live() if _is_of(m, user) and _offers_confirm(m)), None)

        with suppress(TimeoutError):
            return await self._slack.workspace.until(plan, PLAN_SECONDS)
        return None

    def _note(
        self, event: Event, user: str, text: str, delivery: AppDelivery, about: str = ""
    ) -> None:
        assert isinstance(event.what, Action)
        self.asked.append(
            Asked(event.number, event.what, user, text, delivery.trigger_id, delivery.error, about)
        )

    def _live(self) -> list[Message]:
        channels = self._slack.workspace.channels
        messages = self._slack.workspace.messages.values()
        return [each for each in messages if not channels[each.channel].is_archived]

    def _usable(self, channel: str) -> str:
        """The channel, or another if nobody can type there any more."""
        channels = self._slack.workspace.channels
        if not channels[channel].is_archived:
            return channel
        return next(each for each in ("C0SWARM001", "C0OPS00001") if not channels[each].is_archived)


def _is_of(message: Message, user: str) -> bool:
    lines = message.shown_text.split("\n")
    return "job_id" in message.payload and any(each.startswith(f"<@{user}> · ") for each in lines)


def _offers_confirm(message: Message) -> bool:
    return any(each["action_id"] == "job.confirm" for each in message.elements())


def _offers_cancel(message: Message) -> bool:
    return any(each["action_id"] == "job.cancel" for each in message.elements())

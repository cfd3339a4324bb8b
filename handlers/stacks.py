"""``stacks``: stacks that can be deployed or are deployed, with manual changes."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from bot.domain.commands.values import ListStacks as Command
from bot.domain.deploys.catalog import StackEntry
from bot.domain.errors import BotError, RefusedError
from bot.domain.jobs.model import STACK
from bot.domain.swarm.health import Grade, examine
from bot.domain.text.message import Message
from bot.jobs.context import Context
from bot.jobs.open_alerts import open_alerts
from bot.ports import Asker
from bot.views.stacks import stacks_message

AT_ONCE = 4
"""Number of plans that are recorded in parallel."""
SECONDS = 8.0
"""Time limit for comparing stacks, because a person waits for the answer."""


class ListStacksHandler:
    """Lists every stack that has a file, runs, or was deployed."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx

    async def answer(self, _command: Command, _asker: Asker) -> Message:
        """Stacks by name; those that the bot deployed are compared with their deployed version."""
        look, deployed, alerts = await asyncio.gather(
            self._ctx.looks.stack_look(""),
            self._ctx.versions.stacks(),
            open_alerts(self._ctx),
        )
        files, trouble = await self._files()
        running: dict[str, list[Grade]] = {}
        for health in await asyncio.to_thread(examine, look, alerts):
            if health.service.stack:
                running.setdefault(health.service.stack, []).append(health.grade)
        names = sorted({*files, *running, *deployed})
        lanes = await self._ctx.jobs.taken_lanes([f"{STACK}{name}" for name in names])
        room = asyncio.Semaphore(AT_ONCE)
        entries = await asyncio.gather(
            *(
                self._compared(
                    StackEntry(
                        name, name in files, tuple(running.get(name, ())), f"{STACK}{name}" in lanes
                    ),
                    room,
                )
                for name in names
            )
        )
        return stacks_message(entries, command=self._ctx.command, trouble=trouble)

    async def _files(self) -> tuple[tuple[str, ...], str]:
        try:
            return await self._ctx.stacks.names(), ""
        except RefusedError as error:
            return (), f"{error.sentence} {error.hint}".strip()

    async def _compared(self, entry: StackEntry, room: asyncio.Semaphore) -> StackEntry:
        """The entry with its last version, and with the plan that would restore it."""
        versions = await self._ctx.versions.of(entry.name)
        if not versions:
            return entry
        entry = replace(entry, version=versions[0])
        bundle = await self._ctx.versions.bundle(versions[0])
        if bundle is None or not entry.grades:
            return entry
        try:
            async with asyncio.timeout(SECONDS), room:
                recording = await self._ctx.stacks.record(entry.name, versions[0].replicas, bundle)
        except TimeoutError:
            return replace(entry, trouble="The comparison took too long.")
        except BotError as error:
            return replace(entry, trouble=error.sentence)
        return replace(entry, drift=recording.plan)

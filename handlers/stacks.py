"""``stacks``: what may be deployed, what is, and what was changed by hand since."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace

from bot.domain.commands.values import ListStacks as Command
from bot.domain.deploys.catalog import StackEntry
from bot.domain.errors import BotError, RefusedError
from bot.domain.text.message import Message
from bot.jobs.context import Context
from bot.views.stacks import stacks_message

AT_ONCE = 4
"""Plans that are recorded side by side."""
SECONDS = 8.0
"""For how long stacks may be compared: a person waits for the answer."""


class ListStacksHandler:
    """Answers with every stack that there is a file for, that runs, or that was deployed."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx

    async def answer(self, _command: Command, _user: str) -> Message:
        """Stacks by name; each that the bot deployed is compared with what it deployed."""
        services, deployed = await asyncio.gather(
            self._ctx.swarm.services(), self._ctx.versions.stacks()
        )
        files, trouble = await self._files()
        running = Counter(service.stack for service in services if service.stack)
        names = sorted({*files, *running, *deployed})
        room = asyncio.Semaphore(AT_ONCE)
        entries = await asyncio.gather(
            *(
                self._compared(StackEntry(name, name in files, running[name]), room)
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
        """The entry with its last version, and with what would bring that one back."""
        versions = await self._ctx.versions.of(entry.name)
        if not versions:
            return entry
        entry = replace(entry, version=versions[0])
        bundle = await self._ctx.versions.bundle(versions[0])
        if bundle is None or not entry.services:
            return entry
        try:
            async with asyncio.timeout(SECONDS), room:
                recording = await self._ctx.stacks.record(entry.name, versions[0].replicas, bundle)
        except TimeoutError:
            return replace(entry, trouble="The comparison took too long.")
        except BotError as error:
            return replace(entry, trouble=error.sentence)
        return replace(entry, drift=recording.plan)

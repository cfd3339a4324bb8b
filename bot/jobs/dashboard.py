"""Gathers the content of the Home tab; parts that cannot be read are reported as missing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from bot.domain.commands.values import RefreshHome
from bot.domain.deploys.version import Version
from bot.domain.errors import BotError
from bot.domain.operations.dashboard import Dashboard
from bot.jobs.context import Context
from bot.ports import Asker

SECONDS = 8.0
"""Time limit for reading each part, in seconds."""
RECENT = 8
ACTIVE = 20
STACKS = 20
"""Maximum number of stacks whose newest version is read."""

T = TypeVar("T")


class Dashboards:
    """Reads the dashboard."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx

    async def read(self) -> Dashboard:
        """The present dashboard. Raises no BotError."""
        troubles: list[str] = []
        look, incidents, active, count, recent, versions = await asyncio.gather(
            _or(self._ctx.looks.stack_look(""), None, troubles),
            _or(self._ctx.incidents.open_incidents(), (), troubles),
            _or(self._ctx.jobs.active(ACTIVE), (), troubles),
            _or(self._ctx.jobs.active_count(), 0, troubles),
            _or(self._ctx.jobs.recent(RECENT), (), troubles),
            _or(self._versions(), {}, troubles),
        )
        return Dashboard(
            at=self._ctx.clock.now(),
            look=look,
            incidents=incidents,
            active=active,
            more_active=max(count - len(active), 0),
            recent=recent,
            versions=versions,
            troubles=tuple(dict.fromkeys(troubles)),
        )

    async def refresh(self, _pressed: RefreshHome, asker: Asker) -> None:
        """Handle the button *Refresh*: the updated tab is the answer."""
        self._ctx.home.opened(asker.user)

    async def _versions(self) -> dict[str, Version]:
        names = (await self._ctx.versions.stacks())[:STACKS]
        found = await asyncio.gather(*(self._ctx.versions.of(name) for name in names))
        return {name: each[0] for name, each in zip(names, found, strict=True) if each}


async def _or(asked: Awaitable[T], otherwise: T, troubles: list[str]) -> T:
    """The awaited value; on failure ``otherwise``, with the reason added to ``troubles``."""
    try:
        async with asyncio.timeout(SECONDS):
            return await asked
    except TimeoutError:
        troubles.append("The engine or Redis took too long to answer.")
    except BotError as error:
        troubles.append(error.sentence)
    return otherwise

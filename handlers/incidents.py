"""``incidents``: current and recent failures."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from bot.domain.commands.names import SLASH
from bot.domain.commands.values import ListIncidents as Command
from bot.domain.errors import AmbiguousNameError, RefusedError
from bot.domain.incidents.model import Incident
from bot.domain.swarm.model import Service
from bot.domain.text.message import Message
from bot.jobs import service_lookup
from bot.jobs.context import Context
from bot.ports import Asker
from bot.views.incidents.list import incidents_message

REMEMBERED = 200
SHOWN = 10


class ListIncidentsHandler:
    """Lists the open incidents and the last resolved ones."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx

    async def answer(self, command: Command, asker: Asker) -> Message:
        """The incidents of all services, of one (possibly removed) service, or of one stack."""
        open_ones = await self._ctx.incidents.open_incidents()
        past = await self._ctx.incidents.past_incidents(REMEMBERED)
        if command.service is not None:
            about = await self._meant(command.service, asker.channel, (*open_ones, *past))
            open_ones, past = tuple(filter(about, open_ones)), tuple(filter(about, past))
        return incidents_message(
            open_ones,
            past[:SHOWN],
            self._ctx.clock.now(),
            self._ctx.command,
            service=command.service or "",
        )

    async def _meant(
        self, typed: str, channel: str, known: tuple[Incident, ...]
    ) -> Callable[[Incident], bool]:
        """Which incidents are those of the typed service, stack or node. Raises RefusedError."""
        try:
            found = await service_lookup.scope(self._ctx, typed, channel)
        except AmbiguousNameError:
            raise
        except RefusedError:
            name = self._gone(typed, channel, known)
            if not name:
                raise
            return partial(_concerns, name)
        if isinstance(found, Service):
            return partial(_concerns, found.name)
        return lambda incident: incident.stack == found.stack

    def _gone(self, typed: str, channel: str, known: tuple[Incident, ...]) -> str:
        """The name of a node, or of a service that was removed, "" if none or several fit."""
        stack = self._ctx.stack_in(channel)
        full = {typed, typed.replace(SLASH, "_"), f"{stack}_{typed}"}
        meant = full & {each.service for each in known}
        return meant.pop() if len(meant) == 1 else ""


def _concerns(name: str, incident: Incident) -> bool:
    return name == incident.service or name in incident.services

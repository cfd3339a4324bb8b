"""``incidents``: current and recent failures."""

from __future__ import annotations

from bot.domain.commands.names import NotFound, resolve, short_name
from bot.domain.commands.values import ListIncidents as Command
from bot.domain.incidents.model import Incident
from bot.domain.text.message import Message
from bot.jobs.context import Context
from bot.views.errors import unknown_service
from bot.views.incidents.list import incidents_message

REMEMBERED = 200
SHOWN = 10


class ListIncidentsHandler:
    """Lists the open incidents and the last resolved ones."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx

    async def answer(self, command: Command, _user: str) -> Message:
        """The incidents of all services, or of one (possibly removed) service."""
        open_ones = await self._ctx.incidents.open_incidents()
        past = await self._ctx.incidents.past_incidents(REMEMBERED)
        if command.service is not None:
            name = await self._named(command.service, (*open_ones, *past))
            open_ones = tuple(each for each in open_ones if _concerns(each, name))
            past = tuple(each for each in past if _concerns(each, name))
        return incidents_message(
            open_ones,
            past[:SHOWN],
            self._ctx.clock.now(),
            self._ctx.command,
            service=command.service or "",
        )

    async def _named(self, typed: str, known: tuple[Incident, ...]) -> str:
        """The full name of the typed service or node. Raises RefusedError."""
        names = {each.service for each in known}
        meant = next((n for n in names if typed in {n, short_name(self._ctx.stack, n)}), "")
        if meant:
            return meant
        services = await self._ctx.looks.services(self._ctx.stack)
        service = resolve(typed, self._ctx.stack, services)
        if isinstance(service, NotFound):
            raise unknown_service(service, self._ctx.stack)
        return service.name


def _concerns(incident: Incident, name: str) -> bool:
    return name == incident.service or name in incident.services

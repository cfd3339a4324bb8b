"""``incidents``: current and recent failures, or one incident in detail."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from bot.domain.commands.names import SLASH, job_id
from bot.domain.commands.values import ListIncidents as Command
from bot.domain.errors import AmbiguousNameError, RefusedError
from bot.domain.incidents.model import Incident
from bot.domain.swarm.model import Service
from bot.domain.text.message import Message
from bot.jobs import service_lookup
from bot.jobs.context import Context
from bot.ports import Asker
from bot.views.incidents.list import incidents_message
from bot.views.incidents.message import incident_detail_message

REMEMBERED = 200
SHOWN = 10
SUGGESTED = 3


class ListIncidentsHandler:
    """Lists the open incidents and the last resolved ones, or shows one."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx

    async def answer(self, command: Command, asker: Asker) -> Message:
        """The incidents of all services, of one (possibly removed) service, or of one stack.

        The id of an incident means that incident, even if a service has that name: its stack can be
        typed with it.
        """
        open_ones = await self._ctx.incidents.open_incidents()
        past = await self._ctx.incidents.past_incidents(REMEMBERED)
        if one := _with_id(command.service or "", (*open_ones, *past)):
            where = self._ctx.chat.permalink
            return incident_detail_message(one, self._ctx.clock.now(), where, self._ctx.command)
        if command.service is not None:
            about = await self._meant(command.service, asker.channel, (*open_ones, *past))
            open_ones, past = tuple(filter(about, open_ones)), tuple(filter(about, past))
        return incidents_message(
            open_ones,
            past[:SHOWN],
            self._ctx.clock.now(),
            self._ctx.command,
            service=command.service or "",
            where=self._ctx.chat.permalink,
        )

    async def _meant(
        self, typed: str, channel: str, known: tuple[Incident, ...]
    ) -> Callable[[Incident], bool]:
        """Which incidents are those of the typed service, stack or node. Raises RefusedError."""
        try:
            found = await service_lookup.scope(self._ctx, typed, channel)
        except AmbiguousNameError:
            raise
        except RefusedError as error:
            name = self._gone(typed, channel, known)
            if name:
                return partial(_concerns, name)
            if not job_id(typed):
                raise
            raise self._no_incident(typed, known, error) from error
        if isinstance(found, Service):
            return partial(_concerns, found.name)
        return lambda incident: incident.stack == found.stack

    def _no_incident(
        self, typed: str, known: tuple[Incident, ...], error: RefusedError
    ) -> RefusedError:
        """The refusal of what may be the id of an incident; ``error`` says it is no service's."""
        newest = sorted(known, key=lambda each: each.began, reverse=True)[:SUGGESTED]
        ids = ", ".join(f"`{each.id}`" for each in newest)
        hint = f"The newest incidents: {ids}." if ids else ""
        said = f"There is no incident `{typed}`, or it is too old. {error.sentence}"
        return RefusedError(said, hint=f"{hint} {error.hint}".strip())

    def _gone(self, typed: str, channel: str, known: tuple[Incident, ...]) -> str:
        """The name of a node, or of a service that was removed, "" if none or several fit."""
        stack = self._ctx.stack_in(channel)
        full = {typed, typed.replace(SLASH, "_"), f"{stack}_{typed}"}
        meant = full & {each.service for each in known}
        return meant.pop() if len(meant) == 1 else ""


def _with_id(typed: str, known: tuple[Incident, ...]) -> Incident | None:
    wanted = job_id(typed)
    return next((each for each in known if wanted and each.id == wanted), None)


def _concerns(name: str, incident: Incident) -> bool:
    return name == incident.service or name in incident.services

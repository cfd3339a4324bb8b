"""The buttons of an incident's message: *Logs*, *Acknowledge* and *Silence 1 h*.

A press may reach any replica. Changes of the incident are passed to the replica that watches, which
edits the message.
"""

from __future__ import annotations

from bot.domain.commands.values import AcknowledgeIncident, IncidentLogs, SilenceIncident
from bot.domain.errors import RefusedError
from bot.domain.incidents.alert import Button, Press
from bot.domain.incidents.model import Incident, IncidentState
from bot.domain.swarm.model import Look, Task
from bot.domain.text.message import Message
from bot.jobs.context import Context
from bot.ports import Asker
from bot.views.errors import already_done
from bot.views.incidents.logs import logs_message, no_logs_message

LINES = 40


class IncidentButtons:
    """Answers button presses; only if the incident's message does not show the result."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx

    async def acknowledge(self, pressed: AcknowledgeIncident, asker: Asker) -> Message | None:
        """Acknowledge an incident; a message if that was already done. Raises RefusedError."""
        incident = await self._open(pressed.incident)
        if incident.state is IncidentState.ACKNOWLEDGED:
            what = f"already acknowledged incident `{incident.id}`."
            return already_done(what, incident.acknowledged_by)
        await self._hand_on(Button.ACKNOWLEDGE, incident, asker.user)
        return None

    async def silence(self, pressed: SilenceIncident, asker: Asker) -> Message | None:
        """Silence an incident for an hour; a message if it already is. Raises RefusedError."""
        incident = await self._open(pressed.incident)
        if incident.silenced(self._ctx.clock.now()):
            return already_done(f"already silenced incident `{incident.id}`.", incident.silenced_by)
        await self._hand_on(Button.SILENCE, incident, asker.user)
        return None

    async def logs(self, pressed: IncidentLogs, _asker: Asker) -> Message:
        """The last log lines of the task that failed last, or of the newest one."""
        incident = await self._known(pressed.incident)
        look = await self._ctx.swarm.look(incident.service_id)
        task = _task_to_read(look, incident)
        lines = await self._ctx.swarm.last_lines(task, LINES) if task else ""
        if task is None or not lines:
            return no_logs_message(incident.service)
        nodes = {node.id: node.hostname for node in look.nodes}
        where = nodes.get(task.node_id, "")
        return logs_message(incident, task, where, lines, self._ctx.command)

    async def _hand_on(self, button: Button, incident: Incident, user: str) -> None:
        await self._ctx.incidents.press(Press(button, incident.id, user, self._ctx.clock.now()))
        event = {"event": button.value, "who": user, "text": incident.id}
        await self._ctx.jobs.audit({**event, "target": incident.service})

    async def _open(self, incident_id: str) -> Incident:
        for incident in await self._ctx.incidents.open_incidents():
            if incident.id == incident_id:
                return incident
        raise RefusedError(f"Incident `{incident_id}` is already resolved.")

    async def _known(self, incident_id: str) -> Incident:
        past = await self._ctx.incidents.past_incidents(200)
        for incident in (*await self._ctx.incidents.open_incidents(), *past):
            if incident.id == incident_id:
                return incident
        raise RefusedError(f"Incident `{incident_id}` is too old; it is no longer kept.")


def _task_to_read(look: Look, incident: Incident) -> Task | None:
    """The task that failed last; if the swarm no longer has it, the newest ended task."""
    known = next((task for task in look.tasks if task.id == incident.last_task), None)
    ended = [task for task in look.tasks if task.state.over and task.container_id]
    return known or max(ended, key=lambda task: task.since, default=None)

"""The last lines of a task's log, for the person who requested them."""

from __future__ import annotations

from bot.domain.incidents.model import Incident
from bot.domain.swarm.model import Task
from bot.domain.text.message import Message
from bot.views.slack.blocks import context, section
from bot.views.slack.text import code_block, line, slack_date

NAME_LENGTH = 63
LOG_LENGTH = 2600


def logs_message(incident: Incident, task: Task, node: str, lines: str, command: str) -> Message:
    """``lines`` of a task of the incident's service; ``node`` is a hostname or ""."""
    name = line(incident.service, NAME_LENGTH)
    typed = name if incident.stack else f"/{name}"
    where = f" on {line(node, NAME_LENGTH)}" if node else ""
    place = f"slot {task.slot}" if task.slot else "the task"
    title = f"*{name}* · {place}{where}: its last log lines"
    when = f"{task.state.name.lower()} since {slack_date(task.since)}"
    all_lines = f"{line(command, 30)} logs"
    return Message(
        f"The last log lines of {name}",
        (
            section(f"{title}\n{code_block(lines, LOG_LENGTH)}"),
            context(f"Task `{line(task.id, 40)}`, {when} · more: `{all_lines} {typed}`"),
        ),
    )


def no_logs_message(service: str) -> Message:
    """The answer if there is nothing to show, or if it cannot be read."""
    name = line(service, NAME_LENGTH)
    text = f"No log lines of *{name}*: it wrote none, or its node cannot be reached."
    return Message(text, (section(text),))

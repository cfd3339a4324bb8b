"""The Home tab: running services, problems and jobs, with buttons.

A tab may have 100 blocks (https://docs.slack.dev/surfaces/app-home); the counts below stay within
that, and the least important parts are dropped first if the texts are long.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.domain.deploys.version import Version
from bot.domain.incidents.model import Incident, IncidentState
from bot.domain.incidents.rules import open_troubles
from bot.domain.jobs.model import Job
from bot.domain.operations.dashboard import Dashboard
from bot.domain.swarm.health import Grade, Health, examine, worst_of
from bot.domain.text.message import Block, Message
from bot.views import words
from bot.views.incidents.list import incident_line
from bot.views.jobs.list import finished_line, job_line
from bot.views.slack.blocks import actions, button, confirm, context, header, packed, section, size
from bot.views.slack.text import (
    Permalink,
    line,
    mention,
    plural,
    slack_date,
    slack_time,
    unlinked,
)
from bot.views.status.trouble import title, trouble_lines

REFRESH_BUTTON = "home.refresh"
MOST_BLOCKS = 100
MOST_BYTES = 60_000
NAME_LENGTH = 63


@dataclass(frozen=True, slots=True)
class Counts:
    """How many are shown: incidents, unhealthy services, causes of each, stacks, jobs, history."""

    incidents: int
    services: int
    causes: int
    stacks: int
    jobs: int
    past: int


COUNTS = (Counts(8, 15, 3, 20, 8, 8), Counts(5, 8, 1, 10, 5, 5), Counts(2, 3, 1, 3, 2, 2))


def home_message(
    board: Dashboard,
    now: float,
    until: float,
    *,
    operator: bool,
    command: str = "/orochi",
    where: Permalink = unlinked,
) -> Message:
    """The tab at ``now``, updated until ``until`` (Unix seconds)."""
    healths = examine(board.look, open_troubles(board.incidents)) if board.look else ()
    top = header(_headline(board, healths))
    end = _end(now, until, command, operator=operator)
    made = (
        [top, *_middle(board, healths, now, counts, where, operator=operator), *end]
        for counts in COUNTS
    )
    blocks = next((each for each in made if _fits(each)), [top, *end])
    return Message(_headline(board, healths), tuple(blocks))


def _fits(blocks: Sequence[Block]) -> bool:
    return len(blocks) <= MOST_BLOCKS and size(blocks) <= MOST_BYTES


def _headline(board: Dashboard, healths: Sequence[Health]) -> str:
    if board.look is None:
        return "⚠️ The swarm does not answer"
    bad = sum(health.grade is Grade.BAD for health in healths)
    total = plural(len(healths), "service")
    well = sum(health.grade is Grade.WELL for health in healths)
    state = f"{words.GOOD} {total} healthy"
    if bad:
        state = f"{words.BAD} {bad} of {total} unhealthy"
    elif well < len(healths):
        state = f"{words.COMING} {well} of {total} healthy"
    if not healths:
        state = f"{words.LEAVING} No services"
    fires = plural(len(board.incidents), "open incident") if board.incidents else ""
    count = len(board.active) + board.more_active
    jobs = f"{plural(count, 'job')} under way" if count else ""
    return " · ".join(filter(None, [state, fires, jobs]))


def _middle(
    board: Dashboard,
    healths: Sequence[Health],
    now: float,
    counts: Counts,
    where: Permalink,
    *,
    operator: bool,
) -> list[Block]:
    return [
        *packed([f"⚠️ {line(each, 300)}" for each in board.troubles[:4]]),
        *_incidents(board, now, counts.incidents, where, operator=operator),
        *_services(board, healths, counts),
        *_jobs(board, counts.jobs, where, operator=operator),
        *_stacks(board, healths, counts.stacks),
        *_past(board.recent, counts.past, where),
    ]


def _incidents(
    board: Dashboard, now: float, most: int, where: Permalink, *, operator: bool
) -> list[Block]:
    if not board.incidents:
        return []
    ordered = sorted(board.incidents, key=lambda each: each.began)
    blocks = [section("*Open incidents*")]
    for incident in ordered[:most]:
        blocks.append(section(incident_line(incident, now, where)))
        blocks += _incident_buttons(incident, board.at, operator=operator)
    return [*blocks, *_more(len(ordered) - most, "incident")]


def _incident_buttons(incident: Incident, now: float, *, operator: bool) -> list[Block]:
    shown = []
    if not incident.is_node:
        shown.append(button("incident.logs", "Logs", incident.id))
    if operator and incident.state is IncidentState.FIRING:
        shown.append(button("incident.ack", "Acknowledge", incident.id))
    if operator and not incident.silenced(now):
        shown.append(button("incident.silence", "Silence 1 h", incident.id))
    return [actions(shown)] if shown else []


def _services(board: Dashboard, healths: Sequence[Health], counts: Counts) -> list[Block]:
    odd = [health for health in healths if health.grade is not Grade.WELL]
    if board.look is None or not odd:
        return []
    odd.sort(key=lambda health: list(Grade).index(health.grade))
    names = {node.id: node.hostname for node in board.look.nodes}
    lines = ["*Unhealthy or changing*"]
    for health in odd[: counts.services]:
        stack = f" · {line(health.service.stack, NAME_LENGTH)}" if health.service.stack else ""
        lines += [f"{title(health)}{stack}", *trouble_lines(health, names, counts.causes, 160)]
    return [*packed(lines), *_more(len(odd) - counts.services, "service")]


def _jobs(board: Dashboard, most: int, where: Permalink, *, operator: bool) -> list[Block]:
    jobs = board.active
    if not jobs:
        return []
    blocks = [section("*Jobs under way*")]
    for job in jobs[:most]:
        stop = {"accessory": _stop(job)} if operator else {}
        blocks.append(section(job_line(job, where)) | stop)
    return [*blocks, *_more(len(jobs[most:]) + board.more_active, "job")]


def _stop(job: Job) -> Block:
    text = "Changes already made stay; only the waiting ends."
    question = confirm("Stop waiting?", text, "Stop waiting", "Keep waiting")
    return button("job.cancel", "Stop waiting", job.id, question)


def _stacks(board: Dashboard, healths: Sequence[Health], most: int) -> list[Block]:
    by_stack: dict[str, list[Health]] = {}
    for health in healths:
        by_stack.setdefault(health.service.stack, []).append(health)
    names = sorted({*by_stack, *board.versions})
    if board.look is None or not names:
        return []
    lines = [_stack(name, by_stack.get(name, []), board.versions) for name in names[:most]]
    return [*packed(["*Stacks*", *lines]), *_more(len(names) - most, "stack")]


def _stack(name: str, healths: Sequence[Health], versions: Mapping[str, Version]) -> str:
    worst = worst_of(each.grade for each in healths)
    sign = words.LEAVING if worst is None else words.GRADES[worst]
    well = sum(health.grade is Grade.WELL for health in healths)
    count = (
        f"{well} of {plural(len(healths), 'service')} healthy" if healths else "not in the swarm"
    )
    shown = f"*{line(name, NAME_LENGTH)}*" if name else "Services without a stack"
    version = versions.get(name)
    deployed = ""
    if version is not None:
        deployed = (
            f" · version {version.number}, {words.result(version)}, by {mention(version.user)},"
            f" {slack_date(version.at)}"
        )
    return f"{sign} {shown} · {count}{deployed}"


def _past(jobs: Sequence[Job], most: int, where: Permalink) -> list[Block]:
    return (
        packed(["*Recently finished*", *(finished_line(job, where) for job in jobs[:most])])
        if jobs
        else []
    )


def _more(count: int, word: str) -> list[Block]:
    return [context(f"and {plural(count, f'more {word}')}")] if count > 0 else []


def _end(now: float, until: float, command: str, *, operator: bool) -> list[Block]:
    role = "You can make changes" if operator else "Read-only: operators make changes"
    typed = f"`{line(command, 30)} help` lists the commands"
    fresh = f"As of {slack_time(now)} · updates until {slack_time(until)}"
    return [
        actions([button(REFRESH_BUTTON, "Refresh", "all")]),
        context(f"{role} · {typed}", fresh),
    ]

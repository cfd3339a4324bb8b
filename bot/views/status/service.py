"""One service in detail: its tasks, their nodes and times, and earlier failures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.domain.swarm.causes import classify
from bot.domain.swarm.health import Health, examine_service
from bot.domain.swarm.model import Mode, Service, StackLook, Task, TaskState
from bot.domain.swarm.slots import down_nodes, last_wanted, place_of, place_order
from bot.domain.swarm.task_list import without_ids
from bot.domain.text.message import Block, Message
from bot.views.slack.blocks import context, fits, header, packed, section
from bot.views.slack.text import line, plural, slack_date
from bot.views.status.footer import FooterFacts, jobs_text, small_print
from bot.views.status.trouble import NodeNames, node_name, title, trouble_lines
from bot.views.words import BAD, COMING, GOOD, LEAVING

MOST_NAMED = 6
MODES = {
    Mode.REPLICATED: "replicated",
    Mode.GLOBAL: "one task on each eligible node",
    Mode.REPLICATED_JOB: "runs to completion",
    Mode.GLOBAL_JOB: "runs to completion on each eligible node",
}


@dataclass(frozen=True, slots=True)
class ServiceDetail:
    """The level of detail: live tasks, past failures, characters of each error."""

    live: int
    past: int
    length: int


DETAILS = (
    ServiceDetail(25, 10, 200),
    ServiceDetail(25, 5, 120),
    ServiceDetail(12, 5, 80),
    ServiceDetail(5, 2, 60),
)


def service_status_message(look: StackLook, service: Service, facts: FooterFacts) -> Message:
    """The status of one service of the stack at ``look.at``."""
    tasks = [task for task in look.tasks if task.service_id == service.id]
    alerts = facts.alerts.get(service.id, ())
    health = examine_service(service, tasks, look.nodes, look.at, alerts)
    names = {node.id: node.hostname for node in look.nodes}
    down = down_nodes(look.nodes, tasks)
    name = line(service.short_name, 63)
    word = "running or completed" if health.ended else "running"
    count = f"{health.done}/{health.wanted} {word}"
    jobs = facts.jobs
    if jobs is not None:
        jobs = tuple(job for job in jobs if service.name in job.lanes)
    paragraphs = [jobs_text(facts, jobs)]
    top = [header(f"{service.short_name}: {count}"), *packed(_about(health, names))]
    end = [section(text) for text in paragraphs if text]
    end.append(context(*small_print(facts, look.at)))
    told = (_tasks(service, tasks, names, down, detail) for detail in DETAILS)
    middle = next((blocks for blocks in told if fits([*top, *blocks, *end])), [])
    return Message(f"{name}: {count}", (*top, *middle, *end))


def _about(health: Health, names: NodeNames) -> list[str]:
    service = health.service
    image = line(service.image.partition("@")[0], 200)
    lines = [title(health), *trouble_lines(health, names, 4, 250)]
    lines.append(" · ".join(part for part in (MODES[service.mode], image) if part))
    lines += [f"Only on nodes with {line(', '.join(service.constraints), 200)}"] * bool(
        service.constraints
    )
    return lines


def _tasks(
    service: Service,
    tasks: Sequence[Task],
    names: NodeNames,
    down: frozenset[str],
    detail: ServiceDetail,
) -> list[Block]:
    ordered = sorted(tasks, key=lambda task: (place_order(place_of(service, task)), -task.created))
    going = [task for task in ordered if not task.state.over]
    failed = [task for task in ordered if task.state.over and classify(task, service)]
    failed = [task for task in failed if task.state is not TaskState.COMPLETE or task.err]
    failed.sort(key=lambda task: -task.since)
    alike: dict[tuple[TaskState, str], list[Task]] = {}
    for task in failed:
        alike.setdefault((task.state, without_ids(task.err)), []).append(task)
    groups = [[task] for task in going], list(alike.values())
    lines = []
    for word, listed, most in zip(
        ("Tasks", "Failed before"), groups, (detail.live, detail.past), strict=True
    ):
        shown = [_group(service, group, names, down, detail.length) for group in listed[:most]]
        lines += _list(word, shown, sum(map(len, listed[most:])))
    return packed(lines)


def _list(word: str, shown: Sequence[str], more: int) -> list[str]:
    if not shown:
        return []
    return [f"*{word}:*", *shown, *([f"and {plural(more, 'more task')}"] if more else [])]


def _group(
    service: Service, tasks: Sequence[Task], names: NodeNames, down: frozenset[str], length: int
) -> str:
    """One task, or how often tasks failed with the same error, the newest first."""
    if len(tasks) == 1:
        return _task(service, tasks[0], names, down, length)
    newest = tasks[0]
    slots = sorted({task.slot for task in tasks})
    several = "slot" if len(slots) == 1 else "slots"
    place = "" if service.mode.is_global else f"{several} {_some(list(map(str, slots)))} "
    nodes = sorted({node_name(task.node_id, names) for task in tasks if task.node_id})
    on = f" on {_some(nodes)}" if nodes else ""
    last = f", last {slack_date(newest.since)}" if newest.since > 0 else ""
    error = f" · {line(newest.err, length)}" if newest.err else ""
    return f"{BAD} {place}{newest.state.name.lower()} {len(tasks)} times{on}{last}{error}"


def _some(names: Sequence[str]) -> str:
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _task(service: Service, task: Task, names: NodeNames, down: frozenset[str], length: int) -> str:
    lost = task.node_id in down and not task.state.over
    place = "" if service.mode.is_global else f"slot {place_of(service, task)} "
    on = f"on {node_name(task.node_id, names)}" if task.node_id else "on no node yet"
    state = f"{'last seen ' * lost}{task.state.name.lower()}"
    if task.desired > last_wanted(service) and not task.state.over:
        state = f"{state}, stopping"
    old = "" if task.up_to_date or task.state.over else " · previous version"
    told = task.since > 0 and not lost
    since = f"{',' if task.state.over else ' since'} {slack_date(task.since)}" * told
    error = f" · {line(task.err, length)}" if task.err else ""
    return f"{_sign(service, task, lost=lost)} {place}{state} {on}{since}{old}{error}"


def _sign(service: Service, task: Task, *, lost: bool) -> str:
    if task.state.over:
        return BAD
    if task.desired > last_wanted(service):
        return LEAVING
    if lost:
        return BAD
    if task.state is TaskState.RUNNING:
        return GOOD
    return BAD if task.err else COMING

"""What a deploy would leave without a node, as far as it is certain before it begins. Pure.

Each service is checked alone, with the rules of ``bot.domain.swarm.placement``: tasks that are said
to fit nowhere certainly do not. Those that fit alone are placed together, which only tells what may
find no node. While the state of a node is unknown (after an election), nothing
is foreseen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bot.domain.swarm.model import Mode, Node, NodeState, Service, Task
from bot.domain.swarm.placement import Fit, eligible_nodes, explain
from bot.domain.swarm.spreading import place, used_nodes

MOST_REASONS = 2
MOST_TASKS = 500
"""With more tasks that reserve something, services are looked at one by one only."""


@dataclass(frozen=True, slots=True)
class Coming:
    """A service as a deploy would create or update it.

    ``replaces`` says that its running tasks are replaced by new ones, ``starts_first`` that each
    new one starts before an old one stops.
    """

    service: Service
    replaces: bool = False
    starts_first: bool = False


@dataclass(frozen=True, slots=True)
class Foreseen:
    """Sentences on tasks that fit on no node.

    ``dangers`` are those on services whose running tasks would be stopped for such tasks.
    """

    warnings: tuple[str, ...] = ()
    dangers: tuple[str, ...] = ()


def foresee(coming: Sequence[Coming], nodes: Sequence[Node], tasks: Sequence[Task]) -> Foreseen:
    """What will not fit; ``tasks`` are all tasks of the swarm with desired state running."""
    if any(node.state is NodeState.UNKNOWN for node in nodes):
        return Foreseen()
    warnings: list[str] = []
    dangers: list[str] = []
    fitting: list[Coming] = []
    for each in coming:
        running = sum(task.service_id == each.service.id for task in tasks) if each.replaces else 0
        missing = _missing(each, nodes, tasks)
        if missing is None:
            fitting.append(each)
            continue
        sentence, room = missing
        if running > room and not each.starts_first:
            dangers.append(f"{sentence} Its {_running(running)} would be stopped for them.")
        else:
            warnings.append(sentence)
    return Foreseen((*warnings, *_together(fitting, nodes, tasks)), tuple(dangers))


def _together(
    coming: Sequence[Coming], nodes: Sequence[Node], tasks: Sequence[Task]
) -> Iterator[str]:
    """Services that fit alone, and not beside the others of the plan."""
    ids = {each.service.id for each in coming}
    others = [task for task in tasks if task.service_id not in ids]
    wanted = [
        (each.service, _at_a_time(each.service))
        for each in coming
        if not each.service.mode.is_global and _takes_room(each.service)
    ]
    if len(wanted) < 2 or sum(count for _, count in wanted) > MOST_TASKS:
        return
    held = used_nodes(nodes, others)
    for service, count in wanted:
        if lost := place(service, count, held):
            which = "one task" if lost == 1 else f"{lost} tasks"
            yield (
                f"`{service.short_name}`: {which} may find no node beside the other services of "
                f"this plan ({_room_words(wanted, service)})."
            )


def _takes_room(service: Service) -> bool:
    need = service.reservation
    return bool(need.nano_cpus or need.memory or need.generic or service.host_ports)


def _room_words(wanted: Sequence[tuple[Service, int]], service: Service) -> str:
    ports = {port for each, _ in wanted if each.name != service.name for port in each.host_ports}
    shared = [port for port in service.host_ports if port in ports]
    return f"both publish host port {shared[0]}" if shared else "together they reserve too much"


def _missing(each: Coming, nodes: Sequence[Node], tasks: Sequence[Task]) -> tuple[str, int] | None:
    """The sentence on the tasks that fit nowhere, and how many do fit; None if all do."""
    service = each.service
    others = [t for t in tasks if not (each.replaces and t.service_id == service.id)]
    fit = explain(service, nodes, others)
    if service.mode.is_global:
        return _of_global(service, nodes, fit)
    wanted = _at_a_time(service) - fit.placed
    if fit.room is not None and fit.room < wanted:
        return _sentence(service, wanted, fit), fit.room + fit.placed
    beside = explain(service, nodes, tasks)
    if each.starts_first and len(others) < len(tasks) and wanted > 0 and beside.room == 0:
        return _stuck(service, beside), 0
    return None


def _at_a_time(service: Service) -> int:
    """How many tasks should run at the same time."""
    wanted = service.replicas or 0
    return min(wanted, service.max_concurrent) if service.mode is Mode.REPLICATED_JOB else wanted


def _of_global(service: Service, nodes: Sequence[Node], fit: Fit) -> tuple[str, int] | None:
    eligible = eligible_nodes(service, nodes)
    if not eligible:
        return f"No node may run `{service.short_name}`{_why(fit)}.", 0
    ids = {node.id for node in eligible}
    closed = tuple(each for each in fit.obstacles if each.node_id in ids)
    if not closed:
        return None
    which = "its task" if len(ids) == 1 else f"{len(closed)} of its {len(ids)} tasks"
    fits = "does not fit on its" if len(closed) == 1 else "do not fit on their"
    sentence = f"`{service.short_name}`: {which} {fits} node{_why(Fit(0, 0, closed))}."
    return sentence, len(ids) - len(closed)


def _sentence(service: Service, wanted: int, fit: Fit) -> str:
    room = fit.room or 0
    total = wanted + fit.placed
    if total == 1:
        return f"`{service.short_name}` fits on no node{_why(fit)}."
    lost = wanted - room
    fits = "fits" if lost == 1 else "fit"
    why = _why(fit) if not room and not fit.placed else _limit(service) or _why(fit)
    return f"`{service.short_name}`: {lost} of its {total} tasks {fits} on no node{why}."


def _limit(service: Service) -> str:
    """What limits the tasks on a node that is otherwise free."""
    if service.max_per_node:
        return f" (at most {service.max_per_node} a node)"
    if service.host_ports:
        return f" (one a node: host port {', '.join(service.host_ports)})"
    return ""


def _stuck(service: Service, fit: Fit) -> str:
    return (
        f"`{service.short_name}` starts new tasks before it stops old ones (`start-first`), and "
        f"no node has room for both{_why(fit)}. Use `stop-first`."
    )


def _why(fit: Fit) -> str:
    reasons = "; ".join(fit.sentences(MOST_REASONS))
    return f" ({reasons})" if reasons else ""


def _running(count: int) -> str:
    return "running task" if count == 1 else f"{count} running tasks"

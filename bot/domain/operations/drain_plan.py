"""The effects of draining a node: which tasks move, which end, and which fit on no other node.

Tasks that are said to fit nowhere certainly do not: each service is checked alone, with the tasks
that stay on the other nodes (``bot.domain.swarm.placement``). Tasks that "may" not fit exceed the
room that is left when all tasks move, one service after the other
(``bot.domain.swarm.spreading``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from bot.domain.errors import RefusedError
from bot.domain.operations.node_change import arriving_services, moved_services
from bot.domain.swarm.model import (
    Availability,
    Mode,
    Node,
    NodeState,
    Service,
    StackLook,
    Task,
)
from bot.domain.swarm.placement import unlimited
from bot.domain.swarm.slots import last_wanted
from bot.domain.swarm.spreading import NodeUsage, fit_beside, place, used_nodes
from bot.domain.text.amounts import plural

MOST_NAMED = 6
MOST_REASONS = 2


@dataclass(frozen=True, slots=True)
class Stranded:
    """A service whose tasks fit on no other node: ``lost`` of ``moving``; ``reasons`` by node.

    ``sure`` is False if the room may be taken by other tasks that move.
    """

    service: Service
    moving: int
    lost: int
    reasons: tuple[str, ...]
    sure: bool = True

    @property
    def sentence(self) -> str:
        """The sentence for people, with the reasons."""
        which = "its task" if self.moving == 1 else f"{self.lost} of its {self.moving} tasks"
        fits = "fits" if self.moving == 1 else "fit"
        fits_nowhere = f"{fits} on" if self.sure else "may fit on"
        why = f" ({'; '.join(self.reasons)})" if self.reasons else ""
        return f"`{self.service.name}`: {which} {fits_nowhere} no other node{why}."


@dataclass(frozen=True, slots=True)
class DrainPlan:
    """The effects of a drain.

    ``moving`` counts the tasks to be moved of each replicated service, ``ending`` are the global
    services whose task on the node ends, ``jobs`` the job services with a task on the node, which
    does not move, ``stranded`` the services with tasks that fit nowhere.
    """

    moving: tuple[tuple[Service, int], ...] = ()
    ending: tuple[Service, ...] = ()
    jobs: tuple[Service, ...] = ()
    stranded: tuple[Stranded, ...] = ()

    @property
    def sentences(self) -> tuple[str, ...]:
        """The sentences for the job's message; none if no task has to move or end."""
        said = []
        if self.moving:
            tasks = sum(count for _, count in self.moving)
            named = _named([_counted(service, count) for service, count in self.moving])
            moves = plural(tasks, "task moves", "tasks move")
            said.append(f"{moves} to other nodes: {named}.")
        if self.ending:
            named = _named([f"`{service.name}`" for service in self.ending])
            said.append(f"Global services that stop here: {named}.")
        if self.jobs:
            named = _named([f"`{service.name}`" for service in self.jobs])
            said.append(f"Jobs whose task stays here until it ends: {named}.")
        return (*said, *(f"⚠️ {each}" for each in self.warnings))

    @property
    def warnings(self) -> tuple[str, ...]:
        """The sentences on tasks that fit nowhere."""
        shown = [each.sentence for each in self.stranded[:MOST_NAMED]]
        more = len(self.stranded) - len(shown)
        return (*shown, f"And {plural(more, 'more service')}.") if more else tuple(shown)


def plan_drain(node: Node, look: StackLook) -> DrainPlan:
    """The effects of draining ``node``; ``look`` has all services of the swarm.

    While the state of another node is unknown (after an election), no task is reported as stranded:
    the node may become ready.
    """
    moved = sorted(moved_services(node, look.services, look.tasks), key=lambda each: each.name)
    there = [t for t in look.tasks if t.node_id == node.id and not t.state.over]
    moving = tuple((service, _wanted(service, there)) for service in moved)
    living = {task.service_id for task in there}
    rest = sorted((s for s in look.services if s.id in living), key=lambda each: each.name)
    others = [each for each in look.nodes if each.id != node.id]
    blurred = any(each.state is NodeState.UNKNOWN for each in others)
    return DrainPlan(
        moving,
        tuple(service for service in rest if service.mode is Mode.GLOBAL),
        tuple(service for service in rest if service.mode.is_job),
        () if blurred else tuple(_stranded(moving, others, look.tasks)),
    )


def arrivals(node: Node, look: StackLook) -> tuple[str, ...]:
    """Sentences on what activating ``node`` starts there."""
    names = sorted(service.name for service in arriving_services(node, look.services))
    return (
        (f"Global services that start here: {_named([f'`{n}`' for n in names])}.",) if names else ()
    )


def check_room(node: Node, plan: DrainPlan, command: str) -> None:
    """Refuse a drain after which tasks would fit nowhere; ``command`` is the slash command.

    A node that is already drained has no such tasks.

    Raises:
        RefusedError: some tasks would not fit.
    """
    if not plan.stranded or node.availability is Availability.DRAIN:
        return
    name = node.hostname
    raise RefusedError(
        f"Draining `{name}` would leave tasks without a node. {' '.join(plan.warnings)}",
        hint=f"Make room first, or drain it anyway: `{command} drain {name} --yes`.",
    )


def _stranded(
    moving: Sequence[tuple[Service, int]], others: Sequence[Node], tasks: Sequence[Task]
) -> Iterator[Stranded]:
    """Check each service alone first; then place those that fit one after the other."""
    staying = used_nodes(others, tasks)
    together = [each.copy() for each in staying]
    for service, count in moving:
        if unlimited(service, others):
            continue
        fit = fit_beside(service, staying)
        if fit.room is None:
            continue
        lost = max(count - fit.room, 0)
        if lost:
            yield Stranded(service, count, lost, _reasons(service, count - lost, staying))
        if missed := place(service, count - lost, together):
            reasons = fit_beside(service, together).sentences(MOST_REASONS)
            yield Stranded(service, count, missed, reasons, sure=False)


def _reasons(service: Service, fitting: int, staying: Sequence[NodeUsage]) -> tuple[str, ...]:
    """Why only ``fitting`` tasks have a place."""
    filled = [each.copy() for each in staying]
    place(service, fitting, filled)
    return fit_beside(service, filled).sentences(MOST_REASONS)


def _wanted(service: Service, there: Iterable[Task]) -> int:
    wanted = last_wanted(service)
    return sum(t.service_id == service.id and t.desired <= wanted for t in there)


def _counted(service: Service, count: int) -> str:
    return f"`{service.name}` ({count})" if count > 1 else f"`{service.name}`"


def _named(names: Sequence[str]) -> str:
    more = len(names) - MOST_NAMED
    shown = ", ".join(names[:MOST_NAMED])
    return f"{shown} and {more} more" if more > 0 else shown

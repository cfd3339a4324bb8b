"""A watcher of a simulated swarm of values, and recordings of real swarms as events."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import pairwise
from typing import Any

from bot.domain.incidents.events import (
    Action,
    Fetch,
    Forget,
    News,
    Reduced,
    ReducerContext,
    Remind,
    Tell,
)
from bot.domain.incidents.events import Rules as WatchRules
from bot.domain.incidents.model import Incident, WatcherState
from bot.domain.incidents.reducer import reduce, tick
from bot.domain.swarm.model import Node, Service, StackLook, Task
from bot.swarm.comparison import stack_look_from
from tests.unit.looks import BEGAN, NODES, a_service, failed, running
from tests.unit.recordings import Recording, recording


@dataclass
class Watcher:
    """Holds the watcher's state and the swarm's state; times are seconds since ``BEGAN``."""

    services: dict[str, Service] = field(default_factory=lambda: {"s": a_service(3)})
    nodes: dict[str, Node] = field(default_factory=lambda: {node.id: node for node in NODES})
    tasks: dict[str, Task] = field(default_factory=dict)
    busy: set[str] = field(default_factory=set)
    rules: WatchRules = field(default_factory=lambda: WatchRules(channel="CALERTS"))
    state: WatcherState = field(default_factory=WatcherState)
    actions: list[Action] = field(default_factory=list)
    closed: dict[str, Incident] = field(default_factory=dict)

    def context(self) -> ReducerContext:
        def of_service(service_id: str) -> list[Task]:
            return [task for task in self.tasks.values() if task.service_id == service_id]

        return ReducerContext(
            self.services, self.nodes, of_service, frozenset(self.busy), self.rules
        )

    def hear(self, at: float, *tasks: Task, **news: Any) -> tuple[Action, ...]:
        """Process events at ``at``, with the swarm as given."""
        self.tasks |= {task.id: task for task in tasks}
        self.nodes |= {node.id: node for node in news.get("nodes", ())}
        for gone in news.get("removed", ()):
            self.services.pop(gone, None)
            self.nodes.pop(gone, None)
        return self.take(reduce(self.state, News(tasks, **news), self.context(), BEGAN + at))

    def wait(self, at: float) -> tuple[Action, ...]:
        """Advance the time without events."""
        return self.take(tick(self.state, self.context(), BEGAN + at))

    def wait_until(self, at: float) -> tuple[Action, ...]:
        """Advance the time to ``at``, with each tick when it is due."""
        actions: list[Action] = []
        while self.state.due is not None and self.state.due <= BEGAN + at:
            actions += self.wait(self.state.due - BEGAN)
        return tuple(actions)

    def take(self, reduced: Reduced) -> tuple[Action, ...]:
        """Keep the results of a step."""
        self.state = reduced.state
        self.actions += reduced.actions
        for action in reduced.actions:
            if isinstance(action, Tell | Forget) and action.incident.resolved is not None:
                self.closed[action.incident.id] = action.incident
        return reduced.actions

    @property
    def open(self) -> list[Incident]:
        """The open incidents."""
        return list(self.state.incidents.values())

    @property
    def only(self) -> Incident:
        """The one open incident."""
        (incident,) = self.state.incidents.values()
        return incident

    def everything(self) -> dict[str, Incident]:
        """All incidents so far, in their current or final state, by id."""
        return self.closed | {each.id: each for each in self.open}


def told(actions: Iterable[Action]) -> list[Incident]:
    """The posted incidents."""
    return [action.incident for action in actions if isinstance(action, Tell)]


def reminded(actions: Iterable[Action]) -> list[Incident]:
    """The incidents with a reminder."""
    return [action.incident for action in actions if isinstance(action, Remind)]


def fetched(actions: Iterable[Action]) -> list[str]:
    """The ids of the tasks whose evidence is requested."""
    return [action.task.id for action in actions if isinstance(action, Fetch)]


@cache
def stack_looks(name: str) -> tuple[StackLook, ...]:
    """The looks of a recording with all its services and tasks."""
    source = recording(name)
    looks: list[StackLook] = []
    for before, look in pairwise(({}, *source.looks)):
        same = {**before, "t": look["t"]} == look
        looks.append(replace(looks[-1], at=look["t"]) if same else _stack_look(source, look))
    return tuple(looks)


def _stack_look(source: Recording, look: dict[str, Any]) -> StackLook:
    kinds = {kind: [source.objects[n] for n in look[kind]] for kind in ("services", "tasks")}
    nodes = [source.objects[n] for n in look["nodes"]]
    return stack_look_from("", kinds["services"], kinds["tasks"], None, nodes, at=look["t"])


def replay(name: str, **more: Any) -> Watcher:
    """A recording as a feed would report it: a listing first, then the changes between looks."""
    watcher = Watcher(services={}, nodes={}, **more)
    before: StackLook | None = None
    for look in stack_looks(name):
        show(watcher, before, look)
        before = look
    return watcher


def show(
    watcher: Watcher, before: StackLook | None, look: StackLook, *, late: bool = False
) -> None:
    """One look as events: the changes since the one before, or a listing if there was none."""
    known = {task.id: task for task in before.tasks} if before else {}
    known_nodes = {node.id: node for node in before.nodes} if before else {}
    services = {service.id: service for service in look.services}
    gone = frozenset({*watcher.services, *watcher.nodes}) - {*services, *(n.id for n in look.nodes)}
    watcher.services = services
    watcher.tasks = {task.id: task for task in look.tasks}
    changed = tuple(task for task in look.tasks if known.get(task.id) != task)
    nodes = tuple(node for node in look.nodes if known_nodes.get(node.id) != node)
    watcher.wait_until(look.at - BEGAN)
    listing = before is None
    more = {"nodes": nodes, "removed": gone, "reconciled": listing, "late": late}
    watcher.hear(look.at - BEGAN, *changed, **more)


def broken() -> Watcher:
    """A service of one replica that failed at 0 and whose next task runs at 1."""
    watcher = Watcher(services={"s": a_service(1)})
    watcher.hear(0, failed("a"))
    watcher.hear(1, *running(1))
    return watcher

"""In no state do incidents, ``status``, the Home tab, ``stacks`` and the map disagree."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.domain.incidents.events import News, ReducerContext
from bot.domain.incidents.model import Incident, WatcherState
from bot.domain.incidents.reducer import reduce, tick
from bot.domain.incidents.rules import open_troubles
from bot.domain.swarm.health import Grade, Health, examine
from bot.domain.swarm.model import (
    Availability,
    Mode,
    Node,
    NodeState,
    RestartCondition,
    Service,
    StackLook,
    Task,
    TaskState,
    UpdateState,
)
from bot.domain.swarm.task_tiles import TaskStanding, Tile, tiles

NODES = (
    Node("n0", "host-0"),
    Node("n1", "host-1"),
    Node("n2", "host-2", availability=Availability.PAUSE),
)
SERVICES = (
    Service("s0", "st_web", 1, Mode.REPLICATED, 3),
    Service("s1", "st_glob", 1, Mode.GLOBAL, None),
    Service("s2", "st_once", 1, Mode.REPLICATED, 1, restart=RestartCondition.NONE),
    Service("s3", "st_job", 1, Mode.REPLICATED_JOB, 4, max_concurrent=2),
)
BROKEN = {TaskStanding.FAILED, TaskStanding.WAITING, TaskStanding.UNKNOWN}
ENDS = (TaskState.FAILED, TaskState.REJECTED, TaskState.COMPLETE, TaskState.SHUTDOWN)
ERRORS = ("", "No such image: x:1", "task: non-zero exit (1)", "no suitable node")


@dataclass
class World:
    """A swarm of values with a watcher that hears every change of it."""

    services: dict[str, Service] = field(default_factory=lambda: {s.id: s for s in SERVICES})
    nodes: dict[str, Node] = field(default_factory=lambda: {n.id: n for n in NODES})
    tasks: dict[str, Task] = field(default_factory=dict)
    state: WatcherState = field(default_factory=WatcherState)
    now: float = 1000.0
    resolved: list[Incident] = field(default_factory=list)

    def context(self) -> ReducerContext:
        return ReducerContext(
            self.services,
            self.nodes,
            lambda service_id: [t for t in self.tasks.values() if t.service_id == service_id],
        )

    def hear(self, *tasks: Task, nodes: Iterable[Node] = ()) -> None:
        self.tasks |= {task.id: task for task in tasks}
        self.nodes |= {node.id: node for node in nodes}
        first = self.state.began is None
        known = tuple(self.nodes.values()) if first else tuple(nodes)
        self._step(reduce, News(tasks, known, reconciled=first))

    def wait(self, seconds: float) -> None:
        end = self.now + seconds
        while self.state.due is not None and self.state.due <= end:
            self.now = max(self.now, self.state.due)
            self._step(tick)
        self.now = end

    def _step(self, move, *news: News) -> None:
        before = self.state.incidents
        reduced = move(self.state, *news, self.context(), self.now)
        self.state = reduced.state
        gone = [each for key, each in before.items() if key not in self.state.incidents]
        self.resolved += gone
        self.check(gone)

    def look(self) -> StackLook:
        services, tasks = tuple(self.services.values()), tuple(self.tasks.values())
        return StackLook(self.now, "", services, tasks, tuple(self.nodes.values()))

    def check(self, gone: Iterable[Incident]) -> None:
        look, alerts = self.look(), open_troubles(self.state.incidents.values())
        found = tiles(look, alerts)
        healths = {health.service.id: health for health in examine(look, alerts)}
        for each in self.state.incidents.values():
            if not each.is_node:
                assert healths[each.service_id].grade is Grade.BAD
        for each in gone:
            if not each.is_node and each.service_id not in alerts:
                assert healths[each.service_id].grade is not Grade.BAD
        for health in healths.values():
            agrees(health, [tile for tile in found if tile.service == health.service.name])


def agrees(health: Health, found: list[Tile]) -> None:
    """The map shows a service as broken if and only if its health is bad for a cause."""
    if any(tile.standing is TaskStanding.FAILED for tile in found):
        assert health.grade is Grade.BAD
    if any(trouble.places for trouble in health.troubles):
        assert {tile.standing for tile in found} & BROKEN


moves = st.lists(
    st.one_of(
        st.tuples(
            st.just("end"),
            st.integers(0, 3),
            st.integers(0, 4),
            st.sampled_from(ENDS),
            st.sampled_from(ERRORS),
        ),
        st.tuples(
            st.just("live"),
            st.integers(0, 3),
            st.integers(0, 4),
            st.sampled_from([TaskState.PENDING, TaskState.STARTING, *[TaskState.RUNNING] * 4]),
            st.sampled_from(["", "", "", "no suitable node"]),
        ),
        st.tuples(st.just("wait"), st.sampled_from([1.0, 5.0, 12.0, 59.0, 64.0, 66.0, 700.0])),
        st.tuples(st.just("node"), st.integers(0, 2), st.sampled_from(NodeState)),
        st.tuples(st.just("update"), st.integers(0, 3), st.sampled_from(UpdateState)),
    ),
    max_size=30,
)


def place(world: World, number: int, slot: int) -> tuple[Service, int, str]:
    """The service with the slot and the node of a move."""
    service = SERVICES[number]
    if service.mode.is_global:
        return service, 0, f"n{slot % 3}"
    return service, slot % (service.replicas or 1) + 1, f"n{slot % 2}"


def ended(*states: TaskState) -> list[tuple[str, int, int, TaskState, str]]:
    """Tasks of the service without restarts, one after the other."""
    return [("end", 2, 0, state, "") for state in states]


@settings(max_examples=400, deadline=None)
@given(moves)
@example(ended(TaskState.FAILED, TaskState.COMPLETE))
@example(ended(TaskState.REJECTED, TaskState.REJECTED, TaskState.COMPLETE))
def test_no_two_of_them_disagree_in_any_state(story):
    world = World()
    world.hear()
    for number, move in enumerate(story):
        if move[0] == "wait":
            world.wait(move[1])
        elif move[0] == "node":
            world.hear(nodes=[replace(NODES[move[1]], state=move[2])])
        elif move[0] == "update":
            service = SERVICES[move[1]]
            world.services[service.id] = replace(service, update=move[2])
            world.hear()
        else:
            _, which, slot, state, err = move
            service, slot, node = place(world, which, slot)
            there = [
                t
                for t in world.tasks.values()
                if t.service_id == service.id
                and not t.state.over
                and (t.node_id == node if service.mode.is_global else t.slot == slot)
            ]
            known = there[0] if there else None
            if move[0] == "live" and known is not None and known.state > state:
                continue
            task = known or Task(
                f"t{number}", service.id, slot, node, state, TaskState.RUNNING, created=world.now
            )
            node = "" if state is TaskState.PENDING else node
            live = state is TaskState.RUNNING
            world.hear(
                replace(
                    task,
                    state=state,
                    node_id=node,
                    since=world.now,
                    err="" if live else err,
                    desired=TaskState.SHUTDOWN if state.over else TaskState.RUNNING,
                )
            )

"""The demo's swarm behaves like real ones: recorded changes, repeated on the simulation.

A recording shows about four looks a second, the simulation every change. So every state that was
seen of a task must occur in its counterpart, in that order; and lasting states (not those that a
task just passes) must be the same on both sides, for each slot and each task in it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from playground.swarm.model import Task
from playground.swarm.programs import Image
from playground.swarm.render import task_json
from playground.swarm.requests import Requests
from playground.swarm.simulation import Machine, Simulation
from playground.swarm.store import StoreTransaction
from tests.unit.recordings import Recording, recording

NOW = 1_800_000_000.0
SETTLED = 40.0
MOST_TASKS = 3
MEMORY = 25276510208
SEED = 10
"""With this seed the lost machine has as many tasks as the recorded one."""
BEYOND_OUR_SHELL = "rm /ok"
PASSED = {"new", "pending", "assigned", "accepted", "preparing", "ready", "starting"}

Seen = tuple[str, str, str, int | None]
"""State, desired state, error and exit code."""
Course = list[list[Seen]]
"""A slot's tasks, oldest first, with what was seen of each."""
Json = dict[str, Any]


@dataclass(frozen=True)
class Act:
    """Changes to the swarm other than its services, by seconds after the change."""

    after: float
    do: Callable[[Simulation, Requests], None]


def _drain(simulation: Simulation, requests: Requests) -> None:
    node = requests.node("photon-machine-09")
    spec = {"Role": node.role, "Availability": "drain"}
    requests.update_node(node.id, node.meta.version, spec)


SCENARIOS: dict[str, tuple[Act, ...]] = {
    "scale_1_to_5": (),
    "scale_5_to_2": (),
    "scale_2_to_0": (),
    "scale_3_to_1_sigkill_after_grace10s": (),
    "scale_impossible_memory": (),
    "scale_impossible_maxreplicas": (),
    "force_update_3": (),
    "update_env_parallel0": (),
    "update_start_first": (),
    "update_sigkill_after_grace10s": (),
    "update_bad_image_pause": (),
    "update_bad_image_continue": (),
    "update_bad_image_rollback": (),
    "update_bad_image_rollback_startfirst": (),
    "update_crashing_cmd_rollback": (),
    "global_create": (),
    "global_update": (),
    "replicated_job_4": (),
    "drain_node": (Act(0.0, _drain),),
    "node_daemon_killed": (
        Act(0.0, lambda simulation, _: simulation.stop_node("photon-machine-10")),
        Act(60.0, lambda simulation, _: simulation.start_node("photon-machine-10")),
    ),
}


class Replica:
    """A swarm like the recorded one, with the services that existed before the change."""

    def __init__(self, source: Recording) -> None:
        self.simulation = new_simulation(source)
        self.requests = Requests(self.simulation)
        self.histories: dict[str, list[Json]] = {}
        self.simulation.store.committed.append(self._note)
        self._label_nodes(source)
        for spec in specs_at(source, source.changed_at, before=True).values():
            self.requests.create_service(spec)
        self.simulation.advance(NOW + SETTLED)
        self.histories = {
            task.id: [task_json(task)] for task in self.simulation.store.tasks.values()
        }

    def change(self, source: Recording) -> None:
        """Apply the recorded changes of the services."""
        before = specs_at(source, source.changed_at, before=True)
        after = specs_at(source, source.changed_at, before=False)
        for name in before.keys() - after.keys():
            self.requests.remove_service(name)
        for name in after.keys() - before.keys():
            self.requests.create_service(after[name])
        for name in before.keys() & after.keys():
            if before[name] != after[name]:
                version = self.requests.service(name).meta.version
                self.requests.update_service(name, version, after[name])

    def run(self, seconds: float, acts: Iterable[Act]) -> None:
        """Advance the simulation for some seconds."""
        begin = NOW + SETTLED
        for act in acts:
            self.simulation.advance(begin + act.after)
            act.do(self.simulation, self.requests)
        self.simulation.advance(begin + seconds)

    def _note(self, transaction: StoreTransaction) -> None:
        for change in transaction.changes:
            if isinstance(change.object, Task) and change.action != "remove":
                self.histories.setdefault(change.object.id, []).append(task_json(change.object))

    def _label_nodes(self, source: Recording) -> None:
        labels = {
            raw["Description"]["Hostname"]: raw["Spec"].get("Labels") or {}
            for raw in objects(source, source.looks[0], "nodes")
        }
        for node in tuple(self.simulation.store.nodes.values()):
            spec = {"Role": node.role, "Labels": labels.get(node.hostname, {})}
            self.requests.update_node(node.id, node.meta.version, spec)


def new_simulation(source: Recording) -> Simulation:
    """The recorded machines, with their images."""
    found = objects(source, source.looks[0], "nodes")
    nodes = {raw["Description"]["Hostname"]: raw for raw in found}
    machines = [
        Machine(name, raw["Spec"]["Role"] == "manager", cpus=2, memory=MEMORY)
        for name, raw in sorted(nodes.items())
    ]
    simulation = Simulation(machines, now=NOW, seed=SEED)
    for version in (1, 2):
        simulation.load(Image(f"orochi/worker:{version}"))
    return simulation


def specs_at(source: Recording, moment: float, *, before: bool) -> dict[str, Json]:
    """The specs by name in the last look before the change, or in the first that shows it."""
    looks = [look for look in source.looks if look["t"] < moment]
    first = {raw["Spec"]["Name"]: raw for raw in objects(source, looks[-1], "services")}
    if before:
        return {name: raw["Spec"] for name, raw in first.items()}
    for look in source.looks:
        found = {raw["Spec"]["Name"]: raw for raw in objects(source, look, "services")}
        specs = {name: raw["Spec"] for name, raw in found.items()}
        if look["t"] > moment and specs != {name: raw["Spec"] for name, raw in first.items()}:
            return specs
    return {name: raw["Spec"] for name, raw in first.items()}


def objects(source: Recording, look: Json, kind: str) -> list[Json]:
    """The objects of one kind in a look."""
    found = (source.objects[index] for index in look[kind])
    return sorted(found, key=lambda raw: raw["CreatedAt"])


def recorded_histories(source: Recording) -> dict[str, list[Json]]:
    """Every task with its states from the change on; older ends are left out."""
    found: dict[str, list[Json]] = {}
    for look in source.looks:
        if look["t"] >= source.changed_at:
            for raw in objects(source, look, "tasks"):
                found.setdefault(raw["ID"], []).append(raw)
    return found


def courses(histories: dict[str, list[Json]], names: dict[str, str]) -> dict[str, list[Course]]:
    """The slots of each service, in an order that does not depend on their numbers."""
    places: dict[tuple[str, object], list[list[Json]]] = {}
    ours = [history for history in histories.values() if not _was_over(history)]
    for history in sorted(ours, key=lambda history: history[0]["CreatedAt"]):
        raw = history[-1]
        name = names[raw["ServiceID"]]
        place = (
            raw["Slot"]
            if raw.get("Slot")
            else raw.get("NodeID")
            if "JobIteration" not in raw
            else 0
        )
        places.setdefault((name, place), []).append(history)
    found: dict[str, list[Course]] = {}
    for (name, _), tasks in places.items():
        course = [distinct(map(seen, history)) for history in tasks[:MOST_TASKS]]
        found.setdefault(name, []).append(course)
    return {name: sorted(slots, key=lasting) for name, slots in found.items()}


def _was_over(history: list[Json]) -> bool:
    over = {"shutdown", "failed", "rejected", "complete"}
    return history[0]["Status"]["State"] in over and history[0]["DesiredState"] == "shutdown"


def seen(raw: Json) -> Seen:
    """The compared fields of a task."""
    status = raw["Status"]
    container = status.get("ContainerStatus")
    code = container.get("ExitCode", 0) if container else None
    return status["State"], raw["DesiredState"], told(status.get("Err", "")), code


def told(err: str) -> str:
    """An error without the parts that depend on a machine or a moment."""
    err = re.sub(r"/[^ ']*/volumes/", "/volumes/", err)
    return re.sub(r"(lookup \w+).*", r"\1", err)


def distinct(found: Iterable[Seen]) -> list[Seen]:
    """The list without repeated neighbours."""
    kept: list[Seen] = []
    for one in found:
        if not kept or kept[-1] != one:
            kept.append(one)
    return kept


def lasting(course: Course) -> list[tuple[tuple[tuple[str, str, int | None], ...], str]]:
    """The lasting states of each task, and its last desired state."""
    return [(tuple(distinct_states(task)), task[-1][1]) for task in course]


def distinct_states(task: list[Seen]) -> Iterator[tuple[str, str, int | None]]:
    """The lasting states, with the error, and with the exit code of an end."""
    last = None
    for state, desired, err, code in task:
        if desired == "remove" and state == "shutdown":
            return  # This state lasts so briefly that not every recording shows it.
        one = (state, err, code if state not in PASSED | {"running"} else -1)
        if (state not in PASSED or err) and one != last:
            last = one
            yield one


def goes_through(full: list[Seen], partial: list[Seen]) -> bool:
    """Whether ``partial`` is a subsequence of ``full``."""
    rest = iter(full)
    return all(any(one == other for other in rest) for one in partial)


def names_of(raws: Iterable[Json]) -> dict[str, str]:
    return {raw["ID"]: raw["Spec"]["Name"] for raw in raws}


def ends(raws: Iterable[Json]) -> set[tuple[str, str, int | None]]:
    """Every end of a task, and every error of a task that has not ended."""
    found = set()
    for raw in raws:
        state, _, err, code = seen(raw)
        if err or state not in PASSED | {"running", "shutdown"}:
            found.add((state, err, code))
    return found


@pytest.mark.parametrize("name", ["failures", "failures2"])
def test_each_failure_looks_as_recorded(name: str) -> None:
    """Crashes, exit codes, images, commands, constraints, memory, health checks, mounts."""
    source = recording(name)
    looks = [look for look in source.looks if look["t"] < source.mark("remove all")]
    raws = {raw["ID"]: raw for look in looks for raw in objects(source, look, "services")}
    simulation = new_simulation(source)
    simulation.agent.storage.broken.add("q3_nfs")
    told_of: dict[str, list[Json]] = {}

    def note(transaction: StoreTransaction) -> None:
        for change in transaction.changes:
            if isinstance(change.object, Task):
                told_of.setdefault(change.object.service_id, []).append(task_json(change.object))

    simulation.store.committed.append(note)
    requests = Requests(simulation)
    made = {
        key: requests.create_service(raw["Spec"]).id
        for key, raw in raws.items()
        if BEYOND_OUR_SHELL not in str(raw["Spec"])
    }
    simulation.advance(NOW + 70)

    for key, ours in made.items():
        tasks = (raw for look in looks for raw in objects(source, look, "tasks"))
        real = ends(raw for raw in tasks if raw["ServiceID"] == key)
        assert ends(told_of[ours]) == real, raws[key]["Spec"]["Name"]


def test_a_removed_service_takes_its_tasks_with_it_at_once() -> None:
    source = recording("service_remove")
    replica = Replica(source)
    replica.change(source)
    replica.run(0.0, ())

    assert not replica.simulation.store.tasks


@pytest.mark.parametrize("name", SCENARIOS)
def test_tasks_have_the_recorded_course(name: str) -> None:
    source = recording(name)
    replica = Replica(source)
    replica.change(source)
    known = {one.id: one.name for one in replica.simulation.store.services.values()}
    known |= {
        history[0]["ServiceID"]: "w"
        for history in replica.histories.values()
        if history[0]["ServiceID"] not in known
    }
    replica.run(source.looks[-1]["t"] - source.changed_at, SCENARIOS[name])
    every = [raw for look in source.looks for raw in objects(source, look, "services")]

    real = courses(recorded_histories(source), names_of(every))
    ours = courses(replica.histories, known)

    assert ours.keys() == real.keys()
    for service, slots in real.items():
        assert [lasting(one) for one in ours[service]] == [lasting(one) for one in slots]
        for slot, its_own in zip(slots, ours[service], strict=True):
            for task, counterpart in zip(slot, its_own, strict=True):
                assert goes_through(counterpart, task), (counterpart, task)

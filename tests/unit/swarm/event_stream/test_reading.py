"""Messages of real control sockets give the same values as the Engine API's JSON."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.domain.swarm.events import Batch, Event, EventAction
from bot.domain.swarm.model import Node, RestartCondition, Service, Task, TaskState
from bot.swarm import wire
from bot.swarm.event_stream import objects
from bot.swarm.event_stream import watch_pb2 as pb
from bot.swarm.event_stream.reading import ObjectListing, Reader
from tests.unit.recordings.event_stream import StreamRecording, shop

PROJECT = Path(__file__).resolve().parents[4]
STREAMS = ("leader", "follower", "replay")
Raw = pb.Task | pb.Service | pb.Node


@pytest.fixture(scope="module")
def recording() -> StreamRecording:
    return shop()


def read(reader: Reader, messages: Iterable[pb.WatchMessage]) -> list[Batch]:
    return [batch for message in messages if (batch := reader.read(message)).events]


def events_of(batches: Iterable[Batch]) -> list[Event]:
    return [event for batch in batches for event in batch.events]


def started(recording: StreamRecording) -> Reader:
    reader = Reader(recording.first)
    reader.learn(recording.listing)
    return reader


def raw_objects(messages: Iterable[pb.WatchMessage]) -> dict[tuple[str, int], Raw]:
    """Objects by id and version."""
    found: dict[tuple[str, int], Raw] = {}
    for message in messages:
        for event in message.events:
            raw = getattr(event.object, event.object.WhichOneof("object") or "")
            found[raw.id, raw.meta.version.index] = raw
    return found


def at_the_same_version(recording: StreamRecording, kind: str) -> list[tuple[dict[str, Any], Raw]]:
    """Pairs of what the Engine API and the stream report about objects."""
    told = raw_objects(recording.leader)
    places = [((raw["ID"], raw["Version"]["Index"]), raw) for raw in recording.engine[kind]]
    return [(raw, told[place]) for place, raw in places if place in told]


def test_tasks_equal_the_engines(recording: StreamRecording) -> None:
    """Every field of a task, except the last digits of times."""
    pairs = at_the_same_version(recording, "tasks")

    assert len(pairs) >= 5
    for raw, told in pairs:
        assert isinstance(told, pb.Task)
        wanted, found = wire.task_from(raw, up_to_date=True), task(told)
        assert found.since == pytest.approx(wanted.since, abs=1e-5)
        assert found.created == pytest.approx(wanted.created, abs=1e-5)
        assert found.service_id is wanted.service_id  # what many tasks have is in memory once
        assert found.node_id is wanted.node_id
        assert found.image is wanted.image
        assert replace(found, since=wanted.since, created=wanted.created) == wanted
    ended = [task(told) for _, told in pairs if isinstance(told, pb.Task) and told.status.err]
    assert {(one.exit_code, one.err) for one in ended} == {(3, "task: non-zero exit (3)")}


def test_services_equal_the_engines(recording: StreamRecording) -> None:
    """Every field of a service except those that only looks have.

    These are its digest, the last digits of times and the effect of a roll back.
    """
    ((raw, told),) = at_the_same_version(recording, "services")
    assert isinstance(told, pb.Service)
    wanted, found = wire.service_from(raw), objects.service_from(told)

    assert found.updated_at == pytest.approx(wanted.updated_at, abs=1e-5)
    unlike: dict[str, Any] = {"template": "", "updated_at": 0}
    told_by_looks: dict[str, Any] = {"restarts": 0, "previous": None, "can_roll_back": False}
    assert replace(found, **unlike) == replace(wanted, **unlike, **told_by_looks)
    assert (found.name, found.stack, found.replicas) == ("shop_web", "shop", 2)
    assert (found.monitor, found.rollback_monitor, found.max_per_node) == (7.0, 9.0, 2)


def test_nodes_equal_the_engines(recording: StreamRecording) -> None:
    """Every field of a node except the leader, whom only listings know.

    The recorded listing was shortened: it has no plugins.
    """
    ((raw, told),) = at_the_same_version(recording, "nodes")
    assert isinstance(told, pb.Node)
    found = objects.node_from(told)
    assert found == replace(wire.node_from(raw), manager="", plugins=found.plugins)
    assert {("Network", "overlay"), ("Volume", "local")} <= set(found.plugins)
    assert {objects.node_from(node).manager for node in recording.listing.nodes} == {
        "leader",
        "reachable",
    }


def test_secrets_of_a_service_are_dropped(recording: StreamRecording) -> None:
    """Its environment is in the messages, but in no value."""
    assert any(b"PASSWORD=hidden" in message.SerializeToString() for message in recording.leader)
    assert "hidden" not in repr(read(started(recording), recording.leader))


def test_every_manager_reports_the_same(recording: StreamRecording) -> None:
    """A leader sometimes names versions, a follower never, a replay always: the positions agree."""
    leader, follower, replayed = (
        read(started(recording), getattr(recording, stream)) for stream in STREAMS
    )
    assert leader == follower == replayed
    assert len(leader) == 67


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("handled", range(1, 67, 5))
def test_resuming_gives_the_rest_and_nothing_twice(
    recording: StreamRecording, stream: str, handled: int
) -> None:
    """From any position, the transaction that a replay begins too early is left out."""
    whole = read(started(recording), getattr(recording, stream))
    cursor = whole[handled - 1].version
    resumed = Reader(cursor)
    resumed.learn(recording.listing)
    late = [m for m in recording.replay if m.version.index >= cursor]  # one transaction too many

    assert late[0].version.index == cursor
    told = events_of(read(resumed, late))
    wanted = events_of(whole[handled:])
    removed_again = len(told) - len(wanted)
    assert [identity(event) for event in told[removed_again:]] == [identity(e) for e in wanted]
    assert all(event.action is EventAction.REMOVE for event in told[:removed_again])


def test_the_position_is_never_ahead_of_the_log(recording: StreamRecording) -> None:
    """A position without a version is at most that of a replay: nothing can be lost."""
    reader, certain = started(recording), []
    for message in recording.follower:
        reader.read(message)
        certain.append(reader.version)
    named = [message.version.index for message in recording.replay]

    assert all(place <= real for place, real in zip(certain[1:], named[1:], strict=True))


def test_tasks_after_a_scale_are_up_to_date(recording: StreamRecording) -> None:
    """Their template is the service's, although the labels of its containers have any order."""
    events = events_of(read(started(recording), recording.leader))
    gone = next(
        place
        for place, event in enumerate(events)
        if isinstance(event.object, Service) and event.action is EventAction.REMOVE
    )
    tasks = [event.object for event in events[:gone] if isinstance(event.object, Task)]

    assert len({one.id for one in tasks}) == 9
    assert all(one.up_to_date for one in tasks)


def test_tasks_of_an_unknown_service_are_not_up_to_date(
    recording: StreamRecording,
) -> None:
    """This is unknown: the service was changed before the stream, or is removed."""
    only_tasks = [m for m in recording.leader if m.events and not services_in(m)]
    events = events_of(read(Reader(recording.first), only_tasks))

    tasks = [event for event in events if isinstance(event.object, Task)]
    assert tasks
    assert not any(e.object.up_to_date for e in tasks if isinstance(e.object, Task))
    assert {event.service for event in tasks} == {None}


def test_a_task_comes_with_its_service(recording: StreamRecording) -> None:
    """The service is in its state of that moment."""
    events = events_of(read(started(recording), recording.leader))
    replicas = [
        event.service.replicas
        for event in events
        if isinstance(event.object, Task) and event.service is not None
    ]
    assert replicas == sorted(replicas, key=lambda count: count or 0)
    assert set(replicas) == {1, 2}
    assert {event.kind for event in events} == {"task", "service", "node"}


def test_a_listing_that_is_newer_than_a_replay_wins() -> None:
    """A replayed service has its old state; tasks are compared with its current state."""
    was, now = service(version=5, image="old"), service(version=9, image="new")
    reader = Reader(4)
    reader.learn(ObjectListing((now,), ()))
    batch = reader.read(message(was, a_task("old", version=6)))

    replayed, one = (event.object for event in batch.events)
    assert isinstance(replayed, Service)
    assert isinstance(one, Task)
    assert (replayed.image, one.up_to_date) == ("old", False)


@pytest.mark.parametrize(
    ("state", "desired", "current"),
    [
        (TaskState.RUNNING, TaskState.RUNNING, True),
        (TaskState.PREPARING, TaskState.RUNNING, False),
        (TaskState.FAILED, TaskState.RUNNING, False),
        (TaskState.RUNNING, TaskState.SHUTDOWN, False),
    ],
)
def test_pull_options_count_until_the_image_is_pulled(
    state: TaskState, desired: TaskState, current: bool
) -> None:
    """swarmkit, manager/orchestrator/task.go: other credentials replace no task."""
    raw, one = service(image="same"), a_task("same")
    raw.spec.task.container.pull_options.SetInParent()
    raw.spec.task.container.pull_options.MergeFromString(b"\x82\x04\x03abc")
    one.status.state, one.desired_state = state, desired

    assert objects.is_current(one, raw, objects.service_from(raw), None) is current


@pytest.mark.parametrize(("role", "current"), [("manager", True), ("worker", False)])
def test_new_constraints_keep_a_task_whose_node_meets_them(role: str, current: bool) -> None:
    raw, one = service(image="same"), a_task("same")
    raw.spec.task.placement.constraints.append("node.role==manager")
    node = Node(id="n1", hostname="one", role=role)

    assert objects.is_current(one, raw, objects.service_from(raw), node) is current
    assert not objects.is_current(one, raw, objects.service_from(raw), None)


def test_another_published_port_makes_tasks_old() -> None:
    raw, one = service(image="same"), a_task("same")
    one.endpoint.spec.ports.add(published_port=80)
    assert not objects.is_current(one, raw, objects.service_from(raw), None)
    raw.spec.endpoint.ports.add(published_port=80)
    assert objects.is_current(one, raw, objects.service_from(raw), None)


def test_undeclared_fields_are_compared_too() -> None:
    """``force_update`` is such a field: tasks from before a forced update are old."""
    raw, one = service(image="same"), a_task("same")
    raw.spec.task.MergeFromString(b"\x48\x01")
    assert not objects.is_current(one, raw, objects.service_from(raw), None)


def test_unset_fields_have_the_swarms_defaults() -> None:
    found = objects.service_from(service(image="same"))
    assert (found.restart, found.restart_delay, found.monitor) == (RestartCondition.ANY, 5.0, 5.0)
    assert (found.failure_action, found.has_health_check, found.update_started) == (
        "pause",
        False,
        None,
    )


def test_a_removal_is_one_step_in_the_log() -> None:
    """Its object has an old version, and a follower names none."""
    reader = Reader(20)
    assert reader.read(message(a_task("x", version=7), action=pb.ACTION_REMOVE)).version == 21
    assert Reader().read(message(a_task("x", version=7), action=pb.ACTION_REMOVE)).version == 0


def test_messages_of_other_kinds_are_ignored() -> None:
    """Networks, secrets and objects of later engines."""
    foreign = pb.WatchMessage(events=[pb.WatchMessage.Event(action=pb.ACTION_CREATE)])
    assert Reader(9).read(foreign).events == ()


def test_an_unknown_state_counts_as_the_known_one_before_it() -> None:
    one = a_task("x")
    one.status.state = TaskState.RUNNING + 3
    assert task(one).state is TaskState.RUNNING


def test_the_generated_code_matches_the_proto_file(tmp_path: Path) -> None:
    """After a change of ``watch.proto``, run ``generate.sh``."""
    folder = PROJECT / "bot" / "swarm" / "event_stream"
    ours = {**os.environ, "PYTHON": sys.executable}
    subprocess.run([folder / "generate.sh", tmp_path], env=ours, check=True, timeout=60)
    for made in sorted((tmp_path / "bot" / "swarm" / "event_stream").iterdir()):
        kept = (folder / made.name).read_text().splitlines()
        assert kept == made.read_text().splitlines(), made.name


def identity(event: Event) -> tuple[EventAction, str, str, object]:
    state = event.object.state if isinstance(event.object, Task) else None
    return event.action, event.kind, event.object.id, state


def services_in(message: pb.WatchMessage) -> bool:
    return any(event.object.HasField("service") for event in message.events)


def task(raw: pb.Task) -> Task:
    return objects.task_from(raw, up_to_date=True)


def service(*, version: int = 1, image: str) -> pb.Service:
    return pb.Service(
        id="s1",
        meta=pb.Meta(version=pb.Version(index=version)),
        spec=pb.ServiceSpec(task=pb.TaskSpec(container=pb.ContainerSpec(image=image))),
    )


def a_task(image: str, *, version: int = 1) -> pb.Task:
    return pb.Task(
        id="t1",
        service_id="s1",
        node_id="n1",
        meta=pb.Meta(version=pb.Version(index=version)),
        spec=pb.TaskSpec(container=pb.ContainerSpec(image=image)),
    )


def message(*raws: Raw, action: pb.Action = pb.ACTION_UPDATE) -> pb.WatchMessage:
    return pb.WatchMessage(
        events=[pb.WatchMessage.Event(action=action, object=as_object(raw)) for raw in raws]
    )


def as_object(raw: Raw) -> pb.Object:
    if isinstance(raw, pb.Task):
        return pb.Object(task=raw)
    return pb.Object(service=raw) if isinstance(raw, pb.Service) else pb.Object(node=raw)


def test_other_resources_are_counted_by_kind_as_by_the_engine():
    """Named ones count as one each; a request for none of a kind still wants the kind."""
    resources = pb.Resources(
        generic=[
            pb.GenericResource(named_resource_spec=pb.NamedGenericResource(kind="GPU", value="a")),
            pb.GenericResource(named_resource_spec=pb.NamedGenericResource(kind="GPU", value="b")),
            pb.GenericResource(discrete_resource_spec=pb.DiscreteGenericResource(kind="SSD")),
        ]
    )
    task = pb.Task(
        id="t", spec=pb.TaskSpec(resources=pb.ResourceRequirements(reservations=resources))
    )
    node = pb.Node(id="n", description=pb.NodeDescription(resources=resources))
    wanted = (("GPU", 2), ("SSD", 0))
    assert objects.task_from(task, up_to_date=True).reservation.generic == wanted
    assert objects.node_from(node).generic == wanted

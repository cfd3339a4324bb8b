"""The known state of the swarm from a listing and stream events, in any order."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from bot.domain.incidents.events import Rules
from bot.domain.incidents.model import WatcherState
from bot.domain.incidents.reducer import reduce
from bot.domain.incidents.snapshot import (
    Snapshot,
    ends_tasks,
    news_of_batch,
    news_of_listing,
    unread,
)
from bot.domain.swarm.events import Batch, Event, EventAction, Listing
from bot.domain.swarm.model import Mode, Node, NodeState, Service, StackLook, Task, TaskState
from tests.unit.looks import (
    ASSIGNED,
    BEGAN,
    COMPLETE,
    FAILED,
    NODES,
    PENDING,
    PREPARING,
    READY,
    RUNNING,
    SHUTDOWN,
    STARTING,
    a_service,
    a_task,
    failed,
    running,
)

UPDATE, REMOVE = EventAction.UPDATE, EventAction.REMOVE


def listing(*tasks: Task, service: Service | None = None, resumed: bool = False) -> Listing:
    look = StackLook(BEGAN, "", (service or a_service(3),), tasks, NODES)
    return Listing(look, 7, resumed=resumed)


def snapshot(*tasks: Task, service: Service | None = None) -> Snapshot:
    made = Snapshot()
    made.take(listing(*tasks, service=service))
    return made


def seen(made: Snapshot) -> dict[str, TaskState]:
    return {task.id: task.state for task in made.tasks("s")}


def test_a_listing_replaces_everything():
    made = snapshot(*running(1, 2))
    made.take(listing(*running(3)))

    assert seen(made) == {"r3": RUNNING}


def test_an_older_event_changes_nothing():
    made = snapshot(a_task("t", state=RUNNING))
    made.see(Event(UPDATE, a_task("t", state=PREPARING)))

    assert seen(made) == {"t": RUNNING}


def test_a_task_told_to_stop_stays_so():
    made = snapshot(a_task("t", state=RUNNING, desired=SHUTDOWN))
    made.see(Event(UPDATE, a_task("t", state=RUNNING, desired=RUNNING)))

    assert [task.desired for task in made.tasks("s")] == [SHUTDOWN]


def test_ended_tasks_are_dropped():
    made = snapshot(*running(1, 2), failed("t9"))
    made.see(Event(UPDATE, failed("r1")))

    assert seen(made) == {"r2": RUNNING}


def test_ended_tasks_of_a_service_that_runs_to_completion_are_kept():
    job = a_service(2, mode=Mode.REPLICATED_JOB)
    made = snapshot(a_task("t1", 1, COMPLETE), service=job)
    made.see(Event(UPDATE, a_task("t2", 2, FAILED)))

    assert seen(made) == {"t1": COMPLETE, "t2": FAILED}


def test_removed_tasks_services_and_nodes_are_gone():
    made = snapshot(*running(1, 2))
    made.see(Event(REMOVE, running(1)[0]))
    assert seen(made) == {"r2": RUNNING}

    made.see(Event(REMOVE, NODES[0]))
    made.see(Event(REMOVE, a_service(3)))

    assert list(made.nodes) == [node.id for node in NODES[1:]]
    assert (made.services, seen(made)) == ({}, {})


def test_an_older_service_changes_nothing():
    made = snapshot(service=a_service(3, version=9))
    made.see(Event(UPDATE, a_service(1, version=8)))
    assert made.services["s"].replicas == 3

    made.see(Event(UPDATE, a_service(5, version=10)))
    assert made.services["s"].replicas == 5


def test_the_leader_is_kept_from_the_listing():
    made = Snapshot()
    leader = replace(NODES[0], manager="leader")
    look = StackLook(BEGAN, "", (), (), (leader,))
    made.take(Listing(look, 1, resumed=False))
    made.see(Event(UPDATE, replace(NODES[0], state=NodeState.DOWN)))

    assert made.nodes["n1"] == replace(leader, state=NodeState.DOWN)


LIVES = st.permutations([ASSIGNED, PREPARING, READY, STARTING, RUNNING])


@given(LIVES)
def test_the_furthest_state_is_kept_in_any_order(states: list[TaskState]):
    made = snapshot(a_task("t", state=PENDING))
    for state in states:
        made.see(Event(UPDATE, a_task("t", state=state)))

    assert seen(made) == {"t": RUNNING}


@given(st.lists(st.sampled_from([PREPARING, RUNNING, SHUTDOWN, FAILED]), max_size=6))
def test_a_complete_replay_leaves_nothing(states: list[TaskState]):
    """This holds for any lead of the listing."""
    made = snapshot()
    for state in sorted(states, key=lambda each: each):
        made.see(Event(UPDATE, a_task("t", state=state)))
    made.see(Event(UPDATE, failed("t")))

    assert seen(made) == {}


def test_a_resumed_listing_reports_only_nodes():
    """The tasks come with the later batches."""
    news = news_of_listing(listing(failed("t1"), resumed=True), BEGAN)

    assert (news.tasks, news.nodes, news.reconciled, news.cursor) == ((), NODES, False, 7)


def test_a_listing_that_is_not_resumed_reports_everything():
    news = news_of_listing(listing(failed("t1", since=BEGAN - 60)), BEGAN)

    assert [task.id for task in news.tasks] == ["t1"]
    assert (news.reconciled, news.late) == (True, True)


def test_without_versions_there_is_no_cursor():
    polled = replace(listing(), version=0)

    assert news_of_listing(polled, BEGAN).cursor is None
    assert [news.cursor for news in news_of_batch(Batch((), 0), BEGAN)] == [None]


def test_earlier_ends_are_reported_separately_and_first():
    """Incidents that begin with it are marked late, the others are not."""
    old, new = failed("t1", since=BEGAN - 60), failed("t2", 2, since=BEGAN + 1)
    batch = Batch((Event(UPDATE, new), Event(UPDATE, old), Event(UPDATE, NODES[0])), 9)

    late, fresh = news_of_batch(batch, BEGAN)

    assert (late.tasks, late.late, late.cursor) == ((old,), True, None)
    assert (fresh.tasks, fresh.nodes, fresh.late, fresh.cursor) == ((new,), NODES[:1], False, 9)


def test_a_task_removed_while_running_was_told_to_stop():
    (alive,) = running(1)
    batch = Batch((Event(REMOVE, alive), Event(REMOVE, failed("t1"))), 9)

    (news,) = news_of_batch(batch, BEGAN)

    assert [(task.id, task.desired) for task in news.tasks] == [("r1", TaskState.REMOVE)]


def test_removed_services_and_nodes_are_named():
    batch = Batch((Event(REMOVE, a_service(3)), Event(REMOVE, NODES[1])), 9)

    (news,) = news_of_batch(batch, BEGAN)

    assert sorted(news.removed) == ["n2", "s"]
    assert news.nodes == ()


def test_evidence_is_requested_only_for_possible_failures():
    assert ends_tasks(Batch((Event(UPDATE, failed("t1")),), 1))
    assert not ends_tasks(Batch((Event(REMOVE, failed("t1")),), 1))
    assert not ends_tasks(Batch((Event(UPDATE, a_task("t1", state=SHUTDOWN)),), 1))
    assert not ends_tasks(Batch((Event(UPDATE, Node("n1", "one")),), 1))


def watched(*tasks: Task) -> WatcherState:
    """A watch with these failures, one after the other."""
    made = snapshot(*running(1, 2, 3))
    state = WatcherState(began=BEGAN - 60)
    for task in tasks:
        (news,) = news_of_batch(Batch((Event(UPDATE, task),), 8), 0.0)
        state = reduce(state, news, made.context(frozenset(), Rules()), BEGAN).state
    return state


def test_missing_evidence_is_requested_for_the_last_failure():
    state = watched(failed("t1"), failed("t2"))
    (fetch,) = unread(listing(failed("t1"), failed("t2"), resumed=True), state)
    (incident,) = state.incidents.values()

    assert (fetch.incident_id, fetch.task.id) == (incident.id, "t2")


def test_known_or_removed_evidence_is_not_requested():
    state = watched(failed("t1"))
    (known,) = state.incidents.values()
    there = listing(failed("t1"))
    for change in ({"evidence": "last words"}, {"confirmed": True}, {"fetched": None}):
        other = replace(known, **change)
        assert unread(there, replace(state, incidents={known.key: other})) == ()

    assert unread(listing(*running(1)), state) == ()

"""A listing in memory, and the events that keep it up to date."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.swarm.cached import CachedSwarm
from bot.domain.swarm.events import Event, EventAction
from bot.domain.swarm.model import Look, Mode, Node, NodeState, Service, StackLook, Task, TaskState

WEB = Service("web-id", "shop_web", 5, Mode.REPLICATED, 2, stack="shop")
DB = Service("db-id", "data_db", 6, Mode.REPLICATED, 1, stack="data")
NODE = Node("n1", "one")
TASK = Task("t1", WEB.id, 1, "n1", TaskState.RUNNING, TaskState.RUNNING, since=10.0)


def cached(*tasks: Task) -> CachedSwarm:
    return CachedSwarm(StackLook(1.0, "", (DB, WEB), tasks or (TASK,), (NODE,)))


def update(one: Task | Service | Node) -> Event:
    return Event(EventAction.UPDATE, one)


def remove(one: Task | Service | Node) -> Event:
    return Event(EventAction.REMOVE, one)


def tasks_of(swarm: CachedSwarm, stack: str = "") -> tuple[Task, ...]:
    return swarm.look(stack, (NODE,), 2.0).tasks


def test_without_events_it_is_the_listing() -> None:
    """Services by name, with the nodes and the time of the caller."""
    assert cached().look("", (NODE,), 2.0) == StackLook(2.0, "", (DB, WEB), (TASK,), (NODE,))


def test_a_look_at_one_stack_has_its_services_and_tasks_alone() -> None:
    """As the engine filters them."""
    other = replace(TASK, id="t2", service_id=DB.id)
    swarm = cached(TASK, other)
    assert swarm.look("data", (NODE,), 2.0) == StackLook(2.0, "data", (DB,), (other,), (NODE,))


def test_a_task_has_the_state_of_its_last_event() -> None:
    """A new one is added, a removed one is gone."""
    failed = replace(TASK, state=TaskState.FAILED, since=11.0)
    new = replace(TASK, id="t2", state=TaskState.NEW)
    swarm = cached()
    swarm.take([update(failed), Event(EventAction.CREATE, new)])
    assert tasks_of(swarm) == (failed, new)
    swarm.take([remove(failed)])
    assert tasks_of(swarm) == (new,)


def test_an_event_older_than_the_listing_changes_nothing() -> None:
    """The bot's manager may be behind the leader, whose listing it is."""
    gone = replace(TASK, state=TaskState.SHUTDOWN, desired=TaskState.SHUTDOWN, since=12.0)
    swarm = cached(gone)
    swarm.take([update(TASK)])
    assert tasks_of(swarm) == (gone,)


def test_a_wish_to_stop_stays() -> None:
    """An event that is older in this alone does not take it back."""
    stopping = replace(TASK, desired=TaskState.SHUTDOWN)
    swarm = cached(stopping)
    swarm.take([update(replace(TASK, since=11.0))])
    assert [task.desired for task in tasks_of(swarm)] == [TaskState.SHUTDOWN]


def test_addresses_are_kept_from_the_listing() -> None:
    """Events do not have them."""
    swarm = cached(replace(TASK, addresses=("10.0.0.2",)))
    swarm.take([update(replace(TASK, since=11.0))])
    assert [task.addresses for task in tasks_of(swarm)] == [("10.0.0.2",)]


def test_a_changed_service_must_be_read_again() -> None:
    """Its event does not have all of it, and its tasks may be outdated."""
    swarm = cached()
    newer = replace(WEB, version=9, replicas=3)
    swarm.take([update(newer)])
    assert swarm.stale == {WEB.id}
    old = replace(TASK, up_to_date=False)
    swarm.put(WEB.id, Look(3.0, newer, (old,), (NODE,)))
    assert swarm.stale == set()
    assert swarm.look("shop", (NODE,), 4.0) == StackLook(4.0, "shop", (newer,), (old,), (NODE,))


def test_the_event_of_a_known_version_is_no_change() -> None:
    """It was already in the listing."""
    swarm = cached()
    swarm.take([update(WEB)])
    assert swarm.stale == set()


def test_a_service_changed_while_it_is_read_is_read_once_more() -> None:
    """The events since the look began are applied after it."""
    swarm = cached()
    swarm.take([update(replace(WEB, version=9))])
    swarm.put(WEB.id, Look(3.0, replace(WEB, version=9), (TASK,), (NODE,)))
    swarm.take([update(replace(WEB, version=11))])
    assert swarm.stale == {WEB.id}


@pytest.mark.parametrize("told", [True, False], ids=["by an event", "by a look"])
def test_a_removed_service_is_gone_with_its_tasks(told: bool) -> None:
    """Also one that was to be read again."""
    swarm = cached()
    swarm.take([update(replace(WEB, version=9))])
    if told:
        swarm.take([remove(WEB)])
    else:
        swarm.put(WEB.id, Look(3.0, None, (), (NODE,)))
    assert swarm.stale == set()
    assert swarm.look("", (NODE,), 4.0) == StackLook(4.0, "", (DB,), (), (NODE,))


def test_a_new_service_must_be_read() -> None:
    """It is shown once it was."""
    swarm = cached()
    new = Service("new-id", "shop_new", 9, Mode.GLOBAL, None, stack="shop")
    swarm.take([Event(EventAction.CREATE, new)])
    assert swarm.stale == {"new-id"}
    assert swarm.look("", (NODE,), 2.0).services == (DB, WEB)


@pytest.mark.parametrize(
    ("changed", "outdated"),
    [
        (replace(NODE, state=NodeState.DOWN, message="heartbeat failure"), False),
        (replace(NODE, labels={"disk": "ssd"}), True),
        (replace(NODE, role="manager"), True),
        (Node("n2", "two"), False),
    ],
    ids=["down", "label", "role", "new"],
)
def test_a_node_that_meets_other_constraints_outdates_everything(
    changed: Node, outdated: bool
) -> None:
    """It may decide which tasks are up to date; its state does not."""
    swarm = cached()
    swarm.take([update(changed)])
    assert swarm.outdated is outdated


STATES = st.sampled_from([TaskState.NEW, TaskState.RUNNING, TaskState.FAILED, TaskState.SHUTDOWN])


@given(st.lists(st.tuples(st.integers(1, 4), STATES), max_size=20), st.integers(0, 20))
def test_it_does_not_matter_which_events_the_listing_contains(
    steps: list[tuple[int, TaskState]], listed: int
) -> None:
    """Every event is applied, though the listing was made between any two of them."""
    history: dict[str, Task] = {}
    events: list[Event] = []
    listing: tuple[Task, ...] = ()
    for number, (slot, state) in enumerate(steps):
        if number == listed:
            listing = tuple(history.values())
        name = f"t{slot}"
        before = history.get(name)
        later = max(state, before.state) if before else state
        task = replace(TASK, id=name, slot=slot, state=later, since=float(number))
        history[name] = task
        events.append(update(task))
    swarm = CachedSwarm(StackLook(1.0, "", (DB, WEB), listing, (NODE,)))
    swarm.take(events)
    assert set(tasks_of(swarm)) == set(history.values())

"""The tasks that ``logs worker01.2`` and ``logs exporter.m-02`` mean."""

from __future__ import annotations

import pytest

from bot.domain.errors import RefusedError
from bot.domain.operations.log_place import tasks_at
from tests.unit.looks import NODES, a_service, a_task, failed

WEB, EVERYWHERE = a_service(3), a_service(None)
SLOTS = (a_task("t1", 1), a_task("t2", 2), failed("old", 2))
ON_NODES = (a_task("g1", 0, node="n1"), a_task("g2", 0, node="n2"))


def test_a_slot_has_its_present_task_and_former_ones():
    assert tasks_at(WEB, "2", SLOTS, NODES) == {"t2", "old"}
    assert tasks_at(WEB, "02", SLOTS, NODES) == {"t2", "old"}


def test_a_global_service_has_nodes_in_place_of_slots():
    assert tasks_at(EVERYWHERE, "m-02", ON_NODES, NODES) == {"g2"}


@pytest.mark.parametrize(
    ("service", "place", "tasks", "sentence", "hint"),
    [
        (WEB, "3", SLOTS, "`web` has no slot 3.", "Its slots: 1, 2."),
        (WEB, "0", SLOTS, "`web` has no slot 0.", "Its slots: 1, 2."),
        (WEB, "1", (), "`web` has no slot 1.", "It has no tasks."),
        (WEB, "x", SLOTS, "`x` is not a slot of `web`: a slot is a number.", "Its slots: 1, 2."),
        (
            EVERYWHERE,
            "m-03",
            ON_NODES,
            "`web` has no task on photon-machine-03.",
            "It has tasks on m-01, m-02.",
        ),
        (EVERYWHERE, "m-01", (), "`web` has no task on photon-machine-01.", "It has no tasks."),
    ],
)
def test_a_place_without_tasks_is_refused_with_those_that_have_some(
    service, place, tasks, sentence, hint
):
    with pytest.raises(RefusedError) as refused:
        tasks_at(service, place, tasks, NODES)

    assert (refused.value.sentence, refused.value.hint) == (sentence, hint)


def test_many_slots_are_counted():
    tasks = [a_task(f"t{slot}", slot) for slot in range(1, 21)]
    with pytest.raises(RefusedError) as refused:
        tasks_at(WEB, "21", tasks, NODES)

    assert refused.value.hint.endswith("11, 12 and 8 more.")


def test_an_unknown_node_is_refused():
    with pytest.raises(RefusedError, match="There is no node `m-99`"):
        tasks_at(EVERYWHERE, "m-99", ON_NODES, NODES)

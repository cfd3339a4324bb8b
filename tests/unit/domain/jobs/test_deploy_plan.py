"""How many replicas a service gets, and which service is deployed first."""

from __future__ import annotations

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from bot.domain.jobs.deploy_plan import ReplicaRule, all_dependencies, decide, in_order

RULES = [
    # live, file, deployed, scaled from → planned, rule
    ((None, 3, None, None), 3, ReplicaRule.FILE),
    ((None, None, None, None), 1, ReplicaRule.FILE),
    ((5, None, {"web": 2}, None), 5, ReplicaRule.UNSTATED),
    ((5, None, None, None), 5, ReplicaRule.UNSTATED),
    ((3, 3, {"web": 2}, None), 3, ReplicaRule.UNCHANGED),
    ((5, 3, {"web": 3}, None), 5, ReplicaRule.SCALED),
    ((0, 3, {"web": 3}, None), 0, ReplicaRule.SCALED),
    ((5, 3, {"web": 2}, None), 3, ReplicaRule.FILE),
    ((5, 3, {"web": 2}, 3), 3, ReplicaRule.FILE),
    ((5, 3, {"web": None}, None), 3, ReplicaRule.FILE),
    ((5, 3, None, 3), 5, ReplicaRule.SCALED),
    ((5, 3, {}, 3), 5, ReplicaRule.SCALED),
    ((5, 3, None, 2), 3, ReplicaRule.FILE),
    ((5, 3, None, None), 3, ReplicaRule.FILE),
]


@pytest.mark.parametrize(("given", "planned", "rule"), RULES)
def test_each_rule_for_replicas(
    given: tuple[int | None, int | None, dict[str, int | None] | None, int | None],
    planned: int,
    rule: ReplicaRule,
) -> None:
    live, file, deployed, before = given

    found = decide("web", live, file, scaled_from=before, deployed=deployed)

    assert (found.live, found.file) == (live, file)
    assert (found.planned, found.rule) == (planned, rule)


@pytest.mark.parametrize(
    ("file", "undone", "planned", "rule"),
    [
        (3, 5, 5, ReplicaRule.SCALED),
        (3, 3, 3, ReplicaRule.FILE),
        (3, 0, 0, ReplicaRule.SCALED),
        (None, 5, 5, ReplicaRule.UNSTATED),
        (None, 1, 1, ReplicaRule.FILE),
    ],
)
def test_a_service_that_a_roll_back_brings_back_gets_its_former_number(
    file: int | None, undone: int, planned: int, rule: ReplicaRule
) -> None:
    found = decide("web", None, file, scaled_from=None, deployed={"web": 2}, undone=undone)

    assert (found.live, found.planned, found.rule) == (None, planned, rule)


numbers = st.none() | st.integers(0, 9)


@for_all(st.integers(0, 9), numbers, numbers, numbers)
def test_the_number_comes_from_the_swarm_or_the_file_as_the_rule_says(
    live: int, file: int | None, last: int | None, before: int | None
) -> None:
    found = decide("web", live, file, scaled_from=before, deployed={"web": last})

    kept = {ReplicaRule.SCALED, ReplicaRule.UNSTATED, ReplicaRule.UNCHANGED}
    assert found.planned == (live if found.rule in kept else file)


def test_dependencies_come_first() -> None:
    depends = {"app": ["db", "cache"], "db": ["keeper"], "keeper": ["elsewhere"]}

    assert in_order(["app", "cache", "db", "keeper", "alone"], depends) == (
        *("alone", "cache", "keeper", "db", "app"),
    )


graphs = st.dictionaries(st.sampled_from("abcdef"), st.lists(st.sampled_from("abcdefg")))


@for_all(st.sets(st.sampled_from("abcdef")), graphs)
def test_each_service_is_ordered_once_for_any_dependencies(
    names: set[str], depends: dict[str, list[str]]
) -> None:
    assert sorted(in_order(names, depends)) == sorted(names)


@for_all(st.permutations("abcdef"), st.data())
def test_every_dependency_is_respected_without_a_cycle(
    order: list[str], data: st.DataObject
) -> None:
    depends = {
        name: data.draw(st.lists(st.sampled_from(order[:place])))
        for place, name in enumerate(order)
        if place
    }

    found = in_order(order, depends)

    assert all(
        found.index(other) < found.index(name) for name in depends for other in depends[name]
    )


def test_dependencies_are_also_those_through_others():
    """Through a service that does not change, too; a cycle ends."""
    depends = {"app": ["web"], "web": ["job"], "a": ["b"], "b": ["a", "job"]}

    assert all_dependencies("app", depends) == {"web", "job"}
    assert all_dependencies("a", depends) == {"b", "job"}
    assert all_dependencies("job", depends) == frozenset()

"""Tasks that are compared while they are read are those of a look at whole objects."""

from __future__ import annotations

from typing import Any

import pytest

from bot.swarm import wire
from bot.swarm.comparison import Comparison, stack_look_from, template

IMAGE = {"ContainerSpec": {"Image": "a"}}
SSD = {"Placement": {"Constraints": ["node.labels.disk==ssd"]}}
SERVICES: list[dict[str, Any]] = [
    {"ID": "s2", "Spec": {"Name": "web", "TaskTemplate": IMAGE | SSD}},
    {"ID": "s1", "Spec": {"Name": "db", "TaskTemplate": IMAGE}},
]
NODES: list[dict[str, Any]] = [
    {"ID": "n1", "Description": {"Hostname": "b"}, "Spec": {"Labels": {"disk": "ssd"}}},
    {"ID": "n2", "Description": {"Hostname": "a"}, "Spec": {"Labels": {"disk": "hdd"}}},
]


@pytest.mark.parametrize("spec", [IMAGE, IMAGE | SSD, {"ContainerSpec": {"Image": "b"}}, SSD, {}])
@pytest.mark.parametrize("node", ["n1", "n2", "n3", ""])
@pytest.mark.parametrize("service", ["s1", "s2"])
def test_the_look_is_that_at_whole_objects(spec: dict[str, Any], node: str, service: str) -> None:
    tasks = [{"ID": "t", "ServiceID": service, "NodeID": node, "Spec": spec}]
    nodes = wire.by_hostname(map(wire.node_from, NODES))
    known = Comparison(map(template, SERVICES))

    look = known.look(1.0, map(known.task, tasks), nodes)

    assert look == stack_look_from("", SERVICES, tasks, None, NODES, at=1.0)
    assert known.service_ids == ["s2", "s1"]


def test_tasks_of_other_services_are_left_out() -> None:
    known = Comparison(map(template, SERVICES))

    assert [known.task({"ID": "t", "ServiceID": "gone"}), known.task({"ID": "t"})] == [None, None]
    assert known.look(1.0, [None], ()).tasks == ()


def test_nothing_of_a_tasks_specification_is_kept_but_what_a_task_shows() -> None:
    """It is many times larger, and there are ten thousand."""
    known = Comparison(map(template, SERVICES))
    raw = {"ID": "t", "ServiceID": "s1", "Spec": {**IMAGE, "Networks": [{"Target": "net"}]}}

    assert "net" not in repr(known.task(raw))

"""Constraints are evaluated as by swarmkit."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.domain.swarm.constraints import meets_constraints
from bot.domain.swarm.model import Mode, Node, Platform, Resources, Service

GIB = 2**30
CORE = 10**9

SERVICE = Service("s1", "web", 1, Mode.REPLICATED, 3)
NODE = Node(
    "n1",
    "photon-machine-01",
    role="manager",
    address="10.77.0.1",
    labels={"disk": "ssd", "Zone": "a"},
    engine_labels={"rack": "7"},
    platform=Platform("linux", "x86_64"),
    resources=Resources(2 * CORE, 4 * GIB),
)


@pytest.mark.parametrize(
    ("constraint", "met"),
    [
        ("node.id==n1", True),
        ("node.id == N1", True),
        ("node.id!=n1", False),
        ("node.hostname==PHOTON-machine-01", True),
        ("NODE.HOSTNAME==photon-machine-01", True),
        ("node.hostname!=photon-machine-02", True),
        ("node.role==manager", True),
        ("node.role==worker", False),
        ("node.role!=Manager", False),
        ("node.platform.os==Linux", True),
        ("node.platform.arch==x86_64", True),
        ("node.platform.arch==amd64", False),
        ("node.labels.disk==SSD", True),
        ("node.labels.disk!=ssd", False),
        ("node.labels.zone==a", False),
        ("node.labels.Zone==a", True),
        ("node.labels.missing==x", False),
        ("node.labels.missing!=x", True),
        ("engine.labels.rack==7", True),
        ("engine.labels.rack!=7", False),
        ("node.ip==10.77.0.1", True),
        ("node.ip!=10.77.0.1", False),
        ("node.ip==10.77.0.2", False),
        ("node.ip==::ffff:10.77.0.1", True),
        ("node.ip==10.77.0.0/16", True),
        ("node.ip==10.77.3.3/16", True),
        ("node.ip!=10.77.0.0/16", False),
        ("node.ip==10.78.0.0/16", False),
        ("node.ip!=10.78.0.0/16", True),
        ("node.ip==fd00::/8", False),
        ("node.ip!=10.77.0.0/255.255.0.0", False),
        ("node.ip==somewhere", False),
        ("node.ip!=somewhere", False),
        ("node.colour==red", False),
        ("node.colour!=red", False),
        ("node.labels.==x", False),
    ],
)
def test_constraints_are_evaluated_as_swarmkit_does(constraint: str, met: bool) -> None:
    assert meets_constraints(replace(SERVICE, constraints=(constraint,)), NODE) is met


@pytest.mark.parametrize("constraint", ["node.role=manager", "no sense", "node.id==", "==x"])
def test_invalid_constraints_are_ignored_as_by_the_scheduler(constraint: str) -> None:
    both = (constraint, "node.role==worker")

    assert meets_constraints(replace(SERVICE, constraints=both), NODE)


def test_every_constraint_has_to_be_met() -> None:
    both = ("node.labels.disk==ssd", "node.role==worker")

    assert not meets_constraints(replace(SERVICE, constraints=both), NODE)

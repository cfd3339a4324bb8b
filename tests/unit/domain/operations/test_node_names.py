"""Short names of nodes: what lists show, commands accept."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.commands.parser import parse
from bot.domain.commands.values import Defaults, Drain, ListNodes
from bot.domain.operations.node_change import find_node
from bot.domain.operations.node_names import ShortNames, short_name
from bot.domain.swarm.model import Node

PARTS = st.sampled_from(["photon", "machine", "manager", "m", "01", "02", "1", "23", "node"])
HOSTNAMES = st.lists(PARTS, min_size=1, max_size=4).flatmap(
    lambda parts: st.sampled_from(["-", "_", ".", ""]).map(lambda joint: joint.join(parts))
)
ODD = st.one_of(HOSTNAMES, st.text(max_size=12))


def named(*hostnames: str) -> list[Node]:
    return [Node(id=f"{i:x}{'q7k2m9w4tzx8c5v1n3b6a0sd'}"[:25], hostname=name)
            for i, name in enumerate(hostnames)]  # fmt: skip


@pytest.mark.parametrize(
    ("hostnames", "short"),
    [
        (["photon-machine-01", "photon-machine-02"], ["m-01", "m-02"]),
        (["photon-machine-01", "photon-manager-01"], ["machine-01", "manager-01"]),
        (["node-1", "db1"], ["node-1", "db1"]),
        (["ip-10-0-1-23", "ip-10-0-2-23"], ["1-23", "2-23"]),
        (["ip-10-0-1-23.eu.internal", "ip-10-0-2-23.eu.internal"], ["1-23", "2-23"]),
        (["swarmworker01"], ["swarmworker01"]),
        (["app-server-1", "b-app-server-1"], ["app-server-1", "b-a-s-1"]),
    ],
)
def test_the_shortest_name_that_is_unique(hostnames, short):
    nodes = named(*hostnames)

    assert [short_name(node, nodes) for node in nodes] == short


def test_a_node_that_left_the_swarm_goes_by_the_beginning_of_its_id():
    assert ShortNames(named("a")).of("v1xq7k2m9w4t5r6s7") == "v1xq7k2m9w4t"
    assert ShortNames([]).of("") == ""


@settings(deadline=None, max_examples=50)
@given(st.lists(ODD, min_size=1, max_size=8))
def test_each_short_name_is_accepted_by_the_commands_for_its_node(hostnames):
    nodes = named(*hostnames)
    names = ShortNames(nodes)
    for node in nodes:
        short = names.of(node.id)

        assert find_node(short, nodes) == node
        assert parse(f"nodes {short}", Defaults()) == ListNodes(short)
        assert parse(f"drain {short}", Defaults()) == Drain(short)

"""What ``ps`` and ``nodes`` show: lines for a phone, and wide tables."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wcwidth import wcswidth

from bot.domain.swarm.model import (
    Availability,
    Mode,
    Node,
    NodeState,
    Resources,
    StackLook,
    Task,
    TaskState,
)
from bot.domain.swarm.task_list import Standing, grouped_tasks, judged_tasks
from bot.views.slack.phone import INDENT, LINE, displayed
from bot.views.slack.table import MOST_CELL, Column, WideTable
from bot.views.status.nodes import nodes_message
from bot.views.status.tasks import tasks_message
from bot.views.status.wide import node_table, task_table
from playground.slack.limits import check_blocks
from tests.unit.hostile import STRUCTURE, assert_slack_takes, hostile, shown
from tests.unit.looks import (
    NODES,
    PENDING,
    REJECTED,
    SHUTDOWN,
    STARTING,
    a_service,
    a_task,
    failed,
    nodes_with,
)

WEB = a_service(3, stack="stack")


def stack(*tasks, services=(WEB,), nodes=NODES):
    return StackLook(2000.0, "stack", services, tasks, nodes)


def lines(message):
    """The lines of a list, without the title and the small print."""
    texts = [each["text"]["text"] for each in message.blocks if each["type"] == "section"]
    return "\n".join(texts).split("\n")[1:]


MOUNT = "error while mounting volume '/var/lib/docker/volumes/data/_data': connection refused"


def test_ended_tasks_of_a_global_service_on_one_node_are_a_line():
    """They have no node in their line, unlike its other tasks."""
    agent = replace(a_service(None, stack="stack"), mode=Mode.GLOBAL)

    message = tasks_message(stack(a_task("t1", 0, SHUTDOWN, since=1000.0), services=(agent,)))

    assert "⚪ web · 1 shut down · last 16 min ago" in lines(message)


def test_what_should_run_comes_first_with_trouble_before_it():
    message = tasks_message(
        stack(
            a_task("t1", 1, since=1990.0),
            a_task("t2", 2, SHUTDOWN, since=1000.0),
            a_task("t3", 3, PENDING, err="no suitable node", since=1900.0),
            failed("t4", 1, since=1820.0),
            a_task("t5", 4, STARTING, since=1995.0),
        )
    )

    assert lines(message) == [
        "🔴 web.3 · pending 1 min · no node fits",
        "🟡 web.4 · m-01 · starting 5 s",
        "🟢 web.1 · m-01 · running 10 s",
        "*Before:*",
        "🔴 web.1 · m-01 · failed 3 min ago · exit 1",
        "⚪ web.2 · 1 shut down · last 16 min ago",
    ]
    assert message.text == "*stack*: 1/3 tasks running"


def test_equal_failures_are_one_line():
    tries = [
        a_task(f"t{n}", n % 2 + 1, REJECTED, err=MOUNT, since=1880.0 - n, node=f"n{n % 2 + 1}")
        for n in range(10)
    ]
    message = tasks_message(stack(*tries, failed("other", since=1000.0)))

    assert lines(message) == [
        "🔴 web · 3 missing",
        "*Before:*",
        "🔴 web · 10 \u00d7 mount error, last 2 min ago",
        "🔴 web.1 · m-01 · failed 16 min ago · exit 1",
    ]


def test_many_healthy_tasks_of_a_service_are_one_line_but_no_trouble():
    running = [a_task(f"t{n}", n, node=f"n{n % 3 + 1}") for n in range(1, 28)]
    lost = replace(a_task("lost", 30), node_id="n5")
    former = a_task("former", 31, up_to_date=False)
    nodes = nodes_with(NodeState.DOWN, "n5")
    message = tasks_message(stack(*running, lost, former, nodes=nodes))

    assert lines(message) == [
        "🔴 web.30 · m-05 · node down",
        "🟡 web.31 · m-01 · old version",
        "🟢 web · 27 running · m-01 m-02 m-03",
    ]


def test_tasks_of_one_service_are_listed_slot_by_slot_with_their_errors():
    other = a_service(1, id="o", name="stack_db", stack="stack")
    tasks = (
        a_task("t2", 2),
        a_task("t1", 1, PENDING, err="no suitable node (x)"),
        *(a_task(f"t{n}", n) for n in range(3, 9)),
        replace(a_task("db"), service_id="o"),
    )
    message = tasks_message(stack(*tasks, services=(WEB, other)), WEB)

    assert lines(message)[:3] == [
        "🔴 web.1 · pending · no node fits",
        "    no suitable node (x)",
        "🟢 web.2 · m-01 · running",
    ]
    assert len(lines(message)) == 9
    assert "db" not in shown(message)
    assert message.text == "*stack_web*: 7/8 tasks running"
    assert "No tasks" in tasks_message(stack(services=(a_service(0),))).text


def test_tasks_that_do_not_fit_are_counted():
    tasks = [a_task(f"t{number}", number, PENDING, err=f"e{number}") for number in range(1, 301)]
    message = tasks_message(stack(*tasks))

    told = len(lines(message)) - 1
    assert_slack_takes(message)
    assert 5 <= told < 300
    assert f"and {300 - told} more: {300 - told} in trouble" in shown(message)


STATES = st.sampled_from(list(TaskState))
LISTED = st.lists(
    st.builds(
        lambda n, slot, state, desired, node, err, service: Task(
            f"t{n}", service, slot, node, state, desired, since=1000.0 + n, err=err
        ),
        st.integers(0, 900),
        st.integers(0, 4),
        STATES,
        STATES,
        st.sampled_from(["n1", "n2", "n9", ""]),
        st.sampled_from(["", MOUNT, "task: non-zero exit (3)", "no suitable node"]),
        st.sampled_from(["s", "o"]),
    ),
    max_size=25,
    unique_by=lambda task: task.id,
)
SERVICES = (WEB, a_service(1, id="o", name="stack_db", stack="stack"))


@given(LISTED, st.integers(0, 4), st.booleans())
def test_each_task_is_in_exactly_one_group(tasks, together, apart):
    """And those that are not well are alone, or with failures of the same service and cause."""
    judged = judged_tasks(SERVICES, tasks, NODES)
    groups = grouped_tasks(SERVICES, judged, NODES, together=together, apart=apart)

    assert sorted(task.id for each in groups for task in each.tasks) == sorted(
        task.id for task in tasks
    )
    for group in groups:
        if group.standing is Standing.RUNNING:
            assert {task.state for task in group.tasks} == {TaskState.RUNNING}
        if group.cause:
            assert len({task.service_id for task in group.tasks}) == 1
    assert not any(
        earlier.standing.is_over and not later.standing.is_over
        for earlier, later in pairwise(groups)
    )


@given(LISTED)
def test_each_task_has_a_line_or_is_in_a_count(tasks):
    message = tasks_message(stack(*tasks, services=SERVICES))
    counted = sum(
        int(found[1]) if (found := COUNT.search(each)) else 1
        for each in lines(message)
        if each != "*Before:*" and "missing" not in each and not each.startswith(INDENT)
    )

    assert counted == len(tasks)
    assert all(displayed(each) <= LINE for each in lines(message))


COUNT = re.compile(r"(?:· |^⚪ )(\d+) (?:\u00d7|running|completed|shut down)")


@settings(deadline=None)
@given(st.lists(st.tuples(hostile, hostile, hostile), max_size=40))
def test_any_tasks_can_be_shown(texts):
    services = tuple(
        a_service(1, id=f"s{i}", name=name, image=image) for i, (name, image, _) in enumerate(texts)
    )
    tasks = [
        replace(failed(f"t{i}", err=err), service_id=f"s{i}", host_ports=(err,))
        for i, (_, _, err) in enumerate(texts)
    ]
    look = stack(*tasks, services=services)

    assert_slack_takes(tasks_message(look))
    assert_takes_table(task_table(look))


def assert_takes_table(table):
    """Whether Slack accepts the block of a table, and the file has a line for each row."""
    if block := table.block():
        assert check_blocks([block]) == []
        assert STRUCTURE([block]) == []
    assert table.file().decode().count("\n") == len(table.rows) + 1


def test_a_wide_table_has_the_columns_of_docker_and_leaves_empty_ones_out():
    table = task_table(stack(a_task("t1", 1, since=1990.0, image="web:1"), failed("t2", 2)))
    block = table.block()
    assert block is not None

    assert_takes_table(table)
    assert [[cell["text"] for cell in row] for row in block["rows"]] == [
        ["NAME", "IMAGE", "NODE", "DESIRED STATE", "CURRENT STATE", "ERROR"],
        ["stack_web.1", "web:1", "photon-machine-01", "Running", "Running 10 s ago", "-"],
        ["stack_web.2", "-", "photon-machine-01", "Shutdown", "Failed", "task: non-zero exit (1)"],
    ]
    assert table.title == "*stack*: 2 tasks"


@pytest.mark.parametrize(
    ("count", "length", "fits"), [(99, 5, True), (100, 5, False), (50, 199, True), (50, 201, False)]
)
def test_a_table_beyond_the_limits_of_the_block_has_none(count, length, fits):
    column = Column("A")
    table = WideTable("t", (column,), [("x" * length,)] * count)

    assert (table.block() is not None) is fits
    assert_takes_table(table)


def test_no_cell_of_a_table_is_cut():
    name, image = f"stack_{'long-' * 11}name", f"registry.example.com/{'team/' * 20}web:2.4.1"
    node = replace(NODES[0], hostname="ip-10-0-12-34.eu-central-1.compute.internal")
    service = a_service(1, name=name, stack="stack", image=f"{image}@sha256:{'a' * 64}")
    task = failed("t1", 7, err="starting container failed: " + "x" * 3000 + " denied")
    table = task_table(stack(task, services=(service,), nodes=(node,)))
    block = table.block()
    assert block is not None

    cells = [cell["text"] for cell in block["rows"][1]]
    assert cells[:3] == [f"{name}.7", image, node.hostname]
    assert cells[5] == task.err
    huge = replace(task, err="x" * (MOST_CELL + 1))
    table = task_table(stack(huge, services=(service,), nodes=(node,)))
    assert table.block() is None
    assert "x…\n" in table.file().decode()


def test_the_file_has_aligned_columns_and_right_aligned_numbers():
    columns = (Column("A"), Column("B"), Column("N", right=True))
    table = WideTable("t", columns, [("x", "", "1"), ("long-er", "", "10")])

    assert table.file().decode() == "A         N\nx         1\nlong-er  10\n"
    block = table.block()
    assert block is not None
    assert [each["align"] for each in block["column_settings"]] == ["left", "right"]
    assert WideTable("t", columns, []).block() is None


FAMILY = "👩\u200d👩\u200d👧"
WIDE = [
    "ab",
    "データベース",
    "数据库-1",
    "한국어",
    "🚀",
    "⚠️ x",
    FAMILY,
    "👍🏽",
    "🇩🇪",
    "e\u0301t",
    "…",
]


@given(st.lists(st.lists(st.sampled_from(WIDE), max_size=8).map("".join), min_size=1, max_size=9))
def test_columns_are_aligned_for_any_text(names):
    columns = (Column("NAME"), Column("N", right=True))
    made = WideTable("t", columns, [(name, "7") for name in names]).file().decode().splitlines()

    assert len({wcswidth(line) for line in made}) == 1


def test_nodes_show_state_tasks_and_free_resources():
    first = replace(
        NODES[0], manager="leader", role="manager", engine_version="20.10.3",
        resources=Resources(4 * 10**9, 8 * 2**30),
    )  # fmt: skip
    second = replace(NODES[1], engine_version="20.10.3", availability=Availability.DRAIN)
    third = replace(NODES[2], engine_version="19.03.10", state=NodeState.DOWN)
    fourth = replace(NODES[3], manager="unreachable")
    used = replace(a_task("t1"), reservation=Resources(10**9, 2**30))
    message = nodes_message([first, second, third, fourth], [used], "n1")

    assert_slack_takes(message)
    assert lines(message) == [
        "⚠️ Engine versions differ: most have 20.10.3; m-03 19.03.10",
        "🔴 *m-03* · down · 0 tasks",
        "🔴 *m-04* · manager unreachable · 0 tasks",
        "🟢 *m-01* · ready · 1 task · 3 CPU, 7 GiB free",
        "⚪ *m-02* · drained · 0 tasks · 0 GiB free",
    ]
    assert max(map(displayed, lines(message)[1:])) <= LINE
    assert "Managers: m-01 (leader), m-04" in shown(message)
    assert "The bot runs on m-01" in shown(message)
    assert message.text == "*4 nodes*, 2 ready for tasks"


def test_the_table_of_nodes_has_the_columns_of_docker():
    first = replace(NODES[0], resources=Resources(4 * 10**9, 8 * 2**30), engine_version="20.10.3")
    second = replace(NODES[1], engine_version="19.03.10", state=NodeState.DOWN)
    table = node_table([first, first, second], [], "n1")

    assert_takes_table(table)
    block = table.block()
    assert block is not None
    assert [cell["text"] for cell in block["rows"][1]] == [
        "n1 *", "photon-machine-01", "Ready", "Active", "20.10.3", "0", "4.0 of 4",
        "8.0 of 8.0 GiB",
    ]  # fmt: skip
    assert block["rows"][3][4]["text"] == "19.03.10 !"


def test_many_nodes_are_counted():
    nodes = [Node(id=f"{i:025}", hostname=f"photon-machine-{i:03}" * 2) for i in range(300)]
    message = nodes_message(nodes, [], "")

    assert_slack_takes(message)
    assert re.search(r"and \d+ more nodes: \d+ ready", shown(message))


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(hostile, hostile), max_size=12))
def test_any_nodes_can_be_shown(texts):
    nodes = [
        Node(id=f"{i}{name}", hostname=name, engine_version=version, manager=name)
        for i, (name, version) in enumerate(texts)
    ]

    assert_slack_takes(nodes_message(nodes, [], "0"))
    assert_takes_table(node_table(nodes, [], "0"))

"""What ``ps`` never leaves out: what is missing, failures, and what tells lines apart."""

from __future__ import annotations

from dataclasses import replace

from bot.domain.swarm.model import Mode, NodeState, RestartCondition, StackLook, UpdateState
from bot.views.slack.phone import LINE, displayed
from bot.views.status.tasks import tasks_message
from tests.unit.hostile import shown
from tests.unit.looks import (
    COMPLETE,
    NODES,
    REJECTED,
    a_service,
    a_task,
    failed,
    nodes_with,
    running,
)

WEB = a_service(3, stack="stack")


def stack(*tasks, services=(WEB,), nodes=NODES):
    return StackLook(2000.0, "stack", services, tasks, nodes)


def lines(message):
    """The lines of a list, without the title and the small print."""
    texts = [each["text"]["text"] for each in message.blocks if each["type"] == "section"]
    return "\n".join(texts).split("\n")[1:]


def test_a_task_of_a_node_that_is_down_has_no_age():
    """It is not known how long the node is down."""
    look = stack(*running(1, 2), replace(a_task("lost", 3, since=10.0), node_id="n5"),
        nodes=nodes_with(NodeState.DOWN, "n5"))  # fmt: skip

    assert lines(tasks_message(look))[0] == "🔴 web.3 · m-05 · node down"


def test_tasks_that_do_not_exist_are_missing():
    """As after a paused update, or while the swarm cannot make any."""
    paused = replace(WEB, replicas=2, update=UpdateState.PAUSED)
    other = a_service(3, id="x", name="stack_x", stack="stack")
    look = stack(*running(1), services=(paused, other))

    assert tasks_message(look).text == "*stack*: 1/5 tasks running"
    assert lines(tasks_message(look)) == [
        "🔴 web · 1 missing · update paused",
        "🔴 x · 3 missing",
        "🟢 web.1 · m-01 · running",
    ]
    assert tasks_message(look, other).text == "*stack_x*: 0/3 tasks running"
    assert lines(tasks_message(look, other)) == ["🔴 x · 3 missing"]


def test_a_global_service_misses_a_task_on_each_node_without_one():
    everywhere = a_service(None, stack="stack")
    there = [a_task(f"t{n}", 0, node=f"n{n}") for n in (1, 2)]
    down = nodes_with(NodeState.DOWN, "n5")
    look = stack(*there, a_task("t5", 0, node="n5"), services=(everywhere,), nodes=down)

    assert tasks_message(look).text == "*stack*: 2/5 tasks running"
    assert lines(tasks_message(look))[0] == "🔴 web · 2 missing"


def test_completed_tasks_and_those_of_jobs_are_not_missing():
    once = a_service(1, stack="stack", restart=RestartCondition.NONE)
    job = a_service(9, id="j", name="stack_j", stack="stack", mode=Mode.REPLICATED_JOB)

    message = tasks_message(stack(a_task("t", 1, COMPLETE), services=(once, job)))

    assert message.text == "*stack*: nothing runs"
    assert lines(message) == ["⚪ web.1 · 1 completed"]


def test_a_list_that_is_too_long_names_all_trouble_and_each_failure():
    many = tuple(a_service(3, id=f"s{n}", name=f"stack_s{n}", stack="stack") for n in range(25))
    up = [replace(a_task(f"{s.id}.{n}", n), service_id=s.id) for s in many for n in (1, 2, 3)]
    broken = [failed("f1", since=1990.0), failed("f2", code=2, since=1980.0)]
    message = tasks_message(stack(*up, *broken, services=(WEB, *many)))

    assert "more" not in shown(message).replace("/orochi", "")
    assert "🟢 s7 · 3 running · m-01" in lines(message)
    assert "🔴 web.1 · m-01 · failed 20 s ago · exit 2" in lines(message)

    every = tuple(
        replace(each, id=f"{each.id}{end}", name=f"{each.name}{end}")
        for each in many
        for end in "abc"
    )
    up = [replace(a_task(f"{s.id}.{n}", n), service_id=s.id) for s in every for n in (1, 2, 3)]
    message = tasks_message(stack(*up, *broken, services=(WEB, *every)))

    assert "🔴 web.1 · m-01 · failed 20 s ago · exit 2" in lines(message)
    assert "and 54 more: 54 running" in lines(message)


UUIDS = tuple(
    replace(node, hostname=f"9f1c2d3e-aaaa-4bbb-8ccc-1234567{n}9a")
    for n, node in enumerate(NODES, 11)
)


def test_a_long_name_of_a_node_is_cut_before_something_is_left_out():
    worker = a_service(3, name="stack_celery-worker", stack="stack")
    look = stack(*running(1), failed("f", 2, since=1820.0), services=(worker,), nodes=UUIDS)

    told = lines(tasks_message(look))

    assert told[1] == "🟢 celery-worker.1 · …c-1234567119a · running"
    assert told[3] == "🔴 celery-worker.2 · …cc-1234567119a · exit 1"
    assert max(map(displayed, told)) <= LINE


def test_the_tasks_of_a_global_service_have_their_nodes_always():
    everywhere = a_service(None, name=f"stack_{'long-' * 7}name", stack="stack")
    there = [a_task(f"t{n}", 0, node=f"n{n}", since=10.0) for n in (1, 2)]
    told = lines(tasks_message(stack(*there, services=(everywhere,), nodes=UUIDS), everywhere))

    assert told[1:] == [
        f"🟢 {'long-' * 7}name · …119a · running",
        f"🟢 {'long-' * 7}name · …129a · running",
    ]


def test_different_errors_of_one_kind_are_told_apart():
    mount = "failed to mount local volume: mount :/export/{}:/var/lib/docker/volumes/data/_data"
    tries = [
        a_task(f"t{n}{path}", 1, REJECTED, err=mount.format(path), since=1900.0 - n)
        for n, path in enumerate(["a", "a", "b"])
    ]

    assert lines(tasks_message(stack(*tries, *running(1, 2, 3))))[-4:] == [
        "🔴 web.1 · m-01 · 2 \u00d7 mount error · 1 min ago",
        "    …:/export/a:/var/lib/docker/volumes/dat…",
        "🔴 web.1 · m-01 · mount error · 1 min ago",
        "    …:/export/b:/var/lib/docker/volumes/dat…",
    ]


def test_a_service_without_a_stack_is_told_apart_from_one_of_a_stack():
    alone = a_service(1, id="o", name="web", stack="")
    look = stack(a_task("t1"), replace(a_task("t2"), service_id="o"), services=(WEB, alone))

    told = lines(tasks_message(replace(look, stack="")))

    assert {each.split(" · ")[0] for each in told[1:]} == {"🟢 stack/web.1", "🟢 /web.1"}

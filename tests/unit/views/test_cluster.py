"""What ``ps``, ``nodes``, ``volumes``, ``join`` and jobs of nodes show."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wcwidth import wcswidth

from bot.domain.jobs.model import Job, JobState, Target
from bot.domain.jobs.progress import ServiceProgress, SlotProgress
from bot.domain.jobs.verdict import Outcome, Verdict
from bot.domain.swarm.model import Node, NodeState, Resources, StackLook
from bot.domain.swarm.reachability import Reach
from bot.domain.swarm.volumes import LiveVolume, Volume, VolumeMount, volumes_of
from bot.views.jobs.message import job_message
from bot.views.join import join_message, rotate_question
from bot.views.slack.table import Column, table
from bot.views.status.nodes import nodes_message
from bot.views.status.tasks import tasks_message
from bot.views.status.volumes import volumes_message
from tests.unit.hostile import assert_slack_takes, hostile, shown
from tests.unit.looks import NODES, PENDING, SHUTDOWN, a_service, a_task, failed

WEB = a_service(3, stack="stack")
NFS = {"type": "nfs", "o": "addr=nas,rw", "device": ":/m"}


def stack(*tasks, services=(WEB,), nodes=NODES):
    return StackLook(2000.0, "stack", services, tasks, nodes)


def rows(message):
    """The lines of the tables without their headings."""
    blocks = re.findall(r"```\n(.*?)\n```", shown(message), re.DOTALL)
    return [line for line in "\n".join(blocks).split("\n") if not line.startswith("NAME")]


def test_failed_tasks_come_first_then_starting_ones():
    message = tasks_message(
        stack(
            a_task("t1", 1, since=1990.0),
            a_task("t2", 2, SHUTDOWN),
            a_task("t3", 3, PENDING, err="no suitable node"),
            failed("t4", 1),
        )
    )

    assert [line.split()[0] for line in rows(message)] == [
        "stack_web.1",
        "stack_web.3",
        "stack_web.1",
        "stack_web.2",
    ]
    assert "Running 10 s ago" in rows(message)[2]
    assert "no suitable node" in rows(message)[1]
    assert message.text == "*stack*: 4 tasks, 1 of them failed"


def test_tasks_that_do_not_fit_are_counted():
    tasks = [a_task(f"t{number}", number, err="e" * 60) for number in range(1, 301)]
    message = tasks_message(stack(*tasks))

    told = len(rows(message))
    assert_slack_takes(message)
    assert 30 < told < 300
    assert f"and {300 - told} more: {300 - told} running" in shown(message)


def test_tasks_of_one_service_and_of_none():
    other = a_service(1, id="o", name="stack_db", stack="stack")
    look = stack(a_task("t1"), replace(a_task("t2"), service_id="o"), services=(WEB, other))

    assert "stack_web" not in shown(tasks_message(look, other))
    assert "No tasks" in tasks_message(stack()).text


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

    assert_slack_takes(tasks_message(stack(*tasks, services=services)))


def test_empty_columns_are_left_out_and_numbers_right_aligned():
    columns = (Column("A", 5), Column("B", 5), Column("N", 5, right=True))
    made = table(columns, [("x", "", "1"), ("long-er", "", "10")], 5000)

    assert made.shown == 2
    assert made.blocks[0]["text"]["text"] == "```\nA       N\nx       1\nlong…  10\n```"


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


def test_wide_characters_take_two_columns_and_a_combined_emoji_is_one():
    columns = (Column("NAME", 6), Column("N", 3, right=True))
    made = table(columns, [("ab", "1"), ("数据库", "2"), (FAMILY, "日"), ("⚠️ x", "12")], 5000)

    assert made.blocks[0]["text"]["text"].splitlines()[1:-1] == [
        "NAME     N",
        "ab       1",
        "数据库   2",
        f"{FAMILY}      日",
        "⚠️ x    12",
    ]


@pytest.mark.parametrize(
    ("cell", "cut"),
    [
        ("日本語日本", "日本…"),
        ("a日本語", "a日本…"),
        (FAMILY * 4, f"{FAMILY * 2}…"),
        (f"abcde{FAMILY}", "abcde…"),
        ("a" + "\u0301" * 90, "a" + "\u0301" * 23 + "…"),
        ("e\u0301" * 7, "e\u0301" * 5 + "…"),
    ],
)
def test_cells_are_cut_between_characters_by_width(cell, cut):
    made = table((Column("A", 6),), [(cell,)], 5000)

    assert made.blocks[0]["text"]["text"].splitlines()[2] == cut


@given(st.lists(st.lists(st.sampled_from(WIDE), max_size=8).map("".join), min_size=1, max_size=9))
def test_columns_are_aligned_for_any_text(names):
    columns = (Column("NAME", 12), Column("N", 3, right=True))
    made = table(columns, [(name, "7") for name in names], 9000)

    lines = made.blocks[0]["text"]["text"].splitlines()[1:-1]
    assert len({wcswidth(line) for line in lines}) == 1
    assert wcswidth(lines[0]) <= 12 + 2 + 3


def test_a_table_without_space_is_empty():
    assert table((Column("A", 5),), [("x",)], 10).shown == 0
    assert table((Column("A", 5),), [], 1000).blocks == ()


@settings(deadline=None)
@given(st.lists(st.lists(hostile, min_size=2, max_size=2), max_size=60), st.integers(0, 12_000))
def test_any_table_fits_its_space(cells, room):
    columns = (Column("A", 40), Column("B", 4000))
    made = table(columns, cells, room)

    assert made.shown <= len(cells)
    for block in made.blocks:
        assert len(block["text"]["text"]) <= 3000


def test_nodes_show_state_role_tasks_and_free_resources():
    first = replace(
        NODES[0], manager="leader", role="manager", engine_version="20.10.3",
        resources=Resources(4 * 10**9, 8 * 2**30),
    )  # fmt: skip
    second = replace(NODES[1], engine_version="20.10.3")
    third = replace(NODES[2], engine_version="19.03.10", state=NodeState.DOWN)
    used = replace(a_task("t1"), reservation=Resources(10**9, 2**30))
    message = nodes_message([first, second, third], [used], "n1")
    text = shown(message)

    assert_slack_takes(message)
    assert "n1 *" in text
    assert "3.0 of 4" in text
    assert "7.0 of 8.0 GiB" in text
    assert "19.03.10 !" in text
    assert "Engine versions differ: most have 20.10.3; photon-machine-03 19.03.10" in text
    assert message.text == "*3 nodes*, 2 ready for tasks"


def test_many_nodes_are_counted():
    nodes = [Node(id=f"{i:025}", hostname=f"photon-machine-{i:03}" * 2) for i in range(300)]
    message = nodes_message(nodes, [], "")

    assert_slack_takes(message)
    assert re.search(r"and \d+ more nodes", shown(message))


@settings(deadline=None)
@given(st.lists(st.tuples(hostile, hostile), max_size=30))
def test_any_nodes_can_be_shown(texts):
    nodes = [
        Node(id=f"{i}{name}", hostname=name, engine_version=version, manager=name)
        for i, (name, version) in enumerate(texts)
    ]

    assert_slack_takes(nodes_message(nodes, [], "0"))


def volume(options=NFS, live=None):
    (found,) = volumes_of(
        [VolumeMount("stack_m", "stack_web", "/media", "local", options)],
        {"stack_m": live} if live else {},
    )
    return found


@pytest.mark.parametrize(
    ("reach", "said"),
    [
        (Reach.ANSWERS, "NFS server `nas` answers on TCP 2049."),
        (Reach.REFUSES, "NFS server `nas` refuses connections on TCP 2049"),
        (Reach.SILENT, "NFS server `nas` does not answer on TCP 2049"),
        (Reach.UNREACHABLE, "NFS server `nas` cannot be reached"),
        (Reach.UNRESOLVED, "NFS server `nas` cannot be resolved"),
    ],
)
def test_the_state_of_an_nfs_server_is_shown(reach, said):
    message = volumes_message("stack", [volume()], {("nas", 2049): reach}, "n")

    assert_slack_takes(message)
    assert said in shown(message)
    assert ("unhealthy" in message.text) is (reach is not Reach.ANSWERS)


def test_a_placeholder_and_mounts_are_shown():
    message = volumes_message("stack", [volume({**NFS, "o": "addr=nfs_server_ip"})], {}, "n")

    assert "`nfs_server_ip` is a placeholder" in shown(message)
    assert "Used by web `/media`" in shown(message)


def test_other_options_and_unknown_states_of_volumes_are_shown():
    kept = volume(live=LiveVolume("stack_m", "local", {**NFS, "device": ":/old"}))
    message = volumes_message("stack", [kept], {("nas", 2049): Reach.ANSWERS}, "n1")

    assert "has other options (device `:/old`)" in shown(message)
    assert "1 of 1 exist on n1" in shown(message)
    blind = volumes_message("stack", [volume()], {}, "n1", "The engine does not answer.")
    assert "Volume state unknown: The engine does not answer." in shown(blind)
    assert "no named volumes" in volumes_message("stack", [], {}, "n1").text


def test_a_volume_of_the_swarms_own_that_no_node_can_use():
    mounts = [VolumeMount("group:media", "stack_web", "/media", cluster=True)]
    message = volumes_message("stack", volumes_of(mounts, {}), {}, "n1")

    assert_slack_takes(message)
    assert "🔴 *group:media* · cluster volume, driver unknown" in shown(message)
    assert "No node can use it: there is no cluster volume in the group media." in shown(message)
    assert "The swarm itself manages these volumes." in shown(message)


@settings(deadline=None)
@given(st.lists(st.tuples(hostile, hostile, hostile), max_size=30))
def test_any_volumes_can_be_shown(texts):
    volumes = [
        Volume(
            name,
            (VolumeMount(name, service, service, "local", {"type": "nfs", "o": f"addr={host}"}),),
            LiveVolume(name, host, {host: name}),
        )
        for name, service, host in texts
    ]

    assert_slack_takes(volumes_message("s", volumes, {}, "n"))


def test_a_join_command_is_exact_and_not_in_the_fallback():
    message = join_message("worker", "SWMTKN-1-a-b", ("10.0.0.1:2377", "10.0.0.2:2377"), "/orochi")

    assert_slack_takes(message)
    assert "docker swarm join --token SWMTKN-1-a-b 10.0.0.1:2377" in shown(message)
    assert "SWMTKN" not in message.text
    assert "`10.0.0.2:2377`" in shown(message)
    assert_slack_takes(rotate_question("manager", "manager:0123456789ab"))


@settings(deadline=None)
@given(hostile.map(lambda text: text[:60]), hostile, st.sampled_from([0, 3, 40]))
def test_a_node_jobs_message_can_always_be_shown(name, note, services):
    node = Target(f"node:{name}", "n1", 3, update_before=0.0)
    moved = [Target(f"s{i}_{name}", f"s{i}", 2) for i in range(services)]
    job = Job("k3f9ab", "drain", "", f"drain {name}", "U1", "C1", 0.0, (node, *moved), "1.0")
    job = replace(job, state=JobState.RUNNING)
    slots = tuple(SlotProgress(f"{name}.{i}", "running", leaving=True) for i in range(5))
    job = job.with_progress(0, ServiceProgress(node.service, 1, 3, note, slots))
    assert_slack_takes(job_message(job, 5.0), people={"U1"})
    for index in range(len(job.targets)):
        job = job.with_outcome(index, Outcome(Verdict.UNSCHEDULABLE, note, note, desired=2))
    assert_slack_takes(
        job_message(replace(job, state=JobState.FINISHED, finished=9.0), 9.0), people={"U1"}
    )


def test_a_node_job_is_about_its_node_and_counts_its_services():
    node = Target("node:photon-machine-02", "n2", 2, update_before=0.0, applied=1.0)
    moved = Target("orochi_django", "s", 3)
    job = Job("k3f9ab", "drain", "", "drain x", "U1", "C1", 0.0, (node, moved), "1.0")
    job = replace(job, state=JobState.FINISHED, finished=5.0)
    job = job.with_outcome(0, Outcome(Verdict.CONVERGED, "Empty.", running=2, desired=2))
    job = job.with_outcome(1, Outcome(Verdict.CONVERGED, "All run.", running=3, desired=3))
    message = job_message(job, 9.0)

    assert job.lanes == ("node:photon-machine-02",)
    assert message.metadata is not None
    assert message.metadata.payload["target"] == "node:photon-machine-02"
    assert (message.metadata.payload["running"], message.metadata.payload["desired"]) == (3, 3)
    assert "✅ Converged: drain photon-machine-02" in shown(message)
    assert "*photon-machine-02*  ▰▰ 2 of 2 tasks have left · Empty." in shown(message)


def test_a_drain_names_the_tasks_that_have_to_leave_before_the_services_that_move():
    node = Target("node:n2", "n2", 2, update_before=0.0, applied=1.0)
    moved = Target("orochi_django", "s", 3)
    job = Job("k3f9ab", "drain", "", "drain n2", "U1", "C1", 0.0, (node, moved), "1.0")
    stopping = SlotProgress("orochi_django.2", "running", leaving=True)
    staying = SlotProgress("migrate.1", "running", note="job task, stays until it ends")
    left = ServiceProgress("node:n2", 0, 2, "0 of 2 tasks have left", (stopping, staying))
    coming = ServiceProgress("s", 2, 3, "2/3 running", (SlotProgress("2", "starting", "n1"),))
    job = replace(job, state=JobState.RUNNING).with_progress(0, left).with_progress(1, coming)

    assert shown(job_message(job, 9.0)).split("\n")[1:4] == [
        "*n2*  ▱▱ 0 of 2 tasks have left",
        "⚪ orochi_django.2: stopping",
        "🟢 migrate.1: running · job task, stays until it ends",
    ]
    again = replace(coming, slots=(SlotProgress("2", "failed", "n1", "no mount", failures=2),))
    assert "🔴 slot 2: failed on n1 · failed 2 times · no mount" in shown(
        job_message(job.with_progress(1, again), 9.0)
    )


def test_a_drains_predictions_are_shown_until_it_ends():
    """Text beyond the limit of a message is cut with a mark."""
    told = (
        "2 tasks move to other nodes: `web` (2).",
        "⚠️ `db`: its task fits on no other node.",
    )
    node = Target("node:x", "n1", 0)
    drain = Job("k3f9ab", "drain", "", "drain x", "U1", "C1", 0.0, (node,), "1.0", foretold=told)
    many = replace(drain, foretold=tuple(f"{number} {'é' * 590}" for number in range(20)))
    ended = replace(drain, state=JobState.FINISHED, finished=1.0)
    ended = ended.with_outcome(0, Outcome(Verdict.CANCELLED, "Stopped waiting."))

    for state in (JobState.QUEUED, JobState.RUNNING):
        text = shown(job_message(replace(drain, state=state), 2.0))
        assert all(each in text for each in told)
    assert_slack_takes(job_message(many, 2.0), people={"U1"})
    assert "…" in shown(job_message(many, 2.0))
    assert "0 é" in shown(job_message(many, 2.0))
    assert "5 é" not in shown(job_message(many, 2.0))
    assert told[0] not in shown(job_message(ended, 2.0))

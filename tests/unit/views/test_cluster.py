"""What ``volumes``, ``join`` and jobs of nodes show."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.jobs.model import Job, JobState, Target
from bot.domain.jobs.progress import ServiceProgress, SlotProgress
from bot.domain.jobs.verdict import Outcome, Verdict
from bot.domain.swarm.reachability import Reach
from bot.domain.swarm.volumes import LiveVolume, Volume, VolumeMount, volumes_of
from bot.views.jobs.message import job_message
from bot.views.join import join_message, rotate_question
from bot.views.status.volumes import volumes_message
from tests.unit.hostile import assert_slack_takes, hostile, shown

NFS = {"type": "nfs", "o": "addr=nas,rw", "device": ":/m"}


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

"""Recorded real swarms, replayed: the right verdict, at the right time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import pytest

from bot.domain.convergence.machine import Convergence, Goal, StepResult, step
from bot.domain.jobs.verdict import Outcome
from bot.domain.swarm.model import Look
from tests.unit.recordings import Recording, recording

Span = tuple[float, float]
NEVER_ENDS = "nothing yet"


@dataclass(frozen=True)
class Replay:
    """The result of one observation: its steps, and for each the seconds since the change."""

    goal: Goal
    steps: tuple[tuple[float, Look, StepResult], ...]

    @property
    def outcome(self) -> Outcome | None:
        return self.steps[-1][2].outcome

    @property
    def verdict(self) -> str:
        return self.outcome.verdict.value if self.outcome else NEVER_ENDS

    @property
    def seconds(self) -> float:
        return self.steps[-1][0]


def with_first(looks: Iterator[Look]) -> tuple[Look, Iterator[Look]]:
    """The first look, and all of them; each is read from the recording only when needed."""
    first = next(looks)
    return first, chain([first], looks)


def observe(looks: Iterable[Look], state: Convergence, began: float) -> Replay:
    """Shows the looks until there is an outcome."""
    steps = []
    for look in looks:
        result = step(state, look, (), look.at)
        state = result.state
        steps.append((look.at - began, look, result))
        if result.outcome:
            break
    return Replay(state.goal, tuple(steps))


def known_dead(source: Recording, service: str, began: float) -> frozenset[str]:
    before = source.last(service, start=1.0, until=began)
    return frozenset(task.id for task in before.tasks if task.state.over) if before else frozenset()


def replay(name: str, service: str, replicas: int | None, word: str = "", **goal) -> Replay:
    """One recorded change of one service; ``word`` selects the mark at which it began."""
    source = recording(name)
    began = source.mark(word) if word else source.changed_at
    until = source.mark("remove all") if name.startswith("failures") else 0.0
    first, looks = with_first(source.replay(service, began, until))
    target = Goal(
        service_id=first.service.id if first.service else "",
        service=service,
        replicas=replicas,
        known_dead=known_dead(source, service, began),
        began=began,
        **goal,
    )
    return observe(looks, Convergence.start(target), began)


def probation(name: str, first: Replay, service: str) -> Replay:
    """The probation after a provisional ``converged``, taken over by another process."""
    source = recording(name)
    since = first.goal.began + first.seconds
    looks = source.replay(service, since, source.mark("remove all"))
    return observe(looks, Convergence.on_probation(first.goal, since), first.goal.began)


SCALES = [
    ("scale_1_to_5", "w", 5, "converged", (5.6, 6.2)),
    ("scale_5_to_2", "w", 2, "converged", (1.8, 2.3)),
    ("scale_2_to_0", "w", 0, "converged", (2.0, 2.4)),
    ("scale_3_to_1_sigkill_after_grace10s", "wk", 1, "converged", (11.3, 11.8)),
    ("scale_impossible_memory", "wm", 12, "unschedulable", (5.0, 10.0)),
    ("scale_impossible_maxreplicas", "wp", 10, "unschedulable", (5.0, 10.0)),
    ("scale_impossible_back", "wp", 3, "converged", (2.0, 2.4)),
    ("replicated_job_4", "job", 4, "completed", (6.5, 7.2)),
    ("drain_node", "w", 10, "converged", (7.4, 8.2)),
    ("undrain_node", "w", 10, "converged", (5.0, 5.5)),
]


@pytest.mark.parametrize(
    ("name", "service", "replicas", "verdict", "span"), SCALES, ids=[row[0] for row in SCALES]
)
def test_scales_and_jobs(name: str, service: str, replicas: int, verdict: str, span: Span):
    run = replay(name, service, replicas)

    assert run.verdict == verdict
    assert span[0] <= run.seconds <= span[1]


UPDATES = [
    ("force_update_3", "w", 3, "converged", "", (11.0, 12.0)),
    ("update_env_parallel0", "w", 3, "converged", "", (7.0, 8.0)),
    ("update_start_first", "w", 3, "converged", "", (3.5, 5.0)),
    ("update_sigkill_after_grace10s", "wk", 2, "converged", "", (20.0, 40.0)),
    ("update_bad_image_pause", "w", 3, "paused", "image_missing", (0.2, 0.6)),
    ("update_bad_image_rollback", "w", 3, "rolled_back", "image_missing", (5.5, 6.5)),
    ("update_bad_image_rollback_startfirst", "w", 3, "rolled_back", "image_missing", (5.0, 6.0)),
    ("update_crashing_cmd_rollback", "w", 3, "rolled_back", "exit_code", (14.0, 15.0)),
    ("update_bad_image_continue", "w", 3, "failed", "image_missing", (9.5, 10.0)),
    ("fix_after_continue", "w", 3, "converged", "", (11.0, 11.5)),
    ("global_create", "wg", None, "converged", "", (6.2, 6.8)),
    ("global_update", "wg", None, "converged", "", (24.5, 25.5)),
    ("drain_node", "wg", None, "converged", "", (1.8, 2.3)),
    ("undrain_node", "wg", None, "converged", "", (5.3, 6.0)),
]


@pytest.mark.parametrize("row", UPDATES, ids=[f"{row[0]}-{row[1]}" for row in UPDATES])
def test_updates_and_global_services(row: tuple[Any, ...]):
    name, service, replicas, verdict, cause, span = row

    run = replay(name, service, replicas, updates=True)

    assert run.verdict == verdict
    assert span[0] <= run.seconds <= span[1]
    assert run.outcome is not None
    assert (run.outcome.cause.kind.value if run.outcome.cause else "") == cause


def test_a_manual_roll_back_converges_and_supersedes_the_deploy():
    mine = replay("rollback_after_pause", "w", 3, updates=True, rollback=True)
    other = replay("rollback_after_pause", "w", 3, updates=True)

    assert (mine.verdict, other.verdict) == ("converged", "superseded")


@pytest.mark.parametrize(
    "name", ["scale_5_to_2", "scale_2_to_0", "scale_3_to_1_sigkill_after_grace10s"]
)
def test_a_scale_down_never_converges_while_a_surplus_container_runs(name: str):
    replicas = {"scale_5_to_2": 2, "scale_2_to_0": 0}.get(name, 1)
    run = replay(name, "wk" if "sigkill" in name else "w", replicas)

    alive = [sum(not task.state.over for task in look.tasks) for _, look, _ in run.steps]

    assert alive[-1] == replicas
    assert all(count > replicas for count in alive[:-1])


def test_a_removed_service_is_superseded():
    source = recording("service_remove")
    before = source.before("w")
    assert before is not None
    assert before.service is not None
    goal = Goal(before.service.id, "w", 3, began=source.changed_at)
    gone = replace(before, service=None, tasks=())

    run = observe([before, gone], Convergence.start(goal), source.changed_at)

    assert run.verdict == "superseded"


FAILURES = [
    ("failures", "f_crash", "crash_looping", 1, (12, 13)),
    ("failures", "f_exit0", "crash_looping", 0, (12, 13.5)),
    ("failures", "f_crash_max3", "crash_looping", 3, (4, 5)),
    ("failures", "f_noimage", "image_missing", None, (5.5, 6.5)),
    ("failures", "f_nocmd", "failed", 127, (12, 13)),
    ("failures", "f_constraint", "unschedulable", None, (5, 10)),
    ("failures", "f_oom", "out_of_memory", 137, (18, 19)),
    ("failures", "f_sigkill", "crash_looping", 137, (26, 28)),
    ("failures", "f_unhealthy", "unhealthy", 0, (33, 34)),
    ("failures", "f_nfs", "mount_failed", 128, (11, 12)),
    ("failures", "f_nfs_dns", "mount_failed", 128, (10.5, 12)),
    ("failures2", "u_never_kill", "unhealthy", 137, (28, 29)),
    ("failures2", "u_never_exit5", "unhealthy", 5, (24, 25)),
    ("failures2", "c_d0", "crash_looping", 1, (4, 5)),
    ("failures2", "c_d1", "crash_looping", 1, (6, 7)),
    ("failures2", "c_d5", "crash_looping", 1, (13.5, 14.5)),
]


@pytest.mark.parametrize(
    ("name", "service", "verdict", "code", "span"), FAILURES, ids=[row[1] for row in FAILURES]
)
def test_failing_services(name: str, service: str, verdict: str, code: int | None, span: Span):
    run = replay(name, service, 1, f"create {service}")

    assert run.verdict == verdict
    assert span[0] <= run.seconds <= span[1]
    assert run.outcome is not None
    assert run.outcome.cause is not None
    assert run.outcome.cause.exit_code == code


def test_exit_0_completes_a_service_that_restarts_on_failure_only():
    run = replay("failures", "f_exit0_onfail", 1, "create f_exit0_onfail")

    assert run.verdict == "completed"


def test_failing_services_of_several_slots_and_of_every_node():
    many = replay("failures2", "c_d5x4", 4, "create c_d5x4")
    everywhere = replay("failures2", "c_glob", None, "create c_glob")

    assert (many.verdict, everywhere.verdict) == ("crash_looping", "crash_looping")
    assert many.outcome is not None
    assert (many.outcome.running, many.outcome.desired) == (0, 4)


LATE = [
    ("failures", "f_crash_late", "crash_looping", (36, 37)),
    ("failures2", "u_late_trap", "crash_looping", (40, 42)),
    ("failures2", "u_late_kill", "unhealthy", (44, 46)),
    ("failures2", "u_late_onfail_trap", "failed", (14, 16)),
]


@pytest.mark.parametrize(("name", "service", "verdict", "span"), LATE, ids=[row[1] for row in LATE])
def test_a_late_failure_revises_a_provisional_verdict(
    name: str, service: str, verdict: str, span: Span
):
    first = replay(name, service, 1, f"create {service}")
    assert first.outcome is not None
    assert (first.verdict, first.outcome.provisional) == ("converged", True)

    revised = probation(name, first, service)

    assert revised.verdict == verdict
    assert span[0] <= revised.seconds <= span[1]


def after_the_kill(service: str, replicas: int | None, seconds: float) -> Replay:
    source = recording("node_daemon_killed")
    began = source.mark("SIGKILL") + seconds
    first, looks = with_first(source.replay(service, began))
    assert first.service is not None
    dead = frozenset(task.id for task in first.tasks if task.state.over)
    goal = Goal(first.service.id, service, replicas, dead, began)
    return observe(looks, Convergence.start(goal), began)


def test_rescheduled_tasks_replace_those_of_a_node_lost_during_the_change():
    run = after_the_kill("n_rep", 12, 15.7)

    assert run.verdict == "converged"
    assert 10 < run.seconds < 11
    assert run.outcome is not None
    assert run.outcome.cause is None


def test_a_lost_node_is_no_longer_awaited_by_a_global_service():
    run = after_the_kill("n_glob", None, 16.0)

    assert run.verdict == "converged"
    assert run.outcome is not None
    assert run.outcome.desired == 9


def test_a_service_pinned_to_a_lost_node_is_unschedulable():
    assert after_the_kill("n_pin", 1, 16.0).verdict == "unschedulable"


def test_the_return_of_a_lost_node_is_not_a_failure():
    source = recording("node_daemon_killed")
    began = source.mark("SIGKILL")
    first, looks = with_first(source.replay("n_rep", began))
    assert first.service is not None
    goal = Goal(first.service.id, "n_rep", 12, began=began)
    patient = replace(goal, limits=replace(goal.limits, probation=300))

    run = observe(looks, Convergence.on_probation(patient, began), began)

    assert run.verdict == NEVER_ENDS
    assert run.steps[-1][2].progress.failures == 0
    assert run.steps[-1][2].progress.running == 12


def test_a_broken_stack_gives_each_service_its_own_verdict():
    found = {
        name: replay("stack_deploy_orochi_broken_fresh", f"orochilab_{name}", None).verdict
        for name in (
            "django",
            "es01",
            "kib01",
            "mailhog",
            "postgres",
            "redis",
            "scheduler",
            "worker",
        )
    }

    assert found == {
        "django": "crash_looping",
        "es01": "unschedulable",
        "kib01": "converged",
        "mailhog": "converged",
        "postgres": "converged",
        "redis": "image_missing",
        "scheduler": "converged",
        "worker": "converged",
    }


def test_a_slow_pull_is_waited_for_without_a_verdict():
    run = replay("stack_deploy_orochi_slow_pull", "orochilab_worker", None)

    assert run.verdict == NEVER_ENDS
    assert run.steps[-1][2].progress.slots


def test_a_deploy_that_resets_the_replicas_supersedes_a_scale():
    run = replay("stack_redeploy_resets_scale_8_to_4", "orochilab_worker", 8)

    assert run.verdict == "superseded"

"""How an outcome gets its evidence: the engine's records, a registry's answer, the service."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import cast

import pytest

from bot.domain.convergence.wording import clause
from bot.domain.errors import RegistryError
from bot.domain.jobs.verdict import Outcome, Verdict
from bot.domain.swarm.causes import classify
from bot.domain.swarm.model import Look, Resources, Task, TaskState
from bot.domain.swarm.volumes import LiveVolume, VolumeMount
from bot.loops.evidence import EvidenceReader
from bot.ports import Manifest, Registry, Swarm
from bot.ports.engine import Volumes
from tests.unit.looks import NODES, a_goal, a_service, a_task, failed

GOAL = a_goal(1, command="/orochi")
LIMITED = a_service(1, limit=Resources(memory=16 * 2**20))


class Records:
    """The used part of ``bot.ports.Swarm``; ``killed`` gives the recorded answer for each task."""

    def __init__(self, killed: dict[str, bool]) -> None:
        self._killed = killed
        self.asked: list[str] = []

    async def out_of_memory(self, task: Task) -> bool | None:
        self.asked.append(task.id)
        return self._killed.get(task.id)

    async def last_lines(self, task: Task, lines: int) -> str:
        return ""

    async def tasks(self) -> tuple[Task, ...]:
        return ()


class Answers:
    """A registry with one answer."""

    def __init__(self, answer: Manifest | RegistryError | None = None) -> None:
        self._answer = answer

    async def recent(self, image: str) -> Manifest:
        assert image
        if isinstance(self._answer, Manifest):
            return self._answer
        raise self._answer or AssertionError("it was asked")


class Mounts:
    """Two services of a stack mount volumes of the swarm's own, of which there are none."""

    async def mounted(self, stack: str) -> tuple[VolumeMount, ...]:
        assert stack == "stack"
        names = {"stack_worker01": "data", "stack_web": "media"}
        return tuple(VolumeMount(v, s, "/data", cluster=True) for s, v in names.items())

    async def live(self) -> Mapping[str, LiveVolume]:
        return {}

    async def content_at(self, service_id: str, path: str) -> str:
        assert service_id == "s"
        return "config site_conf" if path == "/etc/nginx/conf.d" else ""


def reader(records: Records, answer: Manifest | RegistryError | None = None) -> EvidenceReader:
    return EvidenceReader(
        cast("Swarm", records), cast("Registry", Answers(answer)), cast("Volumes", Mounts())
    )


async def judged(records: Records, *tasks: Task) -> Outcome:
    """The outcome of a crash loop with these visible ``tasks``, the latest failure first."""
    cause = classify(tasks[0], LIMITED)
    assert cause is not None
    outcome = Outcome(Verdict.OUT_OF_MEMORY, f"0/1 running: {cause.text}.", cause=cause)
    look = Look(0.0, LIMITED, tasks, NODES)
    return await reader(records).add(outcome, look, GOAL)


@pytest.mark.parametrize(
    ("killed", "verdict", "words"),
    [
        ({"a": True}, Verdict.OUT_OF_MEMORY, "The kernel killed"),
        ({}, Verdict.OUT_OF_MEMORY, "Probably"),
        ({"a": False}, Verdict.OUT_OF_MEMORY, "Probably"),
        ({"c": True}, Verdict.OUT_OF_MEMORY, "The kernel killed"),
        ({"a": False, "c": True}, Verdict.OUT_OF_MEMORY, "The kernel killed"),
        (
            {"a": False, "b": False},
            Verdict.CRASH_LOOPING,
            "its engine recorded no out-of-memory kill",
        ),
    ],
    ids=["yes", "unknown", "one no", "yes of another", "no and yes", "two no"],
)
async def test_a_crash_loop_is_judged_by_several_of_its_containers(
    killed: dict[str, bool], verdict: Verdict, words: str
):
    tasks = [failed(id_, code=137, since=3.0 - at) for at, id_ in enumerate("abc")]
    records = Records(killed)

    outcome = await judged(records, *tasks)

    assert outcome.verdict is verdict
    assert outcome.cause is not None
    assert words in outcome.cause.text
    assert records.asked == ["a", "b", "c"]


DENIED = RegistryError(
    "The registry reg:5000 refuses access to `reg:5000/app:1` without a login.",
    hint="Put its login into the secret.",
    kind="pull_denied",
)
GONE = RegistryError("The registry reg:5000 has no image `reg:5000/app:1`.", kind="image_missing")
BUSY = RegistryError("reg:5000: too many requests.", kind="pull_failed", limited=True)
AWAY = RegistryError("The registry reg:5000 did not answer within 6 s.", kind="pull_failed")


@pytest.mark.parametrize(
    ("answer", "verdict", "reason", "advice"),
    [
        (DENIED, Verdict.PULL_DENIED, "the image, and the registry reg:5000 refuses", DENIED.hint),
        (GONE, Verdict.IMAGE_MISSING, "the registry reg:5000 has no image", "Push it."),
        (BUSY, Verdict.PULL_FAILED, "its registry wants fewer requests", ""),
        (
            AWAY,
            Verdict.PULL_FAILED,
            "the node could not pull `reg:5000/app:1`, and the registry reg:5000 did not answer",
            "Check that the registry runs",
        ),
        (
            Manifest("sha256:0"),
            Verdict.PULL_FAILED,
            "the node could not pull `reg:5000/app:1`, although its registry has it",
            "`/orochi update stack_web --yes`",
        ),
    ],
    ids=["denied", "gone", "limited", "away", "there"],
)
async def test_the_registry_is_asked_why_a_node_has_no_image(
    answer: Manifest | RegistryError, verdict: Verdict, reason: str, advice: str
):
    """An engine before 29.7 says "No such image" after any failed pull."""
    error = "No such image: reg:5000/app:1"
    task = a_task("t", 1, TaskState.REJECTED, err=error, image="reg:5000/app:1")
    cause = classify(task, LIMITED)
    assert cause is not None
    outcome = Outcome(Verdict.IMAGE_MISSING, f"0/1 running: {clause(cause)}.", "Push it.", cause)

    known = await reader(Records({}), answer).add(outcome, Look(0.0, LIMITED, (task,), NODES), GOAL)
    found = await reader(Records({}), answer).of_task(cause, task, LIMITED)

    assert (known.verdict, known.reason[:13]) == (verdict, "0/1 running: ")
    assert reason in known.reason
    assert advice in known.advice
    assert (found.cause(cause, 0) or cause) == known.cause


async def test_a_volume_of_the_swarms_own_that_is_missing_is_told():
    """The scheduler only says that no node can fulfill the mounts."""
    service = replace(LIMITED, stack="stack")
    outcome = Outcome(Verdict.UNSCHEDULABLE, "No node fits.")
    evidence = await reader(Records({})).add(outcome, Look(0.0, service, (), NODES), GOAL)

    assert evidence.evidence == "Every node: there is no cluster volume named media"


@pytest.mark.parametrize(
    ("path", "named"), [("/etc/nginx/conf.d", "config site_conf"), ("/elsewhere", "")]
)
async def test_the_config_over_a_directory_is_named(path: str, named: str):
    """The engine only says where it is."""
    error = (
        'error mounting "/var/lib/docker/containers/4be1/mounts/configs/9zq0" to rootfs at '
        f'"{path}": not a directory'
    )
    task = a_task("t", 1, TaskState.REJECTED, err=error)
    cause = classify(task, LIMITED)
    assert cause is not None

    found = await reader(Records({})).of_task(cause, task, LIMITED)

    assert (found.title, found.text) == (f"At {path}" if named else "", named)

"""How an engine's records of killed containers are used."""

from __future__ import annotations

from typing import cast

import pytest

from bot.domain.jobs.verdict import Outcome, Verdict
from bot.domain.swarm.causes import classify
from bot.domain.swarm.model import Look, Resources, Task
from bot.loops.evidence import EvidenceReader
from bot.ports import Swarm
from tests.unit.looks import NODES, a_service, failed

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


async def judged(records: Records, *tasks: Task) -> Outcome:
    """The outcome of a crash loop with these visible ``tasks``, the latest failure first."""
    cause = classify(tasks[0], LIMITED)
    assert cause is not None
    outcome = Outcome(Verdict.OUT_OF_MEMORY, f"0/1 running: {cause.text}.", cause=cause)
    look = Look(0.0, LIMITED, tasks, NODES)
    return await EvidenceReader(cast("Swarm", records)).add(outcome, look)


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

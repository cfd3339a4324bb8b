"""One target of a job: a bar, slots and phase, or its verdict with the cause."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from bot.domain.commands.names import short_name
from bot.domain.jobs.deploy_plan import PlanAction
from bot.domain.jobs.model import NODE, Job, JobState, Target
from bot.domain.jobs.progress import ServiceProgress
from bot.domain.jobs.verdict import Outcome, Verdict
from bot.domain.operations.one_off import ACTION as ONE_OFF
from bot.domain.text.message import Block
from bot.views import words
from bot.views.jobs.slots import node_line, slot_lines
from bot.views.slack.blocks import packed, section
from bot.views.slack.text import bar, code_block, line, plural

NAME_LENGTH = 63

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class TargetDetail:
    """The level of detail of a service: slots in full, characters of logs and of sentences."""

    slots: int
    evidence: int
    prose: int


DETAILS = (
    TargetDetail(12, 2200, 600),
    TargetDetail(12, 1000, 400),
    TargetDetail(6, 500, 300),
    TargetDetail(3, 200, 200),
    TargetDetail(0, 0, 160),
)


def renderings(job: Job) -> Iterator[list[Block]]:
    """All targets of a job, in decreasing detail; the last rendering always fits."""
    for detail in DETAILS:
        yield [
            block
            for index in range(len(job.targets))
            for block in target_blocks(job, index, detail)
            if job.state is not JobState.QUEUED
        ]
    yield _bare(job)


def target_blocks(job: Job, index: int, detail: TargetDetail) -> list[Block]:
    """One target: its progress, or its outcome."""
    outcome = at(job.outcomes, index)
    progress = at(job.progress, index)
    if outcome is not None:
        return _ended(job, index, outcome, progress, detail)
    return _under_way(job, index, progress, detail)


def _under_way(
    job: Job, index: int, progress: ServiceProgress | None, detail: TargetDetail
) -> list[Block]:
    title = f"*{line(short(job, job.targets[index]), NAME_LENGTH)}*"
    if progress is None:
        what = "node" if job.targets[index].is_node else "service"
        waits = "not started" if job.state is JobState.FINISHED else f"checking the {what}"
        return [section(f"{title} · {waits}")]
    lines = [f"{title}{bar_of(job, index)}", line(progress.phase, 300)]
    lines += slot_lines(progress.slots, detail.slots, min(detail.prose, 120))
    return packed([each for each in lines if each])


def _ended(
    job: Job, index: int, outcome: Outcome, progress: ServiceProgress | None, detail: TargetDetail
) -> list[Block]:
    name = line(short(job, job.targets[index]), NAME_LENGTH)
    word = f"{words.VERDICTS[outcome.verdict]} · " if len(job.targets) > 1 else ""
    counted = f"{shown} {count_words([outcome])}" if (shown := bar_of(job, index)) else ""
    if job.targets[index].is_node:
        tasks = plural(outcome.desired, "task has", "tasks have")
        counted = f"  {outcome.running} of {tasks} left" if outcome.desired else ""
    lines = [] if job.action == ONE_OFF else [f"{word}*{name}*{counted}"]
    lines += [line(outcome.reason, detail.prose), *_cause_lines(outcome, detail.prose)]
    if outcome.advice:
        lines.append(f"*Next:* {line(outcome.advice, detail.prose)}")
    lines += [] if job.action == ONE_OFF else _places(outcome, progress, detail)
    return [*packed([each for each in lines if each]), *_evidence(outcome, detail)]


def _cause_lines(outcome: Outcome, length: int) -> list[str]:
    """The parts of the cause that the reason does not mention: plain words, the engine's error."""
    cause = outcome.cause
    if cause is None:
        return []
    said = outcome.reason.lower()
    text = cause.text or words.CAUSES[cause.kind]
    lines = [] if text.lower().rstrip(".") in said else [f"*Cause:* {line(text, length)}"]
    if cause.raw and cause.raw.lower() not in f"{said} {text.lower()}":
        lines.append(f"*The engine says:* {line(cause.raw, length)}")
    return lines


def _places(outcome: Outcome, progress: ServiceProgress | None, detail: TargetDetail) -> list[str]:
    if progress is None:
        return []
    if outcome.verdict.good:
        return [node_line(progress.slots)] if detail.slots else []
    return slot_lines(progress.slots, detail.slots // 2, 80)


def _evidence(outcome: Outcome, detail: TargetDetail) -> list[Block]:
    block = code_block(outcome.evidence, detail.evidence) if detail.evidence else ""
    if not block:
        return []
    title = line(outcome.evidence_title, 150) or "Last log lines"
    return [section(f"*{title.rstrip(':')}:*\n{block}")]


def _bare(job: Job) -> list[Block]:
    """One line for each service, which always fits."""
    lines = []
    for index, target in list(enumerate(job.targets))[:10]:
        outcome = at(job.outcomes, index)
        word = f" · {words.VERDICTS[outcome.verdict]}" if outcome else ""
        lines.append(f"*{line(short(job, target), 60)}*{bar_of(job, index)}{word}")
    if len(job.targets) > len(lines):
        lines.append(f"and {plural(len(job.targets) - len(lines), 'more service')}")
    return [section("\n".join(lines) or "-")]


def seen_count(job: Job, index: int) -> tuple[int, int] | None:
    """Running and desired replicas of one target.

    None if nobody looked, and for a service that a deploy removes.
    """
    outcome, progress = at(job.outcomes, index), at(job.progress, index)
    if is_removed(job, index):
        return None
    if outcome is not None:
        return outcome.counts
    return progress.counts if progress is not None else None


def count_words(seen: Sequence[Outcome | ServiceProgress]) -> str:
    """What is behind the counts of some services: ``running``, ``completed`` or both."""
    ended = [isinstance(each, Outcome) and each.verdict is Verdict.COMPLETED for each in seen]
    word = "completed" if all(ended) else "running or completed" if any(ended) else "running"
    former = sum(each.former for each in seen)
    return f"{word}, and {plural(former, 'old one')}" if former else word


def is_removed(job: Job, index: int) -> bool:
    """Whether a deploy removes the service."""
    change = job.plan.service(job.targets[index].service) if job.plan else None
    return change is not None and change.action is PlanAction.REMOVE


def bar_of(job: Job, index: int) -> str:
    """The bar of a target with two spaces before it, "" if its count is unknown."""
    counted = seen_count(job, index)
    return f"  {bar(*counted)}" if counted else ""


def short(job: Job, target: Target) -> str:
    """A target's name as people type it, unescaped."""
    return shortened(job, target.service)


def shortened(job: Job, name: str) -> str:
    """The short form of a lane's name."""
    return short_name(job.stack, name).removeprefix(NODE)


def at(values: Sequence[T | None], index: int) -> T | None:
    """A target's value, None if unknown."""
    return values[index] if index < len(values) else None

"""One target of a job: a line with its change, bar and phase or verdict, then what is wrong."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from bot.domain.commands.names import short_name
from bot.domain.jobs.deploy_plan import PlanAction, ServiceChange
from bot.domain.jobs.model import NODE, Job, JobState, Target
from bot.domain.jobs.progress import ServiceProgress
from bot.domain.jobs.verdict import Outcome, Verdict
from bot.domain.operations.one_off import ACTION as ONE_OFF
from bot.domain.swarm.causes import CauseKind, short_error
from bot.views import words
from bot.views.jobs.images import both_images, image_change, place_of
from bot.views.jobs.slots import node_line, odd_slots, slot_lines
from bot.views.slack.text import bar, code_block, line, plural

NAME_LENGTH = 63
PLANNED = {
    PlanAction.CREATE: "added",
    PlanAction.UPDATE: "changed",
    PlanAction.REMOVE: "",
    None: "unchanged",
}
MOST_NAMED = 4
"""Services that one line names."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class TargetDetail:
    """The level of detail of a service.

    ``slots`` are lines of slots, ``logs`` and ``evidence`` lines and characters of logs, ``prose``
    characters of sentences. ``full`` shows every slot, the nodes of what runs, and all of the
    engine's error; ``places`` the nodes of what runs.
    """

    slots: int
    logs: int
    evidence: int
    prose: int
    places: bool = False
    full: bool = False


def target_lines(job: Job, indexes: Sequence[int], detail: TargetDetail) -> list[str]:
    """Targets with the same progress or outcome: their line, then what is wrong with them."""
    outcome = at(job.outcomes, indexes[0])
    if outcome is not None:
        return _ended(job, indexes, outcome, detail)
    return _under_way(job, indexes, detail)


def _under_way(job: Job, indexes: Sequence[int], detail: TargetDetail) -> list[str]:
    index = indexes[0]
    title, progress = titled(job, indexes), at(job.progress, index)
    if progress is None:
        what = "node" if job.targets[index].is_node else "service"
        what = what if len(indexes) == 1 else f"{what}s"
        waits = "not started" if job.state is JobState.FINISHED else f"checking the {what}"
        if detail.full and job.state is JobState.RUNNING:  # the record has no progress
            waits = "its message shows how far it is"
        return [f"{title} · {waits}"]
    seen = seen_count(job, index)
    phase = line(progress.phase, 300)
    return [_in_one_line(title, seen, "", phase), *_slots(progress, detail, progress.phase)]


def _ended(job: Job, indexes: Sequence[int], outcome: Outcome, detail: TargetDetail) -> list[str]:
    reason = line(outcome.reason, detail.prose)
    if job.action != ONE_OFF:
        seen = seen_count(job, indexes[0])
        if job.targets[indexes[0]].is_node:
            seen, reason = _left(outcome, reason)
        first = _in_one_line(titled(job, indexes), seen, count_words([outcome]), reason)
        reason = f"{_verdict_word(job, outcome)}{first}"
    lines = [reason, *_cause_lines(outcome, detail)]
    if outcome.advice:
        lines.append(f"*Next:* {line(outcome.advice, detail.prose)}")
    progress = at(job.progress, indexes[0])
    if progress and job.action != ONE_OFF:
        lines += _places(job, outcome, progress, detail)
    return [each for each in [*lines, _evidence(job, outcome, detail)] if each]


def _verdict_word(job: Job, outcome: Outcome) -> str:
    """The verdict of one target, "" if the headline says it for all."""
    one = len(job.targets) == 1 or (job.verdict is not None and job.verdict.good)
    return "" if one else f"{words.VERDICTS[outcome.verdict]} · "


def _left(outcome: Outcome, reason: str) -> tuple[tuple[int, int] | None, str]:
    """How many tasks have left a node, before the reason."""
    if not outcome.desired:
        return None, reason
    tasks = plural(outcome.desired, "task has", "tasks have")
    return outcome.counts, f"{outcome.running} of {tasks} left · {reason}"


def _in_one_line(title: str, seen: tuple[int, int] | None, counted: str, text: str) -> str:
    """Name, bar and sentence; numbers that the sentence has are not shown twice."""
    if seen is None or (seen == (0, 0) and text):
        return f"{title} · {text}" if text else title
    shown = bar(*seen)
    marks, _, numbers = shown.rpartition(" ")
    known = (f"{numbers} ", f"{seen[0]} of {seen[1]} ")
    if text.startswith(known):
        return f"{title}  {marks} {text}"
    if any(each in f"{text} " for each in known):
        return f"{title}  {marks} · {text}"
    said = f"{shown} {counted}".strip()
    return f"{title}  {said} · {text}" if text else f"{title}  {said}"


def _cause_lines(outcome: Outcome, detail: TargetDetail) -> list[str]:
    """The parts of the cause that the reason does not mention: plain words, the engine's error."""
    cause = outcome.cause
    if cause is None:
        return []
    said = outcome.reason.lower()
    text = cause.text or words.CAUSES[cause.kind]
    known = cause.kind is CauseKind.UNSCHEDULABLE and cause.raw.lower() in said
    known = known or text.lower().rstrip(".") in said
    lines = [] if known else [f"*Cause:* {line(text, detail.prose)}"]
    raw = cause.raw if detail.full else short_error(cause.raw)
    if raw and raw.lower() not in f"{said} {text.lower()}":
        lines.append(f"*The engine says:* {line(raw, detail.prose)}")
    return lines


def _places(
    job: Job, outcome: Outcome, progress: ServiceProgress, detail: TargetDetail
) -> list[str]:
    if outcome.verdict.good:
        shown = detail.full or (detail.places and len(job.targets) == 1)
        return [node_line(progress.slots, full=detail.full)] if shown else []
    cause = outcome.cause
    return _slots(progress, detail, f"{outcome.reason} {cause.raw if cause else ''}")


def _slots(progress: ServiceProgress, detail: TargetDetail, said: str) -> list[str]:
    length = min(detail.prose, 120)
    if detail.full:
        return slot_lines(progress.slots, detail.slots, length)
    return odd_slots(progress.slots, detail.slots, length, said)


def _evidence(job: Job, outcome: Outcome, detail: TargetDetail) -> str:
    most = 0 if detail.full or job.action == ONE_OFF else detail.logs
    block = code_block(outcome.evidence, detail.evidence, most) if detail.logs else ""
    title = line(outcome.evidence_title, 150) or "Last log lines"
    return f"*{title.rstrip(':')}:*\n{block}" if block else ""


def titled(job: Job, indexes: Sequence[int]) -> str:
    """The names of targets, and what changes if that is the same: ``worker01 3 → 5``."""
    changes = {change_of(job, index) for index in indexes}
    change = next(iter(changes)) if len(changes) == 1 else ""
    differ = len(changes) > 1 and at(job.outcomes, indexes[0]) is not None
    if differ and any(has_images(job, index) for index in indexes):
        change = f"(images: {detail_of(job)})"
    return f"{named(job, indexes)} {change}".rstrip()


def has_images(job: Job, index: int) -> bool:
    """Whether what the job changed of a service is its image."""
    target = job.targets[index]
    change = job.plan.service(target.service) if job.plan else None
    images = _images_of(change) if change else (target.image_before, target.image)
    return bool(change_of(job, index)) and all(images) and images[0] != images[1]


def detail_of(job: Job) -> str:
    """The command that shows the whole job."""
    return f"`jobs {line(job.id, 20)}`"


def named(job: Job, indexes: Iterable[int], most: int = MOST_NAMED) -> str:
    """Targets by name; those beyond ``most`` are counted."""
    each = [f"*{line(short(job, job.targets[index]), NAME_LENGTH)}*" for index in indexes]
    more = f" and {len(each) - most} more" if len(each) > most else ""
    return ", ".join(each[:most]) + more


def change_of(job: Job, index: int) -> str:
    """What the job changes of a service: its number, its image, or the word for it.

    "" if that was certainly not done.
    """
    target, outcome = job.targets[index], at(job.outcomes, index)
    if outcome and not outcome.verdict.good and not (target.changed or target.begun):
        return ""
    if job.plan:
        failed = outcome is not None and not outcome.verdict.good
        return _planned(job, job.plan.service(target.service), failed=failed)
    if target.image != target.image_before:
        return image_change(target, in_full=_differ_by_registry(job))
    return f"{target.before} → {target.replicas}" if target.was_other else ""


def _planned(job: Job, change: ServiceChange | None, *, failed: bool) -> str:
    """What a plan changes: both images, or a word, which the reason has if it ``failed``."""
    if change and all(images := _images_of(change)):
        return both_images(*images, in_full=_differ_by_registry(job))
    return "" if failed or change is None else PLANNED[change.action]


def _images_of(change: ServiceChange) -> tuple[str, str]:
    """The old and the new image that a plan changes, both "" if it changes none."""
    found = next((each for each in change.changes if each.field == "image"), None)
    return (found.old, found.new) if found else ("", "")


def _differ_by_registry(job: Job) -> bool:
    """Whether two images of the job have the same name in different registries."""
    changes = job.plan.services if job.plan else ()
    pairs = [_images_of(change) for change in changes]
    pairs += [(target.image_before, target.image) for target in job.targets]
    places = {place_of(image) for pair in pairs for image in pair if image}
    return len({path for _, path in places}) < len(places)


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


def is_failing(job: Job, index: int) -> bool:
    """Whether a slot of a target has a problem now, or recently had one."""
    progress = at(job.progress, index)
    return progress is not None and any(map(words.is_broken, progress.slots))


def short(job: Job, target: Target) -> str:
    """A target's name as people type it, unescaped."""
    return shortened(job, target.service)


def shortened(job: Job, name: str) -> str:
    """The short form of a lane's name."""
    return short_name(job.stack, name).removeprefix(NODE)


def at(values: Sequence[T | None], index: int) -> T | None:
    """A target's value, None if unknown."""
    return values[index] if index < len(values) else None

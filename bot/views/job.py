"""A job's one message, from queued to its verdict, and the mention in its thread.

Where a message would be too long for Slack it is made again with less detail: first fewer log
lines and slots, in the end the verdicts alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from bot.domain.job import NODE, Job, JobState, Target
from bot.domain.message import Block, Message, Metadata
from bot.domain.names import short_name
from bot.domain.preflight import image_name
from bot.domain.progress import ServiceProgress
from bot.domain.verdict import Outcome, Verdict
from bot.views import words
from bot.views.blocks import actions, button, confirm, context, fits, header, packed, section
from bot.views.slots import node_line, slot_lines
from bot.views.text import (
    bar,
    code_block,
    duration,
    line,
    mention,
    plain,
    plural,
    quoted,
    slack_date,
    slack_time,
)

WATCH_SECONDS = 60.0
NAME_LENGTH = 63
MOST_TEXT = 3000
DEEDS = {
    "restart": "restart",
    "rollback": "roll back",
    "drain": "drain",
    "activate": "activate",
}
"""Actions that are done to a service or a node as it is, by their words."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Detail:
    """How much is told of each service: slots in full, characters of logs and of sentences."""

    slots: int
    evidence: int
    prose: int


DETAILS = (
    Detail(12, 2200, 600),
    Detail(12, 1000, 400),
    Detail(6, 500, 300),
    Detail(3, 200, 200),
    Detail(0, 0, 160),
)


def job_message(
    job: Job,
    now: float,
    ahead: int = 0,
    queued_behind: str = "",
    *,
    command: str = "/orochi",
    watch_seconds: float = WATCH_SECONDS,
) -> Message:
    """The message of a job as it is at ``now`` (Unix seconds).

    ``ahead`` counts the jobs before a queued one, ``queued_behind`` is the id of the one it waits
    for. ``watch_seconds`` is how long a provisional ``converged`` is watched on.
    """
    top = [header(headline(job))]
    if job.state is JobState.QUEUED:
        what = "service" if job.services_at else "node"
        top.append(section(_waiting(ahead, queued_behind, what)))
    end = [context(*_small_print(job, now, command, watch_seconds)), *_buttons(job)]
    middle = next(
        (
            blocks
            for blocks in (_services(job, detail) for detail in DETAILS)
            if fits([*top, *blocks, *end])
        ),
        None,
    )
    blocks = [*top, *(_bare(job) if middle is None else middle), *end]
    return Message(_fallback(job), tuple(blocks), metadata(job))


def thread_mention(job: Job) -> Message:
    """What is said in a finished job's thread, so that who asked hears of the verdict."""
    verdict = final_verdict(job)
    said = words.word(verdict) if verdict else "still under way"
    text = f"{mention(job.user)} {line(deed(job), 300)}: *{said}*."
    if job.revised:
        text = f"{mention(job.user)} Correction: {line(deed(job), 300)} is *{said}* after all."
    outcome = job.outcome
    reason = line(outcome.reason, 600) if outcome and not outcome.verdict.good else ""
    return Message(f"{text} {reason}".rstrip())


def unbegun_metadata(job_id: str) -> Metadata:
    """The metadata of a message whose job never began."""
    words = {"action": "", "target": "", "state": "finished", "verdict": Verdict.REFUSED.value}
    numbers = {"cause": None, "running": 0, "desired": 0}
    return Metadata("swarm_job", {"job_id": job_id, **words, **numbers})


def metadata(job: Job) -> Metadata:
    """What other programs read: the event ``swarm_job``."""
    verdict, outcome = final_verdict(job), job.outcome
    cause = outcome.cause if outcome and verdict else None
    counts = [_count(job, index) for index in job.services_at]
    return Metadata(
        "swarm_job",
        {
            "job_id": job.id,
            "action": job.action,
            "target": job.target,
            "state": job.state.value,
            "verdict": verdict.value if verdict else None,
            "cause": cause.kind.value if cause else None,
            "running": sum(running for running, _ in counts),
            "desired": sum(desired for _, desired in counts),
        },
    )


def final_verdict(job: Job) -> Verdict | None:
    """The job's verdict, None until it finished.

    A job that ended before every service had its own verdict was cancelled, or failed.
    """
    if job.state is not JobState.FINISHED:
        return None
    unfinished = Verdict.CANCELLED if job.cancelled_by else Verdict.FAILED
    return job.verdict or unfinished


def deed(job: Job) -> str:
    """What was asked for, in a few words, unescaped: ``scale worker01 to 5``."""
    if job.action in DEEDS:
        return f"{DEEDS[job.action]} {', '.join(_shortened(job, lane) for lane in job.lanes)}"
    if job.action != "scale":
        return f"{job.action} {job.target}"
    each = [f"{_short(job, target)} to {target.replicas}" for target in job.targets]
    return f"{job.action} {', '.join(each)}"


def headline(job: Job) -> str:
    """The message in a line, unescaped: sign, word, what was asked for."""
    verdict = final_verdict(job)
    if verdict is None:
        word = words.QUEUED if job.state is JobState.QUEUED else words.RUNNING
        return f"{word}: {deed(job)}"
    word = words.VERDICTS[verdict]
    if job.revised:
        word = f"{word} (revised)"
    if len(job.targets) > 1 and not verdict.good:
        return f"{word}: {_how_many_good(job)}, {deed(job)}"
    return f"{word}: {deed(job)}"


def _how_many_good(job: Job) -> str:
    outcomes = [_at(job.outcomes, index) for index in job.services_at]
    good = sum(1 for outcome in outcomes if outcome and outcome.verdict.good)
    return f"{good} of {plural(len(outcomes), 'service')} as asked"


def _fallback(job: Job) -> str:
    outcome = job.outcome if final_verdict(job) else None
    counts = [_count(job, index) for index in job.services_at]
    ran = f"{sum(each[0] for each in counts)}/{sum(each[1] for each in counts)} running"
    reason = f". {outcome.reason}" if outcome else ""
    counted = "" if job.state is JobState.QUEUED or not counts else f", {ran}"
    return line(f"{headline(job)}{counted}{reason}", MOST_TEXT)


def _waiting(ahead: int, behind: str, what: str) -> str:
    which = f" behind job `{line(behind, 40)}`" if behind else ""
    if ahead > 0 or which:
        count = f"{plural(ahead, 'job')} ahead of it" if ahead > 0 else "waits"
        return f"In the queue{which}: {count}; jobs for one {what} run one after the other."
    return "Starts in a moment."


def _services(job: Job, detail: Detail) -> list[Block]:
    return [
        block
        for index in range(len(job.targets))
        for block in _service(job, index, detail)
        if job.state is not JobState.QUEUED
    ]


def _service(job: Job, index: int, detail: Detail) -> list[Block]:
    outcome = _at(job.outcomes, index)
    progress = _at(job.progress, index)
    if outcome is not None:
        return _ended(job, index, outcome, progress, detail)
    return _under_way(job, index, progress, detail)


def _under_way(
    job: Job, index: int, progress: ServiceProgress | None, detail: Detail
) -> list[Block]:
    title = f"*{line(_short(job, job.targets[index]), NAME_LENGTH)}*"
    if progress is None:
        what = "node" if job.targets[index].is_node else "service"
        waits = "was not begun" if job.state is JobState.FINISHED else f"looking at the {what}"
        return [section(f"{title} · {waits}")]
    lines = [f"{title}  {bar(progress.running, progress.desired)}", line(progress.phase, 300)]
    lines += slot_lines(progress.slots, detail.slots, min(detail.prose, 120))
    return packed([each for each in lines if each])


def _ended(
    job: Job, index: int, outcome: Outcome, progress: ServiceProgress | None, detail: Detail
) -> list[Block]:
    name = line(_short(job, job.targets[index]), NAME_LENGTH)
    word = f"{words.VERDICTS[outcome.verdict]} · " if len(job.targets) > 1 else ""
    counted = f"  {bar(outcome.running, outcome.desired)} running"
    if job.targets[index].is_node:
        tasks = plural(outcome.desired, "task")
        counted = f"  {outcome.running} of {tasks} left it" if outcome.desired else ""
    lines = [f"{word}*{name}*{counted}"]
    lines += [line(outcome.reason, detail.prose), *_cause_lines(outcome, detail.prose)]
    if outcome.advice:
        lines.append(f"*Next:* {line(outcome.advice, detail.prose)}")
    lines += _places(outcome, progress, detail)
    return [*packed([each for each in lines if each]), *_evidence(outcome, detail)]


def _cause_lines(outcome: Outcome, length: int) -> list[str]:
    """What the reason leaves unsaid of the cause: the plain words, the engine's own."""
    cause = outcome.cause
    if cause is None:
        return []
    said = outcome.reason.lower()
    text = cause.text or words.CAUSES[cause.kind]
    lines = [] if text.lower().rstrip(".") in said else [f"*Cause:* {line(text, length)}"]
    if cause.raw and cause.raw.lower() not in f"{said} {text.lower()}":
        lines.append(f"*The engine says:* {line(cause.raw, length)}")
    return lines


def _places(outcome: Outcome, progress: ServiceProgress | None, detail: Detail) -> list[str]:
    if progress is None:
        return []
    if outcome.verdict.good:
        return [node_line(progress.slots)] if detail.slots else []
    return slot_lines(progress.slots, detail.slots // 2, 80)


def _evidence(outcome: Outcome, detail: Detail) -> list[Block]:
    block = code_block(outcome.evidence, detail.evidence) if detail.evidence else ""
    if not block:
        return []
    title = line(outcome.evidence_title, 150) or "Last log lines"
    return [section(f"*{title.rstrip(':')}:*\n{block}")]


def _bare(job: Job) -> list[Block]:
    """Each service in a line: what always fits."""
    lines = []
    for index, target in list(enumerate(job.targets))[:10]:
        outcome = _at(job.outcomes, index)
        word = f" · {words.VERDICTS[outcome.verdict]}" if outcome else ""
        lines.append(f"*{line(_short(job, target), 60)}*  {bar(*_count(job, index))}{word}")
    if len(job.targets) > len(lines):
        lines.append(f"and {plural(len(job.targets) - len(lines), 'more service')}")
    return [section("\n".join(lines) or "-")]


def _small_print(job: Job, now: float, command: str, watch_seconds: float) -> list[str]:
    asked = f"Asked by {mention(job.user)} · job `{line(job.id, 20)}`"
    stack = f" · stack {line(job.stack, 63)}" if job.stack else ""
    said = [f"{asked}{stack} · {_when(job, now)}"]
    said += [_watch_words(job, watch_seconds), _revision_words(job)]
    if job.cancelled_by:
        said.append(f"Cancelled by {mention(job.cancelled_by)}")
    before = [_before(job, target) for target in job.targets if target.was_other]
    if before and job.state is not JobState.QUEUED:
        said.append(line(f"Before: {', '.join(before)}", 300))
    said += [_images(target) for target in job.targets if target.image != target.image_before]
    if job.state is JobState.FINISHED and not job.verdict:
        said.append(f"`{line(command, 30)} status` tells what runs now.")
    return [each for each in said if each]


def _when(job: Job, now: float) -> str:
    if job.finished is not None:
        return f"took {duration(job.finished - job.created)}, ended {slack_date(job.finished)}"
    return f"asked {slack_date(job.created)}, as of {slack_time(now)}"


def _watch_words(job: Job, watch_seconds: float) -> str:
    if job.state is not JobState.FINISHED:
        return ""
    if any(outcome and outcome.provisional for outcome in job.outcomes):
        return (
            f"Watched for {duration(watch_seconds)} more: if a task fails until then,"
            " this verdict is revised"
        )
    if job.watched_until is not None and not job.revised and job.verdict is Verdict.CONVERGED:
        return f"Watched until {slack_date(job.watched_until)}"
    return ""


def _revision_words(job: Job) -> str:
    if not job.revised:
        return ""
    return "*Revised:* another verdict stood here before; the watch after it showed otherwise"


def _before(job: Job, target: Target) -> str:
    name = f"{_short(job, target)} " if len(job.targets) > 1 else ""
    return f"{name}{plural(target.before or 0, 'replica')}"


def _images(target: Target) -> str:
    """From which image to which a roll back goes."""
    before, after = (quoted(image_name(each), 150) for each in (target.image_before, target.image))
    return f"Image: {before} → {after}"


def _buttons(job: Job) -> list[Block]:
    if job.state is not JobState.FINISHED:
        return [actions([_stop_button(job)])]
    if paused := _to_be_rolled_back(job):
        return [actions([_roll_back_button(job, paused)])]
    verdict, undone = final_verdict(job), job.undone
    fitting = verdict is not None and not verdict.good and verdict is not Verdict.SUPERSEDED
    return [actions([_scale_back_button(job, undone)])] if fitting and undone else []


def _stop_button(job: Job) -> Block:
    text = "What was set already stays set. The message then offers to scale back."
    if job.action in DEEDS:
        text = "The swarm goes on with what was begun; only the message stops following it."
    if job.state is JobState.QUEUED:
        text = "The job is taken out of the queue. Nothing was changed yet."
    question = confirm("Stop waiting?", text, "Stop waiting", "Go on")
    return button("job.cancel", "Stop waiting", job.id, question)


def _to_be_rolled_back(job: Job) -> Target | None:
    """The one service whose update is paused and can be taken back."""
    found = [
        target
        for target, outcome in zip(job.targets, job.outcomes, strict=False)
        if outcome and outcome.can_roll_back
    ]
    return found[0] if len(found) == 1 else None


def _roll_back_button(job: Job, target: Target) -> Block:
    text = plain(f"A new job brings the version of {_short(job, target)} before back", 280) + "."
    question = confirm("Roll back?", text, "Roll back", "No")
    return button("job.rollback", "Roll back", f"service:{target.service}", question)


def _scale_back_button(job: Job, targets: Sequence[Target]) -> Block:
    each = ", ".join(f"{_short(job, target)} to {target.before}" for target in targets)
    label = f"Scale back to {targets[0].before}" if len(job.targets) == 1 else "Scale back"
    text = plain(f"A new job scales {each}", 280) + "."
    return button("job.rollback", label, job.id, confirm("Scale back?", text, "Scale back", "No"))


def _count(job: Job, index: int) -> tuple[int, int]:
    """Running and desired replicas of one service, as far as they are known."""
    outcome, progress = _at(job.outcomes, index), _at(job.progress, index)
    if outcome is not None:
        return outcome.running, outcome.desired
    if progress is not None:
        return progress.running, progress.desired
    return 0, job.targets[index].replicas


def _short(job: Job, target: Target) -> str:
    return _shortened(job, target.service)


def _shortened(job: Job, name: str) -> str:
    return short_name(job.stack, name).removeprefix(NODE)


def _at(values: Sequence[T | None], index: int) -> T | None:
    return values[index] if index < len(values) else None

"""A plan: waiting for a confirmation, or closed. What a deploy's plan says.

Removals come first and are always named. If the rest is too long for Slack, it has less detail, and
the parts left out are counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from bot.domain.commands.names import short_name
from bot.domain.deploys.decision import Decision
from bot.domain.deploys.history import without_digest
from bot.domain.jobs.deploy_plan import (
    MODES_OF_JOBS,
    Difference,
    Kind,
    Plan,
    PlanAction,
    ReplicaRule,
    ServiceChange,
)
from bot.domain.jobs.model import Job, JobState
from bot.domain.jobs.verdict import Verdict
from bot.domain.text.message import Block, Message, Metadata
from bot.views.jobs.changed_text import changed_texts
from bot.views.jobs.images import compared_images
from bot.views.jobs.message import action_text, metadata
from bot.views.slack.blocks import actions, button, confirm, context, fits, header, packed, section
from bot.views.slack.text import line, mention, plural, quoted, slack_date

CONFIRM_BUTTON = "job.confirm"
CANCEL_BUTTON = "job.cancel"
NAME_LENGTH = 63
MOST_NAMES = 1500
"""Maximum characters of names in a row."""
MOST_TEXT = 3000
LONGEST_WARNING = 600
OF_IMAGE = ("image in the file", "platforms")
SHOWN_OF_NEW = ("image", "replicas", "mode")
CONTENT = "content "
"""How the value of a config or secret from a file begins."""
SUMMARY_WORDS = {
    PlanAction.REMOVE: ("is removed", "are removed"),
    PlanAction.UPDATE: ("changes", "change"),
    PlanAction.CREATE: ("is added", "are added"),
    None: ("unchanged", "unchanged"),
}
"""What happens to one service and to several, in the order of a summary."""


@dataclass(frozen=True, slots=True)
class PlanDetail:
    """The level of detail: services in full, fields of each, characters of a value, warnings."""

    services: int
    fields: int
    length: int
    warnings: int


DETAILS = (
    PlanDetail(40, 40, 300, 12),
    PlanDetail(40, 10, 160, 8),
    PlanDetail(40, 4, 100, 5),
    PlanDetail(25, 2, 70, 3),
    PlanDetail(8, 1, 60, 2),
    PlanDetail(0, 0, 60, 1),
)


def plan_message(job: Job, plan: Plan, until: float) -> Message:
    """A deploy's plan that waits for a confirmation until ``until`` (Unix seconds)."""
    gone = len(plan.removals)
    away = f" {plural(gone, 'service')} will be removed last." if gone else ""
    stopped = f" {plan.dangers[0]}" if plan.dangers else ""
    return asking(
        job,
        summary(plan),
        (packed(list(_lines(plan, detail))) for detail in DETAILS),
        until,
        question=f"{summary(plan)}{away}{stopped}",
        dangerous=bool(plan.dangers),
    )


def asking(
    job: Job,
    said: str,
    renderings: Iterable[list[Block]],
    until: float,
    *,
    question: str,
    dangerous: bool = False,
) -> Message:
    """A plan that waits for a confirmation until ``until`` (Unix seconds).

    ``said`` sums it up. ``renderings`` are its details, the first that fit are shown; ``question``
    is asked when *Confirm* is pressed, with a red button if it is ``dangerous``.
    """
    top = [header(f"📋 Plan: {action_text(job)}"), section(f"*{said}*")]
    asked = f"{mention(job.user)} · plan `{line(job.id, 20)}`"
    waits = f"nothing happens before Confirm; expires {slack_date(until)}"
    end = [
        context(f"{asked} · {waits}"),
        actions([_confirm_button(job, question, dangerous=dangerous), _cancel_button(job)]),
    ]
    middle: list[Block] = []
    for middle in renderings:
        if fits([*top, *middle, *end]):
            break
    text = line(f"Plan: {action_text(job)}. {said} Confirm or cancel it.", MOST_TEXT)
    return Message(text, (*top, *middle, *end), metadata(job))


def closed_message(job: Job, said: str, decision: Decision, user: str, command: str) -> Message:
    """A plan that was cancelled, or not confirmed in time; ``said`` sums it up."""
    word = "⌛ Expired" if decision is Decision.EXPIRED else "⏹️ Cancelled"
    who = "Nobody confirmed it in time."
    if decision is not Decision.EXPIRED:
        who = f"Cancelled by {mention(user)}."
    told = f"{who} Nothing was changed."
    again = f"`{line(command, 30)} {line(job.text, 150)}` makes a new plan."
    asked = f"{mention(job.user)} · plan `{line(job.id, 20)}`"
    blocks = (
        header(f"{word}: plan to {action_text(job)}"),
        section(f"{told}\nThe plan: {said}"),
        context(asked, again),
    )
    text = line(f"{word}: plan to {action_text(job)}. Nothing was changed.", MOST_TEXT)
    return Message(text, blocks, _closed_metadata(job))


def nothing_to_do(plan: Plan, version: int = 0) -> str:
    """The answer to a plan without changes; ``version`` is that of the job."""
    kept = len(plan.services)
    warned = "".join(f"\n• {each}" for each in plan.warnings[:5])
    notes = (*replica_sentences(plan), *job_sentences(plan))
    scaled = "".join(f"\n• {each}" for each in notes)
    wanted = f"version {version}" if version else "its file"
    return (
        f"Nothing to deploy: the stack {plan.stack} matches {wanted}"
        f" ({plural(kept, 'service')}).{scaled}{warned}"
    )


def summary(plan: Plan) -> str:
    """A sentence with the number of changes."""
    counts = Counter(change.action for change in plan.services)
    found = [(counts[action], words) for action, words in SUMMARY_WORDS.items() if counts[action]]
    parts = [
        _part(count, *words, noun="service" if place == 0 else "")
        for place, (count, words) in enumerate(found)
    ]
    services = f"{', '.join(parts)}." if parts else ""
    others = Counter(step.kind for step in plan.steps if step.kind is not Kind.SERVICE)
    made = ", ".join(plural(count, kind.value) for kind, count in others.items())
    beside = f"{made} created or updated." if made else ""
    return " ".join(filter(None, [services, beside])) or "Nothing changes."


def replica_sentences(plan: Plan) -> list[str]:
    """Why services get their replicas, if that is not obvious; unescaped."""
    found = (_replicas(plan, change) for change in plan.services)
    return [each for each in found if each]


def _lines(plan: Plan, detail: PlanDetail) -> Iterator[str]:
    yield from _cut(
        [line(each, LONGEST_WARNING) for each in plan.dangers], max(detail.warnings, 2), "🛑 "
    )
    yield from _removals(plan, detail)
    yield from _cut(list(_contents(plan)), max(detail.services, 1), "🔧 ")
    yield from _of_action(plan, PlanAction.UPDATE, detail)
    yield from _of_action(plan, PlanAction.CREATE, detail)
    yield from _others(plan)
    notes = (*replica_sentences(plan), *job_sentences(plan))
    yield from _cut([line(each, 250) for each in notes], detail.services, "• ")
    yield from _cut(
        [line(each, LONGEST_WARNING) for each in plan.warnings], detail.warnings, "⚠️ Warning: "
    )


def job_sentences(plan: Plan) -> tuple[str, ...]:
    """What waits for a job that the plan runs, and which jobs do not run again."""
    changed = {each.name for each in plan.services if each.action is not None}
    waits = [
        f"{short_name(plan.stack, step.name)} waits until {_names(jobs, plan.stack)} completes."
        for step in plan.steps
        if (jobs := [name for name in step.after if name in changed])
    ]
    done = [
        f"{_short(plan, each)} has not changed, so it does not run again:"
        f" `restart {line(each.name, NAME_LENGTH)}` runs it."
        for each in plan.services
        if each.is_job and each.action is None
    ]
    return (*waits, *done)


def _contents(plan: Plan) -> Iterator[str]:
    """The configs and secrets with other content, never the content itself."""
    for each in plan.contents:
        name = line(short_name(plan.stack, each.entry), NAME_LENGTH)
        lines = f" ({_line_counts(*each.lines)})" if each.lines else ""
        follows = ", ".join(_following(plan, each.services)) or "nothing restarts"
        yield f"{each.kind.value.title()} *{name}* changed{lines}: {follows}."


def _following(plan: Plan, names: Iterable[str]) -> Iterator[str]:
    """What happens to the services with other content."""
    changes = [change for name in names if (change := plan.service(name))]
    jobs = [change.name for change in changes if change.is_job]
    live = [each.name for each in changes if each.name not in jobs and each.replicas.planned != 0]
    for found, one, many in ((live, "restarts", "restart"), (jobs, "runs again", "run again")):
        if found:
            shown = " and ".join(_names(found, plan.stack).rsplit(", ", 1))
            yield f"{shown} {one if len(found) == 1 else many}"


def _line_counts(added: int, removed: int) -> str:
    if not added and not removed:
        return "the same lines in another order"
    parts = [f"{plural(added, 'line')} added"] if added else []
    parts += [f"{removed if added else plural(removed, 'line')} removed"] if removed else []
    return ", ".join(parts)


def _removals(plan: Plan, detail: PlanDetail) -> Iterator[str]:
    gone = [change for change in plan.services if change.action is PlanAction.REMOVE]
    if len(gone) > detail.services:
        names = _names((each.name for each in gone), plan.stack)
        yield f"🗑️ *{len(gone)} services will be removed:* {names}"
        return
    for change in gone:
        running = ""
        if change.replicas.live:
            running = f" ({plural(change.replicas.live, 'replica')})"
        yield (
            f"🗑️ *{_short(plan, change)}* will be removed{running}: it is not in the file."
            " Removed last, once the other services are healthy."
        )


def _of_action(plan: Plan, action: PlanAction, detail: PlanDetail) -> Iterator[str]:
    changes = [change for change in plan.services if change.action is action]
    for change in changes[: detail.services]:
        name = _short(plan, change)
        if action is PlanAction.CREATE:
            yield f"🆕 *{name}* is added{_of_new(change, detail)}"
        else:
            yield from _changing(name, _fields(change, detail))
    left = [change.name for change in changes[detail.services :]]
    if left:
        word = "are added" if action is PlanAction.CREATE else "change"
        yield f"{len(left)} {'more ' if detail.services else ''}{word}: {_names(left, plan.stack)}"


def _changing(name: str, fields: list[str]) -> Iterator[str]:
    """A changed service: one line if one field changes, else a line for each field."""
    if len(fields) == 1:
        yield f"✏️ *{name}* {fields[0]}"
        return
    yield f"✏️ *{name}* changes:"
    yield from (f"    • {each}" for each in fields)


def _fields(change: ServiceChange, detail: PlanDetail) -> list[str]:
    changes = _told_changes(change)
    shown = [_field(each, detail.length) for each in changes[: detail.fields]]
    more = len(changes) - len(shown)
    return [*shown, f"and {plural(more, 'more field')}"] if more else shown


def _field(difference: Difference, length: int) -> str:
    name = line(difference.field, 100)
    if not difference.old:
        return f"{name}: {quoted(difference.new, length)} (new)"
    if not difference.new:
        return f"{name}: {quoted(difference.old, length)} (removed)"
    if difference.field == "image":
        return f"{name}: {compared_images(difference.old, difference.new, length)}"
    old, new = changed_texts(*_contents_only(difference), length)
    return f"{name}: {old} → {new}"


def _contents_only(difference: Difference) -> tuple[str, str]:
    """The old and the new value, of a config or secret without what stays beside its content."""
    (old, _, rest), (new, _, other) = (
        text.partition(", ") for text in (difference.old, difference.new)
    )
    same = rest == other and all(text.startswith(CONTENT) for text in (old, new))
    return (old, new) if same else (difference.old, difference.new)


def _told_changes(change: ServiceChange) -> list[Difference]:
    """The changed fields, without those that follow from another image."""
    fields = {each.field for each in change.changes}
    follow = OF_IMAGE if "image" in fields else ()
    return [each for each in change.changes if each.field not in follow]


def _of_new(change: ServiceChange, detail: PlanDetail) -> str:
    found = {each.field: each.new for each in change.fields if each.new}
    found["image"] = without_digest(found.get("image", ""), "")
    found["mode"] = found.get("mode") or _job_mode(found)
    shown = [
        f"{name} {quoted(found[name], detail.length)}" for name in SHOWN_OF_NEW if found.get(name)
    ]
    if found.get("restart condition") == "none" and not found["mode"]:
        shown.append("run to completion (restart condition `none`)")
    return f": {', '.join(shown)}" if shown else ""


def _job_mode(fields: Iterable[str]) -> str:
    """The mode of a job, which has fields like ``mode replicated job max concurrent``."""
    modes = (each for each in MODES_OF_JOBS if any(name.startswith(each) for name in fields))
    return next(modes, "").partition(" ")[2]


def _others(plan: Plan) -> Iterator[str]:
    """The networks, configs and secrets that change, but for those with other content."""
    told = {each.name for each in plan.contents}
    for action, said in ((PlanAction.CREATE, "Created"), (PlanAction.UPDATE, "Labels changed")):
        for kind in (Kind.NETWORK, Kind.CONFIG, Kind.SECRET):
            found = [s.name for s in plan.steps if (s.kind, s.action) == (kind, action)]
            found = [name for name in found if name not in told]
            if found:
                word = kind.value if len(found) == 1 else f"{kind.value}s"
                yield f"{said}: the {word} {_names(found, '')}"


def _replicas(plan: Plan, change: ServiceChange) -> str:
    name, numbers = short_name(plan.stack, change.name), change.replicas
    if numbers.live is None and numbers.rule in {ReplicaRule.SCALED, ReplicaRule.UNSTATED}:
        return f"{name} gets {plural(numbers.planned or 0, 'replica')}, as before."
    live = plural(numbers.live or 0, "replica")
    kept = numbers.rule in {ReplicaRule.SCALED, ReplicaRule.UNSTATED}
    if kept and numbers.live != numbers.planned:
        return f"{name} goes back from {live} to {numbers.planned}, as before."
    if numbers.rule is ReplicaRule.SCALED:
        return f"{name} keeps its {live}: set by hand; the file says {numbers.file}."
    if numbers.rule is ReplicaRule.UNSTATED and numbers.live not in {1, None}:
        return f"{name} keeps its {live}: the file sets no number."
    if numbers.rule is ReplicaRule.FILE and numbers.live not in {None, numbers.planned}:
        return f"{name} goes from {live} to {numbers.planned}, the number in the file."
    return ""


def _cut(lines: list[str], most: int, before: str) -> Iterator[str]:
    yield from (f"{before}{each}" for each in lines[:most])
    if len(lines) > most:
        yield f"{before}and {len(lines) - most} more"


def _names(names: Iterable[str], stack: str) -> str:
    """As many names as fit in a row; the others are counted."""
    shown: list[str] = []
    left = [line(short_name(stack, name), NAME_LENGTH) for name in names]
    room = MOST_NAMES
    while left and (room := room - len(left[0]) - 2) >= 0:
        shown.append(left.pop(0))
    more = f" and {len(left)} more" if left else ""
    return f"{', '.join(shown)}{more}"


def _part(count: int, one: str, many: str, *, noun: str) -> str:
    what = plural(count, noun) if noun else str(count)
    return f"{what} {one if count == 1 else many}"


def _short(plan: Plan, change: ServiceChange) -> str:
    return line(short_name(plan.stack, change.name), NAME_LENGTH)


def _confirm_button(job: Job, told: str, *, dangerous: bool) -> Block:
    question = confirm(f"{action_text(job)}?", told, "Confirm", "Not yet")
    style = "danger" if dangerous else "primary"
    return button(CONFIRM_BUTTON, "Confirm", job.id, question) | {"style": style}


def _cancel_button(job: Job) -> Block:
    return button(CANCEL_BUTTON, "Cancel", job.id)


def _closed_metadata(job: Job) -> Metadata:
    found = metadata(replace(job, state=JobState.FINISHED))
    return replace(found, payload={**found.payload, "verdict": Verdict.CANCELLED.value})

"""The plan to remove a stack: what goes, what stays, and a field for the stack's name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bot.domain.commands.names import short_name
from bot.domain.jobs.deploy_plan import Kind, Plan, ServiceChange
from bot.domain.jobs.model import Job
from bot.domain.text.message import Block, Message
from bot.views.jobs.message import metadata
from bot.views.jobs.plan import CANCEL_BUTTON, CONFIRM_BUTTON
from bot.views.jobs.stack_removal import removal_summary
from bot.views.jobs.target import NAME_LENGTH
from bot.views.slack.blocks import (
    actions,
    button,
    context,
    fits,
    header,
    packed,
    section,
    text_field,
)
from bot.views.slack.text import line, mention, plural, slack_date

MOST_TEXT = 3000
COUNTS = (40, 20, 8)
"""Names of each kind; the first number that fits is used."""
TYPED = "job.typed"
HINT = "the stack's name"
MANY = {Kind.NETWORK: "Networks", Kind.CONFIG: "Configs", Kind.SECRET: "Secrets"}


def removal_proposal(job: Job, plan: Plan, until: float) -> Message:
    """The message that asks for the stack's name and a press until ``until`` (Unix seconds)."""
    said = removal_summary(plan)
    top = [header(f"📋 Plan: remove {job.stack}"), section(f"*{said}*")]
    asked = f"{mention(job.user)} · plan `{line(job.id, 20)}`"
    end = [
        context(f"{asked} · nothing happens before Remove; expires {slack_date(until)}"),
        text_field(TYPED, f"Type {job.stack} to remove it", HINT, f"{TYPED}/{job.id}"),
        actions([_remove_button(job), button(CANCEL_BUTTON, "Cancel", job.id)]),
    ]
    middle: list[Block] = []
    for most in COUNTS:
        middle = packed([*_lines(plan, most), *(line(each, 600) for each in job.foretold)])
        if fits([*top, *middle, *end]):
            break
    text = line(f"Plan: remove {job.stack}. {said} Confirm or cancel it.", MOST_TEXT)
    return Message(text, (*top, *middle, *end), metadata(job))


def _lines(plan: Plan, most: int) -> Iterator[str]:
    yield from (_service(plan, each) for each in plan.services[:most])
    if (left := len(plan.services) - most) > 0:
        yield f"🗑️ and {plural(left, 'more service')}"
    for kind, many in MANY.items():
        found = [step.name for step in plan.steps if step.kind is kind]
        if found:
            word = kind.value.capitalize() if len(found) == 1 else many
            yield f"🗑️ {word}: {_names(found, most)}"
    if plan.volumes:
        word = "Volume stays" if len(plan.volumes) == 1 else "Volumes stay"
        yield f"💾 {word}: {_names(plan.volumes, most)}"


def _service(plan: Plan, change: ServiceChange) -> str:
    live = change.replicas.live
    running = f" ({plural(live, 'replica')})" if live is not None else ""
    return f"🗑️ *{line(short_name(plan.stack, change.name), NAME_LENGTH)}*{running}"


def _names(names: Sequence[str], most: int) -> str:
    shown = ", ".join(line(name, NAME_LENGTH) for name in names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown


def _remove_button(job: Job) -> Block:
    return button(CONFIRM_BUTTON, "Remove", job.id) | {"style": "danger"}

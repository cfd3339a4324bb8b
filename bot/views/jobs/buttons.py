"""Buttons that undo a whole job: each asks before it does so."""

from __future__ import annotations

from collections.abc import Sequence

from bot.domain.jobs.model import Job, Target
from bot.domain.text.message import Block
from bot.views.jobs.target import short
from bot.views.slack.blocks import button, confirm
from bot.views.slack.text import plain


def stack_back_button(job: Job) -> Block:
    """Go back to the version before a deploy, or bring a removed stack back."""
    text = f"Shows a plan to go back to version {job.way_back}. Nothing happens before Confirm."
    title, verb = ("Bring back?", "Bring") if job.is_removal else ("Roll back?", "Roll")
    question = confirm(title, text, "Show the plan", "No")
    end = f"back version {job.way_back}" if job.is_removal else f"back to version {job.way_back}"
    return button("job.rollback", f"{verb} {end}", job.id, question)


def scale_back_button(job: Job, targets: Sequence[Target]) -> Block:
    """Restore the numbers before a scale."""
    each = ", ".join(f"{short(job, target)} to {target.before}" for target in targets)
    label = f"Scale back to {targets[0].before}" if len(job.targets) == 1 else "Scale back"
    text = plain(f"A new job scales {each}", 280) + "."
    return button("job.rollback", label, job.id, confirm("Scale back?", text, "Scale back", "No"))

"""``status --all``: a line for each stack, unhealthy ones first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from bot.domain.operations.one_off import is_one_off
from bot.domain.swarm.health import Grade, Health, examine, worst_of
from bot.domain.swarm.model import StackLook
from bot.domain.text.message import Message
from bot.views import words
from bot.views.slack.blocks import context, fits, packed, section
from bot.views.slack.text import line, plural
from bot.views.status.footer import FooterFacts, jobs_text, small_print

COUNTS = ((60, 6), (60, 3), (60, 1), (40, 0), (10, 0))
"""Stacks, and services named for each; the first that fits is used."""
NO_STACK = "without a stack"
NAME_LENGTH = 40


def every_stack_message(look: StackLook, facts: FooterFacts, deployed: Iterable[str]) -> Message:
    """All services of ``look`` by stack; ``deployed`` are stacks that may have none any more."""
    stacks: dict[str, list[Health]] = {name: [] for name in sorted(deployed)}
    for health in examine(look, facts.alerts):
        if is_one_off(health.service):
            continue
        stacks.setdefault(health.service.stack, []).append(health)
    if not stacks:
        text = "There are no services in this swarm."
        return Message(text, (section(text), context(*small_print(facts, look.at))))
    ordered = sorted(stacks.items(), key=lambda each: (_rank(each[1]), not each[0], each[0]))
    title = _title(stacks)
    end = [section(text)] if (text := jobs_text(facts, facts.jobs)) else []
    end = [*end, context(*_reasons(ordered, facts.command), *small_print(facts, look.at))]
    made = ([*packed([f"*{title}*", *_lines(ordered, *counts)]), *end] for counts in COUNTS)
    blocks = next((each for each in made if fits(each)), [*packed([f"*{title}*"]), *end])
    return Message(f"{title}.", tuple(blocks))


def _reasons(stacks: Sequence[tuple[str, Sequence[Health]]], command: str) -> list[str]:
    """Where it is said why the first of the stacks is unhealthy."""
    name, healths = stacks[0]
    if not name or _rank(healths):
        return []
    return [f"`{command} status {line(name, NAME_LENGTH)}/` says why"]


def _rank(healths: Sequence[Health]) -> int:
    """Unhealthy, changing, healthy, without services."""
    worst = worst_of(health.grade for health in healths)
    return len(Grade) if worst is None else list(Grade).index(worst)


def _title(stacks: Mapping[str, Sequence[Health]]) -> str:
    """Services without a stack count as one among the unhealthy."""
    bad = sum(_rank(healths) == 0 for healths in stacks.values())
    total = plural(sum(map(bool, stacks)), "stack")
    alone = " and services without a stack" if "" in stacks else ""
    return f"{total}{alone}, {bad or 'none'} unhealthy"


def _lines(stacks: Sequence[tuple[str, Sequence[Health]]], most: int, named: int) -> list[str]:
    lines = [_line(name, healths, named) for name, healths in stacks[:most]]
    left = len(stacks) - most
    return [*lines, f"and {plural(left, 'more stack')}"] if left > 0 else lines


def _line(stack: str, healths: Sequence[Health], named: int) -> str:
    name = f"*{line(stack, NAME_LENGTH)}*" if stack else f"_{NO_STACK}_"
    worst = worst_of(health.grade for health in healths)
    if worst is None:
        return f"{words.LEAVING} {name}: not in the swarm"
    worse = sorted(
        (health for health in healths if health.grade is not Grade.WELL),
        key=lambda each: list(Grade).index(each.grade),
    )
    shown = [
        f"{line(each.service.short_name, NAME_LENGTH)} {each.done}/{each.wanted}"
        for each in worse[:named]
    ]
    if len(worse) > named and named:
        shown.append(f"{len(worse) - named} more")
    count = plural(len(healths), "service")
    if not worse:
        return f"{words.GRADES[worst]} {name}: {count}"
    said = f": {', '.join(shown)}" if shown else ""
    bad = sum(health.grade is Grade.BAD for health in healths)
    how = f"{bad} of {count} unhealthy" if bad else f"{len(worse)} of {count} changing"
    return f"{words.GRADES[worst]} {name}: {how}{said}"

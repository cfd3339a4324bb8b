"""The list of stacks: which can be deployed, which are deployed, and manual changes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from bot.domain.commands.names import short_name
from bot.domain.deploys.catalog import StackEntry
from bot.domain.jobs.deploy_plan import Difference, PlanAction, ReplicaRule, ServiceChange
from bot.domain.swarm.health import Grade
from bot.domain.text.message import Message
from bot.views import words
from bot.views.slack.blocks import context, fits, packed
from bot.views.slack.text import line, mention, plural, quoted, slack_date

COUNTS = ((40, 12, 8, 120), (40, 6, 4, 80), (40, 3, 2, 60), (20, 1, 1, 60), (8, 0, 0, 0))
"""Stacks, services of each, fields of each, characters of a value; the first that fits is used."""
NAME_LENGTH = 63


def stacks_message(
    entries: Sequence[StackEntry], *, command: str = "/orochi", trouble: str = ""
) -> Message:
    """The list. ``trouble`` is why no stack can be deployed, "" if they can."""
    hints = [line(trouble, 600)] if trouble else []
    hints.append(f"`{line(command, 30)} deploy STACK` shows a plan first")
    end = context(" · ".join(hints[:1] if trouble else hints))
    if not entries:
        text = "No stacks: none in the swarm, and no stack files."
        return Message(text, (*packed([text]), end))
    ordered = sorted(entries, key=_urgency)
    rendered = ([*packed(_lines(ordered, counts)), end] for counts in COUNTS)
    unhealthy = sum(entry.grade is Grade.BAD for entry in entries)
    drifted = sum(1 for entry in entries if entry.drifted or entry.gone)
    parts = [plural(len(entries), "stack")]
    parts += [f"{unhealthy} unhealthy"] * bool(unhealthy)
    parts += [f"{drifted} changed by hand since its deploy"] * bool(drifted)
    text = ", ".join(parts)
    blocks = next((each for each in rendered if fits(each)), [*packed([f"*{text}*"]), end])
    return Message(text, tuple(blocks))


def _urgency(entry: StackEntry) -> int:
    """The place in the list: unhealthy, under way, changed by hand, then all others."""
    under_way = entry.deploying or entry.grade is Grade.CHANGING
    by_hand = entry.drifted or entry.gone or entry.trouble
    reasons = (entry.grade is Grade.BAD, under_way, by_hand)
    return next((place for place, why in enumerate(reasons) if why), len(reasons))


def _lines(entries: Sequence[StackEntry], counts: tuple[int, int, int, int]) -> list[str]:
    lines = [each for entry in entries[: counts[0]] for each in _entry(entry, counts)]
    left = len(entries) - counts[0]
    return [*lines, f"and {plural(left, 'more stack')}"] if left > 0 else lines


def _entry(entry: StackEntry, counts: tuple[int, int, int, int]) -> list[str]:
    parts = [
        f"{_sign(entry)} *{line(entry.name, NAME_LENGTH)}*",
        _services(entry) if entry.grades else "not in the swarm",
        "" if entry.has_file else "no stack file, so it cannot be deployed",
        "deploy or removal under way" if entry.deploying else "",
        _version(entry),
        _state(entry),
    ]
    return [" · ".join(filter(None, parts)), *_drift(entry, counts)]


def _sign(entry: StackEntry) -> str:
    if entry.grade is None:
        return words.LEAVING
    odd = entry.drifted or entry.gone or entry.trouble or entry.deploying
    return words.COMING if odd and entry.grade is Grade.WELL else words.GRADES[entry.grade]


def _services(entry: StackEntry) -> str:
    counts = Counter(entry.grades)
    said = [f"{plural(len(entry.grades), 'service')} in the swarm"]
    said += [f"{counts[Grade.BAD]} unhealthy"] * bool(counts[Grade.BAD])
    said += [f"{counts[Grade.CHANGING]} changing"] * bool(counts[Grade.CHANGING])
    return ", ".join(said)


def _version(entry: StackEntry) -> str:
    version = entry.version
    if version is None:
        return "" if entry.deploying else "not deployed by the bot"
    return (
        f"version {version.number}, {words.result(version)}, by {mention(version.user)}, "
        f"{slack_date(version.at)}"
    )


def _state(entry: StackEntry) -> str:
    if entry.trouble:
        return f"drift unknown: {line(entry.trouble, 300)}"
    if entry.drift is None:
        return ""
    if entry.drifted or entry.gone:
        count = len(entry.drifted) + len(entry.gone)
        return f"*drifted*: {count} changed"
    return "as deployed"


def _drift(entry: StackEntry, counts: tuple[int, int, int, int]) -> list[str]:
    _, most, fields, length = counts
    lines = [_service(entry, each, fields, length) for each in entry.drifted]
    lines += [f"{each.kind.value} {line(each.name, NAME_LENGTH)} is missing" for each in entry.gone]
    left = len(lines) - most
    more = [f"    • and {left} more"] if most and left > 0 else []
    return [*(f"    • {each}" for each in lines[:most]), *more, *_scaled(entry, most)]


def _service(entry: StackEntry, change: ServiceChange, most: int, length: int) -> str:
    name = f"*{line(short_name(entry.name, change.name), NAME_LENGTH)}*"
    if change.action is PlanAction.CREATE:
        return f"{name} was removed"
    if change.action is PlanAction.REMOVE:
        return f"{name} is not in the deployed version"
    shown = "; ".join(_field(each, length) for each in change.changes[:most])
    more = len(change.changes) - most
    return f"{name}: {shown}" + (f"; and {plural(more, 'more field')}" if more > 0 else "")


def _field(difference: Difference, length: int) -> str:
    """A changed field. The plan restores the deployed version, so ``old`` is the present value."""
    now, deployed = difference.old, difference.new
    name = line(difference.field, 80)
    if not deployed:
        return f"{name} {quoted(now, length)} was added"
    if not now:
        return f"{name} {quoted(deployed, length)} was removed"
    return f"{name} {quoted(now, length)}, deployed {quoted(deployed, length)}"


def _scaled(entry: StackEntry, most: int) -> list[str]:
    """Numbers set by hand, which a deploy keeps: they are not drift."""
    services = entry.drift.services if entry.drift else ()
    scaled = [
        f"{line(short_name(entry.name, each.name), NAME_LENGTH)} {each.replicas.live}"
        f" (file: {each.replicas.file})"
        for each in services
        if each.replicas.rule is ReplicaRule.SCALED
    ]
    more = f" and {len(scaled) - most} more" if len(scaled) > most else ""
    return [f"    • scaled by hand (a deploy keeps it): {', '.join(scaled[:most])}{more}"] * bool(
        scaled and most
    )

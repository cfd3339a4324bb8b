"""Texts for a service's health."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from bot.domain.swarm.causes import Cause, CauseKind, short_error
from bot.domain.swarm.health import Grade, Health, Trouble
from bot.domain.swarm.model import Mode
from bot.views.slack.phone import differences
from bot.views.slack.text import bar, line, plural, slack_date
from bot.views.words import CAUSES, GRADES, UPDATES

NAME_LENGTH = 63
MOST_PLACES = 6
MOST_ERRORS = 6
"""More different errors of one kind are not shown."""

NodeNames = Mapping[str, str]
"""Hostnames by node id."""


def title(health: Health) -> str:
    """Sign, name and count: ``🔴 *worker01*  ▰▰▱ 2/3``."""
    name = line(health.service.short_name, NAME_LENGTH)
    return f"{GRADES[health.grade]} *{name}*  {bar(health.done, health.wanted)}{_extra(health)}"


def trouble_lines(health: Health, nodes: NodeNames, most: int, length: int) -> list[str]:
    """What is wrong with a service and since when, at most ``most`` causes."""
    lines = [_trouble(health, trouble, nodes, length) for trouble in health.troubles[:most]]
    if len(health.troubles) > most:
        lines.append(f"and {plural(len(health.troubles) - most, 'more cause')}")
    return [*_update(health, length), *lines, *_missing(health)]


def update_words(health: Health) -> str:
    """The state of a service's last update in a few words, empty if it is unremarkable."""
    return UPDATES.get(health.service.update, "")


def where(health: Health, nodes: NodeNames, most: int) -> str:
    """The nodes of a service: ``photon-machine-01 (2), photon-machine-02``."""
    counts: dict[str, int] = {}
    for node, number in Counter(health.nodes).items():
        name = node_name(node, nodes)
        counts[name] = counts.get(name, 0) + number
    shown = sorted(counts)[:most]
    each = [f"{name} ({counts[name]})" if counts[name] > 1 else name for name in shown]
    more = f" and {len(counts) - most} more" if len(counts) > most else ""
    return ", ".join(each) + more


def node_name(node: str, nodes: NodeNames) -> str:
    """A node's name, escaped; its id if the node was removed."""
    return line(nodes.get(node) or node or "no node", NAME_LENGTH)


def told_apart(failures: Sequence[tuple[object, Cause | None]]) -> list[str]:
    """For each failure its error, if only that tells it apart; "" for the others.

    A failure is what it is of, and its cause. Different errors of one kind look alike.
    """
    alike: dict[object, list[int]] = {}
    for index, (of, cause) in enumerate(failures):
        if cause is not None and cause.raw:
            alike.setdefault((of, cause.kind, cause.exit_code), []).append(index)
    found = [""] * len(failures)
    for same in alike.values():
        if 1 < len(same) <= MOST_ERRORS:
            errors = [
                short_error(cause.raw) for _, cause in map(failures.__getitem__, same) if cause
            ]
            for index, text in zip(same, differences(errors), strict=True):
                found[index] = text
    return found


def _extra(health: Health) -> str:
    ended = f" · {health.completed} completed" if health.completed else ""
    if health.beyond:
        ended += f" · {health.beyond} more on nodes that take no new tasks"
    if health.wanted == 0 and health.service.mode is Mode.REPLICATED:
        return f"{ended} · scaled to 0"
    return ended


def _update(health: Health, length: int) -> list[str]:
    service = health.service
    if service.update not in UPDATES:
        return []
    message = f": {line(service.update_message, length)}" if service.update_message else ""
    since = f" · since {slack_date(service.update_started)}" if service.update_started else ""
    return [f"{UPDATES[service.update].capitalize()}{message}{since}"]


def _missing(health: Health) -> list[str]:
    """Starting tasks, and missing ones without a known cause."""
    in_progress = [f"{count} {state}" for state, count in health.coming]
    if health.stopping:
        in_progress.append(f"{health.stopping} stopping")
    if in_progress:
        return [f"In progress: {', '.join(in_progress)}"]
    if health.grade is Grade.BAD and not health.troubles:
        missing = plural(health.wanted - health.done, "replica")
        return [f"{missing} missing, cause unknown"]
    return []


def _trouble(health: Health, trouble: Trouble, nodes: NodeNames, length: int) -> str:
    text = line((trouble.cause.text or CAUSES[trouble.cause.kind]).rstrip("."), length)
    if trouble.cause.kind is CauseKind.NODE_DOWN:
        text = f"The node {node_name(trouble.cause.node_id, nodes)} is down"
    failures = f" · {plural(trouble.failures, 'failure')}" if trouble.failures > 1 else ""
    since = f" · since {slack_date(trouble.since)}" if trouble.since > 0 else ""
    now = " (running now)" if trouble.unsteady else ""
    places = f"{_places(health, trouble.places, nodes)}: " if trouble.places else ""
    return f"{places}{text}{now}{failures}{since}"


def _places(health: Health, places: Sequence[str], nodes: NodeNames) -> str:
    if health.service.mode.is_global:
        named = [node_name(place, nodes) for place in places[:MOST_PLACES]]
        kind = ""
    else:
        named = [line(place, 10) for place in places[:MOST_PLACES]]
        kind = "Slot " if len(places) == 1 else "Slots "
    more = f" and {len(places) - MOST_PLACES} more" if len(places) > MOST_PLACES else ""
    return f"{kind}{', '.join(named)}{more}"

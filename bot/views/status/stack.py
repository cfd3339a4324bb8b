"""An overview of the stack: unhealthy services first, then changing ones, then healthy ones.

If it is too long, it has less detail; unhealthy services are dropped last.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from bot.domain.swarm.health import Grade, Health, examine
from bot.domain.swarm.model import Availability, Node, NodeState, StackLook
from bot.domain.text.message import Block, Message
from bot.views.slack.blocks import MOST_BYTES, context, fits, header, packed, section
from bot.views.slack.text import bar, line, plain, plural
from bot.views.status.footer import MOST_JOBS, FooterFacts, jobs_text, small_print
from bot.views.status.service import service_status_message
from bot.views.status.trouble import NodeNames, node_name, title, trouble_lines, update_words, where

__all__ = ["MOST_JOBS", "FooterFacts", "service_status_message", "status_message"]

MOST_NODES = 8
LEAST_COUNT = 12
"""Bytes of a service's sign, bar and count at the least."""
SIGNS = {Grade.BAD: "❌", Grade.CHANGING: "🔄", Grade.WELL: "✅"}


@dataclass(frozen=True, slots=True)
class StackDetail:
    """The level of detail: services in full, causes of each, their length, nodes of each."""

    services: int
    causes: int
    length: int
    nodes: int


DETAILS = (
    StackDetail(40, 4, 300, 4),
    StackDetail(40, 2, 160, 3),
    StackDetail(40, 1, 100, 2),
    StackDetail(25, 1, 80, 0),
    StackDetail(10, 1, 60, 0),
    StackDetail(3, 0, 40, 0),
)


def status_message(look: StackLook, facts: FooterFacts, back: str = "") -> Message:
    """The status of the stack at ``look.at``.

    ``back`` is the command that brings back a stack without services, "" if there is none.
    """
    if not look.services:
        return _nothing_there(look, facts, back)
    healths = sorted(examine(look, facts.alerts), key=lambda health: _rank(health.grade))
    summary = f"{line(look.stack, 63) or 'The swarm'}: {_summary(healths)}"
    top = [header(f"{SIGNS[healths[0].grade]} {plain(look.stack, 63)}: {_summary(healths)}")]
    end = _end(look, facts)
    names = {node.id: node.hostname for node in look.nodes}
    told = (_services(healths, names, each) for each in DETAILS if _may_fit(healths, each))
    middle = next((blocks for blocks in told if fits([*top, *blocks, *end])), [])
    return Message(_fallback(summary, healths), (*top, *middle, *end))


def _may_fit(healths: Sequence[Health], detail: StackDetail) -> bool:
    """Whether a line for each service may fit, by its name and the shortest count alone."""
    least = sum(len(health.service.short_name) + LEAST_COUNT for health in healths)
    return not detail.nodes or least <= MOST_BYTES


def _rank(grade: Grade) -> int:
    return list(Grade).index(grade)


def _summary(healths: Sequence[Health]) -> str:
    counts = Counter(health.grade for health in healths)
    total = plural(len(healths), "service")
    said = []
    if counts[Grade.BAD]:
        said.append(f"{counts[Grade.BAD]} of {total} unhealthy")
    if counts[Grade.CHANGING]:
        said.append(f"{counts[Grade.CHANGING]} of {total} changing")
    return ", ".join(said) or f"{total} healthy"


def _fallback(summary: str, healths: Sequence[Health]) -> str:
    worse = [health for health in healths if health.grade is not Grade.WELL][:10]
    named = ", ".join(
        f"{line(health.service.short_name, 63)} {health.done}/{health.wanted}" for health in worse
    )
    return f"{summary}. {named}" if named else f"{summary}."


def _services(healths: Sequence[Health], names: NodeNames, detail: StackDetail) -> list[Block]:
    worse = [health for health in healths if health.grade is not Grade.WELL]
    well = [health for health in healths if health.grade is Grade.WELL]
    full = worse[: detail.services]
    blocks = [block for health in full for block in _in_full(health, names, detail)]
    rest = worse[detail.services :]
    if rest:
        blocks += packed(_in_short(rest, "Also unhealthy or changing"))
    if detail.nodes:
        return [*blocks, *packed([_in_a_line(health, names, detail) for health in well])]
    return [*blocks, *packed(_in_short(well, "Healthy"))]


def _in_full(health: Health, names: NodeNames, detail: StackDetail) -> list[Block]:
    lines = [title(health), *trouble_lines(health, names, detail.causes, detail.length)]
    if detail.nodes and health.nodes:
        lines.append(f"Runs on {where(health, names, detail.nodes)}")
    return packed(lines)


def _in_a_line(health: Health, names: NodeNames, detail: StackDetail) -> str:
    parts = [title(health), where(health, names, detail.nodes), update_words(health)]
    return " · ".join(part for part in parts if part)


def _in_short(healths: Sequence[Health], word: str) -> list[str]:
    """Only names and counts, several in a line; services that do not fit are counted."""
    if not healths:
        return []
    shown = [
        f"{line(health.service.short_name, 30)} {health.done}/{health.wanted}"
        for health in healths[:60]
    ]
    more = f" and {len(healths) - len(shown)} more" if len(healths) > len(shown) else ""
    return [f"*{word}:*", *_rows(shown), *([more.strip()] if more else [])]


def _rows(items: Sequence[str], each: int = 5) -> list[str]:
    return [" · ".join(items[start : start + each]) for start in range(0, len(items), each)]


def _end(look: StackLook, facts: FooterFacts) -> list[Block]:
    paragraphs = [_nodes_text(look.nodes), jobs_text(facts, facts.jobs)]
    blocks = [section(text) for text in paragraphs if text]
    return [*blocks, context(*small_print(facts, look.at))]


def _nodes_text(nodes: Sequence[Node]) -> str:
    if not nodes:
        return ""
    ready = sum(node.usable for node in nodes)
    managers = [node for node in nodes if node.role == "manager"]
    leader = next((node.hostname for node in managers if node.manager == "leader"), "")
    led = f", leader {line(leader, 63)}" if leader else ", *no leader*"
    lines = [f"*Nodes:* {bar(ready, len(nodes))} ready · {plural(len(managers), 'manager')}{led}"]
    odd = [_node_line(node) for node in nodes if not node.usable or node.manager == "unreachable"]
    lines += odd[:MOST_NODES]
    if len(odd) > MOST_NODES:
        lines.append(f"and {plural(len(odd) - MOST_NODES, 'more node')} not ready")
    return "\n".join(lines)


def _node_line(node: Node) -> str:
    words = []
    if node.state is not NodeState.READY:
        words.append(node.state.value)
    if node.availability is Availability.DRAIN:
        words.append("drained")
    if node.availability is Availability.PAUSE:
        words.append("paused: takes no new tasks")
    if node.manager == "unreachable":
        words.append("manager unreachable")
    sign = "🔴" if node.state is NodeState.DOWN or "unreachable" in node.manager else "🟡"
    message = f" · {line(node.message, 120)}" if node.message else ""
    return f"{sign} {node_name(node.id, {node.id: node.hostname})}: {', '.join(words)}{message}"


def _nothing_there(look: StackLook, facts: FooterFacts, back: str) -> Message:
    stack = line(look.stack, 63)
    known = "It is not deployed, or has another name: the command `stacks` lists all."
    if back:
        known = f"To bring it back: `{line(back, 120)}`"
    text = (
        f"The stack `{stack.replace('`', chr(39))}` has no services in this swarm. {known}"
        if stack
        else "There are no services in this swarm."
    )
    return Message(text, (section(text), *_end(look, facts)))

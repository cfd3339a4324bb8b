"""The nodes as in ``docker node ls``, with their tasks and free resources."""

from __future__ import annotations

from collections.abc import Sequence

from bot.domain.swarm.free_resources import free_on, running_on, usual_version
from bot.domain.swarm.model import Node, NodeState, Resources, Task
from bot.domain.text.message import Message
from bot.views.slack.blocks import MOST_BYTES, context, section, size
from bot.views.slack.table import MORE_BYTES, Column, table
from bot.views.slack.text import line, plural

COLUMNS = (
    Column("ID", 14),
    Column("HOSTNAME", 40),
    Column("STATUS", 12),
    Column("AVAILABILITY", 12),
    Column("MANAGER STATUS", 14),
    Column("ENGINE VERSION", 24),
    Column("TASKS", 6, right=True),
    Column("CPU FREE", 14, right=True),
    Column("MEMORY FREE", 22, right=True),
)
ID_LENGTH = 12
CORE = 10**9
GIB = 2**30
MOST_NAMED = 6


def nodes_message(nodes: Sequence[Node], tasks: Sequence[Task], own: str) -> Message:
    """The nodes. ``tasks`` are all with desired state running; ``own`` is the bot's node id."""
    usual = usual_version(nodes)
    title = _title(nodes)
    head = [section(title), *_skew(nodes, usual)]
    small = context("`*` = the bot's node. Free = not reserved by any task.")
    there: dict[str, list[Task]] = {}
    for task in tasks:
        there.setdefault(task.node_id, []).append(task)
    rows = [_row(node, there.get(node.id, ()), own, usual) for node in nodes]
    shown = table(COLUMNS, rows, MOST_BYTES - size([*head, small]) - MORE_BYTES)
    left = len(rows) - shown.shown
    more = [section(f"and {plural(left, 'more node')}")] if left else []
    return Message(title, (*head, *shown.blocks, *more, small))


def _title(nodes: Sequence[Node]) -> str:
    ready = sum(node.usable for node in nodes)
    return f"*{plural(len(nodes), 'node')}*, {ready} ready for tasks"


def _row(node: Node, tasks: Sequence[Task], own: str, usual: str) -> tuple[str, ...]:
    free = free_on(node, tasks)
    other = node.engine_version and node.engine_version != usual
    return (
        f"{node.id[:ID_LENGTH]}{' *' if node.id == own else ''}",
        node.hostname,
        node.state.value.title(),
        node.availability.value.title(),
        node.manager.title(),
        f"{node.engine_version}{' !' if other else ''}",
        str(running_on(node, tasks)),
        _cpus(free, node.resources) if node.state is not NodeState.DOWN else "-",
        _memory(free, node.resources) if node.state is not NodeState.DOWN else "-",
    )


def _cpus(free: Resources, all_there_is: Resources) -> str:
    return f"{free.nano_cpus / CORE:.1f} of {all_there_is.nano_cpus / CORE:g}"


def _memory(free: Resources, all_there_is: Resources) -> str:
    return f"{free.memory / GIB:.1f} of {all_there_is.memory / GIB:.1f} GiB"


def _skew(nodes: Sequence[Node], usual: str) -> list[dict[str, object]]:
    """The engines with another version than most."""
    others = [node for node in nodes if node.engine_version not in {"", usual}]
    if not others:
        return []
    named = ", ".join(
        f"{line(node.hostname, 40)} {line(node.engine_version, 24)}" for node in others[:MOST_NAMED]
    )
    more = f" and {len(others) - MOST_NAMED} more" if len(others) > MOST_NAMED else ""
    return [section(f"⚠️ Engine versions differ: most have {line(usual, 24)}; {named}{more}")]

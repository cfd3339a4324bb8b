"""The nodes as lines for a phone: state, tasks and free resources; those in trouble first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from bot.domain.operations.node_names import ShortNames
from bot.domain.swarm.free_resources import free_on, running_on, usual_version
from bot.domain.swarm.model import Availability, Node, NodeState, Resources, Task
from bot.domain.text.message import Message
from bot.views.slack.blocks import context, fits, packed
from bot.views.slack.phone import alike, fitting, joined
from bot.views.slack.text import line, plural
from bot.views.words import BAD, GOOD, LEAVING

COUNTS = (100, 60, 30, 10, 0)
"""Nodes; the first number that fits is used."""
NAME_LENGTH = 63
CORE = 10**9
GIB = 2**30
MOST_NAMED = 6
BUSY = {
    Availability.PAUSE: "paused",
    Availability.DRAIN: "drained",
}
UNREACHABLE = "unreachable"


def nodes_message(
    nodes: Sequence[Node], tasks: Sequence[Task], own: str, *, wide: str = "/orochi nodes --wide"
) -> Message:
    """The nodes. ``tasks`` are all with desired state running; ``own`` is the bot's node id.

    ``wide`` is the command that shows them as a table.
    """
    names = ShortNames(nodes)
    title = _title(nodes)
    there: dict[str, list[Task]] = {}
    for task in tasks:
        there.setdefault(task.node_id, []).append(task)
    ordered = sorted(nodes, key=lambda node: not _in_trouble(node))
    head = [title, *_skew(nodes, names)]
    small = context(*_small_print(nodes, own, names), f"`{line(wide, 60)}` shows all")
    made = ([*packed([*head, *_lines(ordered, there, names, most)]), small] for most in COUNTS)
    blocks = next((each for each in made if fits(each)), [*packed([title]), small])
    return Message(title, tuple(blocks))


def _title(nodes: Sequence[Node]) -> str:
    ready = sum(node.usable for node in nodes)
    return f"*{plural(len(nodes), 'node')}*, {ready} ready for tasks"


def _lines(
    nodes: Sequence[Node], there: Mapping[str, Sequence[Task]], names: ShortNames, most: int
) -> Iterator[str]:
    forms = {
        node.id: _forms(node, there.get(node.id, ()), line(names.of(node.id), NAME_LENGTH))
        for node in nodes[:most]
    }
    ready = [node.id for node in nodes[:most] if _sign(node) == GOOD]
    same = dict(zip(ready, alike([forms[each] for each in ready]), strict=True))
    yield from (same.get(each) or fitting(*forms[each]) for each in forms)
    left = Counter(_state(node) for node in nodes[most:])
    if left:
        each = ", ".join(f"{count} {state}" for state, count in left.most_common())
        yield f"and {plural(left.total(), 'more node')}: {each}"


def _forms(node: Node, tasks: Sequence[Task], name: str) -> tuple[str, ...]:
    start = f"{_sign(node)} *{name}*"
    count = plural(running_on(node, tasks), "task")
    if node.state is NodeState.DOWN:
        return (joined(start, _state(node), count),) * 3
    cpus, memory = _free(node, tasks)
    return (
        joined(start, _state(node), count, f"{cpus}, {memory} free"),
        joined(start, _state(node), count, f"{memory} free"),
        joined(start, _state(node), count),
    )


def _in_trouble(node: Node) -> bool:
    return node.state is not NodeState.READY or node.manager == UNREACHABLE


def _sign(node: Node) -> str:
    if _in_trouble(node):
        return BAD
    return GOOD if node.usable else LEAVING


def _state(node: Node) -> str:
    """What matters most: ``down``, ``manager unreachable``, ``drained``, ``ready``."""
    if node.state is not NodeState.READY:
        return str(node.state.value)
    if node.manager == UNREACHABLE:
        return "manager unreachable"
    return BUSY.get(node.availability, "ready")


def _free(node: Node, tasks: Sequence[Task]) -> tuple[str, str]:
    free: Resources = free_on(node, tasks)
    return f"{_number(free.nano_cpus / CORE)} CPU", f"{_number(free.memory / GIB)} GiB"


def _number(amount: float) -> str:
    return f"{amount:.0f}" if abs(amount) >= 10 else f"{round(amount, 1):g}"


def _small_print(nodes: Sequence[Node], own: str, names: ShortNames) -> Iterator[str]:
    """The managers, the leader first, and the bot's node."""
    managers = sorted((node for node in nodes if node.manager), key=lambda n: n.manager != "leader")
    named = [
        line(names.of(node.id), NAME_LENGTH) + " (leader)" * (node.manager == "leader")
        for node in managers[:MOST_NAMED]
    ]
    if named:
        more = len(managers) - len(named)
        yield f"Managers: {', '.join(named)}{f' and {more} more' if more else ''}"
    if any(node.id == own for node in nodes):
        yield f"The bot runs on {line(names.of(own), NAME_LENGTH)}"
    yield "Free: not reserved by any task"


def _skew(nodes: Sequence[Node], names: ShortNames) -> list[str]:
    """The engines with another version than most."""
    usual = usual_version(nodes)
    others = [node for node in nodes if node.engine_version not in {"", usual}]
    if not others:
        return []
    named = ", ".join(
        f"{line(names.of(node.id), 40)} {line(node.engine_version, 24)}"
        for node in others[:MOST_NAMED]
    )
    more = f" and {len(others) - MOST_NAMED} more" if len(others) > MOST_NAMED else ""
    return [f"⚠️ Engine versions differ: most have {line(usual, 24)}; {named}{more}"]

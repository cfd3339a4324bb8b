"""A picture of the swarm: nodes are columns, tasks are tiles in them.

With few nodes, columns are wide and each task has two lines; with many nodes, columns are narrow
and in several rows. If a node has more tasks than fit, those of one service in one state share a
tile.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from bot.domain.swarm.health import Alerts
from bot.domain.swarm.model import Availability, Node, NodeState, StackLook
from bot.domain.swarm.task_tiles import TaskStanding, Tile, tiles
from bot.domain.text.figure import Box, Figure, Hatch, Shape, Words
from bot.views.pictures.lettering import fitted, room
from bot.views.pictures.palette import INK, LINE, LOOKS, PALE, PAPER, SERVICES, SHADE
from bot.views.slack.text import plural

MARGIN, GAP = 24, 10
TITLE_HEIGHT, LEGEND_HEIGHT = 62, 34
HEAD_HEIGHT = 46
PLACELESS = Node(id="", hostname="no node yet")
MOST_NODES = 300
"""Full columns that fit on the largest sheet. Further nodes are counted in the title."""


@dataclass(frozen=True, slots=True)
class Measure:
    """The layout: width of a column, height of a tile, maximum tiles and columns."""

    column: int
    tile: int
    tiles: int
    across: int

    @property
    def roomy(self) -> bool:
        """Whether a tile has two lines."""
        return self.tile > 30


ROOMY = Measure(column=176, tile=38, tiles=14, across=6)
DENSE = Measure(column=138, tile=22, tiles=16, across=13)


@dataclass(frozen=True, slots=True)
class NodeColumn:
    """One node with its tiles."""

    node: Node
    tiles: tuple[Tile, ...]


def map_picture(look: StackLook, alerts: Alerts | None = None) -> Figure:
    """The picture of the whole swarm at one look; ``alerts`` as for ``examine``."""
    found = tiles(look, alerts)
    columns = _columns(look.nodes, found)
    few = len(columns) <= 2 * ROOMY.across
    measure = ROOMY if few and _tallest(columns) <= ROOMY.tiles else DENSE
    shown = [_short(column, measure) for column in columns[:MOST_NODES]]
    rows = _rows(shown, measure)
    stripes = _stripes(found)
    summary = map_summary(look.nodes, found)
    width = _width(rows, measure)
    shapes: list[Shape] = _title(summary, look.at, width, len(columns) - len(shown))
    top = float(TITLE_HEIGHT)
    for row in rows:
        height = HEAD_HEIGHT + max(_tallest(row), 1) * (measure.tile + 4) + 8
        for number, column in enumerate(row):
            left = MARGIN + number * (measure.column + GAP)
            shapes += _column(column, left, top, height, (measure, stripes))
        top += height + GAP
    shapes += _legend(width, top)
    total = round(top) + _legend_lines(width) * LEGEND_HEIGHT + MARGIN // 2
    paper = Box(0, 0, width, total, fill=PAPER)
    return Figure(width, total, (paper, *shapes), summary)


def map_summary(nodes: Sequence[Node], found: Sequence[Tile]) -> str:
    """A sentence that describes the picture, also for people who cannot see it."""
    managers = sum(node.role == "manager" for node in nodes)
    odd = [
        (sum(node.state is NodeState.DOWN for node in nodes), "down"),
        (sum(node.availability is Availability.DRAIN for node in nodes), "drained"),
        (sum(node.availability is Availability.PAUSE for node in nodes), "paused"),
    ]
    told = [plural(managers, "manager"), *(f"{count} {word}" for count, word in odd if count)]
    counts = Counter(tile.standing for tile in found)
    states = ", ".join(
        f"{counts[each]} {LOOKS[each].word}" for each in TaskStanding if counts[each]
    )
    tasks = f"{plural(len(found), 'task')}: {states}" if found else "no tasks"
    return f"{plural(len(nodes), 'node')} ({', '.join(told)}), {tasks}"


def _columns(nodes: Sequence[Node], found: Iterable[Tile]) -> list[NodeColumn]:
    on: dict[str, list[Tile]] = {}
    for tile in found:
        on.setdefault(tile.node_id, []).append(tile)
    ordered = sorted(nodes, key=lambda node: (node.role != "manager", node.hostname, node.id))
    gone = [Node(id=each, hostname="left the swarm") for each in on if each]
    known = {node.id for node in nodes}
    ordered += [node for node in gone if node.id not in known]
    columns = [NodeColumn(node, tuple(on.get(node.id, ()))) for node in ordered]
    return [*columns, NodeColumn(PLACELESS, tuple(on[""]))] if "" in on else columns


def _tallest(columns: Iterable[NodeColumn]) -> int:
    return max((len(column.tiles) for column in columns), default=0)


def _short(column: NodeColumn, measure: Measure) -> NodeColumn:
    """The column cut to fit: first one tile for each service and state, then a count."""
    if len(column.tiles) <= measure.tiles:
        return column
    groups: dict[tuple[str, TaskStanding], list[Tile]] = {}
    for tile in column.tiles:
        groups.setdefault((tile.service, tile.standing), []).append(tile)
    worst = sorted(groups.values(), key=lambda each: list(TaskStanding).index(each[0].standing))
    joined = [_joined(each) for each in worst]
    if len(joined) > measure.tiles:
        rest = sum(len(each) for each in worst[measure.tiles - 1 :])
        more = Tile(
            column.node.id, "", f"and {rest} more", TaskStanding.STOPPING, "of other services"
        )
        joined = [*joined[: measure.tiles - 1], more]
    return NodeColumn(column.node, tuple(joined))


def _joined(group: Sequence[Tile]) -> Tile:
    if len(group) == 1:
        return group[0]
    name = group[0].label.rpartition(".")[0] or group[0].label
    return replace(group[0], label=f"{len(group)} x {name}")


def _rows(columns: Sequence[NodeColumn], measure: Measure) -> list[list[NodeColumn]]:
    """Rows of about equal length."""
    count = max(-(-len(columns) // measure.across), 1)
    across = max(-(-len(columns) // count), 1)
    return [list(columns[start : start + across]) for start in range(0, len(columns), across)]


def _width(rows: Sequence[Sequence[NodeColumn]], measure: Measure) -> int:
    across = max((len(row) for row in rows), default=1)
    return max(2 * MARGIN + across * (measure.column + GAP) - GAP, 620)


def _stripes(found: Iterable[Tile]) -> dict[str, str]:
    names = sorted({tile.service for tile in found})
    return {name: SERVICES[number % len(SERVICES)] for number, name in enumerate(names)}


def _title(summary: str, at: float, width: int, left_out: int) -> list[Shape]:
    head, _, tail = summary.partition("), ")
    more = f" · {plural(left_out, 'node')} not shown" if left_out > 0 else ""
    when = f" · {_time(at)}"
    most = width - 2 * MARGIN
    title = fitted(f"{head})", 18, most, bold=True)
    under = fitted(f"{tail}{more}{when}", 13, most)
    return [
        Words(MARGIN, 22, title, 18, INK, bold=True),
        Words(MARGIN, 45, under, 13, PALE),
    ]


def _time(at: float) -> str:
    if not 0 < at < 32503680000:
        return "at an unknown time"
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _column(
    column: NodeColumn,
    left: float,
    top: float,
    height: float,
    look: tuple[Measure, dict[str, str]],
) -> list[Shape]:
    node, (measure, stripes) = column.node, look
    fill, hatch, dashed = _area(node)
    shapes: list[Shape] = [
        Box(left, top, measure.column, height, fill, LINE, hatch=hatch, dashed=dashed),
        *_head(column, left, top, measure),
    ]
    below = top + HEAD_HEIGHT + 6
    for tile in column.tiles:
        shapes += _tile(tile, left + 6, below, measure, stripes.get(tile.service, LINE))
        below += measure.tile + 4
    return shapes


def _area(node: Node) -> tuple[str, Hatch, bool]:
    """Fill, hatch, and whether the border is dashed."""
    if node.state is NodeState.DOWN:
        return "#f7ece6", "lines", False
    if node.availability is Availability.DRAIN:
        return SHADE, "dots", True
    return (PAPER, "", True) if node is PLACELESS else (SHADE, "", False)


def _head(column: NodeColumn, left: float, top: float, measure: Measure) -> list[Shape]:
    node = column.node
    manager = node.role == "manager"
    fill = "#1f3a5f" if manager else "#dde4ec"
    ink, pale = (PAPER, "#d3deea") if manager else (INK, PALE)
    if node is PLACELESS:
        fill, ink, pale = PAPER, INK, PALE
    most = measure.column - 16
    size = 13 if measure.roomy else 11
    name = fitted(node.hostname, size, most, bold=True, tail=5)
    under = fitted(_about(node), 11, most)
    return [
        Box(left, top, measure.column, HEAD_HEIGHT, fill, LINE, dashed=node is PLACELESS),
        Words(left + 8, top + 15, name, size, ink, bold=True),
        Words(left + 8, top + 33, under, 11, pale),
    ]


def _about(node: Node) -> str:
    if node is PLACELESS:
        return "tasks without a place"
    words = []
    if node.state is not NodeState.READY:
        words.append(node.state.value.upper())
    if node.availability is Availability.DRAIN:
        words.append("DRAINED")
    if node.availability is Availability.PAUSE:
        words.append("PAUSED")
    role = {"leader": "★ leader"}.get(node.manager, "☆ manager")
    words.append(role if node.role == "manager" else "worker")
    if node.manager == "unreachable":
        words.append("unreachable")
    return " · ".join(words)


def _tile(tile: Tile, left: float, top: float, measure: Measure, stripe: str) -> list[Shape]:
    look = LOOKS[tile.standing]
    width = measure.column - 12
    bold = tile.standing is TaskStanding.FAILED
    middle = top + (13 if measure.roomy else measure.tile / 2)
    size = 13 if measure.roomy else 11
    dot = tile.label.rfind(".")
    tail = len(tile.label) - dot if dot > 0 and len(tile.label) - dot < 6 else 0
    name = fitted(tile.label, size, width - 30, bold=bold, tail=tail)
    shapes: list[Shape] = [
        Box(left, top, width, measure.tile, look.fill, look.edge),
        Box(left, top, 5, measure.tile, stripe),
        Words(left + 11, middle, look.sign, size, INK),
        Words(left + 26, middle, name, size, INK, bold),
    ]
    if measure.roomy:
        word = fitted(tile.word, 11, width - 32)
        shapes.append(Words(left + 26, top + 28, word, 11, INK))
    return shapes


def _entries() -> list[tuple[str, float]]:
    return [(each.word, 44 + room(each.word, 12)) for each in LOOKS.values()]


def _legend_lines(width: int) -> int:
    lines, used = 1, 0.0
    for _, wide in _entries():
        if used + wide > width - 2 * MARGIN:
            lines, used = lines + 1, 0.0
        used += wide
    return lines


def _legend(width: int, top: float) -> list[Shape]:
    shapes: list[Shape] = []
    left, middle = float(MARGIN), top + LEGEND_HEIGHT / 2
    for look, (word, wide) in zip(LOOKS.values(), _entries(), strict=True):
        if left + wide > width - MARGIN:
            left, middle = float(MARGIN), middle + LEGEND_HEIGHT
        shapes += [
            Box(left, middle - 9, 18, 18, look.fill, look.edge),
            Words(left + 9, middle, look.sign, 11, INK, align="center"),
            Words(left + 24, middle, word, 12, PALE),
        ]
        left += wide
    return shapes

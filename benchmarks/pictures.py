"""Pictures: drawing time, memory, and the delay of the event loop."""

from __future__ import annotations

import asyncio
import os
import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.footprint import resident
from benchmarks.table import Table
from bot.domain.jobs.model import Job, JobState, Target
from bot.domain.jobs.timeline import Moment
from bot.domain.jobs.verdict import Outcome, Verdict
from bot.domain.swarm.model import (
    Availability,
    Mode,
    Node,
    NodeState,
    Service,
    StackLook,
    Task,
    TaskState,
)
from bot.domain.text.figure import Figure
from bot.drawing.pictures import Pictures
from bot.views.pictures.map import map_picture
from bot.views.pictures.timeline import timeline_picture

ROUNDS = 15
FOLDER = os.environ.get("PICTURES", "")
"""A folder in which to keep the pictures; "" to discard them."""
BEAT = 0.001
SERVICES = (
    "orochi_worker01", "orochi_web", "orochi_redis", "monitoring_prometheus", "mail_WWW-gateway",
)  # fmt: skip
STATES = (
    *[TaskState.RUNNING] * 8, TaskState.STARTING, TaskState.PREPARING, TaskState.PENDING,
    TaskState.REJECTED, TaskState.FAILED,
)  # fmt: skip
COURSE = ("ready", "preparing", "starting", "running", "failed", "ready", "running")

Draw = Callable[[Figure], Awaitable[bytes]]


@dataclass(frozen=True)
class Drawn:
    """Seconds for each picture, the longest delays of the loop in that time, and MiB."""

    took: list[float]
    waited: list[float]
    memory: float
    content: bytes


async def run() -> list[Table]:
    """Each picture repeatedly, drawn as by the bot; then two at once."""
    drawing = Pictures()
    rows = []
    for name, lay_out in FIGURES.items():
        began = time.perf_counter()
        figure = lay_out()
        laid_out = time.perf_counter() - began
        drawn = await measured(drawing.png, figure)
        rows.append((name, f"{laid_out * 1000:.0f}", *cells(figure, drawn)))
        if FOLDER:
            (Path(FOLDER) / f"{name.partition(',')[0]}.png").write_bytes(drawn.content)

    async def twice(figure: Figure) -> bytes:
        return (await asyncio.gather(drawing.png(figure), drawing.png(figure)))[0]

    large = large_map()
    rows.append(("two large maps at once", "", *cells(large, await measured(twice, large))))
    return [Table("pictures", WORKLOAD, COLUMNS, tuple(rows))]


WORKLOAD = (
    f"{ROUNDS} of each, in a thread beside the loop; how much longer than the {BEAT * 1000:.0f} ms "
    "it asked for a task beside it slept; memory at its most above what was in use before"
)
COLUMNS = (
    "", "laid out ms", "pixels", "shapes", "drawn ms, median", "most", "loop waits ms, median",
    "most", "memory MiB", "PNG KiB",
)  # fmt: skip


def cells(figure: Figure, drawn: Drawn) -> tuple[str, ...]:
    """The numbers of one row."""
    size = f"{figure.width * figure.scale} x {figure.height * figure.scale}"
    times = [f"{fold(values) * 1000:.0f}" for values in (drawn.took, drawn.waited)
             for fold in (statistics.median, max)]  # fmt: skip
    sizes = (f"{drawn.memory:.0f}", f"{len(drawn.content) / 1024:.0f}")
    return (size, str(len(figure.shapes)), *times, *sizes)


async def measured(draw: Draw, figure: Figure, rounds: int = ROUNDS) -> Drawn:
    """Draw a figure repeatedly, while measuring the event loop and this process."""
    took, waited, content = [], [], b""
    before = _reset_peak()
    for _ in range(rounds):
        began = time.perf_counter()
        drawing = asyncio.ensure_future(draw(figure))
        waited.append(await _longest_wait(drawing))
        content = await drawing
        took.append(time.perf_counter() - began)
    return Drawn(took, waited, _peak() - before, content)


async def _longest_wait(drawing: asyncio.Future[bytes]) -> float:
    most = 0.0
    while not drawing.done():
        began = time.perf_counter()
        await asyncio.sleep(BEAT)
        most = max(most, time.perf_counter() - began - BEAT)
    return most


def _reset_peak() -> float:
    """Reset the peak that ``_peak`` returns; returns the memory in use now, in MiB."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return resident(os.getpid())


def _peak() -> float:
    """The peak memory of this process, in MiB."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    (line,) = (each for each in lines if each.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


def large_map() -> Figure:
    """100 nodes with 1,000 tasks, a tile for each."""
    return map_picture(a_swarm(100, 1000))


def small_map() -> Figure:
    """6 nodes with 26 tasks."""
    return map_picture(a_swarm(6, 26))


def timeline() -> Figure:
    """8 slots of two services, of which three failed once."""
    course = [
        Moment(slot % 2, str(slot + 1), state, 101 + slot * 0.4 + step * 2.3 + 3 * (step > 3))
        for slot in range(8)
        for step, state in enumerate(COURSE if slot % 3 == 0 else COURSE[:4])
    ]
    targets = (Target("orochi_web", "s", 8, applied=101.0), Target("orochi_worker01", "t", 8))
    outcomes = (Outcome(Verdict.CRASH_LOOPING, "again"), Outcome(Verdict.CONVERGED, ""))
    figure = timeline_picture(
        Job(
            "abc234", "deploy", "orochi", "deploy orochi", "U1", "C1", 100.0,
            targets=targets, state=JobState.FINISHED, finished=124.0, outcomes=outcomes,
            course=tuple(sorted(course, key=lambda moment: moment.at)),
        )
    )  # fmt: skip
    assert figure is not None
    return figure


def a_swarm(nodes: int, tasks: int) -> StackLook:
    """A swarm with every fifth node down, drained or paused, every fourth task not running."""
    services = tuple(
        Service(f"s{number}", name, 1, Mode.REPLICATED, tasks, stack=name.partition("_")[0])
        for number, name in enumerate(SERVICES)
    )
    made = tuple(
        Task(
            f"t{number}", f"s{number // nodes % len(SERVICES)}", number + 1,
            f"n{number % nodes + 1}", state := STATES[number % len(STATES)],
            TaskState.SHUTDOWN if state.over else TaskState.RUNNING, created=float(number),
        )
        for number in range(tasks)
    )  # fmt: skip
    return StackLook(1.76e9, "", services, made, tuple(map(_node, range(1, nodes + 1))))


def _node(number: int) -> Node:
    odd = number % 7
    return Node(
        f"n{number}",
        f"photon-machine-{number:02}",
        NodeState.DOWN if odd == 5 else NodeState.READY,
        {4: Availability.PAUSE, 6: Availability.DRAIN}.get(odd, Availability.ACTIVE),
        role="manager" if number <= 3 else "worker",
        manager={1: "leader", 2: "reachable", 3: "unreachable"}.get(number, ""),
    )


FIGURES = {
    "map, 100 nodes, 1,000 tiles": large_map,
    "small map, 6 nodes, 26 tiles": small_map,
    "timeline, 8 slots": timeline,
}

"""Changes per second that can be processed: read from messages, and judged by the watcher."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

from benchmarks.table import Table, quantile
from bot.domain.incidents.events import News, ReducerContext, Rules
from bot.domain.incidents.model import WatcherState
from bot.domain.incidents.reducer import reduce
from bot.domain.swarm.model import Task, TaskState
from bot.swarm.event_stream import watch_pb2 as pb
from bot.swarm.event_stream.reading import Reader
from tests.unit.looks import NODES, a_service, a_task, failed
from tests.unit.recordings.event_stream import shop

ROUNDS = 9
REPEATS = 40
SERVICES = 100
SLOTS = 10
CHANGES = 3000
EVERY = 0.05


async def run() -> list[Table]:
    """Recorded messages, and changes of tasks of many services."""
    rows = (
        _row("messages to events", [_read() for _ in range(ROUNDS)]),
        _row("events to incidents, all is well", [_judge(_well()) for _ in range(ROUNDS)]),
        _row("events to incidents, all fail", [_judge(_failing()) for _ in range(ROUNDS)]),
    )
    workload = (
        f"{ROUNDS} rounds each, no I/O: the messages of a recorded swarm {REPEATS} times over; "
        f"{CHANGES} changes of tasks, one each {EVERY:g} s, of {SERVICES} services with {SLOTS} "
        "slots each"
    )
    columns = ("", "median events/s", "least", "most")
    return [Table("feed: changes taken in", workload, columns, rows)]


def _row(name: str, rates: list[float]) -> tuple[str, ...]:
    figures = (quantile(rates, 0.5), min(rates), max(rates))
    return (name, *(f"{figure:,.0f}" for figure in figures))


def _read() -> float:
    """Events per second from bytes to the domain's values."""
    recording = shop()
    raw = [message.SerializeToString() for message in recording.leader]
    events = 0
    began = time.perf_counter()
    for _ in range(REPEATS):
        reader = Reader(recording.first)
        reader.learn(recording.listing)
        for data in raw:
            events += len(reader.read(pb.WatchMessage.FromString(data)).events)
    return events / (time.perf_counter() - began)


def _judge(tasks: Iterator[Task]) -> float:
    """Changes per second through the reducer, one at a time."""
    services = {_service(n): a_service(SLOTS, id=_service(n)) for n in range(SERVICES)}
    living: dict[str, dict[int, Task]] = {service: {} for service in services}
    context = ReducerContext(
        services,
        {node.id: node for node in NODES},
        lambda service: living[service].values(),
        rules=Rules(channel="CALERTS"),
    )
    state = WatcherState()
    began = time.perf_counter()
    for number, task in enumerate(tasks):
        living[task.service_id][task.slot] = task
        state = reduce(state, News((task,), cursor=number), context, number * EVERY).state
    return CHANGES / (time.perf_counter() - began)


def _service(number: int) -> str:
    return f"s{number % SERVICES}"


def _well() -> Iterator[Task]:
    for number in range(CHANGES):
        slot, state = number // SERVICES % SLOTS + 1, TaskState.RUNNING
        task = a_task(f"t{number}", slot, state, since=number * EVERY)
        yield replace(task, service_id=_service(number))


def _failing() -> Iterator[Task]:
    for number in range(CHANGES):
        task = failed(f"t{number}", number // SERVICES % SLOTS + 1, since=number * EVERY)
        yield replace(task, service_id=_service(number), desired=TaskState.RUNNING)

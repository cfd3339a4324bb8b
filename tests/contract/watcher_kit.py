"""A recorded swarm that is replayed for watchers that are killed meanwhile."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Iterable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import cast

from bot.domain.errors import NotFoundError, RegistryError
from bot.domain.incidents.events import Rules
from bot.domain.incidents.model import Incident, WatcherState
from bot.domain.swarm.events import Batch, Listing
from bot.domain.swarm.model import Node, Service, StackLook, Task, TaskState
from bot.domain.swarm.volumes import VolumeMount
from bot.loops.evidence import EvidenceReader
from bot.ports import Manifest, Registry, Swarm
from bot.ports.engine import Volumes
from bot.store.incidents import RedisIncidents
from bot.swarm.differences import events_between
from tests.unit.domain.incidents.watcher import Watcher, show, stack_looks
from tests.unit.looks import BEGAN

CHANNEL = "C0ALERTS01"
RULES = Rules(quiet=1.0, channel=CHANNEL)
UNTIL_REMOVED = {"failures": 300, "failures2": 265}
"""Looks of each recording before its services are removed: a watcher that was away does not know
a removed service any more, so it counts none of its failures."""
HEAL_SECONDS = 1.0
GLANCE_SECONDS = 0.01


@cache
def script() -> tuple[StackLook, ...]:
    """Two recordings at once, as if of one swarm; at the end all that failed is scaled to 0."""
    one, other = (stack_looks(name)[:count] for name, count in UNTIL_REMOVED.items())
    shift = one[0].at - other[0].at
    moved = [_moved(look, shift) for look in other]
    looks = [_merged(look, _last_before(moved, look.at)) for look in one]
    return (*looks, _healed(looks[-1]))


@cache
def expected() -> dict[str, Incident]:
    """The result of an uninterrupted watcher: incidents by id, all of them ended."""
    watcher = Watcher(services={}, nodes={}, rules=RULES)
    before: StackLook | None = None
    for look in script():
        show(watcher, before, look)
        before = look
    assert before is not None
    watcher.wait_until(before.at + 3600.0 - BEGAN)
    assert watcher.open == []
    return watcher.closed


@cache
def counts_at(version: int) -> dict[str, int]:
    """The number of failures of each incident that is open at a version."""
    watcher = Watcher(services={}, nodes={}, rules=RULES)
    before: StackLook | None = None
    for look in script()[: version + 1]:
        show(watcher, before, look)
        before = look
    return {each.id: each.count for each in watcher.open}


@cache
def first_failure() -> int:
    """The version (a look's number) with which the first incident begins."""
    return next(version for version in range(len(script())) if counts_at(version))


async def begin_watching(store: RedisIncidents) -> None:
    """Start the watcher with the script's first look: everything after it is new."""
    token = await store.lead()
    await store.save(token, WatcherState(began=script()[0].at, cursor=0), {})
    await store.stop_leading(token)


class RecordedClock:
    """The time of the recording, ``factor`` times as fast, since the Unix time ``start``."""

    def __init__(self, start: float, factor: float) -> None:
        self._start = start
        self._factor = factor

    def now(self) -> float:
        return script()[0].at + (time.time() - self._start) * self._factor

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self._factor)


class Head:
    """The end of the swarm's log: a number in a file, which only the test writes."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def put(self, version: int) -> None:
        new = self._file.with_suffix(".new")
        new.write_text(str(version))
        new.replace(self._file)

    def get(self) -> int:
        return int(self._file.read_text())


class ScriptStream:
    """Implements ``bot.ports.Stream``: version N is look N, up to the head.

    Resumed from a version it lists the state of that time, and sends all later changes.
    """

    def __init__(self, head: Head) -> None:
        self._head = head

    async def follow(self, cursor: int | None) -> AsyncGenerator[Listing | Batch, None]:
        looks, head = script(), self._head.get()
        told = head if cursor is None else cursor
        yield Listing(looks[head], told, resumed=cursor is not None)
        while True:
            while told < self._head.get():
                told += 1
                yield Batch(events_between(looks[told - 1], looks[told]), told)
            await asyncio.sleep(GLANCE_SECONDS)


class ScriptSwarm:
    """The part of ``bot.ports.Swarm`` that evidence needs."""

    async def service(self, name_or_id: str) -> Service:
        found = (each for each in script()[-1].services if each.id == name_or_id)
        service = next(found, None)
        if service is None:
            raise NotFoundError(f"There is no service {name_or_id}.")
        return service

    async def nodes(self) -> tuple[Node, ...]:
        return script()[-1].nodes

    async def tasks(self) -> tuple[Task, ...]:
        return script()[-1].tasks

    async def last_lines(self, task: Task, lines: int) -> str:
        return f"the last words of {task.id}"

    async def probe_output(self, task: Task) -> str:
        return ""

    async def out_of_memory(self, task: Task) -> bool | None:
        return None


class NoVolumes:
    """No service mounts a volume of the swarm's own."""

    async def mounted(self, stack: str) -> tuple[VolumeMount, ...]:
        """As in ``bot.ports.engine.Volumes``."""
        return ()


class SilentRegistry:
    """A registry that cannot be asked."""

    async def recent(self, image: str) -> Manifest:
        raise RegistryError(f"The registry of {image} did not answer.", kind="pull_failed")


def evidence_of(swarm: object) -> EvidenceReader:
    """Evidence of a swarm without a registry and without volumes of its own."""
    return EvidenceReader(
        cast("Swarm", swarm), cast("Registry", SilentRegistry()), cast("Volumes", NoVolumes())
    )


def _moved(look: StackLook, by: float) -> StackLook:
    tasks = (replace(t, since=t.since + by, created=t.created + by) for t in look.tasks)
    return replace(look, tasks=tuple(tasks), at=look.at + by)


def _last_before(looks: Iterable[StackLook], at: float) -> StackLook:
    *_, last = (look for number, look in enumerate(looks) if number == 0 or look.at <= at)
    return last


def _merged(one: StackLook, other: StackLook) -> StackLook:
    return replace(one, services=(*one.services, *other.services), tasks=(*one.tasks, *other.tasks))


def _healed(look: StackLook) -> StackLook:
    """A look where replicated services have 0 replicas and global ones run everywhere."""
    services = tuple(
        replace(
            service,
            version=service.version + 1,
            monitor=0.5,
            replicas=None if service.mode.is_global else 0,
        )
        for service in look.services
    )
    tasks = tuple(_running(look))
    return replace(look, services=services, tasks=tasks, at=look.at + HEAL_SECONDS)


def _running(look: StackLook) -> Iterable[Task]:
    for service in look.services:
        if service.mode.is_global:
            model = next(task for task in look.tasks if task.service_id == service.id)
            for node in look.nodes:
                yield replace(
                    model,
                    id=f"well-{service.name}-{node.id}",
                    node_id=node.id,
                    state=TaskState.RUNNING,
                    desired=TaskState.RUNNING,
                    err="",
                    exit_code=None,
                    since=look.at,
                )

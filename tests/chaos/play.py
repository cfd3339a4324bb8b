"""Performs a schedule on a stage and collects what it left behind."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from playground.slack import BOT_USER_ID, Message
from tests.chaos.invariants import violations
from tests.chaos.recorded import Recorded, Violation
from tests.chaos.schedule import Action, Event, Fault, Schedule, draw
from tests.chaos.stage import WATCH_SECONDS, Stage, a_stage


@dataclass(frozen=True, slots=True)
class Played:
    """A run: its record and what was wrong with it. ``logs`` are those of the bots."""

    schedule: Schedule
    recorded: Recorded
    violations: tuple[Violation, ...]
    logs: Mapping[str, tuple[str, ...]]
    seconds: float
    began: float


async def play(seed: int) -> Played:
    """Run one seed."""
    schedule, began = draw(seed), time.monotonic()
    async with a_stage(seed, schedule.replicas) as stage:
        start = time.time()
        await _perform(stage, schedule.events)
        stage.heal()
        unsettled = await stage.settled()
        if unsettled:
            await asyncio.gather(*(each.write_stacks() for each in stage.replicas))
        recorded = await _collected(stage, unsettled)
        await stage.end_bots()
        recorded = replace(
            recorded,
            names=await stage.books.names(),
            unforgotten=sum(each.unforgotten for each in stage.replicas),
            exits=tuple(code for each in stage.replicas for code in each.exits),
            redis_killed=any(each.what is Fault.REDIS_KILLED for each in schedule.events),
        )
        logs = {f"bot {each.number}": tuple(each.lines) for each in stage.replicas}
    seconds = time.monotonic() - began
    return Played(schedule, recorded, violations(recorded), logs, seconds, start)


async def _perform(stage: Stage, events: Iterable[Event]) -> None:
    """Let every event happen at its time, and wait until all of them are over."""
    start = time.monotonic()
    async with asyncio.TaskGroup() as group:
        for event in events:
            await asyncio.sleep(max(0.0, start + event.at - time.monotonic()))
            group.create_task(_happen(stage, event))


async def _happen(stage: Stage, event: Event) -> None:
    if isinstance(event.what, Fault):
        await stage.disturb(event)
    elif event.what is Action.FAIL:
        stage.fail(event)
    else:
        await stage.people.do(event)


async def _collected(stage: Stage, unsettled: tuple[str, ...]) -> Recorded:
    workspace, books = stage.slack.workspace, stage.books
    order, ends = await books.history()
    return Recorded(
        asked=tuple(stage.people.asked),
        messages=(*workspace.messages.values(), *_deleted(stage)),
        whispers=tuple(workspace.ephemerals),
        archived=frozenset(c.id for c in workspace.channels.values() if c.is_archived),
        direct={
            each.id: next(iter(each.members - {BOT_USER_ID}), "")
            for each in workspace.channels.values()
            if each.is_direct
        },
        accepted=await books.accepted(),
        jobs=await books.jobs(),
        order=order,
        ends=ends,
        updates=tuple(stage.swarm.requests.updates),
        services=stage.swarm.services(),
        nodes=stage.swarm.nodes(),
        failures=tuple(stage.swarm.failures),
        incidents=await books.incidents(),
        lasting=await books.lasting(),
        unsettled=unsettled,
        watch_seconds=WATCH_SECONDS,
    )


def _deleted(stage: Stage) -> list[Message]:
    changes = stage.slack.workspace.changes
    return [each.message for each in changes if each.kind == "deleted" and each.message]

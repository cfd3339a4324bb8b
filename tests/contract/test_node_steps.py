"""What a job on a node notes before it changes anything, with a real store."""

from __future__ import annotations

import time
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from bot.domain.jobs.model import NODE, Target
from bot.domain.swarm.model import Availability, StackLook
from bot.jobs.context import Context
from bot.loops.job_lease import JobLease
from bot.loops.lease import Lease
from bot.ports import Chat
from bot.runtime.clock import SystemClock
from bot.store.jobs import RedisJobs
from handlers.drain import ActivateHandler
from tests.contract.job_kit import a_job, taken
from tests.unit.looks import NODES

CLOCK = SystemClock()


class _Swarm:
    """A swarm with one node; ``writes`` counts the changes that were asked for."""

    def __init__(self, availability: Availability) -> None:
        node = replace(NODES[0], availability=availability)
        self.look = StackLook(CLOCK.now(), "", (), (), (node,))
        self.writes = 0

    async def stack_look(self, _stack: str) -> StackLook:
        return self.look

    async def set_availability(self, *_args: object, **_names: object) -> bool:
        self.writes += 1
        return True


@pytest.mark.parametrize("availability", [Availability.ACTIVE, Availability.DRAIN])
async def test_a_node_that_is_as_wanted_is_no_change_whoever_goes_on(
    jobs: RedisJobs, availability: Availability
):
    """Noted with the first look: a worker that takes the job over has nothing to doubt."""
    swarm, changes = _Swarm(availability), availability is not Availability.ACTIVE
    target = Target(f"{NODE}{NODES[0].hostname}", NODES[0].id, 0)
    job = replace(a_job("web"), action="activate", targets=(target,))
    await jobs.submit(job)
    authority = Lease(time.monotonic() + 5)
    lease = JobLease(
        jobs, cast("Chat", SimpleNamespace()), await taken(jobs), job, CLOCK, authority=authority
    )
    chat = SimpleNamespace(show=lambda *_args, **_names: None)
    ctx: Any = SimpleNamespace(
        swarm=swarm, nodes=swarm, clock=CLOCK, chat=chat, command="/orochi", stack_in=str
    )
    await ActivateHandler(cast("Context", ctx)).job._change(lease, swarm.look)

    assert lease.job.targets[0].applied is not None
    assert lease.job.targets[0].changed is changes
    assert swarm.writes == int(changes)

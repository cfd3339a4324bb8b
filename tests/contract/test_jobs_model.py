"""Lanes against a simple model: after any operations the store behaves like the model."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, field

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.domain.jobs.model import Job, JobState
from bot.ports import CancelResult, LeaseToken
from bot.store.jobs import RedisJobs
from tests.contract.job_kit import a_job, finish, replica
from tests.lab.redis import RedisServer

LANES = st.lists(st.sampled_from("abcd"), min_size=1, max_size=3, unique=True)
WHICH = st.integers(0, 20)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("submit"), LANES),
        st.tuples(st.just("take"), st.none()),
        st.tuples(st.just("finish"), WHICH),
        st.tuples(st.just("release"), WHICH),
        st.tuples(st.just("cancel"), WHICH),
    ),
    max_size=40,
)


@dataclass
class Model:
    """The rule of lanes: a job may run when no earlier unfinished job shares a lane."""

    waiting: list[Job] = field(default_factory=list)
    held: dict[str, LeaseToken] = field(default_factory=dict)
    ended: set[str] = field(default_factory=set)

    def open_jobs(self) -> list[Job]:
        return [job for job in self.waiting if job.id not in self.ended]

    def ahead(self, job: Job) -> list[str]:
        earlier = self.open_jobs()
        earlier = earlier[: earlier.index(job)]
        return [each.id for each in earlier if set(each.lanes) & set(job.lanes)]

    def ready(self) -> set[str]:
        free = [job for job in self.open_jobs() if job.id not in self.held]
        return {job.id for job in free if not self.ahead(job)}


@dataclass
class Play:
    """Runs steps on the store and on the model, and compares."""

    jobs: RedisJobs
    model: Model = field(default_factory=Model)
    begun: set[str] = field(default_factory=set)

    async def submit(self, lanes: list[str]) -> None:
        job = a_job(*lanes)
        self.model.waiting.append(job)
        assert await self.jobs.submit(job) == len(self.model.ahead(job))

    async def take(self, _: None = None) -> None:
        ready = self.model.ready()
        lease = await self.jobs.take(0)
        assert (lease is None) == (not ready)
        if lease is not None:
            assert lease.job_id in ready
            self.model.held[lease.job_id] = lease
            self.begun.add(lease.job_id)

    async def finish(self, which: int) -> None:
        if (lease := self._held(which)) is not None:
            await finish(self.jobs, lease)
            self.model.ended.add(lease.job_id)

    async def release(self, which: int) -> None:
        if (lease := self._held(which)) is not None:
            await self.jobs.release(lease)

    async def cancel(self, which: int) -> None:
        if not (some := self.model.waiting):
            return
        job_id = some[which % len(some)].id
        result = await self.jobs.cancel(job_id, "U2")
        if job_id in self.model.ended:
            assert result is CancelResult.FINISHED
        elif job_id in self.begun:
            assert result is CancelResult.ASKED
        else:
            assert result is CancelResult.DEQUEUED
            self.model.ended.add(job_id)

    async def drain(self) -> None:
        """Check that all jobs end: nothing is stuck."""
        while self.model.open_jobs():
            while self.model.ready():
                await self.take()
            assert self.model.held
            await self.finish(0)

    async def check(self) -> None:
        active = [job.id for job in self.model.open_jobs()]
        assert [job.id for job in await self.jobs.active()] == active

    def _held(self, which: int) -> LeaseToken | None:
        held = self.model.held
        return held.pop(list(held)[which % len(held)]) if held else None


@given(steps=STEPS)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_the_store_behaves_like_the_model(redis_server: RedisServer, steps):
    """One job per lane, first come first served, several lanes at once, no deadlock."""
    asyncio.run(_play(redis_server.url, steps))


async def _play(url: str, steps) -> None:
    async with replica(url, prefix=f"model-{secrets.token_hex(4)}") as jobs:
        play = Play(jobs)
        for step, argument in steps:
            await getattr(play, step)(argument)
        await play.check()
        await play.drain()
        assert await jobs.take(0) is None
        assert await jobs.active() == ()
        ended = await jobs.recent(100)
        assert {job.id for job in ended} == play.model.ended
        assert {job.state for job in ended} <= {JobState.FINISHED}

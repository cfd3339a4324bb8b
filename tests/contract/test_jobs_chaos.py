"""Workers and Redis are killed repeatedly; every job is done, in order, never two at once."""

from __future__ import annotations

import asyncio
import random
import sys
from asyncio.subprocess import Process
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TypeVar

import pytest

from bot.domain.errors import StoreUnavailableError
from bot.domain.jobs.model import Job, JobState
from bot.domain.jobs.verdict import Verdict
from bot.store.jobs import RedisJobs
from tests.contract.job_kit import a_job, audit_tail, replica
from tests.lab.redis import RedisServer

T = TypeVar("T")

SERVICES = ("web", "worker", "django", "flower")
JOBS = 40
WORKERS = 3
DISTURBANCES = ("worker", "redis", "worker", "worker", "redis", "worker", "redis", "worker")
"""The processes to kill, in order."""
PATIENCE = 120.0
"""Seconds for all jobs to end on a busy machine, chaos included."""


class Crew:
    """Worker processes that are replaced when they are killed."""

    def __init__(self, url: str, folder: Path) -> None:
        self._command = (sys.executable, "-m", "tests.contract.job_worker", url, "work")
        self._folder = folder
        self._members: list[Process] = []

    async def __aenter__(self) -> Crew:
        for _ in range(WORKERS):
            await self._hire()
        return self

    async def __aexit__(self, *_: object) -> None:
        for member in self._members:
            with suppress(ProcessLookupError):
                member.kill()
            await member.wait()

    async def lose_one(self, chance: random.Random) -> None:
        """SIGKILL one worker and start another."""
        member = self._members.pop(chance.randrange(len(self._members)))
        with suppress(ProcessLookupError):
            member.kill()
        await member.wait()
        await self._hire()

    async def _hire(self) -> None:
        member = await asyncio.create_subprocess_exec(*self._command, str(self._folder))
        self._members.append(member)


async def _patiently(call: Callable[[], Awaitable[T]]) -> T:
    while True:
        try:
            return await call()
        except StoreUnavailableError:
            await asyncio.sleep(0.05)


async def _submit_all(jobs: RedisJobs, chance: random.Random) -> list[Job]:
    submitted = []
    for _ in range(JOBS):
        job = a_job(*chance.sample(SERVICES, k=chance.choice((1, 1, 1, 2))))
        await _patiently(partial(jobs.submit, job))
        submitted.append(job)
        await asyncio.sleep(chance.uniform(0, 0.15))
    return submitted


async def _disturb(redis_server: RedisServer, crew: Crew, chance: random.Random) -> None:
    for killed in DISTURBANCES:
        await asyncio.sleep(chance.uniform(0.2, 0.8))
        if killed == "worker":
            await crew.lose_one(chance)
        else:
            redis_server.kill()
            await asyncio.sleep(chance.uniform(0, 0.5))
            redis_server.start()


async def _end_of(jobs: RedisJobs, submitted: list[Job]) -> list[Job]:
    ended: list[Job] = []
    while len(ended) < len(submitted):
        await asyncio.sleep(0.2)
        looked = [await _patiently(partial(jobs.load, job.id)) for job in submitted]
        ended = [job for job in looked if job and job.state is JobState.FINISHED]
    return ended


@pytest.mark.parametrize("seed", [7])
async def test_chaos(fresh_redis: RedisServer, tmp_path: Path, seed: int):
    """SIGKILLed workers and a Redis that is killed three times only cost time."""
    chance = random.Random(seed)
    folder = tmp_path / "work"
    folder.mkdir()
    async with (
        asyncio.timeout(PATIENCE),
        Crew(fresh_redis.url, folder) as crew,
        replica(fresh_redis.url) as jobs,
    ):
        submitted, _ = await asyncio.gather(
            _submit_all(jobs, chance), _disturb(fresh_redis, crew, chance)
        )
        ended = await _end_of(jobs, submitted)
        finished = Counter(
            entry["job"] for entry in await audit_tail(jobs, 10_000) if entry["event"] == "finished"
        )
    assert {job.verdict for job in ended} == {Verdict.CONVERGED}
    log = [line.split() for line in (folder / "log").read_text().splitlines()]
    assert [line for line in log if line[0] in ("clash", "lost")] == []
    assert finished == Counter(job.id for job in submitted)
    assert _order_begun(log, submitted) == _order_submitted(submitted)


def _order_submitted(submitted: list[Job]) -> dict[str, list[str]]:
    lanes: dict[str, list[str]] = defaultdict(list)
    for job in submitted:
        for lane in job.lanes:
            lanes[lane].append(job.id)
    return lanes


def _order_begun(log: list[list[str]], submitted: list[Job]) -> dict[str, list[str]]:
    """The jobs of each lane in the order of their first start."""
    by_id = {job.id: job for job in submitted}
    begun = dict.fromkeys(line[1] for line in log if line[0] == "begin")
    return _order_submitted([by_id[job_id] for job_id in begun])

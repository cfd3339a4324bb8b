"""The speed of the job queue, with a real Redis that uses its append-only file."""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.table import Table, quantile, seconds
from bot.store.jobs import RedisJobs
from tests.contract.job_kit import a_job, finish, replica, taken
from tests.lab.redis import RedisServer

SINGLE = 300
MANY = 2000
AT_ONCE = 20
LOST = 10


async def run() -> list[Table]:
    """Enqueue to start, throughput, and the take-over of a killed worker's jobs."""
    with tempfile.TemporaryDirectory() as folder, RedisServer(Path(folder)) as redis:
        async with replica(redis.url) as jobs, replica(redis.url) as other:
            starts = await _starts(jobs, other)
            throughput = await _throughput(jobs)
            takeovers = await _takeovers(redis.url, jobs)
    return [
        Table(
            "jobs through Redis",
            f"{SINGLE} single jobs to a waiting worker; {MANY} jobs with {AT_ONCE} workers",
            ("", "value"),
            (
                ("enqueue to start, median", f"{quantile(starts, 0.5) * 1000:.1f} ms"),
                ("enqueue to start, p99", f"{quantile(starts, 0.99) * 1000:.1f} ms"),
                ("queued, taken and finished", f"{throughput:.0f} jobs/s"),
            ),
        ),
        Table(
            "take-over",
            f"{LOST} jobs of one SIGKILLed worker, lease 5 s, nothing else in the queue",
            ("", "median s", "least", "most"),
            (("from the kill to the next worker", *seconds(takeovers)),),
        ),
    ]


async def _starts(jobs: RedisJobs, worker: RedisJobs) -> list[float]:
    spent = []
    for number in range(SINGLE):
        waiting = asyncio.create_task(taken(worker))
        await asyncio.sleep(0.005)
        began = time.perf_counter()
        await jobs.submit(a_job(f"service-{number % 10}"))
        lease = await waiting
        spent.append(time.perf_counter() - began)
        await finish(worker, lease)
    return spent


async def _throughput(jobs: RedisJobs) -> float:
    began = time.perf_counter()
    await asyncio.gather(
        *(_queue(jobs, MANY // AT_ONCE, f"service-{each}") for each in range(AT_ONCE)),
        *(_work(jobs, MANY // AT_ONCE) for _ in range(AT_ONCE)),
    )
    return MANY / (time.perf_counter() - began)


async def _queue(jobs: RedisJobs, count: int, service: str) -> None:
    for _ in range(count):
        await jobs.submit(a_job(service))


async def _work(jobs: RedisJobs, count: int) -> None:
    for _ in range(count):
        await finish(jobs, await taken(jobs))


async def _takeovers(url: str, jobs: RedisJobs) -> list[float]:
    for number in range(LOST):
        await jobs.submit(a_job(f"service-{number}"))
    worker = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.contract.job_worker", url, "hold", str(LOST)),
        stdout=asyncio.subprocess.PIPE,
    )
    if worker.stdout is not None:
        await worker.stdout.readline()
    worker.kill()
    began = time.perf_counter()
    spent = []
    for _ in range(LOST):
        lease = await taken(jobs)
        spent.append(time.perf_counter() - began)
        await finish(jobs, lease)
    await worker.wait()
    return spent

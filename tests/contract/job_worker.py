"""A worker process for the tests of the store that kill it.

``job_worker URL hold N`` takes N jobs, prints that and renews their leases until it is killed.

``job_worker URL work FOLDER`` works on jobs: it locks a file for each lane meanwhile, so that the
kernel detects two workers in one lane, and writes each start to ``FOLDER/log``.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import random
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bot.domain.errors import LeaseLostError, StoreUnavailableError
from bot.domain.jobs.model import Job, Turn
from bot.ports import LeaseToken
from bot.store.jobs import RedisJobs
from tests.contract.job_kit import PATIENCE, done, replica, taken

LEASE = 3.0
AT_ONCE = 3


async def hold(jobs: RedisJobs, count: int) -> None:
    """Take ``count`` jobs and never end them."""
    leases = [await taken(jobs) for _ in range(count)]
    sys.stdout.write("holding\n")
    sys.stdout.flush()
    while True:
        for lease in leases:
            await jobs.renew(lease)
        await asyncio.sleep(0.2)


async def work(jobs: RedisJobs, folder: Path) -> None:
    """Work on jobs until killed, even if Redis fails."""
    while True:
        try:
            lease = await jobs.take(PATIENCE)
            if lease is not None:
                await _turn(jobs, lease, folder)
        except (StoreUnavailableError, LeaseLostError):
            await asyncio.sleep(0.05)


async def _turn(jobs: RedisJobs, lease: LeaseToken, folder: Path) -> None:
    job = await jobs.load(lease.job_id)
    if job is None:
        _log(folder, f"lost {lease.job_id}")
        return
    lanes = job.lanes if lease.turn is Turn.RUN else ()
    with _alone(folder, lanes, job):
        if lease.turn is Turn.RUN:
            _log(folder, f"begin {job.id}")
        await _labour(jobs, lease, job)
    job = done(job)
    await jobs.finish(lease, job, probation=lease.turn is Turn.RUN and random.random() < 0.3)


async def _labour(jobs: RedisJobs, lease: LeaseToken, job: Job) -> None:
    """Some steps of work, which continue while Redis is away."""
    for _ in range(random.randint(1, 4)):
        await asyncio.sleep(0.02)
        try:
            await jobs.renew(lease)
            job = await jobs.save(lease, job)
        except StoreUnavailableError:
            continue


@contextmanager
def _alone(folder: Path, lanes: tuple[str, ...], job: Job) -> Iterator[None]:
    with ExitStack() as stack:
        for lane in lanes:
            file = stack.enter_context((folder / f"{lane}.lock").open("w"))
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                _log(folder, f"clash {job.id} in {lane}")
        yield


def _log(folder: Path, line: str) -> None:
    """Append a line in one write: lines of several processes do not mix."""
    log = os.open(folder / "log", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        os.write(log, f"{line}\n".encode())
    finally:
        os.close(log)


async def main(url: str, what: str, more: str) -> None:
    """Run the worker that the command line names."""
    async with replica(url, lease=LEASE) as jobs:
        if what == "hold":
            await hold(jobs, int(more))
        await asyncio.gather(*(work(jobs, Path(more)) for _ in range(AT_ONCE)))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))

"""Replicas of the bot's store on a real Redis."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from bot.store.jobs import RedisJobs
from tests.contract.job_kit import replica
from tests.lab.redis import RedisServer

OpenJobs = Callable[..., Any]


@pytest.fixture
async def open_jobs(redis_server: RedisServer) -> AsyncIterator[OpenJobs]:
    """Opens one more replica on the session's Redis: ``await open_jobs(lease=0.5)``."""
    async with AsyncExitStack() as stack:

        async def opened(**options: Any) -> RedisJobs:
            return await stack.enter_async_context(replica(redis_server.url, **options))

        yield opened


@pytest.fixture
async def jobs(open_jobs: OpenJobs) -> RedisJobs:
    """One replica."""
    found: RedisJobs = await open_jobs()
    return found


@pytest.fixture
async def other(open_jobs: OpenJobs) -> RedisJobs:
    """Another replica."""
    found: RedisJobs = await open_jobs()
    return found

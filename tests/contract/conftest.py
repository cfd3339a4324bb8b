"""Replicas of the bot's store on a real Redis."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from bot.store.jobs import RedisJobs
from tests.conftest import in_ci
from tests.contract.job_kit import replica
from tests.contract.watcher_crew import Nursery
from tests.lab.redis import RedisServer
from tests.lab.shell import find_tool

OpenJobs = Callable[..., Any]
_WITH_THE_CLI = ("test_chaos.py", "test_simulated_swarm.py")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip tests that need the docker CLI for the demo's swarm where it is missing; never in CI."""
    left_out = [item for item in items if item.path.name in _WITH_THE_CLI]
    if left_out and find_tool("docker") is None and not in_ci():
        items[:] = [item for item in items if item not in left_out]
        config.hook.pytest_deselected(items=left_out)


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


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    """The process that watchers are forked from, shared by the session."""
    with Nursery() as made:
        yield made

"""The demo's Redis: the wheel's server behaves like the machine's."""

from __future__ import annotations

from pathlib import Path

from redis.asyncio import Redis

from playground.redis import EmbeddedRedis, find_server
from tests.contract.job_kit import a_job, replica, taken


async def test_the_server_comes_from_the_wheel_and_keeps_its_data(tmp_path: Path) -> None:
    """It is stopped and started again on the same port, with an append-only file."""
    async with EmbeddedRedis(tmp_path, find_server()) as server:
        url = server.url
        async with Redis.from_url(url) as client:
            await client.set("job", "1")
        await server.stop()
        assert not server.running
        await server.start()

        async with Redis.from_url(server.url) as client:
            assert server.url == url
            assert await client.get("job") == b"1"
            assert (await client.info("server"))["server_name"] == "valkey"


async def test_two_servers_run_side_by_side(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    other.mkdir()

    async with EmbeddedRedis(one) as first, EmbeddedRedis(other) as second:
        assert first.url != second.url


async def test_the_bots_store_works_on_it(tmp_path: Path) -> None:
    """The store needs scripts and streams, which an imitation of Redis does not support."""
    async with EmbeddedRedis(tmp_path) as server, replica(server.url) as jobs:
        job = a_job("service:web")
        await jobs.submit(job)

        assert (await taken(jobs)).job_id == job.id

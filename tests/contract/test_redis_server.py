"""The Redis server for tests is real, durable and can be killed."""

from __future__ import annotations

from pathlib import Path

import pytest
import redis
from redis.asyncio import Redis

from tests.lab.redis import RedisServer


async def test_data_survives_a_crash(fresh_redis: RedisServer) -> None:
    """Written data is there again on the same port after SIGKILL and a new start."""
    async with Redis.from_url(fresh_redis.url) as client:
        await client.set("job", "1")

    fresh_redis.kill()
    fresh_redis.start()

    async with Redis.from_url(fresh_redis.url) as client:
        assert await client.get("job") == b"1"


async def test_a_kill_loses_nothing_that_was_answered(fresh_redis: RedisServer) -> None:
    """No write waits in memory for a slow disk, as those of `everysec` do."""
    async with Redis.from_url(fresh_redis.url) as client:
        assert await client.config_get("appendfsync") == {"appendfsync": "no"}


async def test_a_stopped_server_refuses_connections(fresh_redis: RedisServer) -> None:
    fresh_redis.stop()

    async with Redis.from_url(fresh_redis.url, retry=None) as client:
        with pytest.raises(redis.ConnectionError):
            await client.execute_command("PING")


async def test_a_frozen_server_does_not_answer_until_it_resumes(fresh_redis: RedisServer) -> None:
    fresh_redis.freeze()
    async with Redis.from_url(fresh_redis.url, socket_timeout=0.2, retry=None) as client:
        with pytest.raises(redis.TimeoutError):
            await client.execute_command("PING")

    fresh_redis.thaw()
    async with Redis.from_url(fresh_redis.url) as client:
        assert await client.execute_command("PING")


async def test_a_password_is_required(tmp_path: Path) -> None:
    with RedisServer(tmp_path, password="right") as server:
        async with Redis.from_url(server.url.replace("right", "wrong")) as client:
            with pytest.raises(redis.AuthenticationError):
                await client.execute_command("PING")
        async with Redis.from_url(server.url) as client:
            assert await client.execute_command("PING")


@pytest.mark.parametrize("key", ["first", "second"])
async def test_the_shared_server_is_empty_for_every_test(
    redis_server: RedisServer, key: str
) -> None:
    async with Redis.from_url(redis_server.url) as client:
        await client.set(key, "1")

        assert await client.keys("*") == [key.encode()]

"""What was told of newer images is kept on a real Redis, for as long as its service exists."""

from __future__ import annotations

from contextlib import AsyncExitStack

from bot.store.connection import RedisLink
from bot.store.image_notices import RedisImageNotices
from tests.lab.redis import RedisServer


async def test_what_one_replica_told_all_replicas_know(redis_server: RedisServer):
    async with AsyncExitStack() as ending:
        links = RedisLink(redis_server.url), RedisLink(redis_server.url)
        for link in links:
            ending.push_async_callback(link.aclose)
        one, other = map(RedisImageNotices, links)
        for service, digest in (("web", "d1"), ("web", "d1"), ("web", "d2"), ("gone", "d1")):
            await one.note(service, digest)

        assert await other.told() == {("web", "d1"), ("web", "d2"), ("gone", "d1")}

        await other.forget({"gone"})

        assert await one.told() == {("web", "d1"), ("web", "d2")}

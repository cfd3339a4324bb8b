"""What is in Redis, read directly, past the ways that can be cut."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import Any, TypeVar

from redis.asyncio import Redis

from bot.domain.errors import StoreUnavailableError
from bot.domain.incidents.model import Incident
from bot.domain.jobs.model import Job
from bot.store.connection import RedisLink
from bot.store.incidents import RedisIncidents
from bot.store.jobs import RedisJobs
from bot.store.keys import Keys, StoreLimits
from tests.chaos.recorded import Failure

_FULL = "100kb"
"""Less than an empty Redis uses."""
_MANY = 1000
_TRIES = 10

T = TypeVar("T")


class Books:
    """The records of the bots on the stage."""

    def __init__(self, url: str) -> None:
        self._redis: Any = Redis.from_url(url, decode_responses=True, protocol=2)
        self._link = RedisLink(url)
        self._jobs = RedisJobs(self._link)
        self._incidents = RedisIncidents(self._link)
        self._keys = Keys()

    async def close(self) -> None:
        """Close the connections."""
        await self._link.aclose()
        await self._redis.aclose()

    async def fill(self) -> None:
        """Let Redis be full: it refuses every write that may need memory."""
        await self._redis.config_set("maxmemory", _FULL)

    async def empty(self) -> None:
        """Let Redis have room again."""
        await self._redis.config_set("maxmemory", "0")

    async def watching(self) -> bool:
        """Whether a bot has begun to watch the swarm."""
        return (await _patiently(self._incidents.load)).state.began is not None

    async def pending(self, failures: Iterable[Failure]) -> tuple[str, ...]:
        """What is still to be done, in words; to judge these failures belongs to it."""
        prefix = self._keys.prefix
        counts = {
            "jobs": await self._redis.zcard(self._keys.active),
            "turns": await self._redis.xlen(self._keys.ready),
            "deliveries": await self._redis.zcard(f"{prefix}:deliveries"),
            "accepted commands": await self._redis.zcard(f"{prefix}:drafts"),
            "plans": await self._redis.zcard(f"{prefix}:plans"),
        }
        found = [f"{count} {name}" for name, count in counts.items() if count]
        kept = await _patiently(self._incidents.load)
        found += [f"incident {each.id} is open" for each in kept.state.incidents.values()]
        waits = (alert.incident.id for alert in kept.alerts.values() if alert.waits)
        found += [f"alert {each} waits" for each in waits]
        judged = {*kept.state.counted, *kept.state.earlier}
        missed = (each for each in failures if each.task not in judged)
        return (*found, *(f"a failure was not seen: {each.service}" for each in missed))

    async def jobs(self) -> dict[str, Job]:
        """Every job by its id."""
        recent = await _patiently(lambda: self._jobs.recent(_MANY))
        found = (*recent, *await _patiently(self._jobs.active))
        return {job.id: job for job in found}

    async def history(self) -> tuple[tuple[str, ...], Counter[str]]:
        """The ids of jobs in the order in which they were queued, and how often each ended."""
        rows = await self._redis.xrange(self._keys.audit)
        events = [(fields["event"], fields.get("job", "")) for _entry, fields in rows]
        order = tuple(dict.fromkeys(job for event, job in events if event == "submitted"))
        return order, Counter(job for event, job in events if event in {"finished", "cancelled"})

    async def accepted(self) -> dict[str, str]:
        """The ids of accepted commands by Slack's trigger ids."""
        prefix = f"{self._keys.prefix}:seen:"
        keys = [key async for key in self._redis.scan_iter(f"{prefix}*")]
        values = await self._redis.mget(keys) if keys else []
        return {
            key.removeprefix(prefix): value
            for key, value in zip(keys, values, strict=True)
            if value and not key.startswith(f"{prefix}gone:")
        }

    async def incidents(self) -> tuple[Incident, ...]:
        """Every incident: open, or resolved."""
        kept = await _patiently(self._incidents.load)
        past = await _patiently(lambda: self._incidents.past_incidents(_MANY))
        found = {each.id: each for each in past}
        found |= {each.id: each for each in kept.state.incidents.values()}
        return tuple(found.values())

    async def lasting(self) -> dict[str, int]:
        """The keys without an end, with the number of their entries."""
        keys = [key async for key in self._redis.scan_iter("*")]
        return {key: await self._size(key) for key in keys if await self._redis.ttl(key) == -1}

    async def names(self) -> tuple[str, ...]:
        """The replicas that the queue knows, each with the number of its turns."""
        found = await self._redis.xinfo_consumers(self._keys.ready, StoreLimits().workers)
        return tuple(f"{each['name']} with {each['pending']} turns" for each in found)

    async def _size(self, key: str) -> int:
        kind = await self._redis.type(key)
        count = {
            "zset": self._redis.zcard,
            "hash": self._redis.hlen,
            "list": self._redis.llen,
            "stream": self._redis.xlen,
            "set": self._redis.scard,
        }.get(kind)
        return int(await count(key)) if count else 1


async def _patiently(read: Callable[[], Awaitable[T]]) -> T:
    """What the store has: on a busy machine Redis may not answer within the bot's time."""
    for _ in range(_TRIES - 1):
        with suppress(StoreUnavailableError):
            return await read()
    return await read()

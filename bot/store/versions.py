"""The deployed versions of each stack, in Redis.

scripts/            keep_bundle, note_version
keys.py             all keys and their lifetimes
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Final

from pydantic import TypeAdapter
from redis.asyncio import Redis

from bot.domain.deploys.version import Bundle, Version
from bot.domain.errors import LeaseLostError
from bot.ports import LeaseToken
from bot.store.codec import UnreadableRecordError, decode, encode
from bot.store.part import StorePart

log = logging.getLogger(__name__)

_VERSION: Final = TypeAdapter(Version)

Found = tuple[str, float]
"""A version's job and its number."""


def encode_version(version: Version) -> str:
    """The record of a version, without its number and bundle, which are stored separately."""
    return encode("version", _VERSION, replace(version, number=0, bundle=""))


def decode_version(record: str) -> Version:
    """A version from its record. Raises UnreadableRecordError."""
    return decode("version", _VERSION, record)


class RedisVersions(StorePart):
    """Implements ``bot.ports.Versions``. Many replicas may use one Redis."""

    async def note(self, version: Version, *, token: LeaseToken | None = None) -> None:
        """Store the result of a deploy. As in ``bot.ports.Versions``."""
        well = "1" if version.verdict.good and not version.removed else ""
        record = encode_version(version)
        await self._fenced("note_version", token, version.stack, version.job, record, well)

    async def of(self, stack: str) -> tuple[Version, ...]:
        """The versions of a stack, newest first. Unreadable ones are left out."""
        key = self._keys.versions(stack)
        found: list[Found] = await self._link.call(
            lambda redis: redis.zrange(key, 0, -1, desc=True, withscores=True)
        )
        rows = await self._rows([job for job, _ in found])
        versions = (
            _read(record, digest, number)
            for (_, number), (record, digest) in zip(found, rows, strict=True)
        )
        return tuple(version for version in versions if version is not None)

    async def stacks(self) -> tuple[str, ...]:
        """The names of the stacks that have versions."""
        names: set[str] = await self._link.call(lambda redis: redis.smembers(self._keys.stacks))
        return tuple(sorted(names))

    async def keep(self, job: str, bundle: Bundle, *, token: LeaseToken | None = None) -> None:
        """Store a job's bundle. As in ``bot.ports.Versions``."""
        if len(bundle.sealed) > self._limits.bundle_bytes:
            log.warning("the files of deploy %s are not kept: %d bytes", job, len(bundle.sealed))
            return
        await self._fenced("keep_bundle", token, job, bundle.digest, bundle.sealed)

    async def bundle(self, version: Version) -> Bundle | None:
        """The files from which a version was deployed, None if they are not kept."""
        key = self._keys.version(version.job)
        digest, sealed = await self._link.call(lambda redis: redis.hmget(key, "digest", "sealed"))
        return Bundle(digest, sealed) if digest and sealed else None

    async def _fenced(self, script: str, token: LeaseToken | None, *args: str) -> None:
        """Run a script that first checks the lease, if there is one."""
        owner, attempt = (token.owner, token.attempt) if token else ("", "")
        if await self._scripts.run(script, *args, owner, attempt) is None:
            raise LeaseLostError("Another replica works on this deploy now.")

    async def _rows(self, jobs: list[str]) -> list[list[str | None]]:
        async def look(redis: Redis) -> list[list[str | None]]:
            async with redis.pipeline(transaction=False) as pipe:
                for job in jobs:
                    _ = pipe.hmget(self._keys.version(job), ("json", "digest"))
                return await pipe.execute()

        return await self._link.call(look) if jobs else []


def _read(record: str | None, digest: str | None, number: float) -> Version | None:
    if record is None:
        return None
    try:
        version = decode_version(record)
    except UnreadableRecordError as error:
        log.warning("skipping a version: %s", error)
        return None
    return replace(version, number=int(number), bundle=digest or "")

"""Versions of stacks on a real Redis: numbered, limited, and stored with their files."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, closing
from dataclasses import replace
from typing import Any

import pytest
import redis

from bot.domain.deploys.version import Bundle, Version
from bot.domain.jobs.verdict import Verdict
from bot.store.connection import RedisLink
from bot.store.keys import Keys, StoreLimits
from bot.store.versions import RedisVersions, decode_version, encode_version
from tests.lab.redis import RedisServer

KEYS = Keys()
FIRST = Version(
    stack="orochi",
    job="aaaaaa",
    user="U1",
    at=1000.5,
    verdict=Verdict.CONVERGED,
    digest="0f" * 16,
    images={"orochi_web": "lab/busy:1", "orochi_größe": "x"},
    replicas={"orochi_web": 2, "orochi_agent": None},
)
FILES = Bundle("d1", "sealed text")


@pytest.fixture
async def opened(redis_server: RedisServer) -> AsyncIterator[Callable[..., RedisVersions]]:
    """Opens one more replica."""
    async with AsyncExitStack() as stack:

        def one_more(**limits: Any) -> RedisVersions:
            link = RedisLink(redis_server.url)
            stack.push_async_callback(link.aclose)
            return RedisVersions(link, limits=StoreLimits(**limits))

        yield one_more


@pytest.fixture
def store(opened: Callable[..., RedisVersions]) -> RedisVersions:
    return opened()


@pytest.fixture
def raw(redis_server: RedisServer) -> Iterator[Any]:
    with closing(redis.Redis.from_url(redis_server.url, decode_responses=True)) as client:
        yield client


def later(count: int, verdict: Verdict = Verdict.CONVERGED) -> Version:
    return replace(FIRST, job=f"job{count}", at=1000.0 + count, verdict=verdict)


async def numbers(store: RedisVersions) -> list[int]:
    return [version.number for version in await store.of("orochi")]


async def test_versions_are_listed_newest_first_with_their_numbers(
    opened: Callable[..., RedisVersions],
):
    """Any replica reads what any other wrote; each stack has its own numbers."""
    one, other = opened(), opened()
    await one.note(FIRST)
    await other.note(later(1, Verdict.CRASH_LOOPING))
    await one.note(replace(FIRST, stack="portainer", job="bbbbbb"))

    assert await other.of("orochi") == (
        replace(later(1, Verdict.CRASH_LOOPING), number=2),
        replace(FIRST, number=1),
    )
    assert await one.of("nowhere") == ()
    assert await other.stacks() == ("orochi", "portainer")


async def test_a_version_that_is_saved_again_keeps_its_number(store: RedisVersions):
    await store.note(FIRST)
    await store.note(later(1))
    await store.note(replace(FIRST, verdict=Verdict.FAILED))

    newest, oldest = await store.of("orochi")
    assert (newest.number, oldest.number) == (2, 1)
    assert oldest.verdict is Verdict.FAILED


async def test_the_oldest_are_deleted_with_their_files(
    opened: Callable[..., RedisVersions], raw: Any
):
    store = opened(version_count=3)
    for count in range(5):
        await store.keep(f"job{count}", FILES)
        await store.note(later(count))

    assert await numbers(store) == [5, 4, 3]
    assert not raw.exists(KEYS.version("job0"), KEYS.version("job1"))
    assert await store.bundle(later(4)) == FILES


async def test_the_last_good_version_is_kept_after_any_number_of_bad_ones(
    opened: Callable[..., RedisVersions],
):
    store = opened(version_count=3)
    await store.note(later(1))
    for count in range(2, 9):
        await store.note(later(count, Verdict.FAILED))
    assert await numbers(store) == [8, 7, 1]

    await store.note(later(9))
    assert await numbers(store) == [9, 8, 7]


async def test_a_removal_does_not_count_as_the_last_good_version(
    opened: Callable[..., RedisVersions],
):
    """It has no files to go back to: those of the deploy before it are kept."""
    store = opened(version_count=3, bundles_bytes=2 * len(FILES.sealed))
    await store.keep(FIRST.job, FILES)
    await store.note(FIRST)
    await store.note(replace(later(1), removed=True, images={}))
    for count in range(2, 6):
        await store.keep(f"job{count}", FILES)
        await store.note(later(count, Verdict.CRASH_LOOPING))

    kept = await store.of("orochi")

    assert kept[-1] == replace(FIRST, number=1, bundle="d1")
    assert len(kept) == 3


async def test_files_are_kept_as_long_as_their_version(store: RedisVersions, raw: Any):
    await store.keep("aaaaaa", FILES)
    assert 0 < raw.ttl(KEYS.version("aaaaaa")) <= StoreLimits().bundle_seconds

    await store.note(FIRST)
    await store.keep("aaaaaa", Bundle("d2", "later"))

    assert raw.ttl(KEYS.version("aaaaaa")) == -1
    (version,) = await store.of("orochi")
    assert version.bundle == "d2"
    assert await store.bundle(version) == Bundle("d2", "later")


async def test_a_version_without_files_is_marked(store: RedisVersions):
    await store.note(FIRST)
    (version,) = await store.of("orochi")
    assert version.bundle == ""
    assert await store.bundle(version) is None


async def test_a_damaged_record_hides_no_other(store: RedisVersions, raw: Any):
    await store.note(FIRST)
    await store.note(later(1))
    raw.hset(KEYS.version("aaaaaa"), "json", '{"v": 2}')

    assert await numbers(store) == [2]


def test_a_record_written_today_is_readable_tomorrow():
    assert decode_version(encode_version(FIRST)) == FIRST
    assert encode_version(replace(FIRST, images={}, replicas={}, number=3, bundle="x")) == (
        '{"v":1,"version":{"stack":"orochi","job":"aaaaaa","user":"U1","at":1000.5,'
        '"verdict":"converged","digest":"0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f","images":{},'
        '"replicas":{},"number":0,"bundle":"","before":{},"files":[],"removed":false}}'
    )


async def test_versions_survive_a_restart_of_redis(
    opened: Callable[..., RedisVersions], redis_server: RedisServer
):
    store = opened()
    await store.keep("aaaaaa", FILES)
    await store.note(FIRST)
    redis_server.kill()
    redis_server.start()

    (version,) = await opened().of("orochi")
    assert version == replace(FIRST, number=1, bundle="d1")


async def test_the_files_of_all_versions_have_a_total_bound(
    opened: Callable[..., RedisVersions],
):
    """The oldest go first, but each stack keeps those of its last good version."""
    store = opened(bundle_bytes=500, bundles_bytes=1000)
    for number, verdict in enumerate((Verdict.CONVERGED, *[Verdict.FAILED] * 3)):
        version = later(number, verdict)
        await store.keep(version.job, Bundle(f"d{number}", "x" * 400))
        await store.note(version)
    kept = [each.job for each in await store.of("orochi") if await store.bundle(each)]
    await store.keep("large", Bundle("d", "x" * 501))

    assert kept == ["job3", "job0"]
    assert await store.bundle(replace(FIRST, job="large")) is None

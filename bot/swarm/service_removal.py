"""Removes a service so that its tasks end on every engine."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

from bot.domain.errors import NotFoundError, SwarmError
from bot.ports import Still
from bot.swarm import specs
from bot.swarm.connection import Connection

_ENDS_JOBS: Final = (1, 43)
"""The API version of Docker 24.0. Older engines let the tasks of a removed job run for ever
(https://github.com/moby/swarmkit/pull/3112)."""
_ENDED: Final = frozenset({"complete", "failed", "rejected", "shutdown", "orphaned"})
_PAUSE, _LOOKS = 0.2, 50


async def remove_service(connection: Connection, service_id: str, still: Still | None) -> None:
    """Remove a service, or find it removed. ``still`` as for ``Connection.post``.

    A job on an older engine first gets an iteration without tasks, so that the swarm ends those of
    the present one. Raises SwarmError if it does not order that within ten seconds.
    """
    if _version(await connection.api_version()) < _ENDS_JOBS:
        with suppress(NotFoundError):
            await _end_job(connection, service_id, still)
    await connection.remove(f"/services/{service_id}", still)


async def _end_job(connection: Connection, service_id: str, still: Still | None) -> None:
    raw = await connection.get(f"/services/{service_id}")
    if not specs.is_job(raw["Spec"]) or not await _left_running(connection, service_id):
        return
    version = {"version": int(raw["Version"]["Index"])}
    await connection.post(
        f"/services/{service_id}/update", version, specs.without_tasks(raw["Spec"]), still
    )
    for _ in range(_LOOKS):
        if not await _left_running(connection, service_id):
            return
        await asyncio.sleep(_PAUSE)
    raise SwarmError("The swarm has not told the tasks of the job to stop.")


async def _left_running(connection: Connection, service_id: str) -> bool:
    """Whether a task goes on that the swarm does not stop."""
    tasks = await connection.list("/tasks", {"service": [service_id]})
    return any(
        task["DesiredState"] != "remove" and task["Status"]["State"] not in _ENDED for task in tasks
    )


def _version(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split(".")))

"""Helpers for tests of restarts and roll backs that act on the swarm directly."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from playground.slack import Message
from tests.desk import STACK, Desk, is_job
from tests.lab.waiting import wait_until

VIEWER = "U0BOB00001"
NO_IMAGE = "lab/none:9"
"""An image that does not exist."""


async def tasks(desk: Desk, name: str) -> list[dict[str, Any]]:
    """All tasks of a service of the stack that the swarm still has."""
    return await asyncio.to_thread(
        lambda: desk.lab.client().tasks(filters={"service": [f"{STACK}_{name}"]})
    )


def running(found: list[dict[str, Any]]) -> set[str]:
    """The ids of the tasks that run and should run."""
    return {
        task["ID"]
        for task in found
        if task["DesiredState"] == "running" and task["Status"]["State"] == "running"
    }


def images_of(found: list[dict[str, Any]]) -> set[str]:
    """The images of the tasks that run and should run."""
    ids = running(found)
    return {task["Spec"]["ContainerSpec"]["Image"] for task in found if task["ID"] in ids}


async def raw(desk: Desk, name: str) -> dict[str, Any]:
    """A service of the stack as the engine stores it, without defaults filled in."""
    found: dict[str, Any] = await asyncio.to_thread(
        desk.lab.client().inspect_service, f"{STACK}_{name}"
    )
    return found


async def until(desk: Desk, name: str, state: Callable[[dict[str, Any]], bool]) -> None:
    """Wait until the service's inspected object matches a condition."""

    def reached() -> bool:
        return state(desk.lab.client().inspect_service(f"{STACK}_{name}"))

    await asyncio.to_thread(wait_until, reached, f"another state of {name}", seconds=60)


async def update(desk: Desk, name: str, image: str, *options: str) -> None:
    """Update a service to another image, as another person would."""
    await desk.docker(
        "service", "update", "--detach", "--no-resolve-image", "--image", image, *options,
        f"{STACK}_{name}",
    )  # fmt: skip


async def pause(desk: Desk, name: str) -> None:
    """Update to an image that does not exist, and wait until the swarm has paused the update."""
    await update(
        desk, name, NO_IMAGE, "--update-failure-action", "pause", "--restart-delay", "500ms"
    )
    await until(desk, name, lambda raw: update_state(raw) == "paused")


def update_state(raw: dict[str, Any]) -> str:
    """The state of a service's last update, "" without one."""
    return str((raw.get("UpdateStatus") or {}).get("State", ""))


async def under_way(desk: Desk) -> Message:
    """The message of a job that has started and not finished."""
    return await desk.slack.wait_for_message(
        lambda m: is_job(m) and m.payload["state"] == "running", timeout=20
    )

"""The container image: its size, start time, and memory when idle."""

from __future__ import annotations

import asyncio
from datetime import datetime
from functools import partial

from docker import APIClient

from benchmarks.table import Table, seconds
from playground.slack import SlackEmulator
from tests.lab.builder import provide
from tests.lab.swarm import Lab
from tests.swarm.stack import IMAGE, PROJECT

STARTS = 5
DOCKER = "/var/run/docker.sock"


async def run() -> list[Table]:
    """Several starts in sequence, each with a new container."""
    preload = partial(provide, builds={IMAGE: PROJECT}, archives={})
    with Lab(nodes=1, preload=preload) as lab:
        async with SlackEmulator(host=lab.gateway, enforce_rates=False) as slack:
            settings = {
                "SLACK_BOT_TOKEN": slack.tokens.bot,
                "SLACK_APP_TOKEN": slack.tokens.app,
                "SLACK_API_URL": slack.base_url,
            }
            client = lab.client()
            rounds = [await asyncio.to_thread(_round, client, settings) for _ in range(STARTS)]
        size = client.images(IMAGE)[0]["Size"] / 1e6
    return [
        Table(
            "container",
            f"{STARTS} containers with the stack file's limits, container start to the log line "
            "ready; memory as `docker stats` counts it",
            ("", "median", "least", "most"),
            (
                ("start to ready, s", *seconds([start for start, _ in rounds])),
                ("memory, MiB", *seconds([memory for _, memory in rounds])),
                ("size of the image, MB", f"{size:.0f}", "", ""),
            ),
        )
    ]


def _round(client: APIClient, settings: dict[str, str]) -> tuple[float, float]:
    """The seconds until a container is ready, and its memory then in MiB."""
    container = client.create_container(
        IMAGE,
        environment=settings,
        host_config=client.create_host_config(
            network_mode="host",
            binds=[f"{DOCKER}:{DOCKER}"],
            tmpfs={"/tmp": ""},
            nano_cpus=10**9,
            mem_limit="256m",
            cap_drop=["ALL"],
            read_only=True,
        ),
    )["Id"]
    try:
        client.start(container)
        ready = _ready(client, container)
        began = client.inspect_container(container)["State"]["StartedAt"]
        return (ready - _moment(began)).total_seconds(), _memory(client, container)
    finally:
        client.remove_container(container, force=True)


def _ready(client: APIClient, container: str) -> datetime:
    lines: list[str] = []
    for raw in client.logs(container, stream=True, follow=True, timestamps=True):
        lines.append(raw.decode().rstrip())
        if lines[-1].endswith(" ready"):
            return _moment(lines[-1].split()[0])
    raise RuntimeError("\n".join(lines))


def _memory(client: APIClient, container: str) -> float:
    usage = client.stats(container, stream=False)["memory_stats"]
    pages = usage["stats"]
    cached = pages.get("total_inactive_file", pages.get("inactive_file", 0))  # cgroup v1, v2
    return float(usage["usage"] - cached) / 2**20


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)

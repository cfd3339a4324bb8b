"""The planning of a large stack, compared with the CLI's own deploy of it."""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from benchmarks.table import Table, seconds
from bot.domain.jobs.deploy_plan import Plan
from bot.swarm.stacks.record import DockerStacks
from tests.lab.swarm import Lab

SERVICES = 60
ROUNDS = 10
STACK = "large"


async def run() -> list[Table]:
    """A first deploy, one that changes every service, and one that changes nothing."""
    with tempfile.TemporaryDirectory() as folder, Lab(nodes=3, managers=3) as lab:
        file = Path(folder, f"{STACK}.yml")
        stacks = DockerStacks(folder, b"benchmark", lab.manager.socket, resolve="never")
        _write(file, "1")
        plan, first = await _timed(stacks)
        assert len(plan.steps) == SERVICES + 1
        recording = await stacks.record(STACK)
        for step in recording.plan.steps:
            await stacks.apply(recording, step)
        plan, nothing = await _timed(stacks)
        assert plan.empty
        theirs = [await _elapsed(lambda: _deploy(lab, file)) for _ in range(ROUNDS)]
        _write(file, "2")
        plan, everything = await _timed(stacks)
        assert len(plan.steps) == SERVICES
        await stacks.aclose()
    return [
        Table(
            f"plan of a stack of {SERVICES} services",
            f"{ROUNDS} rounds each, {SERVICES} services with 20 variables each, three-node lab",
            ("", "median s", "least", "most"),
            (
                ("plan: everything is new", *seconds(first)),
                ("plan: every service changes", *seconds(everything)),
                ("plan: nothing changes", *seconds(nothing)),
                ("docker stack deploy --prune, nothing changes", *seconds(theirs)),
            ),
        )
    ]


def _write(file: Path, version: str) -> None:
    """Write a compose file; JSON is valid YAML."""
    services: dict[str, Any] = {
        f"service{number:02}": {
            "image": "lab/busy:1",
            "command": ["/bin/serve"],
            "environment": {f"NAME_{key}": f"value {key} {version}" for key in range(20)},
            "volumes": ["/tmp:/host:ro"],
            "deploy": {"replicas": 0},
        }
        for number in range(SERVICES)
    }
    file.write_text(json.dumps({"version": "3.8", "services": services}), encoding="utf-8")


async def _timed(stacks: DockerStacks) -> tuple[Plan, list[float]]:
    """The plan, and the time of each repetition."""
    plan = (await stacks.record(STACK)).plan
    return plan, [await _elapsed(lambda: stacks.record(STACK)) for _ in range(ROUNDS)]


async def _elapsed(act: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter()
    await act()
    return time.perf_counter() - began


async def _deploy(lab: Lab, file: Path) -> None:
    arguments = ("stack", "deploy", "--prune", "--resolve-image=never", "-c", str(file), STACK)
    await asyncio.to_thread(lab.docker, *arguments)

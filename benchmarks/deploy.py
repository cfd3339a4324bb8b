"""A deploy of eight services, from confirmed to converged.

Compared with ``docker stack deploy --detach=false``. Each round changes the image of every service
of two equal stacks, one deployed by the bot, the other by the docker CLI. The plan is made before,
since the time that a person takes to read it is not measured.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from pathlib import Path

from benchmarks.bench import a_desk
from benchmarks.table import Table, seconds
from tests.desk import Desk
from tests.swarm.deploying import V1, V2, Folder

ROUNDS = 5
SERVICES = 8
TWIN = "twin"
SERVICE = """
  s{number}:
    image: {image}
    command: serve
    stop_grace_period: 1s
    networks: {{default: {{}}}}
    deploy: {{endpoint_mode: dnsrr}}
"""


async def run() -> list[Table]:
    """Alternating rounds on the same lab, the same file, the same monitor period."""
    ours: list[float] = []
    theirs: list[float] = []
    with tempfile.TemporaryDirectory() as path:
        async with a_desk() as desk:
            folder = Folder(desk, Path(path))
            await desk.start_bot(BOT_WATCH_SECONDS="1")
            await folder.deployed(_file(V1))
            await _deploy_twin(desk, folder)
            for number in range(ROUNDS):
                folder.write(_file(V1 if number % 2 else V2))
                ours.append(await _ours(folder))
                theirs.append(await _theirs(desk, folder))
    ratio = statistics.median(ours) / statistics.median(theirs)
    return [
        Table(
            f"deploy of {SERVICES} services: confirmed to converged",
            f"{ROUNDS} rounds each, alternating, another image for all; three-node lab, monitor "
            "period 5 s, docker CLI as installed",
            ("", "median s", "least", "most"),
            (
                ("Confirm of /orochi deploy", *seconds(ours)),
                ("docker stack deploy --detach=false", *seconds(theirs)),
                ("ratio of medians", f"{ratio:.3f}", "", ""),
            ),
        )
    ]


def _file(image: str) -> str:
    services = (SERVICE.format(number=number, image=image) for number in range(1, SERVICES + 1))
    return f'version: "3.8"\nservices:{"".join(services)}'


async def _ours(folder: Folder) -> float:
    message = await folder.plan()
    began = time.perf_counter()
    verdict = await folder.confirmed(message)
    took = time.perf_counter() - began
    assert verdict == "converged", message.shown_text
    return took


async def _theirs(desk: Desk, folder: Folder) -> float:
    began = time.perf_counter()
    await _deploy_twin(desk, folder)
    return time.perf_counter() - began


async def _deploy_twin(desk: Desk, folder: Folder) -> None:
    file = str(folder.path / "orochi.yml")
    await asyncio.to_thread(
        desk.lab.docker,
        *("stack", "deploy", "--detach=false", "--prune", "--resolve-image=changed"),
        *("-c", file, TWIN),
    )

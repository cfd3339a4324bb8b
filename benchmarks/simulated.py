"""A simulated swarm of any size in a separate process, so that its CPU use is not measured.

``python -m benchmarks.simulated NODES TASKS FOLDER`` serves it. It prints the engine's address and
the control socket's path once they are available, and for each service name in its input it lets
one of the service's containers crash.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playground.swarm.engine import SimulatedSwarm
from playground.swarm.furnished import crowded


class Swarm:
    """The simulation process, for its parent.

    ``host`` is in the format of ``DOCKER_HOST``, ``control`` the path of the manager's control
    socket.
    """

    def __init__(self, process: asyncio.subprocess.Process, host: str, control: str) -> None:
        self._process = process
        self.host = host
        self.control = control

    def crash(self, service: str) -> None:
        """Let one of the service's containers end."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{service}\n".encode())


@asynccontextmanager
async def simulated(nodes: int, tasks: int, folder: Path) -> AsyncIterator[Swarm]:
    """A swarm of equal services with ten running tasks each; its sockets are in ``folder``."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.simulated", str(nodes), str(tasks), str(folder),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        host, control = (await process.stdout.readline()).decode().split()
        yield Swarm(process, host, control)
    finally:
        process.kill()
        await process.wait()


async def _serve(nodes: int, tasks: int, folder: Path) -> None:
    lines = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    async with SimulatedSwarm(crowded(nodes, tasks, now=time.time()), folder) as swarm:
        print(swarm.host(), swarm.control_socket(), flush=True)
        while line := await lines.readline():
            swarm.faults.crash_task(line.decode().strip())
            swarm.catch_up()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])))

"""``python -m benchmarks [NAME …]``: run all or the named benchmarks and print tables."""

from __future__ import annotations

import asyncio
import os
import platform
import sys
from collections.abc import Awaitable, Callable, Sequence

from benchmarks import (
    ack,
    alerts,
    container,
    demo,
    deploy,
    feed,
    footprint,
    idle_feed,
    load,
    masking,
    one_off,
    page,
    pictures,
    plan,
    queue,
    scale,
    status,
    throughput,
    update,
)
from benchmarks.table import Table

BENCHMARKS: dict[str, Callable[[], Awaitable[list[Table]]]] = {
    "ack": ack.run,
    "scale": scale.run,
    "update": update.run,
    "run": one_off.run,
    "status": status.run,
    "footprint": footprint.run,
    "container": container.run,
    "queue": queue.run,
    "plan": plan.run,
    "deploy": deploy.run,
    "feed": feed.run,
    "idle-feed": idle_feed.run,
    "throughput": throughput.run,
    "load": load.run,
    "alerts": alerts.run,
    "page": page.run,
    "pictures": pictures.run,
    "masking": masking.run,
    "demo": demo.run,
}


async def main(names: Sequence[str]) -> None:
    """Run and print the benchmarks one after the other."""
    print(f"python -m benchmarks {' '.join(names)}".rstrip())
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.machine()}\n")
    for name in names or BENCHMARKS:
        for table in await BENCHMARKS[name]():
            print(table, flush=True)


if __name__ == "__main__":
    if unknown := set(sys.argv[1:]) - set(BENCHMARKS):
        sys.exit(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}")
    asyncio.run(main(sys.argv[1:]))

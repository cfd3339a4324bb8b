"""``python -m benchmarks [NAME …]``: run all or the named benchmarks and print tables.

``--base REVISION`` is what ``messages`` compares with.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import sys
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

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
    messages,
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
    "messages": messages.run,
}


async def main(names: Sequence[str]) -> None:
    """Run and print the benchmarks one after the other."""
    print(f"python -m benchmarks {' '.join(names)}".rstrip())
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.machine()}\n")
    for name in names or BENCHMARKS:
        for table in await BENCHMARKS[name]():
            print(table, flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--base", default=messages.BASE, metavar="REVISION")
    asked = parser.parse_args()
    if unknown := set(asked.names) - set(BENCHMARKS):
        sys.exit(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}")
    BENCHMARKS["messages"] = partial(messages.run, asked.base)
    asyncio.run(main(asked.names))

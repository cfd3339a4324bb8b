"""An engine that is made up: it answers lists with what real ones would be if they were long.

``python -m benchmarks.simulated SOCKET FOLDER`` serves ``FOLDER/services.json`` and so on until it
is killed, and says ``ready`` before that.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web

Json = dict[str, Any]
SLOTS = 100


@asynccontextmanager
async def simulated(folder: Path, tasks: int, like: dict[str, list[Json]]) -> AsyncIterator[Path]:
    """The socket of an engine with so many tasks, copies of the first real ones in ``like``."""
    count = tasks // SLOTS
    service, task = like["services"][0], like["tasks"][0]
    lists = {
        "services": [{**service, "ID": _id("s", number)} for number in range(count)],
        "tasks": [
            {**task, "ID": _id("t", n), "ServiceID": _id("s", n // SLOTS), "Slot": n % SLOTS + 1}
            for n in range(count * SLOTS)
        ],
        "nodes": like["nodes"],
    }
    for name, found in lists.items():
        (folder / f"{name}.json").write_text(json.dumps(found))
    path = folder / "simulated.sock"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.simulated", str(path), str(folder),
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"ready\n"
        yield path
    finally:
        process.kill()
        await process.wait()


def _id(kind: str, number: int) -> str:
    return f"{kind}{number:024d}"


def _app(folder: Path) -> web.Application:
    lists = {path.stem: path.read_bytes() for path in folder.glob("*.json")}

    async def ping(_: web.Request) -> web.Response:
        return web.Response(text="OK", headers={"Api-Version": "1.41"})

    async def listed(request: web.Request) -> web.Response:
        return web.Response(body=lists[request.match_info["kind"]], content_type="application/json")

    app = web.Application()
    app.add_routes([web.get("/_ping", ping), web.get("/{version}/{kind}", listed)])
    return app


async def _main(argv: Sequence[str]) -> None:
    runner = web.AppRunner(_app(Path(argv[1])))
    await runner.setup()
    await web.UnixSite(runner, argv[0]).start()
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1:]))

"""Runs several seeds side by side, each in a worker process that has loaded all modules."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path

from tests.chaos.recorded import Violation
from tests.chaos.report import Result, line

LONGEST_SECONDS = 600.0
"""A seed that takes longer hangs."""
_LINE = 1 << 22


async def run_seeds(
    seeds: Iterable[int], side_by_side: int, folder: Path, *, tell: Callable[[str], None]
) -> list[Result]:
    """The results of all seeds, in their order; ``tell`` gets a line as soon as each has one."""
    left, results = iter(seeds), []

    async def work() -> None:
        async with _Worker(folder) as worker:
            for seed in left:
                result = await worker.run(seed)
                results.append(result)
                tell(line(result))

    async with asyncio.TaskGroup() as group:
        for _ in range(side_by_side):
            group.create_task(work())
    return sorted(results, key=lambda each: each.seed)


class _Worker:
    """One worker process; it is replaced when a seed hangs or breaks it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> _Worker:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._end()

    async def run(self, seed: int) -> Result:
        process = self._process or await self._start()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{seed}\n".encode())
        try:
            async with asyncio.timeout(LONGEST_SECONDS):
                answer = await process.stdout.readline()
        except TimeoutError:
            await self._end()
            return _broken(seed, f"it took longer than {LONGEST_SECONDS:.0f} s")
        if not answer:
            await self._end()
            return _broken(seed, "its process ended")
        return _result(answer.decode())

    async def _start(self) -> asyncio.subprocess.Process:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.chaos.worker", str(self._folder),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=_LINE,
        )  # fmt: skip
        return self._process

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.returncode is None:
            process.kill()
        await process.wait()


def said(result: Result) -> str:
    """A result as a worker writes it."""
    return json.dumps(asdict(result))


def _result(text: str) -> Result:
    found = json.loads(text)
    violations = tuple(Violation(**each) for each in found.pop("violations"))
    return Result(**found, violations=violations)


def _broken(seed: int, why: str) -> Result:
    return Result(seed, 0.0, (Violation("the harness works", f"seed {seed}", why),))

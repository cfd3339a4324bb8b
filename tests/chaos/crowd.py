"""Runs several seeds side by side, in one process that has loaded all modules.

A seed mostly waits for time to pass, so one process serves several, and their bots are forked from
one other: modules are loaded twice in all.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
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
    wanted, results = list(seeds), []
    async for result in _worked(wanted, side_by_side, folder):
        results.append(result)
        tell(line(result))
    left = Counter(wanted) - Counter(each.seed for each in results)
    results += [broken(seed, "its process ended, or it hung") for seed in left.elements()]
    return sorted(results, key=lambda each: each.seed)


async def _worked(seeds: list[int], side_by_side: int, folder: Path) -> AsyncIterator[Result]:
    """The results of a worker process, until it ends or says nothing for too long."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.chaos.worker", str(folder), str(side_by_side),
        *map(str, seeds), stdout=asyncio.subprocess.PIPE, limit=_LINE,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        while True:
            async with asyncio.timeout(2 * LONGEST_SECONDS):
                answer = await process.stdout.readline()
            if not answer:
                return
            yield _result(answer.decode())
    except TimeoutError:
        return
    finally:
        if process.returncode is None and not process.stdout.at_eof():
            process.kill()
        await process.wait()


def said(result: Result) -> str:
    """A result as a worker writes it."""
    return json.dumps(asdict(result))


def broken(seed: int, why: str) -> Result:
    """The result of a seed that the harness could not run."""
    return Result(seed, 0.0, (Violation("the harness works", f"seed {seed}", why),))


def _result(text: str) -> Result:
    found = json.loads(text)
    violations = tuple(Violation(**each) for each in found.pop("violations"))
    return Result(**found, violations=violations)

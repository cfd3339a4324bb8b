"""The worker of the harness: runs seeds side by side, and writes a line with each one's result."""

from __future__ import annotations

import asyncio
import logging
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

from tests.chaos.crowd import LONGEST_SECONDS, broken, said
from tests.chaos.play import play
from tests.chaos.report import Result, result_of, written


async def main(folder: Path, side_by_side: int, seeds: Iterator[int]) -> None:
    """Run all seeds."""
    logging.disable()  # servers of the stage log every connection that was broken on purpose
    async with asyncio.TaskGroup() as group:
        for _ in range(side_by_side):
            group.create_task(_work(folder, seeds))


async def _work(folder: Path, seeds: Iterator[int]) -> None:
    for seed in seeds:
        sys.stdout.write(f"{said(await _run(seed, folder))}\n")
        sys.stdout.flush()


async def _run(seed: int, folder: Path) -> Result:
    try:
        async with asyncio.timeout(LONGEST_SECONDS):
            played = await play(seed)
    except Exception as error:  # noqa: BLE001 - told as the seed's result
        return _failed(seed, folder, error)
    if played.violations:
        written(played, folder)
    return result_of(played)


def _failed(seed: int, folder: Path, error: Exception) -> Result:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"seed-{seed}.txt").write_text("".join(traceback.format_exception(error)))
    return broken(seed, repr(error))


if __name__ == "__main__":
    asyncio.run(
        main(Path(sys.argv[1]), int(sys.argv[2]), iter([int(each) for each in sys.argv[3:]]))
    )

"""A worker of the harness: reads seeds, one a line, and writes a line with each one's result."""

from __future__ import annotations

import asyncio
import logging
import sys
import traceback
from pathlib import Path

from tests.chaos.crowd import said
from tests.chaos.play import play
from tests.chaos.recorded import Violation
from tests.chaos.report import Result, result_of, written


def main(folder: Path) -> None:
    """Run seeds until standard input ends."""
    logging.disable()  # servers of the stage log every connection that was broken on purpose
    for text in sys.stdin:
        sys.stdout.write(f"{said(_run(int(text), folder))}\n")
        sys.stdout.flush()


def _run(seed: int, folder: Path) -> Result:
    try:
        played = asyncio.run(play(seed))
    except Exception as error:  # noqa: BLE001 - told as the seed's result
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"seed-{seed}.txt").write_text(traceback.format_exc())
        return Result(seed, 0.0, (Violation("the harness works", f"seed {seed}", repr(error)),))
    if played.violations:
        written(played, folder)
    return result_of(played)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

"""`python -m tests.chaos`: runs seeds and reports what was wrong."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from tests.chaos.crowd import run_seeds
from tests.chaos.report import replayed, summary
from tests.chaos.schedule import draw

SIDE_BY_SIDE = 6
FOLDER = Path("artefacts", "chaos")


def main(argv: list[str] | None = None) -> int:
    """Run what the command line says; the exit code is 1 after a violation."""
    arguments = _parser().parse_args(argv)
    if arguments.replay is not None and arguments.times == 1:
        return asyncio.run(replayed(arguments.replay, FOLDER))
    seeds = list(range(arguments.first, arguments.first + arguments.seeds))
    if arguments.replay is not None:
        seeds = [arguments.replay] * arguments.times
    results = asyncio.run(run_seeds(seeds, arguments.side_by_side, FOLDER, tell=_say))
    drawn = [draw(seed).drawn for seed in seeds]
    _say(summary(results, drawn))
    return 1 if any(result.violations for result in results) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seeds", type=int, default=25, help="how many seeds")
    parser.add_argument("--from", dest="first", type=int, default=1, help="the first seed")
    parser.add_argument("--replay", type=int, help="one seed, with everything that is known of it")
    parser.add_argument("--times", type=int, default=1, help="how often to replay it")
    parser.add_argument("--side-by-side", type=int, default=SIDE_BY_SIDE, help="seeds at a time")
    return parser


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

"""Whole bots keep their promises while everything around them breaks: see `tests/chaos`."""

from __future__ import annotations

import os
from itertools import count, islice
from pathlib import Path

import pytest

from tests.chaos.crowd import run_seeds
from tests.chaos.report import line
from tests.chaos.schedule import Fault, draw

SEEDS = int(os.environ.get("CHAOS_SEEDS", "6"))
"""As many as take a minute of processor time, nearly five seconds each; CI runs more."""
SIDE_BY_SIDE = 4
LONGEST_PAUSE = 15.0
"""Bots cost processor time as long as they run, so seeds in which Slack wants a longer pause are
left to `make chaos`."""


def is_short(seed: int) -> bool:
    """Whether a seed has no long pause."""
    pauses = (each.seconds for each in draw(seed).events if each.what is Fault.RATE_LIMIT)
    return max(pauses, default=0.0) <= LONGEST_PAUSE


@pytest.mark.timeout(1800)
async def test_every_invariant_holds():
    """`make chaos REPLAY=…` runs a failed seed again; `artefacts/chaos` has what is known of it."""
    told: list[str] = []
    seeds = list(islice(filter(is_short, count(1)), SEEDS))
    results = await run_seeds(seeds, SIDE_BY_SIDE, Path("artefacts", "chaos"), tell=told.append)

    assert [line(result) for result in results if result.violations] == []
    assert len(results) == SEEDS

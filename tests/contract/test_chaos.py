"""Whole bots keep their promises while everything around them breaks: see `tests/chaos`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.crowd import run_seeds
from tests.chaos.report import line

SEEDS = range(1, 16)
"""As many as take about a minute of processor time; a seed mostly waits."""
SIDE_BY_SIDE = 4


@pytest.mark.timeout(1800)
async def test_every_invariant_holds_for_fifteen_seeds():
    """`make chaos REPLAY=…` runs a failed seed again; `artefacts/chaos` has what is known of it."""
    told: list[str] = []
    results = await run_seeds(SEEDS, SIDE_BY_SIDE, Path("artefacts", "chaos"), tell=told.append)

    assert [line(result) for result in results if result.violations] == []
    assert len(results) == len(SEEDS)

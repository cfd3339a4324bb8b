"""The page on convergence agrees with the tables."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.domain.convergence.diagram import diagram, table
from bot.domain.convergence.rule import Phase
from bot.domain.swarm.causes import EXIT_CODES
from tests.unit.recordings import FOLDER

PAGE = (Path(__file__).parents[4] / "docs" / "convergence.md").read_text(encoding="utf-8")


def test_the_diagram_is_drawn_from_the_tables():
    assert f"```mermaid\n{diagram()}```\n" in PAGE


@pytest.mark.parametrize("phase", [Phase.CONVERGING, Phase.PROBATION])
def test_the_rules_are_listed_in_their_order(phase: Phase):
    assert table(phase) in PAGE


def test_every_exit_code_is_listed():
    assert all(f"| {code} | {meaning} |\n" in PAGE for code, meaning in EXIT_CODES.items())


def test_every_recording_that_the_scenarios_name_exists():
    section = PAGE.partition("## The twenty scenarios")[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| ") and line[2].isdigit()]
    tested_by = [row.removesuffix(" |").rpartition(" | ")[2] for row in rows]
    named = {word for cell in tested_by for word in cell.split("`")[1::2]} - {"tests/unit"}

    assert len(rows) == 20
    assert named
    assert named <= {path.name.removesuffix(".json.gz") for path in FOLDER.glob("*.json.gz")}

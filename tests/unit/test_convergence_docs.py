"""The page on convergence says what the tables say."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.domain.case import Phase
from bot.domain.causes import EXIT_CODES
from bot.domain.drawing import diagram, table
from tests.unit.recordings import FOLDER

PAGE = (Path(__file__).parents[2] / "docs" / "convergence.md").read_text(encoding="utf-8")


def test_the_diagram_is_drawn_from_the_tables():
    assert f"```mermaid\n{diagram()}```\n" in PAGE


@pytest.mark.parametrize("phase", [Phase.CONVERGING, Phase.WATCHING])
def test_the_rules_are_listed_as_they_are_asked(phase: Phase):
    assert table(phase) in PAGE


def test_every_exit_code_is_listed():
    assert all(f"| {code} | {meaning} |\n" in PAGE for code, meaning in EXIT_CODES.items())


def test_every_recording_that_the_page_names_exists():
    rows = [line for line in PAGE.splitlines() if line.startswith("| ") and line[2].isdigit()]
    names = {path.name.removesuffix(".json.gz") for path in FOLDER.glob("*.json.gz")}
    named = {word for row in rows for word in row.split("`")[1::2] if word in names}

    assert len(named) >= 15

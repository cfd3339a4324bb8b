"""The page on incidents says what the rules say."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from bot.domain.incidents.events import ALERTS_LABEL, CHANNEL_LABEL, Rules
from bot.domain.incidents.model import IncidentState

PAGE = (Path(__file__).parents[4] / "docs" / "incidents.md").read_text(encoding="utf-8")
SPANS = [each for each in fields(Rules) if each.name not in {"stacks", "channel", "threshold"}]


@pytest.mark.parametrize("field", SPANS, ids=lambda field: field.name)
def test_every_rule_stands_there_with_its_default(field):
    assert f"| `{field.name}` | {field.default:.0f} s | " in PAGE


def test_the_threshold_stands_there():
    assert f"| `threshold` | {Rules().threshold} | " in PAGE


@pytest.mark.parametrize("label", [ALERTS_LABEL, CHANNEL_LABEL])
def test_the_labels_stand_there(label):
    assert f"`{label}=" in PAGE


@pytest.mark.parametrize("state", IncidentState)
def test_every_state_stands_there(state):
    assert f"`{state.value}`" in PAGE

"""The page on incidents agrees with the rules."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from bot.domain.incidents.events import ALERTS_LABEL, CHANNEL_LABEL, Rules
from bot.domain.incidents.model import IncidentState

PAGE = (Path(__file__).parents[4] / "docs" / "incidents.md").read_text(encoding="utf-8")
SPANS = [each for each in fields(Rules) if each.name not in {"stacks", "channel", "threshold"}]


@pytest.mark.parametrize("field", SPANS, ids=lambda field: field.name)
def test_every_rule_is_listed_with_its_default(field):
    assert f"| `{field.name}` | {field.default:.0f} s | " in PAGE


def test_the_threshold_is_listed():
    assert f"| `threshold` | {Rules().threshold} | " in PAGE


@pytest.mark.parametrize("label", [ALERTS_LABEL, CHANNEL_LABEL])
def test_the_labels_are_listed(label):
    assert f"`{label}=" in PAGE


@pytest.mark.parametrize("state", IncidentState)
def test_every_state_is_listed(state):
    assert f"`{state.value}`" in PAGE

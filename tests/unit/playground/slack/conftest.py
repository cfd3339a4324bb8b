"""Fixtures of the Slack emulator's tests: a stopped clock, a workspace and a client."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from playground.slack import SlackEmulator
from tests.unit.playground.slack.kit import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def slack(clock: Clock) -> AsyncIterator[SlackEmulator]:
    """A workspace in its strictest setting, without rate limits."""
    async with SlackEmulator(strict=True, enforce_rates=False, clock=clock) as emulator:
        yield emulator


@pytest.fixture
def client(slack: SlackEmulator) -> AsyncWebClient:
    """The official client with the bot's token."""
    return AsyncWebClient(token=slack.tokens.bot, base_url=slack.base_url)

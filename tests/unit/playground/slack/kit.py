"""Helpers of the Slack emulator's tests that use the official client."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

SWARM = "C0SWARM001"


class Clock:
    """A clock that stands still until a test sets it."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


async def refusal_of(call: Awaitable[Any]) -> str:
    """Slack's error code for a refused call."""
    with pytest.raises(SlackApiError) as raised:
        await call
    assert raised.value.response["ok"] is False
    return str(raised.value.response["error"])


async def posted(client: AsyncWebClient, **more: Any) -> str:
    """The time stamp of a new message in #swarm."""
    answer = await client.chat_postMessage(channel=SWARM, text="queued", **more)
    return str(answer["ts"])

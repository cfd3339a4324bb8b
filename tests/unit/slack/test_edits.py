"""Progress that was about to be sent does not come after the newer state of an edit."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from bot.domain.text.message import Message
from bot.runtime.clock import SystemClock
from bot.slack.budget import LocalBudget
from bot.slack.edits import Edits
from bot.slack.sending import Sender

KEY = ("C1", "1.0")


class Api:
    """Slack, which takes everything; ``texts`` are the states in their order."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.sent: asyncio.Queue[str] = asyncio.Queue()

    def closed_for(self, _method: str) -> float:
        return 0.0

    async def call(self, _method: str, *, text: str, **_: object) -> dict[str, Any]:
        self.texts.append(text)
        self.sent.put_nowait(text)
        await asyncio.sleep(0)
        return {}


@pytest.mark.parametrize("how", ["edit", "settle"])
async def test_progress_that_has_begun_is_not_sent_after_an_edit(how: str):
    api, clock = Api(), SystemClock()
    budget = LocalBudget(clock)
    edits = Edits(cast("Any", api), clock, budget, Sender(clock, budget, patience=5.0))
    edits.show(KEY, Message("old"))
    await edits._next()  # its task has not run yet

    await getattr(edits, how)(KEY, Message("new"))
    await edits.close()

    assert api.texts == ["new"]


async def test_what_is_shown_after_an_edit_is_sent_after_it():
    api, clock = Api(), SystemClock()
    budget = LocalBudget(clock)
    edits = Edits(cast("Any", api), clock, budget, Sender(clock, budget, patience=5.0))
    edits.show(KEY, Message("old"))
    await edits._next()

    editing = asyncio.create_task(edits.edit(KEY, Message("new")))
    await asyncio.sleep(0)
    edits.show(KEY, Message("newer"))
    await editing
    edits.start()
    async with asyncio.timeout(30):
        while await api.sent.get() != "newer":
            pass
    await edits.close()

    assert api.texts[-2:] == ["new", "newer"]

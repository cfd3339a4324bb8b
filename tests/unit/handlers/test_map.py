"""Who sees the picture of the swarm."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from bot.domain.commands.values import ShowMap
from bot.ports import Request, Spoken, Upload
from handlers.map import ShowMapHandler
from tests.messages.sample import context, port
from tests.messages.swarm import whole_stack


@pytest.mark.parametrize(
    ("spoken", "where"),
    [
        (None, "channel C1"),
        (Spoken("@orochi"), "channel C1"),
        (Spoken("@orochi", shared=True), "person U1"),
    ],
)
async def test_in_a_shared_channel_the_picture_is_for_the_person_alone(spoken, where):
    sent: list[str] = []

    async def share(channel: str, _file: Upload, _thread: str = "") -> str:
        sent.append(f"channel {channel}")
        return ""

    async def send_file(user: str, _name: str, _title: str, content: bytes) -> None:
        assert content == b"png"
        sent.append(f"person {user}")

    chat: Any = SimpleNamespace(share=share, send_file=send_file)
    ctx = context(
        chat=chat,
        looks=port(stack_look=whole_stack(healthy=True)),
        incidents=port(open_incidents=()),
        drawing=port(png=b"png"),
    )
    request = Request("k", "U1", "C1", "map", spoken=spoken)
    said = await ShowMapHandler(ctx).show(ShowMap(), request)

    assert sent == [where]
    assert (said is not None) is where.startswith("person")

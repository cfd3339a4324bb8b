"""What is written down about people who may not use the bot."""

from __future__ import annotations

from bot.domain.commands.access import Operators, Standing
from bot.domain.text.message import Message
from bot.ports import Request
from bot.runtime.tasks import Background
from handlers.boundary import Boundary
from tests.messages.sample import context, port


async def test_passwords_in_a_refused_command_are_not_written_down():
    noted: list[dict[str, str]] = []

    async def audit(event: dict[str, str]) -> None:
        noted.append(event)

    async def receive(_request: Request) -> Message:
        raise AssertionError("the request was passed on")

    jobs, background = port(), Background()
    jobs.audit = audit
    ctx = context(chat=port(standing=Standing.OUTSIDER), jobs=jobs, background=background)
    boundary = Boundary(ctx, Operators.parse(""), guests=False)
    text = "run web -- mysql -phunter2 --password=hunter2"
    assert await boundary.within(receive)(Request("k", "U1", "C1", text)) is not None
    await background.drain(5.0)

    (event,) = noted
    assert "run web -- mysql" in event["text"]
    assert "hunter2" not in event["text"]

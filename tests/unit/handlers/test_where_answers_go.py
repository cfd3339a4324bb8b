"""Where a command in a message is answered, and who can read it."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from bot.domain.commands import values as commands
from bot.domain.commands.access import Operators
from bot.domain.commands.values import Defaults
from bot.domain.errors import CannotPostError, StoreUnavailableError
from bot.domain.text.message import Message
from bot.ports import Request, Spoken
from bot.runtime.tasks import Background
from handlers.router import Router
from tests.messages.sample import context
from tests.unit.handlers.test_messages import SAID, THREAD


async def answered(request: Request, answer: Any, post: Any = "1.0") -> list[tuple[str, str, str]]:
    """How a question was answered: posted or to the person alone, where, and what."""
    said: list[tuple[str, str, str]] = []

    async def posted(channel: str, message: Message, thread: str = "") -> str:
        if isinstance(post, BaseException):
            raise post
        said.append(("all", f"{channel} {thread}".strip(), message.text))
        return str(post)

    async def reply(_user: str, channel: str, _url: str, message: Message, **more: Any) -> None:
        kind = "secret" if more["secret"] else "alone"
        said.append((kind, f"{channel} {more['thread']}".strip(), message.text))

    async def of(_command: object, _asker: object) -> Message:
        if isinstance(answer, BaseException):
            raise answer
        return Message(answer)

    background = Background()
    chat = SimpleNamespace(post=posted, reply=reply)
    kinds = {commands.Status: of, commands.Join: of}
    handlers: Any = SimpleNamespace(begins={}, shows={}, answers=kinds)
    ctx = context(chat=chat, background=background)
    await Router(ctx, handlers, Operators.parse("*"), Defaults()).command(request)
    await background.drain(5.0)
    return said


STATUS = replace(SAID, text="status")
ROOT = replace(STATUS, thread="")


@pytest.mark.parametrize(
    ("request_", "kind", "where"),
    [
        (STATUS, "all", f"C1 {THREAD}"),
        (ROOT, "all", f"C1 {ROOT.message}"),
        (replace(ROOT, spoken=Spoken("")), "all", "C1"),
        (replace(STATUS, spoken=Spoken("@orochi", shared=True)), "alone", f"C1 {THREAD}"),
        (replace(ROOT, spoken=Spoken("@orochi", shared=True)), "alone", "C1"),
        (replace(ROOT, spoken=None), "alone", "C1"),
        (replace(STATUS, text="join worker"), "secret", f"C1 {THREAD}"),
        (replace(ROOT, spoken=Spoken(""), text="join worker"), "secret", "C1"),
    ],
)
async def test_answers_go_to_the_thread_and_secrets_to_the_person(request_, kind, where):
    assert await answered(request_, "fine") == [(kind, where, "fine")]


async def test_a_refusal_is_for_the_person_alone():
    (found,) = await answered(STATUS, StoreUnavailableError("Redis does not answer."))

    assert found[:2] == ("alone", f"C1 {THREAD}")


async def test_where_the_bot_may_not_post_the_person_is_told():
    (found,) = await answered(STATUS, "fine", post=CannotPostError("Not in the channel."))

    assert found == ("alone", f"C1 {THREAD}", "fine")

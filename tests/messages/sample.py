"""A sample of a message, a topic of samples, and the people who stand in them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from bot.domain.errors import BotError
from bot.domain.text.message import Block, Message
from bot.ports import Asker
from bot.views.errors import failed

AT = datetime(2026, 3, 9, 14, 30, tzinfo=UTC).timestamp()
"""When everything in the samples happens."""
ANN, BOB = "UANN", "UBOB"
ASKER = Asker(ANN, "CSWARM")
PEOPLE = {ANN: "@Ann", BOB: "@Bob"}
CHANNEL = "CSWARM"
COMMAND = "/orochi"
REFERENCE = "a1b2c3"


@dataclass(frozen=True, slots=True)
class Sample:
    """One message. ``title`` says in which case it is sent, in Markdown."""

    title: str
    message: Message


@dataclass(frozen=True, slots=True)
class Topic:
    """Messages that belong together; ``intro`` says who sees them and when."""

    title: str
    intro: str
    samples: tuple[Sample, ...]


def error_message(error: BotError, *, unchanged: bool = True) -> Message:
    """An error as a person sees it, with a reference that is the same at every run."""
    error.ref = REFERENCE
    return failed(error, unchanged=unchanged)


def raised(check: Callable[[], object]) -> BotError:
    """The error that a check raises."""
    try:
        check()
    except BotError as error:
        return error
    raise AssertionError("the check was passed")


def answer(asked: Awaitable[Message | None], *, unchanged: bool = True) -> Message:
    """What a handler answers, or the error that it raises instead.

    ``unchanged`` as for ``error_message``: False for a command that only reads.
    """
    try:
        message = asyncio.run(_awaited(asked))
    except BotError as error:
        return error_message(error, unchanged=unchanged)
    assert message is not None
    return message


async def _awaited(asked: Awaitable[Message | None]) -> Message | None:
    return await asked


def context(**ports: Any) -> Any:
    """A handler's context: the ports that it needs, each with what it gives."""
    clock = SimpleNamespace(now=lambda: AT)
    given = {
        "command": COMMAND,
        "stack": "orochi",
        "stack_in": lambda _channel: "orochi",
        "clock": clock,
    }
    return SimpleNamespace(**given, **ports)


def port(**answers: Any) -> Any:
    """A port whose methods give these values; an error among them is raised."""
    return SimpleNamespace(**{name: _giving(value) for name, value in answers.items()})


def _giving(value: Any) -> Callable[..., Awaitable[Any]]:
    async def give(*_args: object, **_names: object) -> Any:
        if isinstance(value, BaseException):
            raise value
        return value

    return give


def shortened(message: Message) -> Message:
    """The message with less in its long sections: the rest is more of the same."""
    blocks = [_short(block) if block["type"] == "section" else block for block in message.blocks]
    return replace(message, blocks=tuple(blocks))


def _short(section: Block) -> Block:
    lines = [_cut(line) for line in section["text"]["text"].split("\n")]
    if len(lines) > 9:
        lines = [*lines[:4], "…", *lines[-2:]]
    return {**section, "text": {**section["text"], "text": "\n".join(lines)}}


def _cut(line: str) -> str:
    return line if len(line) < 1000 else f"{line[:80]} … {line[-20:]}"


async def nothing(pressed: Awaitable[None]) -> None:
    """A button that another message answers: only what it raises is seen."""
    await pressed

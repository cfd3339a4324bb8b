"""An answer claims that nothing was changed only where that is certain."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from bot.domain.commands import values as commands
from bot.domain.commands.access import Operators
from bot.domain.commands.values import NOTHING_CHANGED, Defaults
from bot.domain.errors import (
    BotError,
    RefusedError,
    StoreUnavailableError,
    SwarmUnavailableError,
    UncertainError,
)
from bot.domain.jobs.model import PendingCommand
from bot.domain.swarm.model import Mode, Service
from bot.jobs.intake import Intake
from bot.jobs.submit import answer_failure
from bot.ports import Request
from bot.runtime.clock import SystemClock
from bot.runtime.tasks import Background
from handlers.router import Router
from tests.messages.sample import context, port


async def answer_of(error: BaseException | None, *, command: str) -> str:
    """What a person reads when the answer to a command raises an error; None: it hangs."""
    said: list[str] = []

    async def reply(_user: str, _channel: str, _url: str, message: Any, **_more: Any) -> None:
        said.append(message.text)

    async def answer(_command: object, _user: str) -> None:
        if error is None:
            await asyncio.Event().wait()
        else:
            raise error

    background = Background()
    jobs = port(accept=True, discard=None)
    intake = Intake(jobs, SystemClock(), 60.0)
    ctx = context(
        chat=SimpleNamespace(reply=reply), background=background, jobs=jobs, intake=intake
    )
    kinds = {commands.Cancel: answer, commands.Status: answer}
    handlers: Any = SimpleNamespace(begins={}, shows={}, answers=kinds)
    router = Router(ctx, handlers, Operators.parse("*"), Defaults(), answer_seconds=0.1)
    assert await router.command(Request("key", "U1", "C1", command)) is None
    await background.drain(5.0)
    return said[0]


@pytest.mark.parametrize(
    ("error", "is_certain"),
    [
        (RefusedError("There is no such job."), True),
        (UncertainError("Redis stopped answering."), False),
        (StoreUnavailableError("Redis does not answer."), False),
        (SwarmUnavailableError("The engine does not answer."), False),
        (ZeroDivisionError(), False),
        (None, False),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_nothing_was_changed_is_said_only_after_a_refusal(error, is_certain):
    said = await answer_of(error, command="cancel k3f9ab")

    assert (NOTHING_CHANGED in said) is is_certain
    if error is None or isinstance(error, ZeroDivisionError):
        assert "It may have taken effect. Look first: `/orochi jobs`" in said


async def accepted(error: StoreUnavailableError, begin: Any = None) -> str:
    """What a person reads when Redis fails as a command is accepted, or with ``begin`` after it."""
    said: list[str] = []

    async def reply(_user: str, _channel: str, _url: str, message: Any, **_more: Any) -> None:
        said.append(message.text)

    async def accept(_pending: PendingCommand) -> bool:
        if begin is None:
            raise error
        return True

    async def run(_held: Any, work: Any, *, adopted: bool) -> None:
        await work()

    background = Background()
    intake = SimpleNamespace(deadline=lambda: 5.0, begin=run, adopted=lambda _: False)
    jobs = port(audit=None, discard=None)
    jobs.accept = accept
    chat = SimpleNamespace(reply=reply)
    ctx = context(chat=chat, background=background, intake=intake, jobs=jobs)
    handlers: Any = SimpleNamespace(begins={commands.Restart: begin}, shows={}, answers={})
    router = Router(ctx, handlers, Operators.parse("*"), Defaults())
    message = await router.command(Request("key", "U1", "C1", "restart web"))
    await background.drain(5.0)
    return message.text if message else said[0]


@pytest.mark.parametrize("doubtful", [False, True])
async def test_a_command_that_may_have_reached_redis_is_not_called_unchanged(doubtful):
    """Another replica may begin it."""
    error = StoreUnavailableError("Redis does not answer.", hint="Check the Redis service.")
    error.doubtful = doubtful
    said = await accepted(error)

    assert (NOTHING_CHANGED in said) is not doubtful
    assert ("The command may still begin. Look first: `/orochi jobs`" in said) is doubtful


async def test_an_accepted_command_that_loses_redis_is_not_called_unchanged():
    """Its record is in Redis, where another replica finds it."""

    async def begin(_pending: PendingCommand, _command: object) -> None:
        raise StoreUnavailableError("Redis does not answer.")

    said = await accepted(StoreUnavailableError(""), begin)

    assert NOTHING_CHANGED not in said
    assert "The command may still begin. Look first: `/orochi jobs`" in said


async def test_a_command_that_only_reads_says_nothing_of_changes():
    assert NOTHING_CHANGED not in await answer_of(RefusedError("No."), command="status")
    assert "taken effect" not in await answer_of(ZeroDivisionError(), command="status")


async def test_a_command_that_failed_unexpectedly_is_not_called_unchanged():
    """Its job may have been queued before the failure."""
    said: list[str] = []

    async def reply(_user: str, _channel: str, _url: str, message: Any, **_more: Any) -> None:
        said.append(message.text)

    jobs = port(audit=None, discard=None)
    intake = Intake(jobs, SystemClock(), 60.0)
    ctx = context(chat=SimpleNamespace(reply=reply), jobs=jobs, intake=intake)
    pending = PendingCommand("k3f9ab", "key", "command", "scale 3", "U1", "C1", "", 1.0)
    await answer_failure(ctx, pending, BotError("Unexpected error."), certain=False)
    await answer_failure(ctx, pending, RefusedError("No."))

    assert [NOTHING_CHANGED in text for text in said] == [False, True]


SHOP = tuple(
    Service(name, f"shop_{name}", 1, Mode.REPLICATED, 1, stack="shop") for name in ("web", "db")
)


async def shop_answer(text: str, services: Any = SHOP) -> str:
    """The answer to invalid input in the channel of another stack, without the default service."""
    ctx = context(looks=port(services=services))
    ctx.stack_in = {"C1": "shop"}.get
    handlers: Any = SimpleNamespace(begins={}, shows={}, answers={})
    router = Router(ctx, handlers, Operators.parse("*"), Defaults())
    message = await router.command(Request("key", "U1", "C1", text))
    assert message is not None
    return f"{message.text}\n{message.blocks}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("restart", "Try: `/orochi restart db`"),
        ("scale", "Try: `/orochi scale db 5` · `/orochi scale db=5 web=2`"),
        ("scale 5", "Scale which service to `5`?\nTry: `/orochi scale db 5`"),
        ("scale five", "Write `five` as `5`."),
        ("run", "Try: `/orochi run db -- python manage.py migrate`"),
        ("logs", "Try: `/orochi logs db --since 10m --lines 50`"),
        ("update", "`/orochi update db :2.1`"),
        ("help", "short name (`db`)"),
        ("help scale", "`/orochi scale db=3 web=2`"),
        ("scale --x 3", "`/orochi scale db 5`"),
    ],
)
async def test_examples_are_of_the_channels_own_stack(text: str, said: str) -> None:
    answered = await shop_answer(text)

    assert said in answered
    assert "worker01" not in answered
    assert "django" not in answered
    assert "scale 5`" not in answered


async def test_a_stack_with_one_service_or_none_has_fewer_examples() -> None:
    one, none = await shop_answer("help scale", SHOP[:1]), await shop_answer("restart", ())

    assert "scale web 2" in one
    assert "=" not in one
    assert "Try: `/orochi restart SERVICE`" in none


async def test_examples_without_the_swarm_are_the_usual_ones() -> None:
    gone = SwarmUnavailableError("The engine does not answer.")

    assert "Try: `/orochi restart worker01`" in await shop_answer("restart", gone)

"""Helpers for commands that apply to one service."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from bot.domain.commands.names import (
    SLASH,
    NotFound,
    WholeStack,
    form_of,
    resolve,
    resolve_any,
    stacks_like,
)
from bot.domain.errors import NotFoundError, RefusedError, StoreUnavailableError
from bot.domain.jobs.model import Job, PendingCommand, Target
from bot.domain.operations.node_change import is_node
from bot.domain.operations.one_off import is_one_off, job_of
from bot.domain.operations.preflight import PAUSED
from bot.domain.swarm.model import Look, Node, Service
from bot.domain.swarm.slots import count
from bot.jobs.context import Context
from bot.jobs.engine_calls import in_time
from bot.views.errors import a_stack, unknown_service


async def to_change(ctx: Context, name: str, channel: str, whole: str = "") -> Service:
    """As ``typed``; refuses the service of a command that ``run`` started.

    ``whole`` is the beginning of the command that does the same to a whole stack, if there is one.
    """
    service = await typed(ctx, name, channel, whole)
    if is_one_off(service):
        job = job_of(service.labels)
        raise RefusedError(
            f"`{service.name}` is the command of job `{job}`.",
            hint=f"To stop it: `{ctx.command} cancel {job}`",
        )
    return service


async def typed(ctx: Context, name: str, channel: str, whole: str = "") -> Service:
    """The present service for a name typed in a channel. Raises RefusedError with suggestions.

    ``whole`` is that of ``to_change``.

    Its name is looked up in memory where that is possible; one that is not there may be new.
    """
    stack = ctx.stack_in(channel)
    known = resolve(name, stack, await in_time(ctx.looks.services("")))
    if not isinstance(known, NotFound):
        with suppress(NotFoundError):
            return await in_time(ctx.swarm.service(known.id))
    services = await in_time(ctx.swarm.services(""))
    service = resolve(name, stack, services)
    if not isinstance(service, NotFound):
        return service
    other = resolve_any(name, stack, services, await deployed(ctx))
    if isinstance(other, WholeStack):
        own = [form_of(each, stack, services) for each in services if each.stack == other.stack]
        raise a_stack(other.stack, own, f"{ctx.command} {whole}" if whole else "")
    raise not_found(ctx, service, await in_time(ctx.swarm.nodes()))


async def is_unknown(ctx: Context, name: str, channel: str) -> bool:
    """Whether a name typed in a channel is no service's, as far as is known without asking.

    Raises SwarmError.
    """
    services = await in_time(ctx.looks.services(""))
    return isinstance(resolve(name, ctx.stack_in(channel), services), NotFound)


async def scope(ctx: Context, name: str | None, channel: str) -> Service | WholeStack:
    """The service or stack for a name typed in a channel; None means the channel's stack.

    From memory where that is possible. Raises RefusedError with suggestions.
    """
    stack = ctx.stack_in(channel)
    if name is None:
        return WholeStack(stack)
    services = await in_time(ctx.looks.services(""))
    found = resolve_any(name, stack, services, await deployed(ctx))
    if isinstance(found, NotFound):
        raise not_found(ctx, found, await in_time(ctx.swarm.nodes()))
    return found


async def check_stack(ctx: Context, name: str) -> None:
    """Raise RefusedError with suggestions for a stack that does not exist and is like others."""
    services = await in_time(ctx.looks.services(""))
    known = {*(each.stack for each in services if each.stack), *await deployed(ctx)}
    if name not in known and (near := stacks_like(name, known)):
        raise unknown_service(NotFound(f"{name}{SLASH}", near), ctx.command)


async def deployed(ctx: Context) -> tuple[str, ...]:
    """The stacks that the bot has deployed, none if Redis does not answer."""
    with suppress(StoreUnavailableError):
        return await ctx.versions.stacks()
    return ()


def not_found(ctx: Context, found: NotFound, nodes: Sequence[Node]) -> RefusedError:
    """The refusal for a name that is no service's, with suggestions or that it is a node's."""
    digits = found.typed.isdigit()  # a slot or a number; it may end the names of nodes by chance
    if not (found.ambiguous or digits) and is_node(found.typed, nodes):
        return RefusedError(
            f"`{found.typed}` is a node, not a service.",
            hint=f"To see the nodes: `{ctx.command} nodes`",
        )
    return unknown_service(found, ctx.command)


async def named(ctx: Context, full_name: str) -> Service:
    """A service of any stack, or of none, by its full name. Raises NotFoundError."""
    return await in_time(ctx.swarm.service(full_name))


async def look_if_paused(ctx: Context, service: Service) -> Look:
    """A look at a service whose update is paused; without its tasks for any other service."""
    if service.update in PAUSED:
        return await in_time(ctx.swarm.look(service.id))
    return Look(ctx.clock.now(), service, (), ())


async def job_for(ctx: Context, pending: PendingCommand, action: str, service: Service) -> Job:
    """A job with one action on one service; the number of its tasks does not change."""
    count = service.replicas or 0
    if service.mode.is_global:
        count = wanted(await in_time(ctx.swarm.look(service.id)))
    return Job(
        id=pending.id,
        action=action,
        stack=service.stack,
        text=pending.text,
        user=pending.user,
        channel=pending.channel,
        thread=pending.thread,
        created=pending.received,
        targets=(Target(service.name, service.id, count),),
    )


def wanted(look: Look) -> int:
    """The service's desired number of tasks: its replicas, or one for each eligible node."""
    return count(look, look.service).wanted if look.service else 0

"""How a removed stack can be brought back."""

from __future__ import annotations

from bot.domain.commands.names import SLASH
from bot.domain.deploys.version import Version
from bot.domain.errors import RefusedError
from bot.domain.jobs.deploy_plan import Plan
from bot.domain.operations.stack_removal import brought_back_by, not_restored, way_back_sentence
from bot.jobs.context import Context


async def bring_back(ctx: Context, plan: Plan) -> tuple[int, tuple[str, ...]]:
    """The number of the version that a roll back restores, 0 for none, and what to say of that.

    ``plan`` is that of the removal. Raises StoreUnavailableError.
    """
    version = await _readable(ctx, plan.stack)
    number = version.number if version else 0
    has_file = plan.stack in await _files(ctx)
    sentence = way_back_sentence(plan.stack, number, ctx.command, has_file=has_file)
    return number, (sentence, *(not_restored(plan, version) if version else ()))


async def command_back(ctx: Context, stack: str) -> str:
    """The command that brings a stack back, "" if none can. Raises StoreUnavailableError."""
    if await _readable(ctx, stack):
        return f"{ctx.command} rollback {stack}{SLASH}"
    return f"{ctx.command} deploy {stack}" if stack in await _files(ctx) else ""


async def _readable(ctx: Context, stack: str) -> Version | None:
    """The version to go back to, None if there is none or its files cannot be read any more."""
    version = brought_back_by(stack, await ctx.versions.of(stack))
    bundle = await ctx.versions.bundle(version) if version else None
    return version if bundle and await ctx.stacks.can_read(bundle) else None


async def _files(ctx: Context) -> tuple[str, ...]:
    try:
        return await ctx.stacks.names()
    except RefusedError:
        return ()

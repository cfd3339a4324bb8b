"""``volumes``: a stack's volumes, and whether their NFS servers answer."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

from bot.domain.commands.values import ListVolumes as Command
from bot.domain.errors import SwarmError
from bot.domain.swarm.reachability import Reach
from bot.domain.swarm.volumes import LiveVolume, Volume, volumes_of
from bot.domain.text.message import Message
from bot.jobs.context import Context
from bot.ports import Asker
from bot.ports.engine import Reachability
from bot.views.status.volumes import volumes_message


class ListVolumesHandler:
    """Lists every named volume that a service of the stack mounts."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx

    async def answer(self, command: Command, asker: Asker) -> Message:
        """The list; what the bot's own engine does not provide is reported as missing."""
        stack = command.stack or self._ctx.stack_in(asker.channel)
        mounts, engine = await asyncio.gather(
            self._ctx.volumes.mounted(stack), self._ctx.swarm.engine()
        )
        live, trouble = await self._live()
        volumes = volumes_of(mounts, live)
        answers = await servers_asked(self._ctx.reachability, volumes)
        return volumes_message(stack, volumes, answers, engine.hostname, trouble)

    async def _live(self) -> tuple[Mapping[str, LiveVolume] | None, str]:
        try:
            return await self._ctx.volumes.live(), ""
        except SwarmError as error:
            return None, error.sentence


async def servers_asked(
    reachability: Reachability, volumes: Iterable[Volume]
) -> dict[tuple[str, int], Reach]:
    """The results of connection attempts to each NFS server, in parallel.

    Placeholder hosts are skipped, because they could resolve to an unrelated server.
    """
    servers = [volume.nfs for volume in volumes]
    wanted = {(s.host, s.port) for s in servers if s is not None and not s.is_placeholder}
    ordered = sorted(wanted)
    reached = await asyncio.gather(*(reachability.tcp(host, port) for host, port in ordered))
    return dict(zip(ordered, reached, strict=True))

"""``nodes``: the nodes of the swarm."""

from __future__ import annotations

import asyncio

from bot.domain.commands.values import ListNodes as Command
from bot.domain.swarm.model import TaskState
from bot.domain.text.message import Message
from bot.jobs.context import Context
from bot.ports import Asker
from bot.views.status.nodes import nodes_message


class ListNodesHandler:
    """Lists every node with its tasks and free resources."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx

    async def answer(self, _command: Command, _asker: Asker) -> Message:
        """The list, by hostname."""
        look, engine = await asyncio.gather(
            self._ctx.looks.stack_look(""), self._ctx.swarm.engine()
        )
        tasks = [task for task in look.tasks if task.desired <= TaskState.COMPLETE]
        return await asyncio.to_thread(nodes_message, look.nodes, tasks, engine.node_id)

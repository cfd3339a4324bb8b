"""``nodes``: the nodes of the swarm, or one in detail."""

from __future__ import annotations

import asyncio

from bot.domain.commands.values import ListNodes as Command
from bot.domain.operations.node_change import find_node
from bot.domain.swarm.model import TaskState
from bot.domain.text.message import Message
from bot.jobs import file_answer
from bot.jobs.context import Context
from bot.ports import Asker
from bot.views.status.node import node_message
from bot.views.status.nodes import nodes_message
from bot.views.status.wide import node_table


class ListNodesHandler:
    """Lists every node with its tasks and free resources, or shows one."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx

    async def answer(self, command: Command, asker: Asker) -> Message:
        """The list, by hostname, or the named node. Raises RefusedError."""
        look, engine = await asyncio.gather(
            self._ctx.looks.stack_look(""), self._ctx.swarm.engine()
        )
        if command.node is not None:
            node, stack = find_node(command.node, look.nodes), self._ctx.stack_in(asker.channel)
            return await asyncio.to_thread(
                node_message, look, node, engine.node_id, stack, self._ctx.command
            )
        tasks = [task for task in look.tasks if task.desired <= TaskState.COMPLETE]
        if command.wide:
            table = await asyncio.to_thread(node_table, look.nodes, tasks, engine.node_id)
            return await file_answer.table_message(self._ctx, asker.user, table, "nodes")
        wide = f"{self._ctx.command} nodes --wide"
        return await asyncio.to_thread(nodes_message, look.nodes, tasks, engine.node_id, wide=wide)

"""``join``: shows one operator the join command, and rotates join tokens.

A token is only passed from the engine to the answer: never to the log or to Redis.
"""

from __future__ import annotations

import asyncio

from bot.domain.commands.values import Join as Command
from bot.domain.commands.values import RotateToken
from bot.domain.errors import BotError, RefusedError, SwarmUnavailableError, UncertainError
from bot.domain.swarm.join_tokens import ROLES, fingerprint
from bot.domain.text.message import Message
from bot.jobs.context import Context
from bot.ports import Asker
from bot.ports.engine import JoinTokens
from bot.views.join import join_message, rotate_question

ROTATE_SECONDS = 8.0
"""Less than the time limit of an answer: a hanging rotation must not count as unchanged."""


class JoinHandler:
    """Shows the join command, or asks before a token is rotated."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx

    async def answer(self, command: Command, asker: Asker) -> Message:
        """The join command; the request is written to the audit log first. Raises RefusedError."""
        known = await self._ctx.nodes.join_tokens()
        if command.rotate:
            value = f"{command.role}:{fingerprint(known.tokens[command.role])}"
            return rotate_question(command.role, value)
        await self._note("join", asker.user, command.role)
        return self._shown(command.role, known)

    async def rotate(self, pressed: RotateToken, asker: Asker) -> Message:
        """Handle the button: replace the role's token and show the new one. Raises RefusedError."""
        role, _, present = pressed.token.partition(":")
        if role not in ROLES:
            raise RefusedError("This button is from another version of the bot.")
        await self._note("join_rotate", asker.user, role)
        done = "The token may or may not have been rotated."
        try:
            async with asyncio.timeout(ROTATE_SECONDS):
                await self._ctx.nodes.rotate_token(role, present)
                done = "The token was rotated."
                return self._shown(role, await self._ctx.nodes.join_tokens(), rotated=True)
        except (SwarmUnavailableError, TimeoutError) as error:
            why = error.sentence if isinstance(error, BotError) else "The engine does not answer."
            raise UncertainError(
                f"{why} {done}",
                hint=f"To see the valid token: `{self._ctx.command} join {role}`",
            ) from error

    def _shown(self, role: str, known: JoinTokens, *, rotated: bool = False) -> Message:
        if not known.addresses:
            raise RefusedError(
                "New nodes cannot reach any manager now.",
                hint=f"To check the managers: `{self._ctx.command} nodes`",
            )
        token = known.tokens[role]
        return join_message(role, token, known.addresses, self._ctx.command, rotated=rotated)

    async def _note(self, event: str, user: str, role: str) -> None:
        """Write to the audit log. If this raises StoreUnavailableError, nothing is shown."""
        await self._ctx.jobs.audit(
            {"event": event, "who": user, "text": f"join {role}", "target": role}
        )

"""The boundary of the workspace: who gets an answer at all.

People of other workspaces, as in a channel shared through Slack Connect, are refused before
anything is read. Guests may look only if the setting ``BOT_GUESTS`` allows it, or if
``BOT_OPERATORS`` names them.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Final

from bot.domain.commands.access import Operators, Standing
from bot.domain.errors import ChatError
from bot.domain.text.command_words import shown_line
from bot.domain.text.message import Message
from bot.jobs.context import Context
from bot.jobs.submit import note_refusal
from bot.ports import Receive, Request
from bot.views.errors import refused

LOOK_UP_SECONDS: Final = 8.0
NOT_OURS: Final = "Only people of the workspace where this bot is installed can use it."
NOT_FOR_GUESTS: Final = "Guests of this workspace cannot use this bot."
ASK: Final = "Ask an operator to look, or to set `BOT_GUESTS=true`."
NOT_KNOWN: Final = "Slack did not say in time whether you belong to this workspace."


class Boundary:
    """Refuses requests of people who may not use the bot, and passes on all others.

    ``guests`` says whether guests of the workspace may look.
    """

    def __init__(self, ctx: Context, operators: Operators, *, guests: bool) -> None:
        self._ctx = ctx
        self._operators = operators
        self._guests = guests

    def within(self, receive: Receive) -> Receive:
        """``receive``, for people of the workspace only."""

        async def admitted(request: Request) -> Message | None:
            try:
                standing = await self._standing(request.user, request.team)
            except (ChatError, TimeoutError):
                return refused(NOT_KNOWN, "Try again.", unchanged=False)
            if refusal := self._refusal(request.user, standing):
                self._note(request, standing)
                return refusal
            return await receive(replace(request, guest=standing is Standing.GUEST))

        return admitted

    async def viewer(self, user: str) -> Standing | None:
        """What a viewer of the Home tab is, None if they may not see it. Raises ChatError."""
        standing = await self._ctx.chat.standing(user)
        return None if self._refusal(user, standing) else standing

    async def _standing(self, user: str, team: str) -> Standing:
        async with asyncio.timeout(LOOK_UP_SECONDS):
            named = user in self._operators.users
            return await self._ctx.chat.standing(user, team, guests=not named)

    def _refusal(self, user: str, standing: Standing) -> Message | None:
        if standing is Standing.OUTSIDER:
            return refused(NOT_OURS, unchanged=False)
        welcome = self._guests or user in self._operators.users
        if standing is Standing.GUEST and not welcome:
            return refused(NOT_FOR_GUESTS, ASK, unchanged=False)
        return None

    def _note(self, request: Request, standing: Standing) -> None:
        what = request.text or f"{request.action_id} {request.value}"
        why = f"{standing.value} (team {request.team or 'unknown'})"
        noted = note_refusal(self._ctx, request.user, shown_line(what), why)
        self._ctx.background.spawn(noted, "audit")

"""Periodic tasks that any replica may do."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from bot.domain.errors import BotError
from bot.ports import Clock

log = logging.getLogger(__name__)


async def every(seconds: float, chore: Callable[[], Awaitable[None]], clock: Clock) -> None:
    """Run ``chore`` periodically until cancelled; errors of the bot are logged."""
    while True:
        try:
            await chore()
        except BotError as error:
            log.info("postponed: %s", error)
        except Exception:
            log.exception("a background task failed")
        await clock.sleep(seconds)

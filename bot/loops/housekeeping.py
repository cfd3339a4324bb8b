"""The slow loop: what must be looked at now and then by any replica."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from bot.domain.errors import BotError
from bot.ports import Clock

log = logging.getLogger(__name__)


async def every(seconds: float, chore: Callable[[], Awaitable[None]], clock: Clock) -> None:
    """Do ``chore`` again and again until cancelled; an error of ours is logged and survived."""
    while True:
        try:
            await chore()
        except BotError as error:
            log.info("postponed: %s", error)
        except Exception:
            log.exception("a chore failed")
        await clock.sleep(seconds)

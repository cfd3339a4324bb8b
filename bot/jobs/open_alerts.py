"""The causes of open incidents, for answers that show the health of services."""

from __future__ import annotations

import logging

from bot.domain.errors import BotError
from bot.domain.incidents.rules import open_troubles
from bot.domain.swarm.health import Alerts
from bot.jobs.context import Context

log = logging.getLogger(__name__)


async def open_alerts(ctx: Context) -> Alerts:
    """The causes by service id; none if the incidents cannot be read."""
    try:
        return open_troubles(await ctx.incidents.open_incidents())
    except BotError as error:
        log.info("health without incidents: %s", error)
        return {}

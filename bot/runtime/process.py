"""What a process begins with: its event loop and its log."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Coroutine
from typing import Any

from bot.runtime.threads import DaemonThreads


def in_a_loop(work: Coroutine[Any, Any, int]) -> int:
    """Do the work; a name lookup that hangs then does not hold up the end."""
    with asyncio.Runner() as runner:
        runner.get_loop().set_default_executor(DaemonThreads())
        return runner.run(work)


def configure_logging(level: str) -> None:
    """Log to standard error from this level on; client libraries warnings only."""
    logging.basicConfig(
        level=level, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr
    )
    for noisy in ("slack_sdk", "slack_bolt", "urllib3", "aiohttp.access", "docker"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, logging.getLogger().level))

"""Process setup: event loop, memory and logging."""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
from collections.abc import Callable, Coroutine
from typing import Any

from bot.runtime.threads import DaemonThreads


def in_a_loop(work: Coroutine[Any, Any, int]) -> int:
    """Run the work in an event loop whose pending name lookups do not delay the exit."""
    with asyncio.Runner() as runner:
        runner.get_loop().set_default_executor(DaemonThreads())
        return runner.run(work)


def keep_for_good() -> None:
    """Keep all that is in memory now until the process ends: call it once modules are loaded.

    The garbage collector then passes over them. They are two thirds of all objects beside a large
    swarm, and a full collection that looks at each of them stops every thread for 0.1 s.
    """
    gc.freeze()


def configure_logging(level: str) -> None:
    """Log to standard error from this level on; client libraries log only warnings."""
    logging.basicConfig(
        level=level, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr
    )
    for noisy in ("slack_sdk", "slack_bolt", "urllib3", "aiohttp.access", "docker"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, logging.getLogger().level))


def hide_in_logs(hide: Callable[[str], str]) -> Callable[[], None]:
    """Log what ``hide`` makes of each message and traceback; call the result to undo this."""

    def changed(record: logging.LogRecord) -> bool:
        record.msg, record.args = hide(record.getMessage()), None
        if record.exc_info and not record.exc_text:
            record.exc_text = hide(_TRACEBACKS.formatException(record.exc_info))
        return True

    handlers = list(logging.getLogger().handlers)
    for handler in handlers:
        handler.addFilter(changed)

    def undo() -> None:
        for handler in handlers:
            handler.removeFilter(changed)

    return undo


_TRACEBACKS = logging.Formatter()

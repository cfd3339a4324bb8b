"""The command line: ``python -m bot run`` and ``check``."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import sys
from collections.abc import Sequence

from bot.app import App
from bot.check import check
from bot.domain.errors import BotError
from bot.loops.observer import first_of
from bot.runtime.process import configure_logging, in_a_loop, keep_for_good
from bot.settings import Settings, SettingsError, load

WRONG_SETTINGS = 2
"""Exit code for missing or invalid settings; 1 is any other failure to start."""

log = logging.getLogger("bot")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one sub-command and return the exit code."""
    arguments = _parser().parse_args(argv)
    try:
        settings = load()
    except SettingsError as error:
        lines = ["The bot cannot start; these settings are wrong:", *error.problems]
        sys.stderr.write("\n  ".join(lines) + "\n")
        return WRONG_SETTINGS
    configure_logging(settings.bot_log_level)
    return in_a_loop(check(settings) if arguments.what == "check" else _run(settings))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bot", description="The Orochi stack bot.")
    what = parser.add_subparsers(dest="what", required=True)
    what.add_parser("run", help="run the bot until SIGTERM")
    what.add_parser("check", help="report what is missing: tokens, scopes, Redis, Docker, manager")
    return parser


async def _run(settings: Settings) -> int:
    keep_for_good()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    app = App(settings)
    starting = asyncio.create_task(app.start())
    try:
        if await first_of(starting, stop):
            await stop.wait()
    except (BotError, OSError) as error:
        log.error("the bot cannot start: %s", error)  # noqa: TRY400 - a sentence, without a traceback
        await app.stop()
        return 1
    await app.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())

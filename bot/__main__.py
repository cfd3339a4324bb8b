"""The command line: ``python -m bot run``, ``check`` and ``demo``."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import sys
from collections.abc import Sequence

from bot.app import App
from bot.check import check
from bot.domain.errors import BotError
from bot.loops.observer import first_of
from bot.runtime.process import configure_logging, in_a_loop
from bot.settings import Settings, SettingsError, load

WRONG_SETTINGS = 2
"""Exit code for settings that are missing or wrong; 1 is any other failure to start."""

log = logging.getLogger("bot")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one sub-command; returns the exit code."""
    arguments = _parser().parse_args(argv)
    if arguments.what == "demo":
        return _demo(arguments)
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
    what.add_parser("check", help="say what is missing: tokens, scopes, Redis, Docker, manager")
    demo = what.add_parser("demo", help="try it all on this machine, in a browser")
    demo.add_argument(
        "--port", type=_port, default=8090, help="the page's port; 0 takes a free one"
    )
    demo.add_argument("--swarm", choices=("simulated", "docker"), default="simulated")
    demo.add_argument("--seed", type=int, default=1, help="another one: another simulated course")
    demo.add_argument("--open", action="store_true", help="open the page in the browser")
    return parser


def _demo(arguments: argparse.Namespace) -> int:
    """What only the demo needs is loaded for it alone."""
    from bot.demo.playground import Wishes, run  # noqa: PLC0415 - see above

    level = os.environ.get("BOT_LOG_LEVEL", "").upper()
    configure_logging(level if level in logging.getLevelNamesMapping() else "ERROR")
    wishes = Wishes(arguments.port, arguments.swarm, arguments.seed, opens=arguments.open)
    return in_a_loop(run(wishes, os.environ))


def _port(word: str) -> int:
    if not word.isdecimal() or int(word) > 65535:
        raise argparse.ArgumentTypeError("a port is a number from 0 to 65535")
    return int(word)


async def _run(settings: Settings) -> int:
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
        log.error("the bot cannot start: %s", error)  # noqa: TRY400 - a sentence, no trace
        await app.stop()
        return 1
    await app.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())

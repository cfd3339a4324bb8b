"""The command line: ``python -m playground``, which is what ``make demo`` runs."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence

from bot.runtime.process import configure_logging, in_a_loop
from playground.demo import PORT, DemoOptions, run
from playground.place import SWARMS


def main(argv: Sequence[str] | None = None) -> int:
    """Run the demo until a signal ends it; returns the exit code."""
    arguments = _parser().parse_args(argv)
    level = os.environ.get("BOT_LOG_LEVEL", "").upper()
    configure_logging(level if level in logging.getLevelNamesMapping() else "ERROR")
    options = DemoOptions(arguments.port, arguments.swarm, arguments.seed, opens=arguments.open)
    return in_a_loop(run(options, os.environ))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m playground", description="Try the bot on this machine, in a browser."
    )
    parser.add_argument(
        "--port", type=_port, default=PORT, help="the page's port; 0 takes a free one"
    )
    parser.add_argument("--swarm", choices=SWARMS, default=SWARMS[0])
    parser.add_argument("--seed", type=int, default=1, help="another one: another simulated course")
    parser.add_argument("--open", action="store_true", help="open the page in the browser")
    return parser


def _port(word: str) -> int:
    if not word.isdecimal() or int(word) > 65535:
        raise argparse.ArgumentTypeError("a port is a number from 0 to 65535")
    return int(word)


if __name__ == "__main__":
    sys.exit(main())

"""``python -m tests.lab``: a swarm for use at a terminal.

up [NODES] [MANAGERS]   bring a lab up, print how to reach it; Ctrl-C takes it down
clean                   take down labs whose owner died
"""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

from tests.lab.site import Site, reap
from tests.lab.swarm import Lab
from tests.lab.waiting import wait_until

_ENDS = (signal.SIGINT, signal.SIGTERM)


def main() -> int:
    """Run the command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.lab", description="A swarm to try on")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    up = commands.add_parser("up", help="bring a lab up; Ctrl-C takes it down")
    up.add_argument("nodes", type=int, nargs="?", default=3)
    up.add_argument("managers", type=int, nargs="?", default=1)
    up.set_defaults(run=lambda given: _up(given.nodes, given.managers))
    clean = commands.add_parser("clean", help="take down labs whose owner died")
    clean.set_defaults(run=lambda given: _clean())
    guard = commands.add_parser("guard", help="take a lab down when standard input ends")
    guard.add_argument("folder", type=Path)
    guard.add_argument("number", type=int)
    guard.set_defaults(run=lambda given: _guard(Site(given.folder, given.number)))
    given = parser.parse_args()
    try:
        return int(given.run(given))
    except KeyboardInterrupt:  # interrupted while starting: the lab has been removed
        return 130


def _up(nodes: int, managers: int) -> int:
    # Until the lab is up either signal interrupts the start; afterwards we wait for one.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with Lab(nodes, managers) as lab:
        signal.pthread_sigmask(signal.SIG_BLOCK, _ENDS)
        for node in lab.nodes:
            role = "manager" if node.manager else "worker"
            _say(f"export DOCKER_HOST={node.socket}  # {node.name}, {role}")
        _say(f"control socket: {lab.manager.control_socket}")
        _say(f"this machine as containers reach it: {lab.gateway}")
        _say("Ctrl-C takes it all down")
        signal.sigwait(_ENDS)
    return 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _clean() -> int:
    for site in reap():
        _say(f"took down {site.folder}")
    return 0


def _guard(site: Site) -> int:
    sys.stdin.read()
    owner = site.owner
    if owner is not None:
        wait_until(lambda: not owner.alive, "the end of the lab's owner", seconds=600)
        site.clear_if_stale()
    return 0


if __name__ == "__main__":
    sys.exit(main())

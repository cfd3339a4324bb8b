"""Watchers to be killed: ``watcher_process REDIS SLACK TOKEN HEAD START FACTOR``.

For each line that it reads it forks one more watcher and prints its pid: a process that has
everything imported is there at once, so that a hundred can be killed in a minute. They end with it.
START is the Unix time at which the recorded swarm begins to live, FACTOR how much faster.
"""

from __future__ import annotations

import asyncio
import ctypes
import logging
import os
import signal
import sys
from pathlib import Path
from typing import cast

from bot.loops.alerts import AlertTexts
from bot.loops.leader import Leader
from bot.loops.watcher import Surroundings, Watcher
from bot.ports import Swarm
from bot.slack.api import Api
from bot.slack.messenger import Messenger
from bot.store.connection import RedisLink
from bot.store.incidents import RedisIncidents
from bot.store.jobs import RedisJobs
from bot.views.incident import incident_message, reminder_message
from tests.contract.watcher_kit import (
    RULES,
    Head,
    RecordedClock,
    ScriptStream,
    ScriptSwarm,
    script,
)

LEASE = 0.4
PR_SET_PDEATHSIG = 1


async def watch(redis: str, slack: str, token: str, head: Head, clock: RecordedClock) -> None:
    """Be one replica, as far as alerts go."""
    link = RedisLink(redis)
    incidents = RedisIncidents(link, lease_seconds=LEASE)
    messenger = Messenger(Api(token, clock, slack, timeout=5.0), clock)
    messenger.start()
    around = Surroundings(
        incidents=incidents,
        stream=ScriptStream(head),
        swarm=cast("Swarm", ScriptSwarm()),
        jobs=RedisJobs(link),
        chat=messenger,
        clock=clock,
        texts=AlertTexts(
            lambda alert: incident_message(alert.incident, clock.now()),
            lambda incident: reminder_message(incident, clock.now()),
        ),
        rules=RULES,
    )
    await Leader(incidents, clock, Watcher(around).lead, lease_seconds=LEASE).run()


def main(redis: str, slack: str, token: str, head: str, *time: str) -> None:
    """Fork a watcher for each line."""
    logging.basicConfig(format="%(process)d %(message)s", level="INFO")
    script()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody asks how they ended
    for _ in sys.stdin:
        pid = os.fork()
        if pid == 0:
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            clock = RecordedClock(*map(float, time))
            asyncio.run(watch(redis, slack, token, Head(Path(head)), clock))
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])

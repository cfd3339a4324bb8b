"""Watchers for tests that kill them: ``watcher_process``.

It prints ``ready`` once everything is imported. For each line that it reads, a JSON list of REDIS
SLACK TOKEN HEAD LOG START FACTOR, it forks a watcher and prints its pid: forking is fast, so many
can be killed in a short time. They end with it.

START is the Unix time at which the recorded swarm begins, FACTOR its speed.
"""

from __future__ import annotations

import asyncio
import ctypes
import json
import logging
import os
import signal
import sys
from pathlib import Path
from typing import cast

from bot.loops.alerts import AlertTexts
from bot.loops.leader import Leader
from bot.loops.watcher import Watcher, WatcherDependencies
from bot.ports import Swarm
from bot.slack.api import SlackApi
from bot.slack.messenger import Messenger
from bot.store.connection import RedisLink
from bot.store.incidents import RedisIncidents
from bot.store.jobs import RedisJobs
from bot.views.incidents.message import incident_message, reminder_message
from tests.contract.watcher_kit import (
    RULES,
    Head,
    RecordedClock,
    ScriptStream,
    ScriptSwarm,
    evidence_of,
    script,
)

LEASE = 0.4
PR_SET_PDEATHSIG = 1


async def state(redis: str, slack: str, token: str, head: Head, clock: RecordedClock) -> None:
    """Run one replica's alerts."""
    link = RedisLink(redis)
    incidents = RedisIncidents(link, lease_seconds=LEASE)
    messenger = Messenger(SlackApi(token, clock, slack, timeout=5.0), clock)
    messenger.start()
    swarm = cast("Swarm", ScriptSwarm())
    dependencies = WatcherDependencies(
        incidents=incidents,
        stream=ScriptStream(head),
        swarm=swarm,
        evidence=evidence_of(swarm),
        jobs=RedisJobs(link),
        chat=messenger,
        clock=clock,
        texts=AlertTexts(
            lambda alert: incident_message(alert.incident, clock.now()),
            lambda incident: reminder_message(incident, clock.now()),
        ),
        rules=RULES,
    )
    await Leader(incidents, clock, Watcher(dependencies).lead, lease_seconds=LEASE).run()


def be_a_watcher(redis: str, slack: str, token: str, head: str, log: str, *time: str) -> None:
    """Watch until killed."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    with Path(log).open("ab") as file:
        os.dup2(file.fileno(), sys.stderr.fileno())
    asyncio.run(state(redis, slack, token, Head(Path(head)), RecordedClock(*map(float, time))))


def main() -> None:
    """Fork a watcher for each line."""
    logging.basicConfig(format="%(process)d %(message)s", level="INFO")
    script()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # their exit status is not needed
    _say("ready")
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            be_a_watcher(*json.loads(line))
        _say(str(pid))


def _say(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()

"""Watchers as processes, for tests that kill them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

from playground.slack import Message, SlackEmulator
from tests.contract.watcher_kit import CHANNEL
from tests.lab.redis import RedisServer


class Nursery:
    """The process that watchers are forked from: modules are loaded once for all of them."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.contract.watcher_process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._orders, self._answers = self._process.stdin, self._process.stdout

    def __enter__(self) -> Self:
        assert self._answers.readline() == "ready\n"
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        self._orders.close()
        self._answers.close()

    def fork(self, order: list[str]) -> int:
        """Fork one more watcher; returns its pid."""
        self._orders.write(f"{json.dumps(order)}\n")
        self._orders.flush()
        return int(self._answers.readline())


class Crew:
    """The watchers of one test."""

    def __init__(self, nursery: Nursery, order: list[str]) -> None:
        self._nursery = nursery
        self._order = order
        self.members: list[int] = []

    def hire(self) -> None:
        """Start one more watcher."""
        self.members.append(self._nursery.fork(self._order))

    def lose(self, index: int) -> None:
        """SIGKILL one watcher."""
        os.kill(self.members.pop(index), signal.SIGKILL)

    def dismiss(self) -> None:
        """SIGKILL all watchers that are left."""
        while self.members:
            with suppress(ProcessLookupError):
                self.lose(0)


@contextmanager
def a_crew(
    nursery: Nursery,
    redis: RedisServer,
    slack: SlackEmulator,
    head: Path,
    *,
    start: float,
    factor: float,
) -> Iterator[Crew]:
    """A crew without watchers; all end with the block. They log to ``watchers.log``."""
    log = head.parent / "watchers.log"
    places = (redis.url, slack.base_url, slack.tokens.bot, head, log, start, factor)
    crew = Crew(nursery, [str(place) for place in places])
    try:
        yield crew
    finally:
        crew.dismiss()


def alerts(slack: SlackEmulator) -> list[Message]:
    """All incident messages."""
    posted = slack.workspace.in_channel(CHANNEL)
    return [message for message in posted if "incident_id" in message.payload]

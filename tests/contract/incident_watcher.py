"""Watchers that save as fast as they can, for tests that kill them: ``incident_watcher URL``.

For each line that it reads it forks a watcher, and prints ``ended`` when that was killed;
everything is imported once. A watcher prints ``saving`` and its pid once it leads and has saved.
"""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import replace
from itertools import count

from tests.contract.incident_kit import a_big_state, an_alert, an_incident, incidents_on


async def watch(url: str) -> None:
    """A state with the number of its save in every place."""
    async with incidents_on(url) as store:
        token, before = await store.lead(), (await store.load()).state.cursor or 0
        big = a_big_state()
        for number in count(before + 1):
            state = replace(
                big,
                cursor=number,
                counted={"t1": float(number)},
                earlier={**big.earlier, "t0": float(number)},
            )
            alert = replace(an_alert(an_incident("a")), done=number)
            await store.save(token, state, {"a": alert}, handled=f"{number}-0")
            if number == before + 1:
                _say(f"saving {os.getpid()}")


def main(url: str) -> None:
    """Fork watchers, one after the other."""
    for _ in sys.stdin:
        pid = os.fork()
        if pid == 0:
            asyncio.run(watch(url))
        os.waitpid(pid, 0)
        _say("ended")


def _say(words: str) -> None:
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1])

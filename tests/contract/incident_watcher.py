"""A watcher that saves as fast as it can, for tests that kill it: ``incident_watcher URL``.

It prints ``saving`` once it leads and has saved.
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from itertools import count

from tests.contract.incident_kit import a_big_watch, an_alert, an_incident, incidents_on


async def main(url: str) -> None:
    """Each save has its number in every place."""
    async with incidents_on(url) as store:
        token, before = await store.lead(), (await store.load()).watch.cursor or 0
        big = a_big_watch()
        for number in count(before + 1):
            watch = replace(
                big,
                cursor=number,
                counted={"t1": float(number)},
                earlier={**big.earlier, "t0": float(number)},
            )
            alert = replace(an_alert(an_incident("a")), done=number)
            await store.save(token, watch, {"a": alert}, handled=f"{number}-0")
            if number == before + 1:
                sys.stdout.write("saving\n")
                sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))

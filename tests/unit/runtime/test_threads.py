"""Blocking calls in threads: their number is limited, and abandoned ones are not awaited."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading

import pytest

from bot.runtime.threads import DaemonThreads, Threads


async def test_a_call_returns_its_value_or_raises_its_error() -> None:
    threads = Threads(1)

    assert await threads.run(lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        await threads.run(lambda: 1 / 0)
    assert await threads.run(lambda: 8) == 8


async def test_calls_one_after_the_other_share_a_thread() -> None:
    threads = Threads(4)

    assert len({await threads.run(threading.get_ident) for _ in range(20)}) <= 2


async def test_a_call_does_not_wait_for_one_that_hangs() -> None:
    threads, gate = DaemonThreads(), threading.Event()
    hanging = [threads.submit(gate.wait, 10) for _ in range(5)]

    assert await asyncio.wrap_future(threads.submit(lambda: 7)) == 7
    assert not any(each.done() for each in hanging)
    gate.set()
    for each in hanging:
        assert await asyncio.wrap_future(each)
    names = {await asyncio.wrap_future(threads.submit(threading.get_ident)) for _ in range(20)}
    assert len(names) <= 6


async def test_the_number_of_concurrent_calls_is_limited() -> None:
    threads, gate, lock = Threads(2), threading.Event(), threading.Lock()
    full = threading.Event()
    running: list[int] = []

    def work() -> int:
        with lock:
            running.append(1)
            at_once = len(running)
        if at_once == 2:
            full.set()
        gate.wait(10)
        with lock:
            running.pop()
        return at_once

    calls = [asyncio.create_task(threads.run(work)) for _ in range(6)]
    await asyncio.to_thread(full.wait, 10)
    gate.set()

    assert max(await asyncio.gather(*calls)) == 2


async def test_an_abandoned_call_keeps_its_slot_until_it_ends() -> None:
    threads, gate, began = Threads(1), threading.Event(), threading.Event()

    def work() -> None:
        began.set()
        gate.wait(10)

    given_up = asyncio.create_task(threads.run(work))
    await asyncio.to_thread(began.wait, 10)
    given_up.cancel()
    next_one = asyncio.create_task(threads.run(lambda: "next"))
    done, _ = await asyncio.wait({given_up, next_one}, return_when=asyncio.FIRST_COMPLETED)
    gate.set()

    assert done == {given_up}
    assert await next_one == "next"


def test_a_hanging_call_does_not_keep_the_process_alive() -> None:
    program = """
import asyncio, contextlib, threading
from bot.runtime.threads import Threads
async def main():
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.05):
            await Threads(1).run(threading.Event().wait)
    print("left")
asyncio.run(main())
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=20, check=True
    )

    assert done.stdout == "left\n"

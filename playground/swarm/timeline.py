"""A clock that is moved by hand, and processes that run on it: pure.

A process is a generator. It yields a ``Wait`` and continues when the time has passed or one of the
keys was signalled; it is sent True if it was a key. Processes that are due at the same time
continue in the order in which they began to wait, so the same commands give the same course.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Generator, Hashable, Iterable
from dataclasses import dataclass
from typing import Final

FOR_EVER: Final = float("inf")


@dataclass(frozen=True, slots=True)
class Wait:
    """The condition of a waiting process: ``seconds`` pass, or one of ``keys`` is signalled."""

    seconds: float = FOR_EVER
    keys: tuple[Hashable, ...] = ()


Course = Generator[Wait, bool, None]
"""The generator of a process."""


class Process:
    """One running course."""

    __slots__ = ("alive", "begun", "course", "turn", "wait")

    def __init__(self, course: Course) -> None:
        self.course = course
        self.alive = True
        self.begun = False
        self.turn = 0
        self.wait = Wait(0.0)


class Timeline:
    """The simulation's time in Unix seconds, from ``now`` on.

    ``after_each`` is called after each step of a process: there the store commits.
    """

    def __init__(self, now: float) -> None:
        self.now = now
        self.after_each: Callable[[], None] = lambda: None
        self._due: list[tuple[float, int, Process, int, bool]] = []
        self._order = itertools.count()
        self._waiting: dict[Hashable, dict[Process, None]] = {}

    @property
    def next_at(self) -> float:
        """The time of the next event; infinite if none is due."""
        while self._due and not _is_fresh(self._due[0]):
            heapq.heappop(self._due)
        return self._due[0][0] if self._due else FOR_EVER

    def spawn(self, course: Course) -> Process:
        """Start a process now, after the current step."""
        process = Process(course)
        self._schedule(process, self.now, by_key=False)
        return process

    def after(self, seconds: float, act: Callable[[], None]) -> Process:
        """Call a function once, after a delay in seconds."""

        def course() -> Course:
            yield Wait(seconds)
            act()

        return self.spawn(course())

    def cancel(self, process: Process) -> None:
        """Cancel a process; it cannot cancel itself."""
        if process.alive:
            process.alive = False
            self._forget(process)
            process.course.close()

    def tell(self, keys: Iterable[Hashable]) -> None:
        """Wake the processes that wait for one of these keys."""
        for key in keys:
            for process in tuple(self._waiting.get(key, ())):
                self._forget(process)
                self._schedule(process, self.now, by_key=True)

    def advance(self, until: float) -> None:
        """Move the clock and run everything that is due by then, in order."""
        while self.next_at <= until:
            at, _, process, _, by_key = heapq.heappop(self._due)
            self.now = max(self.now, at)
            self._step(process, by_key=by_key)
            self.after_each()
        self.now = max(self.now, until)

    def _step(self, process: Process, *, by_key: bool) -> None:
        self._forget(process)
        try:
            wait = process.course.send(by_key) if process.begun else next(process.course)
        except StopIteration:
            process.alive = False
            return
        process.begun, process.wait = True, wait
        for key in wait.keys:
            self._waiting.setdefault(key, {})[process] = None
        if wait.seconds < FOR_EVER:
            self._schedule(process, self.now + max(wait.seconds, 0.0), by_key=False)

    def _schedule(self, process: Process, at: float, *, by_key: bool) -> None:
        process.turn += 1
        heapq.heappush(self._due, (at, next(self._order), process, process.turn, by_key))

    def _forget(self, process: Process) -> None:
        for key in process.wait.keys:
            waiting = self._waiting.get(key)
            if waiting is not None:
                waiting.pop(process, None)
                if not waiting:
                    del self._waiting[key]


def _is_fresh(entry: tuple[float, int, Process, int, bool]) -> bool:
    """Whether the process still waits for this: it may have been woken or cancelled since."""
    _, _, process, turn, _ = entry
    return process.alive and process.turn == turn

"""After a crash of a pytest-xdist worker, every other test runs once."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest

from tests.crashes import EachTestOnce

SIZES = {"a": 4, "b": 3, "c": 2, "d": 2, "e": 1, "f": 1, "g": 1}
TESTS = [f"{file}.py::test_{number}" for file, size in SIZES.items() for number in range(size)]


class Worker:
    """Starts a test as pytest-xdist's workers do: when it knows the next one or must shut down."""

    def __init__(self, name: str) -> None:
        self.gateway = SimpleNamespace(id=name)
        self.given: list[int] = []
        self.shutting_down = False

    def send_runtest_some(self, indices: list[int]) -> None:
        self.given += indices

    def shutdown(self) -> None:
        self.shutting_down = True

    @property
    def begins(self) -> bool:
        return bool(self.given) and (self.shutting_down or len(self.given) >= 2)


def scheduler_of_two() -> Any:
    """The scheduler; `Any`, because it accepts our workers instead of its own."""
    options = SimpleNamespace(loadscopereorder=True)
    config: Any = SimpleNamespace(option=options, getvalue=lambda _name: ["2*popen"])
    return EachTestOnce(config)


class Play:
    """A run of two workers, without processes."""

    def __init__(self) -> None:
        self.scheduler = scheduler_of_two()
        self.ran: Counter[str] = Counter()
        self.first, self.second = Worker("gw0"), Worker("gw1")
        for worker in (self.first, self.second):
            self.scheduler.add_node(worker)
            self.scheduler.add_node_collection(worker, TESTS)
        self.scheduler.schedule()

    def work(self, worker: Worker, most: int = len(TESTS)) -> None:
        """Let a worker run a limited number of tests."""
        for _ in range(most):
            if self.scheduler.tests_finished:
                worker.shutdown()
            if not worker.begins:
                return
            self.ran[TESTS[worker.given[0]]] += 1
            self.scheduler.mark_test_complete(worker, worker.given.pop(0))


@pytest.mark.parametrize("before", range(len(TESTS)))
@pytest.mark.parametrize("meanwhile", range(len(TESTS)))
def test_every_other_test_runs_once(before: int, meanwhile: int) -> None:
    play = Play()
    play.work(play.second, meanwhile)
    play.work(play.first, before)
    at = TESTS[play.first.given[0]] if play.first.given else None

    crashed = play.scheduler.remove_node(play.first)
    play.work(play.second, meanwhile)
    third = Worker("gw2")
    play.scheduler.add_node(third)
    play.work(play.second)
    play.scheduler.add_node_collection(third, TESTS)
    play.scheduler.schedule()
    for worker in (play.second, third, play.second, third):
        play.work(worker)

    assert crashed == at
    assert play.ran == Counter(name for name in TESTS if name != crashed)


def test_a_worker_that_ends_normally_leaves_nothing() -> None:
    play = Play()
    for worker in (play.first, play.second, play.first):
        play.work(worker)

    assert [play.scheduler.remove_node(worker) for worker in (play.first, play.second)] == [
        None
    ] * 2
    assert play.ran == Counter(TESTS)

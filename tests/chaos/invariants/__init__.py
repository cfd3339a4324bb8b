"""What must hold after every run: pure functions over its record.

Each returns the violations that it finds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tests.chaos.invariants.incidents import failures_are_told_once
from tests.chaos.invariants.jobs import (
    every_command_ends,
    jobs_end_once,
    messages_show_their_records,
    nobody_is_mentioned_twice,
    verdicts_stay,
)
from tests.chaos.invariants.leftovers import nothing_is_left
from tests.chaos.invariants.swarm import objects_are_as_wanted, updates_are_those_of_jobs
from tests.chaos.recorded import Recorded, Violation

INVARIANTS: tuple[Callable[[Recorded], Iterator[Violation]], ...] = (
    every_command_ends,
    jobs_end_once,
    messages_show_their_records,
    verdicts_stay,
    nobody_is_mentioned_twice,
    objects_are_as_wanted,
    updates_are_those_of_jobs,
    failures_are_told_once,
    nothing_is_left,
)


def violations(recorded: Recorded) -> tuple[Violation, ...]:
    """Everything that is wrong with a run."""
    return tuple(each for holds in INVARIANTS for each in holds(recorded))

"""The differences between two looks, with many services."""

from __future__ import annotations

import time
from dataclasses import replace

from bot.domain.swarm.model import Mode, Service, StackLook, Task, TaskState
from bot.ports import FeedChange
from bot.swarm.differences import differences

SERVICES = 1000
TASKS_OF_EACH = 10


def test_a_large_swarm_is_compared_at_once() -> None:
    """The time grows with the number of tasks, not with tasks times services."""
    services = tuple(
        Service(f"s{number:04}", f"part{number}", 1, Mode.REPLICATED, TASKS_OF_EACH)
        for number in range(SERVICES)
    )
    tasks = tuple(
        Task(f"{s.id}-{slot}", s.id, slot, "n1", TaskState.RUNNING, TaskState.RUNNING)
        for s in services
        for slot in range(1, TASKS_OF_EACH + 1)
    )
    failed = replace(tasks[0], state=TaskState.FAILED)
    before = StackLook(0.0, "", services, tasks, ())
    after = StackLook(1.0, "", services, (failed, *tasks[2:]), ())
    began = time.thread_time()
    found = differences(before, after)
    spent = time.thread_time() - began
    assert found == (FeedChange("s0000", failed), FeedChange("s0000"))
    assert spent < 0.5

"""What runs, compared with the registries."""

from __future__ import annotations

from bot.domain.operations.image_list import Standing, compared, tags_of
from bot.domain.swarm.model import Mode, Service, Task, TaskState

OLD, NEW = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"


def a_service(name: str, image: str) -> Service:
    return Service(name, f"orochi_{name}", 1, Mode.REPLICATED, 1, image=image, stack="orochi")


SERVICES = (
    a_service("same", f"reg/app:1@{OLD}"),
    a_service("newer", f"reg/app:2@{OLD}"),
    a_service("loose", "reg/app:1"),
    a_service("latest", "redis"),
    a_service("fixed", f"reg/app@{OLD}"),
    a_service("away", f"gone/app:1@{OLD}"),
    a_service("strange", ""),
)


def running(service: str, since: float, *, new: bool = True, state: TaskState = TaskState.RUNNING):
    return Task(f"{service}{since}", service, 1, "n", state, state, since=since, up_to_date=new)


def test_each_tag_is_looked_up_once():
    assert tags_of(SERVICES) == ("gone/app:1", "redis:latest", "reg/app:1", "reg/app:2")


def test_what_is_not_the_newest_comes_first():
    found = {"reg/app:1": OLD, "reg/app:2": NEW, "redis:latest": NEW}
    rows = compared(SERVICES, (), found, {"gone/app:1": "No answer."})
    assert [(row.service.id, row.standing, row.newest, row.why) for row in rows] == [
        ("newer", Standing.NEWER, "b" * 12, ""),
        ("away", Standing.UNKNOWN, "", "No answer."),
        ("latest", Standing.UNPINNED, "b" * 12, ""),
        ("loose", Standing.UNPINNED, "a" * 12, ""),
        ("same", Standing.NEWEST, "", ""),
        ("fixed", Standing.FIXED, "", ""),
        ("strange", Standing.FIXED, "", ""),
    ]


def test_it_has_run_since_its_oldest_task_of_this_version():
    tasks = (
        running("same", 50.0),
        running("same", 40.0),
        running("same", 10.0, new=False),
        running("same", 5.0, state=TaskState.FAILED),
    )
    (row,) = compared(SERVICES[:1], tasks, {"reg/app:1": OLD}, {})
    assert row.since == 40.0
    (row,) = compared(SERVICES[:1], (), {"reg/app:1": OLD}, {})
    assert row.since == 0.0

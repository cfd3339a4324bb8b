"""A plan in a large swarm does not keep the event loop."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from bot.domain.jobs.deploy_plan import Kind, Plan, PlanAction, PlanStep
from bot.swarm.connection import Connection
from bot.swarm.stacks.dry_run import RecordedCall
from bot.swarm.stacks.planning import Recorded
from bot.swarm.stacks.survey import Survey

NODES, SERVICES, TASKS = 50, 20, 4000
TURNS = 50
GIB = 2**30


class LargeSwarm:
    """An engine that answers at once."""

    async def list(self, path: str, _filters: object = None) -> list[dict[str, Any]]:
        return (
            [_node(n) for n in range(NODES)] if path == "/nodes" else list(map(_task, range(TASKS)))
        )


def _node(number: int) -> dict[str, Any]:
    resources = {"NanoCPUs": 8 * 10**9, "MemoryBytes": 32 * GIB}
    return {
        "ID": f"n{number}",
        "Spec": {"Availability": "active"},
        "Status": {"State": "ready"},
        "Description": {"Hostname": f"m{number}", "Resources": resources},
    }


def _task(number: int) -> dict[str, Any]:
    return {
        "ID": f"t{number}",
        "ServiceID": f"s{number % 200}",
        "NodeID": f"n{number % NODES}",
        "DesiredState": "running",
        "Status": {"State": "running"},
    }


def a_plan() -> Recorded:
    """Many services, of which the last one needs more than any node has."""
    steps, calls = [], {}
    for number in range(SERVICES):
        name, gibs = f"st_s{number}", 1 if number < SERVICES - 1 else 500
        need = {"Reservations": {"MemoryBytes": gibs * GIB}}
        spec = {
            "Name": name,
            "Labels": {"com.docker.stack.namespace": "st"},
            "TaskTemplate": {"ContainerSpec": {"Image": "web:1"}, "Resources": need},
            "Mode": {"Replicated": {"Replicas": 1}},
        }
        step = PlanStep(Kind.SERVICE, PlanAction.CREATE, name)
        steps.append(step)
        calls[step.key] = RecordedCall("services", "create", name, spec, {})
    return Recorded(Plan("st", tuple(steps), ()), calls, {})


async def test_the_loop_runs_on_while_the_places_of_tasks_are_looked_for() -> None:
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    survey = Survey(cast("Connection", LargeSwarm()), None)
    found = await survey.foreseen(a_plan(), {})
    counting.cancel()

    (only,) = found.warnings
    assert only.startswith("`s19` fits on no node (50 nodes: needs 500 GiB of memory")
    assert turns > TURNS

"""What is wrong with a change before it is made."""

from __future__ import annotations

from bot.domain.errors import RefusedError
from bot.domain.swarm import Mode, Service, Task, TaskState, UpdateState

PAUSED = {
    UpdateState.PAUSED: "its last update failed and is paused",
    UpdateState.ROLLBACK_PAUSED: "its last roll back failed and is paused",
}


def check_scale(service: Service) -> None:
    """Raise RefusedError when the service cannot be scaled as it stands.

    Docker resumes a paused rollout at the next change of the service, whatever the change is: a
    scale would then replace the healthy tasks by the broken version (moby/swarmkit
    ``manager/orchestrator/update/updater.go``).
    """
    if service.mode.is_global:
        raise RefusedError(
            f"`{service.short_name}` is a global service: it runs once on every eligible node and "
            "cannot be scaled.",
            hint="Add or drain nodes to change how many run.",
        )
    if service.update in PAUSED:
        raise RefusedError(
            f"`{service.short_name}` cannot be scaled now: {PAUSED[service.update]}, and scaling "
            "would resume the bad rollout.",
            hint=f"Roll back first: `docker service rollback {service.name}`. Then scale.",
        )


def missing_places(service: Service, tasks: tuple[Task, ...], replicas: int) -> int:
    """How many more tasks must find a node to reach ``replicas``.

    Run-to-completion services are left out (0): their tasks come and go.
    """
    if service.mode is not Mode.REPLICATED:
        return 0
    placed = {
        task.place
        for task in tasks
        if task.node_id and not task.state.over and task.desired <= TaskState.RUNNING
    }
    return max(0, replicas - len(placed))

"""Checks before a change is made."""

from __future__ import annotations

from bot.domain.convergence.wording import way_out
from bot.domain.errors import RefusedError
from bot.domain.swarm.image_name import read_image
from bot.domain.swarm.model import LastChange, Look, Mode, Service, Task, TaskState, UpdateState

PAUSED = {
    UpdateState.PAUSED: "its last update failed and is paused",
    UpdateState.ROLLBACK_PAUSED: "its last rollback failed and is paused",
}


def replaces_healthy_tasks(service: Service, look: Look) -> bool:
    """Whether going on with its paused update would replace running tasks by a failed version.

    False for a paused restart, whose tasks all have one version, and if no other task runs.
    ``look`` is one at the service; of another template, it cannot tell, and the answer is True.
    """
    previous = service.previous
    if service.update not in PAUSED or (previous and previous.change is LastChange.RESTART):
        return False
    if look.service is None or look.service.template != service.template:
        return True
    return any(
        task.state is TaskState.RUNNING
        and task.desired <= TaskState.RUNNING
        and not task.up_to_date
        and task.service_id == service.id
        for task in look.tasks
    )


def check_scale(service: Service, look: Look, command: str) -> None:
    """Raise RefusedError if the service cannot be scaled in its present state.

    Docker resumes a paused rollout at the next change of the service, whatever the change is:
    scaling would then replace healthy tasks by the broken version (moby/swarmkit
    ``manager/orchestrator/update/updater.go``). ``command`` is the slash command.
    """
    if service.mode.is_global:
        raise RefusedError(
            f"`{service.short_name}` cannot be scaled: it is a global service and runs once on "
            "every eligible node.",
            hint="To change how many run, add or drain nodes.",
        )
    if replaces_healthy_tasks(service, look):
        raise RefusedError(
            f"`{service.short_name}` cannot be scaled now: {PAUSED[service.update]}, and scaling "
            "would resume the bad rollout.",
            hint=f"{way_out(service, command)} Then scale.",
        )


def check_restart(service: Service, look: Look, command: str) -> None:
    """Raise RefusedError if the service cannot be restarted in its present state.

    Like any change, a restart resumes a paused rollout. ``command`` as for ``check_scale``.
    """
    if replaces_healthy_tasks(service, look):
        raise RefusedError(
            f"`{service.short_name}` cannot be restarted now: {PAUSED[service.update]}, and a "
            "restart would resume the bad rollout.",
            hint=f"{way_out(service, command)} Then restart.",
        )


def check_update(service: Service, look: Look, image: str, command: str) -> None:
    """Raise RefusedError if the service cannot be given an image in its present state.

    While an update is paused, another image takes the place of the one that failed. The same one
    would resume the bad rollout. ``command`` as for ``check_scale``.
    """
    if service.image == image and replaces_healthy_tasks(service, look):
        raise RefusedError(
            f"`{service.short_name}` cannot be updated to that image: {PAUSED[service.update]}, "
            "and this is the image that failed.",
            hint=f"{way_out(service, command)} Or update to another image.",
        )


def check_resume(service: Service) -> None:
    """Raise RefusedError if no update of the service is paused."""
    if service.update not in PAUSED:
        raise RefusedError(f"`{service.short_name}` has no paused update to resume.")


def check_roll_back(service: Service, command: str) -> None:
    """Raise RefusedError if a rollback of the service would not restore another version.

    The swarm keeps one previous spec, and every change replaces it: after a scale it is the same
    version with the old number, and after a restart it is the same version. ``command`` as for
    ``check_scale``.
    """
    if service.can_roll_back:
        return
    name, previous = f"`{service.short_name}`", service.previous
    if service.update in PAUSED:
        raise RefusedError(
            f"{name} has no older version to go back to.", hint=way_out(service, command)
        )
    if previous is None:
        raise RefusedError(
            f"{name} cannot be rolled back: it was never changed, so it has no older version."
        )
    image = read_image(previous.image).unpinned
    if service.update.is_roll_back and previous.change is LastChange.VERSION:
        raise RefusedError(
            f"{name} is already rolled back.",
            hint=f"To return to the newer version: {_by_update(service, image, command)}.",
        )
    number = previous.change is LastChange.NUMBER
    last = "scale" if number else "restart"
    raise RefusedError(
        f"{name} has no older version: Docker keeps one, and the last change was a {last}, so "
        f"it is the same ({image}).",
        hint=f"To set an older image: {_by_update(service, ':TAG', command)}.",
    )


def _by_update(service: Service, image: str, command: str) -> str:
    """The command that sets an image, or the ``:TAG`` of the present one."""
    return f"`{command} update {service.advised_name} {image}`"


def missing_places(service: Service, tasks: tuple[Task, ...], replicas: int) -> int:
    """How many more tasks must find a node to reach ``replicas``.

    0 for run-to-completion services, because their tasks come and go.
    """
    if service.mode is not Mode.REPLICATED:
        return 0
    placed = {
        task.place
        for task in tasks
        if task.node_id and not task.state.over and task.desired <= TaskState.RUNNING
    }
    return max(0, replicas - len(placed))

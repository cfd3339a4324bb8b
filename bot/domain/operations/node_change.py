"""Draining and activating nodes: finding the node, affected services, progress and outcome.

When a node is drained, the swarm stops every task on it and starts those of replicated services
elsewhere. Tasks of global services end; those of jobs stay until they end (seen with engine 20.10).
Activating a node moves nothing: only global services start a task there, and tasks that wait for a
node may be scheduled.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from bot.domain.commands.names import alike
from bot.domain.errors import NotFoundError, RefusedError, SwarmError
from bot.domain.jobs.progress import ServiceProgress, SlotProgress
from bot.domain.jobs.verdict import Outcome, Verdict
from bot.domain.swarm.model import Availability, Mode, Node, NodeState, Service, Task, TaskState
from bot.domain.swarm.placement import eligible_nodes
from bot.domain.swarm.slots import last_wanted

SHORTEST_ID = 4
SHORTEST_PART = 3
_PARTS = re.compile(r"[-_.]")
MOST_NAMED = 8
DONE = {
    Availability.ACTIVE: "activated",
    Availability.PAUSE: "paused",
    Availability.DRAIN: "drained",
}


@dataclass(frozen=True, slots=True)
class NodeLook:
    """One node with its tasks. ``names`` are services' full names by their ids."""

    node: Node
    tasks: tuple[Task, ...]
    names: Mapping[str, str]

    @property
    def left(self) -> tuple[Task, ...]:
        """The tasks whose containers still run here, as far as known; none if the node is down."""
        if self.node.state is NodeState.DOWN:
            return ()
        return tuple(task for task in self.tasks if not task.state.over)


def is_node(typed: str, nodes: Sequence[Node]) -> bool:
    """Whether the typed name means one of the nodes."""
    try:
        find_node(typed, nodes)
    except RefusedError:
        return False
    return True


def find_node(typed: str, nodes: Sequence[Node]) -> Node:
    """The node with this hostname, id, id prefix, or unique part of its hostname.

    An end of it (``machine-03``), also in short (``m-03``), goes before any other part. Raises
    RefusedError.
    """
    named = [node for node in nodes if node.hostname.lower() == typed.lower()]
    exact = [node for node in nodes if node.id == typed]
    beginning = [node for node in nodes if len(typed) >= SHORTEST_ID and node.id.startswith(typed)]
    for found in (exact, named, beginning):
        if len(found) == 1:
            return found[0]
        if found:
            ids = ", ".join(f"`{node.id}`" for node in found[:MOST_NAMED])
            raise RefusedError(f"Several nodes are named `{typed}`.", hint=f"Use an id: {ids}.")
    ending = [node for node in nodes if node.hostname.lower().endswith(typed.lower())]
    found = ending or [node for node in nodes if _abbreviates(typed, node.hostname)]
    found = found or [node for node in nodes if _has_part(typed, node.hostname)]
    if len(found) == 1:
        return found[0]
    if found:
        named_so = ", ".join(f"`{node.hostname}`" for node in found[:MOST_NAMED])
        more = f" and {len(found) - MOST_NAMED} more" if len(found) > MOST_NAMED else ""
        raise RefusedError(
            f"`{typed}` matches {len(found)} nodes.",
            hint=f"Type more of the name: {named_so}{more}.",
        )
    hostnames = [node.hostname for node in nodes]
    close = " or ".join(f"`{name}`" for name in alike(typed, hostnames, 2))
    known = ", ".join(f"`{name}`" for name in hostnames[:MOST_NAMED])
    more = f" and {len(hostnames) - MOST_NAMED} more" if len(hostnames) > MOST_NAMED else ""
    hint = f"Did you mean {close}?" if close else f"Nodes: {known}{more}."
    raise RefusedError(f"There is no node `{typed}`.", hint=hint)


def _has_part(typed: str, hostname: str) -> bool:
    return len(typed) >= SHORTEST_PART and typed.lower() in hostname.lower()


def _abbreviates(typed: str, hostname: str) -> bool:
    """Whether the typed parts begin the last parts of the hostname: ``m-03`` of ``a-machine-03``.

    The last part must be complete.
    """
    short, full = (_PARTS.split(name.lower()) for name in (typed, hostname))
    last = full[-len(short) :]
    starts = all(part.startswith(start) for start, part in zip(short, last, strict=False))
    return len(short) == len(last) > 1 and all(short) and starts and short[-1] == last[-1]


def check_drain(node: Node, nodes: Iterable[Node]) -> None:
    """Raise RefusedError if no other node could run the tasks."""
    others = [each for each in nodes if each.id != node.id and each.usable]
    if others or node.availability is Availability.DRAIN:
        return
    raise RefusedError(
        f"`{node.hostname}` is the last node that takes tasks. Draining it would stop everything.",
        hint="Activate or add another node first.",
    )


def moved_services(node: Node, services: Iterable[Service], tasks: Iterable[Task]) -> list[Service]:
    """The replicated services with a desired task on the node, which must run elsewhere."""
    there = [task for task in tasks if task.node_id == node.id and not task.state.over]
    return [
        service
        for service in services
        if service.mode is Mode.REPLICATED
        and any(t.service_id == service.id and t.desired <= last_wanted(service) for t in there)
    ]


def arriving_services(node: Node, services: Iterable[Service]) -> list[Service]:
    """The global services that start a task on a node once it is active."""
    active = replace(node, availability=Availability.ACTIVE, state=NodeState.READY)
    return [
        service
        for service in services
        if service.mode is Mode.GLOBAL and eligible_nodes(service, (active,))
    ]


def drain_progress(subject: str, look: NodeLook, total: int) -> ServiceProgress:
    """The tasks that are still there; ``running`` counts those that left, of ``total``.

    Both are 0 if the node is down: then nobody knows.
    """
    if look.node.state is NodeState.DOWN:
        return ServiceProgress(subject, 0, 0, "the node is down, its containers are unknown")
    left = look.left
    gone = max(total - len(left), 0)
    phase = f"{gone} of {total} tasks have left" if total else "no tasks were there"
    slots = tuple(
        SlotProgress(
            place=_place(task, look.names),
            state=task.state.name.lower(),
            note="job task, stays until it ends" if _is_job(task) else "",
            leaving=task.desired > max(task.state, TaskState.COMPLETE),
        )
        for task in left
    )
    return ServiceProgress(subject, gone, max(total, len(left)), phase, slots)


def drain_outcome(look: NodeLook, total: int, *, changed: bool) -> Outcome | None:
    """The outcome for the node itself, None while tasks remain."""
    if look.node.availability is not Availability.DRAIN:
        return _superseded(look.node)
    if look.left:
        return None
    already = "" if changed else "Already drained. "
    if look.node.state is NodeState.DOWN:
        reason = (
            f"{already}The node is down: its containers are unknown and may still run,"
            " its tasks start elsewhere."
        )
        return Outcome(Verdict.CONVERGED, reason)
    return Outcome(
        Verdict.CONVERGED, f"{already}No tasks left on it.", running=total, desired=total
    )


def drain_overdue(look: NodeLook, total: int) -> Outcome:
    """The outcome when the time limit was reached before the last task left."""
    named = ", ".join(_place(task, look.names) for task in look.left[:MOST_NAMED])
    count = len(look.left)
    advice = "Check why they do not stop. The swarm keeps trying."
    if all(map(_is_job, look.left)):
        advice = "A job's task stays on a drained node until it ends: wait, or remove the job."
    return Outcome(
        Verdict.TIMED_OUT,
        f"{count} {'task still runs' if count == 1 else 'tasks still run'} there: {named}.",
        advice,
        running=max(total - len(look.left), 0),
        desired=total,
    )


def unseen(error: SwarmError) -> Outcome:
    """The outcome when the engine did not answer until the time limit."""
    return Outcome(
        Verdict.TIMED_OUT,
        f"The engine did not answer before the time limit: {error.sentence}",
        "Check the manager's engine, then `nodes`.",
    )


def activate_outcome(node: Node, *, changed: bool, late: bool) -> Outcome | None:
    """The outcome for the node itself, None until the node is ready."""
    if node.availability is not Availability.ACTIVE:
        return _superseded(node)
    active = "Active" if changed else "Already active"
    if node.state is NodeState.READY:
        return Outcome(Verdict.CONVERGED, f"{active}. Running tasks are not moved back.")
    if node.state is not NodeState.DOWN and not late:
        return None
    return Outcome(
        Verdict.FAILED,
        f"{active} but {node.state.value}: no tasks can start.",
        "Start its engine, or check why it cannot reach the managers.",
    )


def gone(error: NotFoundError) -> Outcome:
    """The outcome when the node is no longer in the swarm."""
    return Outcome(Verdict.SUPERSEDED, f"Someone removed the node. {error.sentence}")


def _superseded(node: Node) -> Outcome:
    return Outcome(Verdict.SUPERSEDED, f"Someone else {DONE[node.availability]} it.")


def _is_job(task: Task) -> bool:
    """Whether a live task belongs to a job: only those have the desired state complete."""
    return task.desired is TaskState.COMPLETE


def _place(task: Task, names: Mapping[str, str]) -> str:
    name = names.get(task.service_id, task.service_id)
    return f"{name}.{task.slot}" if task.slot else name

"""The expected state of a service after a change, and the time limits."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ConvergenceLimits:
    """Time limits of a convergence; all in seconds except the count.

    ``time_limit`` ends every convergence. ``probation`` is how long a ``converged`` service is
    watched. ``slot_failures`` is the number of failures of one slot that leads to a verdict.
    ``unschedulable_after`` is how long a task may be without a node, ``starting_error_after`` how
    long one task may keep trying to start with the same kind of error, ``unallocated_after`` how
    long one may wait for an address in a network. A slot without a live task
    is judged ``vacant_margin`` after its restart delay, or after ``ended_margin`` if the restart
    policy rules out a replacement. A job's task on a node that is down is given up after
    ``lost_after``: a node may be back from a short outage. ``probe_again`` is the interval between
    probes while all tasks run but the service is not ready.
    """

    time_limit: float = 900.0
    probation: float = 60.0
    slot_failures: int = 3
    unschedulable_after: float = 5.0
    starting_error_after: float = 10.0
    unallocated_after: float = 15.0
    vacant_margin: float = 5.0
    ended_margin: float = 2.0
    lost_after: float = 30.0
    probe_again: float = 1.0


@dataclass(frozen=True, slots=True)
class Goal:
    """The expected state of one service after a change.

    ``service`` is the full name. ``replicas`` is the requested number; None for global services and
    for changes that keep the number. ``known_dead`` are the ids of tasks that ended before the
    change: their failures are not caused by it. ``began`` is when the change was applied, in Unix
    seconds of the observer's clock. ``updates`` is True if the change makes the swarm replace tasks
    (deploy, restart, rollback): then a rollback by the swarm means that it failed. ``rollback`` is
    True if the change itself is a rollback. ``update_before`` is the start
    (``UpdateStatus.StartedAt``) of the update status that the service had before the change, 0.0
    for none; None if unknown: then an update that had ended by the first look does not belong to
    this change. ``template`` is the digest of the template that the change gave the service, "" if
    the change did not affect the tasks. ``command`` is the slash command, for advice, and
    ``advised`` the service's name there,  until the service was seen.
    """

    service_id: str
    service: str
    replicas: int | None = None
    known_dead: frozenset[str] = frozenset()
    began: float = 0.0
    limits: ConvergenceLimits = ConvergenceLimits()
    updates: bool = False
    rollback: bool = False
    update_before: float | None = None
    template: str = ""
    command: str = "/orochi"
    advised: str = ""

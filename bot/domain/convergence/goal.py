"""What is awaited for one service, and how long."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ConvergenceLimits:
    """When time alone decides; all in seconds but the count.

    ``time_limit`` ends every convergence. ``probation`` is how long a ``converged`` is watched.
    ``slot_failures`` is how many failures of one slot are a verdict. ``unschedulable_after`` is
    how long a task may find no node, ``starting_error_after`` how long one task may go on trying
    to start with the same kind of error. A slot with no live task is judged ``vacant_margin``
    after its restart delay, or after ``ended_margin`` where the restart policy rules a
    replacement out. ``probe_again`` is how often a probe is asked while all runs and it is not
    content.
    """

    time_limit: float = 900.0
    probation: float = 60.0
    slot_failures: int = 3
    unschedulable_after: float = 5.0
    starting_error_after: float = 10.0
    vacant_margin: float = 5.0
    ended_margin: float = 2.0
    probe_again: float = 1.0


@dataclass(frozen=True, slots=True)
class Goal:
    """What is awaited for one service after a change.

    ``service`` is the full name. ``replicas`` is the number that was asked for; None for global
    services and where the number is as it is. ``known_dead`` are the ids of tasks that ended
    before the change: their failures are not its doing. ``began`` is when the change was applied,
    Unix seconds of the looker's clock. ``updates`` is True when the change makes the swarm replace
    tasks (deploy, restart, roll back): then a roll back by the swarm is its failure. ``rollback``
    is True when the change itself is a roll back. ``update_before`` is the start
    (``UpdateStatus.StartedAt``) of the update status that the service had before the change, 0.0
    for none; None when it is not known: then an update that had ended at the first look is not
    this change's. ``template`` is the digest of the template that the change gave the service, ""
    where it left the tasks as they are. ``command`` is the slash command, for advice; "" where it
    does not know the service, which is another stack's.
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

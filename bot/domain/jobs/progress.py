"""What people see of a service while it converges."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SlotProgress:
    """One slot (or, for a global service, one node) at this moment.

    ``place`` is the slot number as text, or the node's name for a global service. ``state`` is
    Docker's name of the newest task's state (``running``, ``preparing``, ``pending`` …). ``node``
    is the node's name, empty if none is assigned. ``note`` is the task's error or empty.
    ``failures`` counts the failed tasks of this slot since the job began. ``leaving`` is True for a
    surplus slot whose container is being stopped, ``former`` for one that runs with an older
    template until the swarm replaces it.
    """

    place: str
    state: str
    node: str = ""
    note: str = ""
    failures: int = 0
    leaving: bool = False
    former: bool = False


@dataclass(frozen=True, slots=True)
class ServiceProgress:
    """One service at this moment.

    ``phase`` is a short sentence on what the job is waiting for. ``running`` counts up-to-date
    tasks that run where they should; ``desired`` is the desired number. Both are 0 before the first
    look. ``former`` counts the tasks that run with an older template.
    """

    service: str
    running: int
    desired: int
    phase: str
    slots: tuple[SlotProgress, ...] = ()
    failures: int = 0
    former: int = 0

    @property
    def counts(self) -> tuple[int, int] | None:
        """Running and desired replicas, None before the first look."""
        return (self.running, self.desired) if self.running or self.desired else None

"""What a seed's run left behind: values for the invariants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.domain.incidents.model import Incident
from bot.domain.jobs.model import Job
from playground.slack import Message
from tests.chaos.schedule import Action

Spec = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """One command or button press. Each has a person of its own.

    ``key`` is Slack's trigger id. ``error`` is what Slack told the person because the bot did not
    answer in time, "" if it did. ``about`` is the id of the job or plan whose button was pressed.
    """

    number: int
    what: Action
    user: str
    text: str
    key: str
    error: str = ""
    about: str = ""


@dataclass(frozen=True, slots=True)
class Update:
    """One successful write of a service's or a node's spec through an engine.

    ``name`` is the service's full name, or ``node:HOSTNAME``. ``before`` is empty for a new one.
    """

    at: float
    name: str
    before: Spec
    after: Spec


@dataclass(frozen=True, slots=True)
class Failure:
    """A task that the swarm wanted to run, and that ended."""

    at: float
    task: str
    service: str
    code: int


@dataclass(frozen=True, slots=True)
class Violation:
    """An invariant that did not hold. ``rule`` is its name, ``subject`` what it is about."""

    rule: str
    subject: str
    text: str


@dataclass(frozen=True, slots=True)
class Recorded:
    """Everything that was recorded.

    ``messages`` are those of channels, the deleted ones too; ``whispers`` those that one person
    sees; ``direct`` is the person of each direct conversation. ``accepted`` are the ids of accepted
    commands by their keys. ``order`` are the ids of jobs in the order in which they were queued;
    ``ends`` how often each one ended. ``services`` are the final specs by full name, ``nodes`` the
    final availabilities by ``node:HOSTNAME``. ``lasting`` are the keys in Redis without an end,
    with their sizes; ``names`` the replicas that the queue knows after all of them have stopped,
    ``unforgotten`` how many were killed or could not reach Redis at their end. ``exits`` are the
    exit codes after SIGTERM. ``unsettled`` is what was still to be done when the wait ended.
    ``redis_killed`` says that Redis may have lost the writes of its last second (appendfsync).
    """

    asked: tuple[Asked, ...] = ()
    messages: tuple[Message, ...] = ()
    whispers: tuple[Message, ...] = ()
    archived: frozenset[str] = frozenset()
    direct: Mapping[str, str] = field(default_factory=dict)
    accepted: Mapping[str, str] = field(default_factory=dict)
    jobs: Mapping[str, Job] = field(default_factory=dict)
    order: tuple[str, ...] = ()
    ends: Mapping[str, int] = field(default_factory=dict)
    updates: tuple[Update, ...] = ()
    services: Mapping[str, Spec] = field(default_factory=dict)
    nodes: Mapping[str, str] = field(default_factory=dict)
    failures: tuple[Failure, ...] = ()
    incidents: tuple[Incident, ...] = ()
    lasting: Mapping[str, int] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    unforgotten: int = 0
    exits: tuple[int, ...] = ()
    unsettled: tuple[str, ...] = ()
    watch_seconds: float = 1.0
    redis_killed: bool = False

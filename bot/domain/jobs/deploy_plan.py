"""What a deploy would change, as values that are safe to keep.

A plan is made from a recording: the calls that the docker CLI would have made. It never holds a
secret in the clear: texts are masked by ``bot.domain.deploys.redaction``, digests are keyed.
Names are full ones (``orochi_worker01``), digests are over what the bot compares: a spec with the
names of networks, configs and secrets in place of their ids, without what the engine fills in.

In which order services are changed: those first that others depend on.

How many replicas a deploy gives a service: what was scaled by hand is kept.

The docker CLI sets every service to the file's number, or to 1. Here, in this order:

1. a global service has no number;
2. a new service gets the file's number, or 1;
3. where the file names none, the present number stays (``UNSTATED``);
4. where the file names the present one, nothing changes (``UNCHANGED``);
5. where the bot deployed the service before: the file's number if the file changed it since then
   (``FILE``), else the present one (``SCALED``);
6. where it did not: the present one if the service's last change was a scale away from the very
   number that the file names (``SCALED``), else the file's (``FILE``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """What a step is about, in the order in which steps are made."""

    NETWORK = "network"
    CONFIG = "config"
    SECRET = "secret"  # noqa: S105 (the word, not one)
    SERVICE = "service"


class PlanAction(Enum):
    """What a step does."""

    CREATE = "create"
    UPDATE = "update"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class PlanStep:
    """One call that changes something.

    ``id`` is the live object's, "" where it is to be created. ``version`` is the index of the
    live object that the plan is based on, 0 likewise: a hint only, since managers that restart
    raise it. ``base`` is the digest of the live object, ``wanted`` of what it shall be, "" where
    there is none. ``content`` is a digest of the content of a config or a secret.
    """

    kind: Kind
    action: PlanAction
    name: str
    id: str = ""
    version: int = 0
    base: str = ""
    wanted: str = ""
    content: str = ""

    @property
    def key(self) -> tuple[Kind, str]:
        """What the step is about; a plan has at most one step for each."""
        return self.kind, self.name


@dataclass(frozen=True, slots=True)
class Difference:
    """One field of an object, as people read it. ``old`` or ``new`` is "" where it has none."""

    field: str
    old: str
    new: str

    @property
    def changed(self) -> bool:
        """Whether the field would change."""
        return self.old != self.new


class ReplicaRule(Enum):
    """Why a service gets the number of replicas that it gets.

    ``FILE``: the file's number. ``UNCHANGED``: the file and the swarm agree. ``SCALED``: scaled
    by hand since the last deploy, which the file does not take back. ``UNSTATED``: the file names
    no number, so the present one stays. ``NONE``: no number (a global service, or a removal).
    """

    FILE = "file"
    UNCHANGED = "unchanged"
    SCALED = "scaled"
    UNSTATED = "unstated"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Replicas:
    """How many replicas a service has and gets, and why.

    ``live`` is None where there is no service yet or it has no number, ``file`` where the file
    names none. ``planned`` is None for a global service and for one that goes.
    """

    live: int | None = None
    file: int | None = None
    planned: int | None = None
    rule: ReplicaRule = ReplicaRule.NONE


@dataclass(frozen=True, slots=True)
class ServiceChange:
    """What would become of one service of the stack.

    ``action`` is None for a service that stays as it is. ``fields`` are all of its fields by
    their names, changed or not; for a removal all of them become "". ``id`` and ``base``, the
    digest of the live spec, are "" for a new one. ``image`` is what it shall run.
    """

    name: str
    action: PlanAction | None
    id: str = ""
    base: str = ""
    image: str = ""
    fields: tuple[Difference, ...] = ()
    replicas: Replicas = Replicas()

    @property
    def changes(self) -> tuple[Difference, ...]:
        """The fields that would change."""
        return tuple(each for each in self.fields if each.changed)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a deploy of one stack would change.

    ``steps`` are in the order in which they are to be made; removals are the last of them, and
    belong after everything else is well. ``services`` are all of the stack by name, also those
    that stay. ``warnings`` are the CLI's and ours, one sentence each. ``digest`` covers all that
    would be done (not the version indexes, which a restarting manager raises); two plans with
    equal digests do the same to the same.
    """

    stack: str
    steps: tuple[PlanStep, ...]
    services: tuple[ServiceChange, ...]
    warnings: tuple[str, ...] = ()
    digest: str = ""

    @property
    def empty(self) -> bool:
        """Whether nothing would be done."""
        return not self.steps

    @property
    def removals(self) -> tuple[PlanStep, ...]:
        """What goes: services that the file does not have any more."""
        return tuple(step for step in self.steps if step.action is PlanAction.REMOVE)

    def service(self, name: str) -> ServiceChange | None:
        """One service of the plan by its full name."""
        return next((each for each in self.services if each.name == name), None)

    @property
    def file_replicas(self) -> dict[str, int | None]:
        """The file's number for each service that it has: to be kept for the next deploy."""
        kept = (each for each in self.services if each.action is not PlanAction.REMOVE)
        return {each.name: each.replicas.file for each in kept}


def in_order(names: Iterable[str], depends: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    """The names, each after those that it depends on, else by name.

    What is not among the names is passed over. In a circle the first by name goes first.
    """
    waiting = dict.fromkeys(sorted(names))
    placed: dict[str, None] = {}

    def place(name: str) -> None:
        if name in waiting:
            del waiting[name]
            for other in sorted(depends.get(name, ())):
                place(other)
            placed[name] = None

    for name in sorted(waiting):
        place(name)
    return tuple(placed)


def decide(
    name: str,
    live: int | None,
    file: int | None,
    *,
    scaled_from: int | None,
    deployed: Mapping[str, int | None] | None,
) -> Replicas:
    """The replicas of a replicated service. ``live`` is None for one that is new.

    ``deployed`` are the numbers of the last deployed file by full names, None when the bot never
    deployed the stack; ``scaled_from`` is the number before the last change where that was
    nothing but a scale, else None.
    """
    if live is None:
        return Replicas(None, file, 1 if file is None else file, ReplicaRule.FILE)
    if file is None:
        return Replicas(live, file, live, ReplicaRule.UNSTATED)
    if live == file:
        return Replicas(live, file, file, ReplicaRule.UNCHANGED)
    before = deployed[name] if deployed is not None and name in deployed else scaled_from
    if before == file:
        return Replicas(live, file, live, ReplicaRule.SCALED)
    return Replicas(live, file, file, ReplicaRule.FILE)

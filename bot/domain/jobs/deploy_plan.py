"""The changes of a deploy, as values that are safe to store.

A plan is made from a recording of the calls that the docker CLI would make. It never contains
secrets in clear text: texts are masked by ``bot.domain.deploys.redaction``, digests are keyed.
Names are full ones (``orochi_worker01``). Digests are made from what the bot compares: a spec with
the names of networks, configs and secrets instead of their ids, without the engine's defaults.

Services are changed in the order of their dependencies.

The number of replicas keeps manual scaling. The docker CLI would set every service to the file's
number, or to 1. Here, the first of these rules that applies is used:

1. a global service has no number;
2. a new service gets the file's number, or 1; one that a roll back brings back gets the number it
   had before (``UNSTATED`` if the file has no number, ``SCALED`` if it has another one);
3. a roll back restores the number before the versions that it undoes, unless the service was
   scaled by hand since (``UNSTATED`` if the file has no number, ``SCALED`` if it has another one);
   otherwise, if the file has no number, the present one stays (``UNSTATED``);
4. if the file has the present number, nothing changes (``UNCHANGED``);
5. if the bot deployed the service before: the file's number if the file changed it since then
   (``FILE``), else the present number (``SCALED``);
6. otherwise: the present number if the service's last change was to scale it away from the number
   in the file (``SCALED``), else the file's (``FILE``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final


class Kind(Enum):
    """The kind of a step's object, in the order in which steps are applied."""

    NETWORK = "network"
    CONFIG = "config"
    SECRET = "secret"  # noqa: S105 (not a password)
    SERVICE = "service"


class PlanAction(Enum):
    """The action of a step."""

    CREATE = "create"
    UPDATE = "update"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class PlanStep:
    """One call that changes something.

    ``id`` is the existing object's, "" if it is to be created. ``version`` is the index of the
    existing object on which the plan is based, 0 if there is none; it is only a hint, since
    restarting managers raise it. ``base`` is the digest of the existing object, ``wanted`` that of
    the desired one, "" if there is none. ``content`` is a digest of the content of a config or a
    secret. ``after`` are the full names of the run-to-completion services that the service depends
    on, directly or through others: those that run because of the plan must have completed first.
    """

    kind: Kind
    action: PlanAction
    name: str
    id: str = ""
    version: int = 0
    base: str = ""
    wanted: str = ""
    content: str = ""
    after: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[Kind, str]:
        """The step's object; a plan has at most one step for each."""
        return self.kind, self.name


@dataclass(frozen=True, slots=True)
class Difference:
    """One field of an object, formatted for people. ``old`` or ``new`` is "" if missing."""

    field: str
    old: str
    new: str

    @property
    def changed(self) -> bool:
        """Whether the field would change."""
        return self.old != self.new


class ReplicaRule(Enum):
    """Why a service gets its number of replicas.

    ``FILE``: the file's number. ``UNCHANGED``: the file and the swarm agree. ``SCALED``: scaled by
    hand since the last deploy, and the file does not change that, or a roll back restores such a
    number. ``UNSTATED``: the file has no
    number, so the present one stays, or a roll back restores an earlier one. ``NONE``: no number (a
    global service, or a removal).
    """

    FILE = "file"
    UNCHANGED = "unchanged"
    SCALED = "scaled"
    UNSTATED = "unstated"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Replicas:
    """A service's present and planned number of replicas, and why.

    ``live`` is None if the service is new or has no number, ``file`` if the file has none.
    ``planned`` is None for a global service and for one that is removed.
    """

    live: int | None = None
    file: int | None = None
    planned: int | None = None
    rule: ReplicaRule = ReplicaRule.NONE


@dataclass(frozen=True, slots=True)
class ContentChange:
    """A config or secret that gets other content from its file, for services that exist.

    ``entry`` is its name in the file with the stack, ``name`` the full name of the object with the
    new content, ``services`` the full names of those that use it. ``lines`` are those added and
    removed, None for a secret and for what is no text. The content itself is nowhere.
    """

    kind: Kind
    entry: str
    name: str
    services: tuple[str, ...]
    lines: tuple[int, int] | None = None


MODES_OF_JOBS: Final = ("mode replicated job", "mode global job")
"""How the fields of services begin that run to completion."""


@dataclass(frozen=True, slots=True)
class ServiceChange:
    """The planned change of one service.

    ``action`` is None for an unchanged service. ``fields`` are all of its fields by their names,
    changed or not; for a removal every new value is "". ``id`` and ``base``, the digest of the
    existing spec, are "" for a new service. ``image`` is the planned image.
    """

    name: str
    action: PlanAction | None
    id: str = ""
    base: str = ""
    image: str = ""
    fields: tuple[Difference, ...] = ()
    replicas: Replicas = Replicas()

    @property
    def is_job(self) -> bool:
        """Whether its tasks run to completion, once after each change of its spec."""
        return any(each.field.startswith(MODES_OF_JOBS) and each.new for each in self.fields)

    @property
    def changes(self) -> tuple[Difference, ...]:
        """The fields that would change."""
        return tuple(each for each in self.fields if each.changed)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a deploy of one stack would change.

    ``steps`` are in the order of their application; removals come last and are applied only after
    all other services are healthy. ``services`` are all services of the stack by name, including
    unchanged ones. ``warnings`` are the CLI's and the bot's, one sentence each. ``dangers`` are
    those on running tasks that would be stopped for ones that fit on no node. ``digest`` covers
    all changes (not the version indexes, which a restarting manager raises); plans with equal
    digests make the same changes to the same objects. ``contents`` are the configs and secrets that
    change. ``files`` are the keys of all configs and secrets that the services use, or that are
    made from files, with their entries, "" for those that are not made from files (see
    ``bot.domain.deploys.file_contents``).
    ``volumes`` are the names of those that stay when the stack is removed.
    """

    stack: str
    steps: tuple[PlanStep, ...]
    services: tuple[ServiceChange, ...]
    warnings: tuple[str, ...] = ()
    digest: str = ""
    dangers: tuple[str, ...] = ()
    contents: tuple[ContentChange, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    volumes: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether the plan changes nothing."""
        return not self.steps

    @property
    def removals(self) -> tuple[PlanStep, ...]:
        """The services to be removed because they are no longer in the file."""
        return tuple(step for step in self.steps if step.action is PlanAction.REMOVE)

    def service(self, name: str) -> ServiceChange | None:
        """One service of the plan by its full name."""
        return next((each for each in self.services if each.name == name), None)

    @property
    def file_replicas(self) -> dict[str, int | None]:
        """The file's number for each of its services; stored for the next deploy."""
        kept = (each for each in self.services if each.action is not PlanAction.REMOVE)
        return {each.name: each.replicas.file for each in kept}


def in_order(names: Iterable[str], depends: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    """The names, each after its dependencies, otherwise sorted by name.

    Dependencies that are not among the names are ignored. In a cycle, the first by name comes
    first.
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


def all_dependencies(name: str, depends: Mapping[str, Iterable[str]]) -> frozenset[str]:
    """What a service depends on, directly or through others; not itself, even in a cycle."""
    found: set[str] = set()
    left = [*depends.get(name, ())]
    while left:
        if (other := left.pop()) not in found:
            found.add(other)
            left += depends.get(other, ())
    return frozenset(found - {name})


def decide(
    name: str,
    live: int | None,
    file: int | None,
    *,
    scaled_from: int | None,
    deployed: Mapping[str, int | None] | None,
    undone: int | None = None,
) -> Replicas:
    """The replicas of a replicated service. ``live`` is None for a new one.

    ``deployed`` are the numbers of the last deployed file by full names, None if the bot never
    deployed the stack. ``scaled_from`` is the number before the last change if that change only
    scaled the service, else None. ``undone`` is the number before the versions that a roll back
    undoes, None if they did not change it.
    """
    if live is None:
        return _added(file, undone)
    restored = undone if live in {(deployed or {}).get(name), undone} else None
    if file is None:
        return Replicas(live, file, live if restored is None else restored, ReplicaRule.UNSTATED)
    if restored is not None and restored != file:
        return Replicas(live, file, restored, ReplicaRule.SCALED)
    if live == file:
        return Replicas(live, file, file, ReplicaRule.UNCHANGED)
    before = deployed[name] if deployed is not None and name in deployed else scaled_from
    if before == file:
        return Replicas(live, file, live, ReplicaRule.SCALED)
    return Replicas(live, file, file, ReplicaRule.FILE)


def _added(file: int | None, undone: int | None) -> Replicas:
    """The replicas of a service that does not exist."""
    wanted = 1 if file is None else file
    if undone is None or undone == wanted:
        return Replicas(None, file, wanted, ReplicaRule.FILE)
    rule = ReplicaRule.UNSTATED if file is None else ReplicaRule.SCALED
    return Replicas(None, file, undone, rule)

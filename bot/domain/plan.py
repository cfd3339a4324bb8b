"""What a deploy would change, as values that are safe to keep.

A plan is made from a recording: the calls that the docker CLI would have made. It never holds a
secret in the clear: texts are masked by ``bot.domain.plan_masking``, digests are keyed.
Names are full ones (``orochi_worker01``), digests are over what the bot compares: a spec with the
names of networks, configs and secrets in place of their ids, without what the engine fills in.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """What a step is about, in the order in which steps are made."""

    NETWORK = "network"
    CONFIG = "config"
    SECRET = "secret"  # noqa: S105 (the word, not one)
    SERVICE = "service"


class Action(Enum):
    """What a step does."""

    CREATE = "create"
    UPDATE = "update"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class Step:
    """One call that changes something.

    ``id`` is the live object's, "" where it is to be created. ``version`` is the index of the
    live object that the plan is based on, 0 likewise: a hint only, since managers that restart
    raise it. ``base`` is the digest of the live object, ``wanted`` of what it shall be, "" where
    there is none. ``content`` is a digest of the content of a config or a secret.
    """

    kind: Kind
    action: Action
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
    action: Action | None
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
    steps: tuple[Step, ...]
    services: tuple[ServiceChange, ...]
    warnings: tuple[str, ...] = ()
    digest: str = ""

    @property
    def empty(self) -> bool:
        """Whether nothing would be done."""
        return not self.steps

    @property
    def removals(self) -> tuple[Step, ...]:
        """What goes: services that the file does not have any more."""
        return tuple(step for step in self.steps if step.action is Action.REMOVE)

    def service(self, name: str) -> ServiceChange | None:
        """One service of the plan by its full name."""
        return next((each for each in self.services if each.name == name), None)

    @property
    def file_replicas(self) -> dict[str, int | None]:
        """The file's number for each service that it has: to be kept for the next deploy."""
        kept = (each for each in self.services if each.action is not Action.REMOVE)
        return {each.name: each.replicas.file for each in kept}

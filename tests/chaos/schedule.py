"""What is typed and what goes wrong, drawn from a seed: pure."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum

LEASE_SECONDS = 2.0
"""The lease of the bots under test; the times of faults are multiples of it."""
ACTIVE_SECONDS = 10.0
"""How long people type and things break."""
COMMANDS = 12
SERVICES = ("web", "worker01", "api")
"""The services that commands change."""
FAILING = ("noisy_one", "noisy_two")
"""The full names of services that fail, which no command changes."""
SPARE_NODES = ("machine-03", "machine-04", "machine-05")
"""The nodes that may be drained; failing services run on others."""
CHANNELS = ("C0SWARM001", "C0OPS00001")
"""Where people type."""
MOST_REPLICAS = 5


class Fault(Enum):
    """What goes wrong."""

    KILL = "a bot is killed"
    FREEZE = "a bot is frozen"
    CUT_REDIS = "a bot's way to Redis is cut"
    CUT_SLACK = "a bot's way to Slack is cut"
    CUT_ENGINE = "a bot's way to its engine is cut"
    REDIS_KILLED = "Redis is killed"
    REDIS_FULL = "Redis is full"
    RATE_LIMIT = "Slack answers 429"
    SERVER_ERROR = "Slack answers 5xx"
    LOST_ANSWER = "Slack's answer is lost after the effect"
    ARCHIVE = "a channel is archived"
    DELETE = "a message is deleted"
    ROLLING_RESTART = "the bots are restarted one after the other"


class Action(Enum):
    """What people do, and how services fail."""

    SCALE = "scale"
    RESTART = "restart"
    ROLL_BACK = "rollback"
    DEPLOY = "deploy"
    DRAIN = "drain"
    ACTIVATE = "activate"
    CANCEL = "cancel"
    FAIL = "a service fails"


class Confirmed(Enum):
    """How the plan of a deploy is answered."""

    NOT_ASKED = "--yes"
    ONCE = "confirmed"
    BY_TWO = "confirmed by two people at once"
    REPEATED = "confirmed by a request that arrives twice"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happens ``at`` seconds after the beginning.

    ``number`` is unique. ``replica`` is an index, taken modulo the number of bots; ``seconds`` is
    how long it lasts; ``silent`` says that a cut way takes everything and answers nothing, instead
    of refusing. ``methods`` are Slack's. ``text`` is what is typed, ``earlier`` the number of the
    command to be cancelled, ``service`` the one that fails or is released anew.
    """

    at: float
    number: int
    what: Fault | Action
    replica: int = 0
    seconds: float = 0.0
    silent: bool = False
    after_effect: bool = False
    method: str = ""
    times: int = 1
    channel: str = ""
    text: str = ""
    earlier: int = 0
    service: str = ""
    confirmed: Confirmed = Confirmed.NOT_ASKED


@dataclass(frozen=True, slots=True)
class Schedule:
    """All events of a seed in the order of their time."""

    seed: int
    replicas: int
    events: tuple[Event, ...]

    @property
    def drawn(self) -> Counter[str]:
        """How often each fault was drawn, by its sentence."""
        return Counter(each.what.value for each in self.events if isinstance(each.what, Fault))


def draw(seed: int) -> Schedule:
    """The schedule of a seed; always the same."""
    chance = random.Random(seed)
    drawer = _Drawer(chance)
    replicas = chance.choice((2, 2, 3))
    events = [*drawer.faults(), *drawer.commands(), *drawer.failures()]
    return Schedule(seed, replicas, tuple(sorted(events, key=lambda each: each.at)))


class _Drawer:
    """Draws events; each gets the next number."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._numbers = 0
        self._typed: list[int] = []

    def faults(self) -> Iterator[Event]:
        """From three to six faults, of any kinds; a channel is archived once at most."""
        kinds = list(Fault)
        for _ in range(self._chance.randint(3, 6)):
            kind = self._chance.choice(kinds)
            if kind is Fault.ARCHIVE:
                kinds.remove(kind)
            yield _FAULTS[kind](self)

    def commands(self) -> Iterator[Event]:
        """A dozen commands in random order; sometimes several at nearly the same time."""
        kinds = list(_COMMANDS)
        weights = [weight for weight, _ in _COMMANDS.values()]
        at = 0.0
        for time in sorted(self._at(0.0, 0.9) for _ in range(COMMANDS)):
            soon = self._chance.random() < 0.3
            at = at + self._chance.uniform(0.0, 0.1) if soon else time
            kind = self._chance.choices(kinds, weights)[0]
            yield _COMMANDS[kind][1](self, kind, at)

    def failures(self) -> Iterator[Event]:
        """From two to five failures."""
        for _ in range(self._chance.randint(2, 5)):
            service = self._chance.choice(FAILING)
            yield self._event(Action.FAIL, self._at(0.0, 1.0), service=service)

    def _at(self, first: float, last: float) -> float:
        return self._chance.uniform(first, last) * ACTIVE_SECONDS

    def _event(self, what: Fault | Action, at: float, **more: object) -> Event:
        self._numbers += 1
        return Event(round(at, 3), self._numbers, what, **more)  # type: ignore[arg-type]

    def _on_replica(self, kind: Fault, shortest: float, longest: float) -> Event:
        """A fault of one bot; the times are in leases."""
        return self._event(
            kind,
            self._at(0.05, 0.9),
            replica=self._chance.randrange(6),
            seconds=round(self._chance.uniform(shortest, longest) * LEASE_SECONDS, 3),
            silent=self._chance.random() < 0.5,
        )

    def _of_redis(self, kind: Fault, longest: float) -> Event:
        seconds = round(self._chance.uniform(0.1, longest), 3)
        return self._event(kind, self._at(0.05, 0.9), seconds=seconds)

    def _of_slack(self, kind: Fault) -> Event:
        methods = ("chat.postMessage", "chat.update", "chat.update", "response_url", "*")
        return self._event(
            kind,
            self._at(0.0, 0.9),
            method=self._chance.choice(methods),
            times=self._chance.choice((1, 1, 2, 4)),
            after_effect=kind is Fault.LOST_ANSWER or self._chance.random() < 0.5,
        )

    def _rate_limit(self) -> Event:
        method = self._chance.choice(("chat.postMessage", "chat.update"))
        seconds = self._chance.choice((5.0, 15.0, 30.0, 60.0))
        return self._event(Fault.RATE_LIMIT, self._at(0.0, 0.9), method=method, seconds=seconds)

    def _plain(self, kind: Fault, first: float, last: float) -> Event:
        return self._event(
            kind,
            self._at(first, last),
            channel=self._chance.choice(CHANNELS),
            replica=self._chance.randrange(1000),
        )

    def _type(self, kind: Action, at: float, text: str, **more: object) -> Event:
        channel = self._chance.choice(CHANNELS)
        event = self._event(kind, at, text=text, channel=channel, **more)
        self._typed.append(event.number)
        return event

    def _scale(self, kind: Action, at: float) -> Event:
        count = self._chance.choice((1, 1, 1, 2))
        services = self._chance.sample(SERVICES, count)
        each = [f"{one}={self._chance.randint(1, MOST_REPLICAS)}" for one in services]
        return self._type(kind, at, f"scale {' '.join(each)}")

    def _of_service(self, kind: Action, at: float) -> Event:
        return self._type(kind, at, f"{kind.value} {self._chance.choice(SERVICES)}")

    def _of_node(self, kind: Action, at: float) -> Event:
        return self._type(kind, at, f"{kind.value} {self._chance.choice(SPARE_NODES)}")

    def _deploy(self, kind: Action, at: float) -> Event:
        answers = (*Confirmed, Confirmed.ONCE, Confirmed.BY_TWO)
        how = self._chance.choice(answers)
        text = "deploy --yes" if how is Confirmed.NOT_ASKED else "deploy"
        service = self._chance.choice(SERVICES)
        return self._type(kind, at, text, service=service, confirmed=how)

    def _cancel(self, kind: Action, at: float) -> Event:
        earlier = self._chance.choice(self._typed) if self._typed else 0
        return self._event(kind, at, earlier=earlier, channel=self._chance.choice(CHANNELS))


_FAULTS: dict[Fault, Callable[[_Drawer], Event]] = {
    Fault.KILL: lambda d: d._on_replica(Fault.KILL, 0.05, 2.0),
    Fault.FREEZE: lambda d: d._on_replica(Fault.FREEZE, 0.2, 3.0),
    Fault.CUT_REDIS: lambda d: d._on_replica(Fault.CUT_REDIS, 0.2, 3.0),
    Fault.CUT_SLACK: lambda d: d._on_replica(Fault.CUT_SLACK, 0.2, 4.0),
    Fault.CUT_ENGINE: lambda d: d._on_replica(Fault.CUT_ENGINE, 0.2, 4.0),
    Fault.REDIS_KILLED: lambda d: d._of_redis(Fault.REDIS_KILLED, 2.0),
    Fault.REDIS_FULL: lambda d: d._of_redis(Fault.REDIS_FULL, 5.0),
    Fault.RATE_LIMIT: lambda d: d._rate_limit(),
    Fault.SERVER_ERROR: lambda d: d._of_slack(Fault.SERVER_ERROR),
    Fault.LOST_ANSWER: lambda d: d._of_slack(Fault.LOST_ANSWER),
    Fault.ARCHIVE: lambda d: d._plain(Fault.ARCHIVE, 0.2, 0.8),
    Fault.DELETE: lambda d: d._plain(Fault.DELETE, 0.1, 1.0),
    Fault.ROLLING_RESTART: lambda d: d._plain(Fault.ROLLING_RESTART, 0.1, 0.7),
}
_COMMANDS: dict[Action, tuple[float, Callable[[_Drawer, Action, float], Event]]] = {
    Action.SCALE: (4.0, _Drawer._scale),
    Action.RESTART: (2.0, _Drawer._of_service),
    Action.ROLL_BACK: (1.5, _Drawer._of_service),
    Action.DEPLOY: (2.0, _Drawer._deploy),
    Action.DRAIN: (1.0, _Drawer._of_node),
    Action.ACTIVATE: (1.0, _Drawer._of_node),
    Action.CANCEL: (1.5, _Drawer._cancel),
}
"""Each command's share, and how it is drawn."""

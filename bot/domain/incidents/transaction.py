"""The mutable state of one reduction: maps that change are copied once, the others never.

Maps are copied before the first write, so that the thousands of events that change nothing cost
nothing, and the original state stays unchanged.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import Final, Generic, TypeVar

from bot.domain.incidents.events import (
    Action,
    Fetch,
    Forget,
    Reduced,
    ReducerContext,
    Remind,
    Rules,
    Tell,
)
from bot.domain.incidents.model import Incident, IncidentState, Lost, Silence, Suspect, WatcherState
from bot.domain.incidents.rules import coarse_key, incident_key
from bot.domain.swarm.causes import Cause, CauseKind
from bot.domain.swarm.model import Service, Task

MOST_IDS: Final = 10_000
"""Remembered ids of each kind; far more than the swarm lists again (five per slot)."""

MANY_IDS: Final = 256
REMEMBERED_SECONDS: Final = 3600.0
"""With many ids, those judged earlier are dropped; older tasks are recognised by their own time."""

CLOCKS_APART: Final = 2.0
"""Maximum difference between the clocks of nodes, in seconds.

Tasks that ended longer than this before the first listing are history, even if a resumed stream
reports them again.
"""

MOST_RECENT: Final = 200
MOST_CAUSES: Final = 5
"""Maximum open incidents of one service; further causes of a kind share one."""

V = TypeVar("V")


class Copied(Generic[V]):
    """A map that copies the original before the first write."""

    __slots__ = ("_own", "values")

    def __init__(self, given: Mapping[str, V]) -> None:
        self.values = given
        self._own: dict[str, V] | None = None

    def __contains__(self, key: str) -> bool:
        return key in self.values

    def __iter__(self) -> Iterator[str]:
        return iter(self.values)

    @property
    def changed(self) -> bool:
        """Whether anything was written."""
        return self._own is not None

    def get(self, key: str) -> V | None:
        """The value, None if there is none."""
        return self.values.get(key)

    def put(self, key: str, value: V) -> None:
        """Write a value; an existing key keeps its position."""
        self._writable()[key] = value

    def drop(self, key: str) -> None:
        """Remove a key, if present."""
        if key in self.values:
            del self._writable()[key]

    def keep_last(self, most: int) -> None:
        """Drop the oldest entries until ``most`` are left, many at once."""
        surplus = len(self.values) - most
        if surplus > 0:
            own = self._writable()
            for key in list(islice(own, surplus + most // 10)):
                del own[key]

    def _writable(self) -> dict[str, V]:
        if self._own is None:
            self._own = dict(self.values)
            self.values = self._own
        return self._own


class Transaction:
    """One reduction in progress at ``now``."""

    def __init__(
        self, state: WatcherState, context: ReducerContext, now: float, *, late: bool = False
    ) -> None:
        self.state = state
        self.context = context
        self.now = now
        self.late = late
        self.incidents: Copied[Incident] = Copied(state.incidents)
        self.recent: Copied[Incident] = Copied(state.recent)
        self.counted: Copied[float] = Copied(state.counted)
        self.earlier = state.earlier
        self.leaving: Copied[float] = Copied(state.leaving)
        self.suspects: Copied[Suspect] = Copied(state.suspects)
        self.down: Copied[Lost] = Copied(state.down)
        self.forgotten = state.forgotten
        self.silences = state.silences
        self.touched: set[str] = set()
        self._actions: list[Action] = []

    @property
    def rules(self) -> Rules:
        """The watcher's rules."""
        return self.context.rules

    @property
    def changed(self) -> bool:
        """Whether anything except the cursor has changed."""
        maps = (self.incidents, self.recent, self.leaving, self.suspects, self.down)
        written = self.counted.changed or any(each.changed for each in maps)
        return written or self.silences is not self.state.silences

    def judge(self, task_id: str) -> None:
        """Note that this task's end was judged; it is not judged again."""
        self.counted.put(task_id, self.now)
        self.leaving.drop(task_id)
        self.suspects.drop(task_id)

    def judge_waiting(self, task_id: str, kind: CauseKind) -> None:
        """Note that this task was counted while waiting; its end is still to be judged."""
        self.counted.put(_waiting(task_id, kind), self.now)
        self.suspects.drop(task_id)

    def judged_waiting(self, task_id: str, kind: CauseKind) -> bool:
        """Whether this task was counted for that kind of cause before it ended."""
        return self.knows(_waiting(task_id, kind))

    def judged(self, task: Task) -> bool:
        """Whether the task's end was already judged."""
        return self.knows(task.id) or 0 < task.since < self.forgotten

    def knows(self, task_id: str) -> bool:
        """Whether a task with this id was already judged."""
        return task_id in self.counted.values or task_id in self.earlier

    def key_for(self, service: Service, cause: Cause) -> str:
        """The group key of the failure; limits the number of groups for each service."""
        key = incident_key(service.id, cause)
        if key in self.incidents or key in self.recent:
            return key
        open_ones = sum(each.service_id == service.id for each in self.incidents.values.values())
        return key if open_ones < MOST_CAUSES else coarse_key(service.id, cause)

    def put(self, incident: Incident) -> None:
        """Store an open incident."""
        self.incidents.put(incident.key, incident)

    def silence_for(self, service: str, cause: str) -> Silence | None:
        """The active silence for a service's cause; of several, the longest."""
        fitting = (each for each in self.silences if _silences(each, service, cause, self.now))
        return max(fitting, key=lambda each: each.until, default=None)

    def resolve(self, incident: Incident, why: str, *, for_good: bool = False) -> None:
        """End an incident; unless ``for_good``, an early new failure reopens it."""
        ended = replace(
            incident,
            state=IncidentState.RESOLVED,
            resolved=self.now,
            resolution=why,
            held=False,
            held_until=None,
            silenced_until=None,
            silenced_by="",
            revision=incident.revision + 1,
        )
        self.incidents.drop(incident.key)
        if incident.told:
            ended = replace(ended, told=ended.revision)
            self._actions.append(Tell(ended))
        else:
            self._actions.append(Forget(ended))
        if not for_good:
            self.recent.put(incident.key, ended)

    def tell(self, incident: Incident) -> None:
        """Announce an open incident; a reopened one with a notification."""
        reminded = self.now if incident.reminded is None else incident.reminded
        told = replace(incident, told=incident.revision, reminded=reminded)
        self.put(told)
        self._actions.append(Tell(told))
        if incident.told and incident.reminded is None:
            self._actions.append(Remind(told))

    def act(self, action: Action) -> None:
        """Add an action; evidence of an incident is requested only once."""
        if isinstance(action, Fetch):
            known = [each for each in self._actions if isinstance(each, Fetch)]
            if any(each.incident_id == action.incident_id for each in known):
                return
        self._actions.append(action)

    def reduced(self, due: float | None, cursor: int | None, began: float | None) -> Reduced:
        """The resulting state and actions."""
        state = self.state
        cursor = state.cursor if cursor is None else max(cursor, state.cursor or 0)
        if self.changed:
            self._bound()
            state = replace(
                state,
                incidents=self.incidents.values,
                recent=self.recent.values,
                counted=self.counted.values,
                earlier=self.earlier,
                forgotten=self.forgotten,
                leaving=self.leaving.values,
                suspects=self.suspects.values,
                down=self.down.values,
                silences=self.silences,
            )
        if state.began is None and began is not None:
            state = replace(state, forgotten=max(self.forgotten, began - CLOCKS_APART))
        if (began, due, cursor) != (state.began, state.due, state.cursor):
            state = replace(state, began=began, due=due, cursor=cursor)
        return Reduced(state, tuple(self._actions))

    def _bound(self) -> None:
        """Drop old entries that cannot be reported again."""
        self.recent.keep_last(MOST_RECENT)
        self.leaving.keep_last(MOST_IDS)
        self.suspects.keep_last(MOST_IDS)
        if len(self.counted.values) > MANY_IDS:
            self._file_away()

    def _file_away(self) -> None:
        edge = self.now - REMEMBERED_SECONDS
        everyone = {**self.earlier, **self.counted.values}
        kept = {task_id: when for task_id, when in everyone.items() if when >= edge}
        if len(kept) < len(everyone):
            self.forgotten = max(self.forgotten, edge)
        self.earlier = dict(islice(kept.items(), max(len(kept) - MOST_IDS, 0), None))
        self.counted = Copied({})


def _waiting(task_id: str, kind: CauseKind) -> str:
    return f"{task_id}|{kind.value}"


def _silences(silence: Silence, service: str, cause: str, now: float) -> bool:
    return silence.until > now and silence.service == service and silence.cause in {"", cause}

"""The swarm's objects and their log: pure (swarmkit manager/state/store).

Changes are collected and committed together as one transaction with one index, as a manager does.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

from playground.swarm.model import Meta, Node, Object, Service, Task, Thing

_KEPT: Final = 20_000
_O = TypeVar("_O", Task, Service, Node, Thing)


@dataclass(frozen=True, slots=True)
class StoreChange:
    """One object that changed.

    ``action`` is ``create``, ``update`` or ``remove``; ``before`` is None for a created object; for
    a removed one ``object`` is its last state.
    """

    action: str
    object: Object
    before: Object | None


@dataclass(frozen=True, slots=True)
class StoreTransaction:
    """The changes that were committed together, as ``index``."""

    index: int
    changes: tuple[StoreChange, ...]


Subscriber = Callable[[StoreChange], None]


class Store:
    """Objects by id. ``clock`` is the simulation's. ``index`` is the last transaction's."""

    def __init__(self, clock: Callable[[], float], index: int = 10, kept: int = _KEPT) -> None:
        self.index = index
        self.log: deque[StoreTransaction] = deque(maxlen=kept)
        self.services: dict[str, Service] = {}
        self.tasks: dict[str, Task] = {}
        self.nodes: dict[str, Node] = {}
        self.things: dict[str, Thing] = {}
        self.subscribers: list[Subscriber] = []
        self.committed: list[Callable[[StoreTransaction], None]] = []
        self._clock = clock
        self._pending: dict[str, tuple[str, Object | None]] = {}
        self._by_service: dict[str, dict[str, None]] = {}
        self._by_node: dict[str, dict[str, None]] = {}

    @property
    def first_index(self) -> int:
        """The last transaction that is no longer in the log, or one before the first."""
        return self.log[0].index - 1 if self.log else self.index

    def put(self, found: _O) -> _O:
        """Store an object, new or changed, with its version and times."""
        kept = self._table(found)
        before = kept.get(found.id)
        now = self._clock()
        created = before.meta.created if before else (found.meta.created or now)
        stamped = replace(found, meta=Meta(self.index, created, now))
        kept[found.id] = stamped
        self._index(before, stamped)
        action, old = self._pending.pop(found.id, ("update" if before else "create", before))
        self._pending[found.id] = (action, old)
        return stamped

    def remove(self, found: Object) -> None:
        """Remove an object."""
        before = self._table(found).pop(found.id, None)
        if before is not None:
            self._index(before, None)
            action, old = self._pending.pop(found.id, ("remove", before))
            self._pending[found.id] = (
                ("remove", old or before) if action != "create" else ("", None)
            )

    def commit(self) -> None:
        """Commit the transaction, then those that its subscribers open, until none is left."""
        while self._pending:
            pending, self._pending = self._pending, {}
            changes = tuple(self._changes(pending))
            if not changes:
                continue
            self.index += 1
            transaction = StoreTransaction(self.index, changes)
            self.log.append(transaction)
            for tell in self.committed:
                tell(transaction)
            for change in changes:
                for subscriber in self.subscribers:
                    subscriber(change)

    def tasks_of(self, service_id: str) -> list[Task]:
        """A service's tasks, oldest first."""
        return [self.tasks[key] for key in self._by_service.get(service_id, ())]

    def tasks_on(self, node_id: str) -> list[Task]:
        """The tasks assigned to this node, oldest assignment first."""
        return [self.tasks[key] for key in self._by_node.get(node_id, ())]

    def named(self, kind: str, key: str) -> Thing | None:
        """The network, config or secret with this id or name."""
        found = self.things.get(key)
        if found is not None and found.kind == kind:
            return found
        return next((t for t in self.things.values() if t.kind == kind and t.name == key), None)

    def service_named(self, name: str) -> Service | None:
        """The service with this full name."""
        return next((one for one in self.services.values() if one.name == name), None)

    def _table(self, found: Object) -> dict[str, Any]:
        kinds: dict[type, dict[str, Any]] = {
            Task: self.tasks, Service: self.services, Node: self.nodes, Thing: self.things
        }  # fmt: skip
        return kinds[type(found)]

    def _index(self, before: Object | None, after: Object | None) -> None:
        old = before if isinstance(before, Task) else None
        new = after if isinstance(after, Task) else None
        if old and not new:
            _drop(self._by_service, old.service_id, old.id)
        elif new and not old:
            self._by_service.setdefault(new.service_id, {})[new.id] = None
        was, now = (old.node_id if old else ""), (new.node_id if new else "")
        if was != now:
            if old and was:
                _drop(self._by_node, was, old.id)
            if new and now:
                self._by_node.setdefault(now, {})[new.id] = None

    def _changes(self, pending: dict[str, tuple[str, Object | None]]) -> Iterator[StoreChange]:
        for key, (action, before) in pending.items():
            if action == "remove" and before is not None:
                yield StoreChange(action, before, before)
            elif action:
                yield StoreChange(action, self._by_id(key), before)

    def _by_id(self, key: str) -> Object:
        tables: tuple[Mapping[str, Object], ...] = (
            self.tasks, self.services, self.nodes, self.things
        )  # fmt: skip
        return next(table[key] for table in tables if key in table)


def _drop(index: dict[str, dict[str, None]], key: str, value: str) -> None:
    found = index.get(key, {})
    found.pop(value, None)
    if not found:
        index.pop(key, None)

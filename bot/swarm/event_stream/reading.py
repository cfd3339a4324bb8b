"""Turns the messages of one stream into batches and tracks the position in the log. No I/O.

Swarmkit's rules for versions (manager/state/store/memory.go, manager/watchapi/watch.go): a message
is one transaction. Replayed messages have its version, live ones often none. An object that was
created or updated has the version of the log right before its transaction; a removed one has its
last version. So the transaction's version is at least one more than the highest of its objects, and
one more than that of the transaction before it; and the objects of every later transaction have at
least that version. Hence two rules:

- the position after a message is the highest version that is certain; resuming from there loses
  nothing;
- an object that was created or updated before that position was already reported and is skipped.
  This happens if there are transactions without objects in between, and if a manager that lags
  replays what it is about to apply.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bot.domain.swarm.events import Batch, Event, EventAction
from bot.domain.swarm.model import Node, Service
from bot.swarm.event_stream import objects
from bot.swarm.event_stream import watch_pb2 as pb

_ACTIONS: Final[dict[int, EventAction]] = {
    pb.ACTION_CREATE: EventAction.CREATE,
    pb.ACTION_UPDATE: EventAction.UPDATE,
    pb.ACTION_REMOVE: EventAction.REMOVE,
}


@dataclass(frozen=True, slots=True)
class ObjectListing:
    """All services and nodes at one moment."""

    services: tuple[pb.Service, ...]
    nodes: tuple[pb.Node, ...]

    @property
    def version(self) -> int:
        """A version that the log had reached by then; lower if tasks have changed since."""
        versions = (*map(_version, self.services), *map(_version, self.nodes))
        return max(versions, default=-1) + 1


class Reader:
    """Reads consecutive streams. ``version`` is the version to resume from, 0 if unknown."""

    def __init__(self, version: int = 0) -> None:
        self.version = version
        self._services: dict[str, tuple[pb.Service, Service]] = {}
        self._nodes: dict[str, tuple[int, Node]] = {}

    def learn(self, listing: ObjectListing) -> None:
        """Use a listing made after the stream was connected: newer objects replace known ones."""
        for service in listing.services:
            self._keep_service(service)
        for node in listing.nodes:
            self._keep_node(node)

    def read(self, message: pb.WatchMessage) -> Batch:
        """The batch of one message."""
        before = self.version
        fresh = [event for event in message.events if not _told(event, before)]
        self.version = _after(message, before)
        events = (self._event(event) for event in fresh)
        return Batch(tuple(event for event in events if event is not None), self.version)

    def _event(self, raw: pb.WatchMessage.Event) -> Event | None:
        action = _ACTIONS.get(raw.action)
        kind = raw.object.WhichOneof("object")
        if action is None or kind is None:
            return None
        if kind == "task":
            return self._task_event(action, raw.object.task)
        if kind == "service":
            return self._service_event(action, raw.object.service)
        return self._node_event(action, raw.object.node)

    def _task_event(self, action: EventAction, raw: pb.Task) -> Event:
        known = self._services.get(raw.service_id)
        if known is None:
            return Event(action, objects.task_from(raw, up_to_date=False))
        _, node = self._nodes.get(raw.node_id, (0, None))
        current = objects.is_current(raw, *known, node)
        return Event(action, objects.task_from(raw, up_to_date=current), known[1])

    def _service_event(self, action: EventAction, raw: pb.Service) -> Event:
        if action is EventAction.REMOVE:
            self._services.pop(raw.id, None)
            service = objects.service_from(raw)
        else:
            service = self._keep_service(raw)
        return Event(action, service, service)

    def _node_event(self, action: EventAction, raw: pb.Node) -> Event:
        if action is EventAction.REMOVE:
            self._nodes.pop(raw.id, None)
            return Event(action, objects.node_from(raw))
        return Event(action, self._keep_node(raw))

    def _keep_service(self, raw: pb.Service) -> Service:
        """Store the service unless a newer state is known, because a replay contains old ones."""
        service = objects.service_from(raw)
        known = self._services.get(raw.id)
        if known is None or service.version >= known[1].version:
            self._services[raw.id] = raw, service
        return service

    def _keep_node(self, raw: pb.Node) -> Node:
        node = objects.node_from(raw)
        known = self._nodes.get(raw.id)
        if known is None or _version(raw) >= known[0]:
            self._nodes[raw.id] = _version(raw), node
        return node


def _told(event: pb.WatchMessage.Event, place: int) -> bool:
    return event.action != pb.ACTION_REMOVE and _version(_object(event)) < place


def _after(message: pb.WatchMessage, place: int) -> int:
    """The version after a message, as far as it is certain."""
    if not message.events:
        return place
    touched = [
        _version(_object(event)) + 1 for event in message.events if event.action != pb.ACTION_REMOVE
    ]
    certain = max(touched, default=place + 1 if place else 0)
    return max(place, message.version.index, certain)


def _object(event: pb.WatchMessage.Event) -> pb.Task | pb.Service | pb.Node:
    kind = event.object.WhichOneof("object")
    if kind == "task":
        return event.object.task
    return event.object.service if kind == "service" else event.object.node


def _version(raw: pb.Task | pb.Service | pb.Node) -> int:
    return raw.meta.version.index

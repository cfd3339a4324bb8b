"""Nodes that go down: one incident each, and their tasks' later ends are nobody's failures."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from bot.domain.incidents.model import Incident, IncidentState, Lost
from bot.domain.incidents.rules import incident_id, node_key, worth_an_alert
from bot.domain.incidents.tasks import reopened
from bot.domain.incidents.transaction import Draft
from bot.domain.swarm.causes import Cause, CauseKind
from bot.domain.swarm.model import Node, NodeState


def see_node(draft: Draft, node: Node) -> None:
    """Take in one node as it became. Unknown and disconnected say nothing: so it is for all nodes
    after the election of a leader."""
    lost = draft.down.get(node.id)
    if node.state is NodeState.DOWN and lost is None:
        draft.down.put(node.id, Lost(draft.now, _services_on(draft, node.id), late=draft.late))
    elif node.state is NodeState.READY and lost is not None:
        _found(draft, node.id, lost, "the node is ready again", for_good=False)


def see_node_removed(draft: Draft, node_id: str) -> None:
    """Take in that the node is in the swarm no more."""
    lost = draft.down.get(node_id)
    if lost is not None:
        _found(draft, node_id, lost, "the node was removed from the swarm", for_good=True)


def see_missing_nodes(draft: Draft, present: Iterable[Node]) -> None:
    """After a full listing: what it does not have is gone."""
    ids = {node.id for node in present}
    for node_id in [each for each in draft.down if each not in ids]:
        see_node_removed(draft, node_id)


def fire_nodes(draft: Draft) -> None:
    """Those that stayed down for the grace period are incidents."""
    for node_id, lost in list(draft.down.values.items()):
        key = node_key(node_id)
        node = draft.context.nodes.get(node_id)
        due = draft.now >= lost.since + draft.rules.node_grace
        if due and key not in draft.incidents and worth_an_alert(node):
            draft.put(_incident(draft, key, node_id, lost))


def hits(draft: Draft, service: str) -> list[str]:
    """The ids of the nodes that are down and ran the service (its full name)."""
    return [node_id for node_id, lost in draft.down.values.items() if service in lost.services]


def note_unplaced(draft: Draft, node_ids: Iterable[str], service: str) -> None:
    """A service that lost tasks with a node, and found no other node for them."""
    for node_id in node_ids:
        incident = draft.incidents.get(node_key(node_id))
        if incident is not None and service not in incident.unplaced:
            unplaced = tuple(sorted({*incident.unplaced, service}))
            revision = incident.revision + 1
            draft.put(replace(incident, unplaced=unplaced, revision=revision))


def _found(draft: Draft, node_id: str, lost: Lost, why: str, *, for_good: bool) -> None:
    draft.down.drop(node_id)
    incident = draft.incidents.get(node_key(node_id))
    if incident is not None:
        draft.resolve(incident, why, for_good=for_good)
    _give_time(draft, lost)


def _give_time(draft: Draft, lost: Lost) -> None:
    """Tasks that had no place because of the node get their patience anew."""
    ids = {
        task_id
        for task_id, suspect in draft.suspects.values.items()
        if (service := draft.context.services.get(suspect.service_id))
        and service.name in lost.services
    }
    for task_id in ids:
        suspect = draft.suspects.values[task_id]
        draft.suspects.drop(task_id)
        draft.suspects.put(task_id, replace(suspect, since=draft.now))


def _services_on(draft: Draft, node_id: str) -> tuple[str, ...]:
    """The names of the watched services with a task that lives on the node."""
    watched = filter(draft.rules.watches, draft.context.services.values())
    return tuple(
        sorted(
            service.name
            for service in watched
            if any(
                task.node_id == node_id and not task.state.over
                for task in draft.context.tasks(service.id)
            )
        )
    )


def _incident(draft: Draft, key: str, node_id: str, lost: Lost) -> Incident:
    former = draft.recent.get(key)
    if former is not None:
        again = reopened(draft, former)
        services = tuple(sorted({*former.services, *lost.services}))
        return replace(
            again,
            services=services,
            unplaced=(),
            count=again.count + 1,
            last=lost.since,
            revision=again.revision + 1,
        )
    node = draft.context.nodes.get(node_id)
    hostname = node.hostname if node else node_id
    said = node.message if node else ""
    silence = draft.silence_for(hostname, CauseKind.NODE_DOWN.value)
    return Incident(
        id=incident_id(key, str(lost.since)),
        key=key,
        service=hostname,
        service_id="",
        cause=Cause(CauseKind.NODE_DOWN, "The node is down", raw=said, node_id=node_id),
        state=IncidentState.FIRING,
        began=lost.since,
        last=lost.since,
        node=hostname,
        nodes=(hostname,),
        services=lost.services,
        late=lost.late,
        channel=draft.rules.channel,
        silenced_until=silence.until if silence else None,
        silenced_by=silence.by if silence else "",
    )

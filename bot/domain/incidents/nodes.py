"""Nodes that go down: one incident each; the later ends of their tasks do not count as failures."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from bot.domain.incidents.model import Incident, IncidentState, Lost
from bot.domain.incidents.rules import incident_id, node_key, worth_an_alert
from bot.domain.incidents.tasks import reopened
from bot.domain.incidents.transaction import Transaction
from bot.domain.swarm.causes import Cause, CauseKind
from bot.domain.swarm.model import Node, NodeState


def see_node(transaction: Transaction, node: Node) -> None:
    """Handle a node's new state.

    The states unknown and disconnected are ignored: after a leader election all nodes have them.
    """
    lost = transaction.down.get(node.id)
    if node.state is NodeState.DOWN and lost is None:
        transaction.down.put(
            node.id,
            Lost(transaction.now, _services_on(transaction, node.id), late=transaction.late),
        )
    elif node.state is NodeState.READY and lost is not None:
        _found(transaction, node.id, lost, "the node is ready again", for_good=False)


def see_node_removed(transaction: Transaction, node_id: str) -> None:
    """Handle the removal of a node from the swarm."""
    lost = transaction.down.get(node_id)
    if lost is not None:
        _found(transaction, node_id, lost, "the node was removed from the swarm", for_good=True)


def see_missing_nodes(transaction: Transaction, present: Iterable[Node]) -> None:
    """After a full listing, handle nodes that it does not contain as removed."""
    ids = {node.id for node in present}
    for node_id in [each for each in transaction.down if each not in ids]:
        see_node_removed(transaction, node_id)


def fire_nodes(transaction: Transaction) -> None:
    """Open an incident for each node that stayed down for the grace period."""
    for node_id, lost in list(transaction.down.values.items()):
        key = node_key(node_id)
        node = transaction.context.nodes.get(node_id)
        due = transaction.now >= lost.since + transaction.rules.node_grace
        if due and key not in transaction.incidents and worth_an_alert(node):
            transaction.put(_incident(transaction, key, node_id, lost))


def hits(transaction: Transaction, service: str) -> list[str]:
    """The ids of nodes that are down and ran the service (its full name)."""
    return [
        node_id for node_id, lost in transaction.down.values.items() if service in lost.services
    ]


def note_unplaced(transaction: Transaction, node_ids: Iterable[str], service: str) -> None:
    """Note that a service lost tasks with a node and found no other node for them."""
    for node_id in node_ids:
        incident = transaction.incidents.get(node_key(node_id))
        if incident is not None and service not in incident.unplaced:
            unplaced = tuple(sorted({*incident.unplaced, service}))
            revision = incident.revision + 1
            transaction.put(replace(incident, unplaced=unplaced, revision=revision))


def _found(transaction: Transaction, node_id: str, lost: Lost, why: str, *, for_good: bool) -> None:
    transaction.down.drop(node_id)
    incident = transaction.incidents.get(node_key(node_id))
    if incident is not None:
        transaction.resolve(incident, why, for_good=for_good)
    _restart_patience(transaction, lost)


def _restart_patience(transaction: Transaction, lost: Lost) -> None:
    """Restart the patience of tasks that had no node because of the lost one."""
    ids = {
        task_id
        for task_id, suspect in transaction.suspects.values.items()
        if (service := transaction.context.services.get(suspect.service_id))
        and service.name in lost.services
    }
    for task_id in ids:
        suspect = transaction.suspects.values[task_id]
        transaction.suspects.drop(task_id)
        transaction.suspects.put(task_id, replace(suspect, since=transaction.now))


def _services_on(transaction: Transaction, node_id: str) -> tuple[str, ...]:
    """The names of the watched services with a live task on the node."""
    watched = filter(transaction.rules.watches, transaction.context.services.values())
    return tuple(
        sorted(
            service.name
            for service in watched
            if any(
                task.node_id == node_id and not task.state.over
                for task in transaction.context.tasks(service.id)
            )
        )
    )


def _incident(transaction: Transaction, key: str, node_id: str, lost: Lost) -> Incident:
    former = transaction.recent.get(key)
    if former is not None:
        again = reopened(transaction, former)
        services = tuple(sorted({*former.services, *lost.services}))
        return replace(
            again,
            services=services,
            unplaced=(),
            count=again.count + 1,
            last=lost.since,
            revision=again.revision + 1,
        )
    node = transaction.context.nodes.get(node_id)
    hostname = node.hostname if node else node_id
    said = node.message if node else ""
    silence = transaction.silence_for(hostname, CauseKind.NODE_DOWN.value)
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
        channel=transaction.rules.channel,
        silenced_until=silence.until if silence else None,
        silenced_by=silence.by if silence else "",
    )

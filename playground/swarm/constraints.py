"""The bot's own placement rules, applied to simulated objects.

Constraints are evaluated in one place of this program, ``bot.domain.swarm.constraints``, and
platforms in another, ``placement`` beside it; both are tested against the real scheduler.
"""

from __future__ import annotations

from functools import lru_cache

from bot.domain.swarm import constraints as rules
from bot.domain.swarm import placement
from bot.domain.swarm.model import Mode, Platform
from bot.domain.swarm.model import Node as DomainNode
from bot.domain.swarm.model import Service as DomainService
from playground.swarm.model import Node, Service, part


def meets_constraints(service: Service, node: Node) -> bool:
    """Whether the node meets every placement constraint of the service."""
    found = part(service.template, "Placement").get("Constraints") or ()
    return not found or rules.meets_constraints(_asking(tuple(found)), _node(node))


def supports_platform(service: Service, node: Node) -> bool:
    """Whether one of the platforms of the service's image is the node's."""
    found = part(service.template, "Placement").get("Platforms") or ()
    if not found:
        return True
    platforms = tuple(
        Platform(str(one.get("OS", "")), str(one.get("Architecture", ""))) for one in found
    )
    asking = DomainService("", "", 0, Mode.REPLICATED, 0, platforms=platforms)
    return placement.supports_platform(asking, _node(node))


@lru_cache(maxsize=512)
def _asking(constraints: tuple[str, ...]) -> DomainService:
    return DomainService("", "", 0, Mode.REPLICATED, 0, constraints=constraints)


def _node(node: Node) -> DomainNode:
    return DomainNode(
        node.id,
        node.hostname,
        role=node.role,
        address=node.address,
        labels=dict(node.labels),
        engine_labels=dict(node.engine_labels),
        platform=Platform("linux", "x86_64"),
    )

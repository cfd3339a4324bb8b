"""Short names of nodes, in lists for small screens.

A short name is one that commands accept: ``find_node`` finds the node by it, and no other. From the
shortest on, these are tried: the last two parts of the hostname, all but the last in short
(``m-01``), the same in full (``machine-01``), the last three parts, and so on, the hostname, and at
last the id.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache

from bot.domain.errors import RefusedError
from bot.domain.operations.node_change import SHORTEST_PART, find_node
from bot.domain.swarm.model import Node

SHORT_ENOUGH = 8
"""Hostnames of this length are shown whole."""
ID_LENGTH = 12

_PARTS = re.compile(r"([-_])")
_TYPED = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?")


class ShortNames:
    """The short names of the nodes of a swarm, made when they are asked for."""

    def __init__(self, nodes: Sequence[Node]) -> None:
        self._nodes = nodes
        self._by_id = {node.id: node for node in nodes}
        self.of = cache(self._of)

    def _of(self, node_id: str) -> str:
        """The short name of a node, the beginning of its id if it is not in the swarm."""
        node = self._by_id.get(node_id)
        return short_name(node, self._nodes) if node else node_id[:ID_LENGTH]


def short_name(node: Node, nodes: Sequence[Node]) -> str:
    """The shortest of the names above that means this node among ``nodes``."""
    found = (each for each in _candidates(node) if _means(each, node, nodes))
    return next(found, node.id)


def _candidates(node: Node) -> Iterator[str]:
    host = node.hostname
    if len(host) > SHORT_ENOUGH:
        yield from _ends(host)
    yield host
    yield node.id[:ID_LENGTH]


def _ends(host: str) -> Iterator[str]:
    """The ends of a hostname, without its domain, from the shortest on."""
    label, dot, _ = host.partition(".")
    pieces = _PARTS.split(label)
    for count in range(3, len(pieces) + 1, 2):
        end = pieces[-count:]
        forms = (
            ["".join(end)] if dot else ["".join([*map(_initial, end[:-1]), end[-1]]), "".join(end)]
        )
        yield from (form for form in forms if len(form) >= SHORTEST_PART)
    if dot:
        yield label


def _initial(piece: str) -> str:
    """The first letter of a part; one with digits stays as it is, so that no number is cut."""
    return piece if any(map(str.isdigit, piece)) else piece[:1]


def _means(typed: str, node: Node, nodes: Sequence[Node]) -> bool:
    if not _TYPED.fullmatch(typed):
        return False
    try:
        return find_node(typed, nodes).id == node.id
    except RefusedError:
        return False

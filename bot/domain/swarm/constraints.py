"""Placement constraints: which nodes meet them (swarmkit manager/constraint/constraint.go)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

from bot.domain.swarm.model import Node, Service

_OPERATORS: Final = ("==", "!=")
_KEY: Final = re.compile(r"[a-z_][a-z0-9\-_.]+", re.IGNORECASE)
_VALUE: Final = re.compile(r"[a-z0-9:\-_\s.*()?+\[\]\\^$|/]+", re.IGNORECASE)
_NODE_LABELS: Final = "node.labels."
_ENGINE_LABELS: Final = "engine.labels."


def meets_constraints(service: Service, node: Node) -> bool:
    """Whether the node meets every placement constraint of the service."""
    return unmet_constraint(service, node) == ""


def unmet_constraint(service: Service, node: Node) -> str:
    """The first constraint that the node does not meet, as written in the service; or ""."""
    parsed = [(text, _parse(text)) for text in service.constraints]
    if any(constraint is None for _, constraint in parsed):
        return ""  # the scheduler ignores all constraints if one is invalid
    unmet = (text for text, constraint in parsed if constraint and not constraint.met_by(node))
    return next(unmet, "")


def spaced(constraint: str) -> str:
    """The constraint with normalised spaces: ``a==b`` becomes ``a == b``."""
    parsed = _parse(constraint)
    if parsed is None:
        return constraint
    return f"{parsed.key} {'==' if parsed.equal else '!='} {parsed.value}"


def is_constraint(text: str) -> bool:
    """Whether the scheduler can parse a constraint."""
    return _parse(text) is not None


@dataclass(frozen=True, slots=True)
class _Constraint:
    key: str
    equal: bool
    value: str

    def met_by(self, node: Node) -> bool:
        key = self.key.casefold()
        if key == "node.ip":
            return self._address_matches(node.address)
        found = _attribute(key, self.key, node)
        return found is not None and self._matches(found)

    def _matches(self, found: str) -> bool:
        return (found.casefold() == self.value.casefold()) is self.equal

    def _address_matches(self, address: str) -> bool:
        """Match a single address or a subnet; no node meets a constraint that is neither."""
        ours = _address(address)
        single = _address(self.value)
        if single is not None:
            return (single == ours) is self.equal
        prefix = self.value.partition("/")[2]
        try:
            subnet = ip_network(self.value, strict=False)
        except ValueError:
            return False
        within = ours is not None and ours in subnet
        return prefix.isdigit() and within is self.equal


def _parse(text: str) -> _Constraint | None:
    """Parse a constraint; None if the scheduler could not parse it either."""
    for operator in _OPERATORS:
        key, found, value = map(str.strip, text.partition(operator))
        if found:
            valid = _KEY.fullmatch(key) and _VALUE.fullmatch(value)
            return _Constraint(key, operator == "==", value) if valid else None
    return None


def _attribute(folded: str, key: str, node: Node) -> str | None:
    """The node's value for a key (label keys are case-sensitive); None for an unknown key."""
    simple = {
        "node.id": node.id,
        "node.hostname": node.hostname,
        "node.role": node.role,
        "node.platform.os": node.platform.os,
        "node.platform.arch": node.platform.arch,
    }
    if folded in simple:
        return simple[folded]
    for prefix, labels in ((_NODE_LABELS, node.labels), (_ENGINE_LABELS, node.engine_labels)):
        if folded.startswith(prefix) and len(key) > len(prefix):
            return labels.get(key[len(prefix) :], "")
    return None


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address

"""What an engine drops from a service that is posted in an older version of the API.

A client cannot mean to change a field that its version does not have, says the engine, and takes it
away (moby daemon/server/router/swarm/helpers.go, ``adjustForAPIVersion``).
"""

from __future__ import annotations

from copy import deepcopy
from typing import Final

from playground.swarm.model import Json

Version = tuple[int, int]

NEWEST: Final = (1, 52)
OLDEST: Final = (1, 41)
_RESOURCES: Final = ("TaskTemplate", "Resources")
_CONTAINER: Final = ("TaskTemplate", "ContainerSpec")
_ADDED: Final[dict[Version, tuple[tuple[str, ...], ...]]] = {
    (1, 52): ((*_RESOURCES, "SwapBytes"), (*_RESOURCES, "MemorySwappiness")),
    (1, 46): ((*_CONTAINER, "OomScoreAdj"),),
    (1, 44): (
        (*_CONTAINER, "Healthcheck", "StartInterval"),
        (*_CONTAINER, "Privileges", "Seccomp"),
        (*_CONTAINER, "Privileges", "AppArmor"),
        (*_CONTAINER, "Privileges", "NoNewPrivileges"),
    ),
}
"""The fields of a service's specification by the version that has them first."""


def text(version: Version) -> str:
    """The version as the API writes it."""
    return f"{version[0]}.{version[1]}"


def known_in(version: Version, spec: Json) -> Json:
    """The specification without fields that are newer than this version."""
    kept = deepcopy(spec)
    for since, fields in _ADDED.items():
        for *path, name in fields if version < since else ():
            _part(kept, path).pop(name, None)
    return kept


def _part(spec: Json, path: list[str]) -> Json:
    for key in path:
        spec = spec.get(key) or {}
    return spec

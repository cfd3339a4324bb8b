"""What the docker CLI does not tell of a compose file: its variables and who depends on whom."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import yaml

from bot.domain.errors import RefusedError

_MOST_PARTS: Final = 200_000
_DEEPEST: Final = 100


def read_compose(text: bytes) -> dict[str, Any]:
    """The document as it stands, variables included; empty where it is no mapping or no YAML.

    What is wrong with it, the CLI says. Raises RefusedError where it would take for ever to look
    through: its anchors refer to each other over and over, or it is nested without end.
    """
    try:
        fits = _shallow(text)
        document = yaml.load(text, Loader=yaml.CSafeLoader) if fits else None
    except (yaml.YAMLError, ValueError, RecursionError):
        return {}
    if not fits or _unfolded(document, {}, 0) > _MOST_PARTS:
        raise RefusedError(
            "The stack's file unfolds to more than can be looked through.",
            hint="Its anchors (`&name`, `*name`) refer to each other, or it is nested too deep.",
        )
    return document if isinstance(document, dict) else {}


def _shallow(text: bytes) -> bool:
    """Whether nothing is nested deeper than any file needs.

    Building the document is recursive in C: a hundred thousand brackets end the whole process.
    """
    depth = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _DEEPEST:
            return False
    return True


def _unfolded(part: object, known: dict[int, int], depth: int) -> int:
    """How many parts a document has when each alias stands for what it refers to.

    ``known`` has the counts by the objects' ids; what is being counted is more than any file may
    have, as is what is nested deeper than any needs.
    """
    children = list(part.values()) if isinstance(part, dict) else part
    if not isinstance(children, list):
        return 1
    if depth > _DEEPEST:
        return _MOST_PARTS + 1
    if id(part) not in known:
        known[id(part)] = _MOST_PARTS + 1
        known[id(part)] = 1 + sum(_unfolded(child, known, depth + 1) for child in children)
    return known[id(part)]


def depends_on(document: Mapping[str, Any], stack: str) -> dict[str, tuple[str, ...]]:
    """For each service the others that its ``depends_on`` names, all with their full names.

    The CLI ignores it; here it says in which order services are changed.
    """
    return {
        f"{stack}_{name}": tuple(f"{stack}_{other}" for other in _names(body))
        for name, body in bodies(document, "services")
    }


def bodies(document: Mapping[str, Any], section: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """What is in a section, by name; what is no mapping is left out."""
    found = document.get(section)
    for name, body in found.items() if isinstance(found, Mapping) else ():
        if isinstance(body, Mapping):
            yield str(name), body


def _names(body: Mapping[str, Any]) -> list[str]:
    found = body.get("depends_on")
    return [str(name) for name in found] if isinstance(found, list | Mapping) else []

"""What the docker CLI does not tell of a compose file: its variables and who depends on whom."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import yaml


def read_compose(text: bytes) -> dict[str, Any]:
    """The document as it stands, variables included; empty where it is no mapping or no YAML.

    What is wrong with it, the CLI says.
    """
    try:
        document = yaml.load(text, Loader=yaml.CSafeLoader)
    except (yaml.YAMLError, ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


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

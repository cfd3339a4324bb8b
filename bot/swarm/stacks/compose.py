"""Reads from a compose file what the docker CLI does not report: variables and dependencies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import yaml

from bot.domain.errors import RefusedError

_AS_TEXT: Final = ("value", "timestamp")
_MOST_PARTS: Final = 200_000
_DEEPEST: Final = 100


class _Loader(yaml.CSafeLoader):
    """Reads YAML as the docker CLI does: ``=``, dates, ``yes``, ``no`` and the like are texts."""


def _text(loader: yaml.CSafeLoader, node: yaml.ScalarNode) -> str:
    return str(loader.construct_scalar(node))


def _flag(loader: yaml.CSafeLoader, node: yaml.ScalarNode) -> bool | str:
    text = str(loader.construct_scalar(node))
    return {"true": True, "false": False}.get(text.lower(), text)


_Loader.add_constructor("tag:yaml.org,2002:bool", _flag)
for _kind in _AS_TEXT:
    _Loader.add_constructor(f"tag:yaml.org,2002:{_kind}", _text)


def read_compose(text: bytes) -> dict[str, Any]:
    """The document with its variables not substituted; empty if it is not a mapping or not YAML.

    Errors in it are reported by the CLI.

    Raises:
        RefusedError: processing it would take too long, because it is nested too deeply or its
            anchors refer to each other many times.
    """
    try:
        fits = _is_shallow(text)
        document = yaml.load(text, _Loader) if fits else None  # noqa: S506 (a safe loader)
    except (yaml.YAMLError, ValueError, RecursionError):
        return {}
    if not fits or _unfolded(document, {}, 0) > _MOST_PARTS:
        raise RefusedError(
            "The stack file expands to too much data.",
            hint="Its anchors (`&name`, `*name`) refer to each other, or it is nested too deeply.",
        )
    return document if isinstance(document, dict) else {}


def _is_shallow(text: bytes) -> bool:
    """Whether the document is not nested deeper than any real file.

    Building the document is recursive in C: a hundred thousand brackets would crash the process.
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
    """The number of parts of a document after every alias is replaced by its target.

    ``known`` has the counts by object id. An object that is still being counted, and anything
    nested deeper than any real file, counts as more than the maximum.
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
    """For each service the services in its ``depends_on``, all with their full names.

    The CLI ignores ``depends_on``; here it determines the order in which services are changed.
    """
    return {
        f"{stack}_{name}": tuple(f"{stack}_{other}" for other in _names(body))
        for name, body in bodies(document, "services")
    }


def bodies(document: Mapping[str, Any], section: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The entries of a section, by name; entries that are not mappings are left out."""
    found = document.get(section)
    for name, body in found.items() if isinstance(found, Mapping) else ():
        if isinstance(body, Mapping):
            yield str(name), body


def image_line(text: bytes, service: str) -> tuple[int, str] | None:
    """The line of a file that says a service's image: its number, from 1, and what is in it.

    None if the image comes from elsewhere, by a merge (``<<``) for example. The file was read by
    ``read_compose`` before.
    """
    node = yaml.compose(text, Loader=yaml.CSafeLoader)
    for key in ("services", service, "image"):
        pairs = node.value if isinstance(node, yaml.MappingNode) else ()
        node = next((value for name, value in pairs if name.value == key), None)
    if not isinstance(node, yaml.ScalarNode) or node.style in {"|", ">"}:
        return None
    number = node.start_mark.line
    return number + 1, text.decode(errors="replace").splitlines()[number].strip()


def _names(body: Mapping[str, Any]) -> list[str]:
    found = body.get("depends_on")
    return [str(name) for name in found] if isinstance(found, list | Mapping) else []

"""In which order services are changed: those first that others depend on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


def in_order(names: Iterable[str], depends: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    """The names, each after those that it depends on, else by name.

    What is not among the names is passed over. In a circle the first by name goes first.
    """
    waiting = dict.fromkeys(sorted(names))
    placed: dict[str, None] = {}

    def place(name: str) -> None:
        if name in waiting:
            del waiting[name]
            for other in sorted(depends.get(name, ())):
                place(other)
            placed[name] = None

    for name in sorted(waiting):
        place(name)
    return tuple(placed)

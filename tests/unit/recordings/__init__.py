"""Recordings of real swarms, replayed look by look.

Each file has one scenario recorded on a ten-node swarm of engine 20.10.24, about four looks a
second with the Engine API's own objects and real times. The files are packed: an object that did
not change between looks is kept once; ``python -m tests.unit.recordings.pack FROM TO`` packs a raw
recording (a list of ``{t, service, services, tasks, nodes}``).
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from bot.domain.swarm.model import Look
from bot.swarm.comparison import look_from

Raw = dict[str, Any]
FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Recording:
    """One scenario. ``marks`` are ``(time, action)``; times are Unix seconds."""

    name: str
    marks: tuple[tuple[float, str], ...]
    objects: tuple[dict[str, Any], ...]
    looks: tuple[dict[str, Any], ...]

    @property
    def changed_at(self) -> float:
        """When the recorded change was made."""
        return self.marks[-1][0] if len(self.marks) <= 2 else self.marks[0][0]

    def mark(self, word: str) -> float:
        """The time of the action whose mark contains ``word``."""
        return next(t for t, mark in self.marks if word in mark)

    def replay(self, service: str, start: float = 0.0, until: float = 0.0) -> Iterator[Look]:
        """The looks at one service, from ``start`` on (0: from the recorded change) to ``until``.

        Looks before the service existed are left out.
        """
        for raw, found, look in self._of(service, start or self.changed_at, until):
            yield self._read(raw, found, look)

    def last(self, service: str, start: float = 0.0, until: float = 0.0) -> Look | None:
        """The last look of such a replay; None without a look."""
        looks = list(self._of(service, start or self.changed_at, until))
        return self._read(*looks[-1]) if looks else None

    def before(self, service: str, moment: float = 0.0) -> Look | None:
        """The last look before the recorded change."""
        return self.last(service, start=1.0, until=moment or self.changed_at)

    def _of(
        self, service: str, start: float, until: float
    ) -> Iterator[tuple[Raw | None, str, Raw]]:
        """The service as it is listed in a look, its id, and the look."""
        found = ""
        for look in self.looks:
            if look["t"] < start or (until and look["t"] >= until):
                continue
            raw = self._named(look, service)
            found = raw["ID"] if raw else found
            if found:
                yield raw, found, look

    def _read(self, raw: Raw | None, found: str, look: Raw) -> Look:
        tasks = [task for task in self._all(look, "tasks") if task["ServiceID"] == found]
        return look_from(raw, tasks, None, self._all(look, "nodes"), look["t"])

    def _named(self, look: dict[str, Any], name: str) -> dict[str, Any] | None:
        services = self._all(look, "services")
        return next((raw for raw in services if raw["Spec"]["Name"] == name), None)

    def _all(self, look: dict[str, Any], kind: str) -> list[dict[str, Any]]:
        return [self.objects[index] for index in look[kind]]


@cache
def recording(name: str) -> Recording:
    """Reads one recording by the name of its file."""
    raw = json.loads(gzip.decompress((FOLDER / f"{name}.json.gz").read_bytes()))
    marks = tuple((mark["t"], mark["mark"]) for mark in raw["marks"])
    return Recording(raw["name"], marks, tuple(raw["objects"]), tuple(raw["looks"]))

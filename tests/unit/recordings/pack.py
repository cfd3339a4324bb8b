"""Packs a raw recording: every object that did not change between looks is kept once."""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path
from typing import Any


def pack(raw: dict[str, Any]) -> dict[str, Any]:
    """A raw recording with each object stored once."""
    places: dict[str, int] = {}
    looks = []
    for shot in raw["snapshots"]:
        groups = {
            "services": shot.get("services") or [shot.get("service")],
            "tasks": shot["tasks"] or [],
            "nodes": shot["nodes"] or [],
        }
        look: dict[str, Any] = {"t": shot["t"]}
        for kind, objects in groups.items():
            keys = [json.dumps(o, sort_keys=True) for o in objects if o and "ID" in o]
            look[kind] = [places.setdefault(key, len(places)) for key in keys]
        looks.append(look)
    objects = [json.loads(key) for key in places]
    return {"name": raw["name"], "marks": raw["marks"], "objects": objects, "looks": looks}


if __name__ == "__main__":
    source, target = map(Path, sys.argv[1:])
    packed = pack(json.loads(gzip.decompress(source.read_bytes())))
    text = json.dumps(packed, separators=(",", ":"))
    target.write_bytes(gzip.compress(text.encode(), compresslevel=9, mtime=0))

"""What three managers of a real swarm (engine 20.10.24) sent on their control sockets.

A service was created, crashed, was scaled, a node was paused and activated, and the service was
removed. ``leader`` and ``follower`` were connected all the time, ``replay`` afterwards, from the
version ``first``; ``services`` and ``nodes`` are the listings from before; ``engine`` is what the
Engine API said in the middle.
"""

from __future__ import annotations

import gzip
import json
from base64 import b64decode
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from bot.swarm.event_stream import watch_pb2 as pb
from bot.swarm.event_stream.reading import ObjectListing


@dataclass(frozen=True)
class StreamRecording:
    """``engine`` has raw ``services``, ``tasks`` and ``nodes``."""

    first: int
    listing: ObjectListing
    leader: tuple[pb.WatchMessage, ...]
    follower: tuple[pb.WatchMessage, ...]
    replay: tuple[pb.WatchMessage, ...]
    engine: dict[str, list[dict[str, Any]]]


@cache
def shop() -> StreamRecording:
    """The recording."""
    raw = json.loads(gzip.decompress((Path(__file__).parent / "shop.json.gz").read_bytes()))
    services = pb.ListServicesResponse.FromString(b64decode(raw["services"]))
    nodes = pb.ListNodesResponse.FromString(b64decode(raw["nodes"]))
    return StreamRecording(
        raw["first"],
        ObjectListing(tuple(services.services), tuple(nodes.nodes)),
        _messages(raw["leader"]),
        _messages(raw["follower"]),
        _messages(raw["replay"]),
        raw["engine"],
    )


def _messages(raw: list[str]) -> tuple[pb.WatchMessage, ...]:
    return tuple(pb.WatchMessage.FromString(b64decode(text)) for text in raw)

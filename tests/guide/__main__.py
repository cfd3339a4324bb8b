"""Writes the guide, as root: it starts a swarm, Redis, a registry and a bot."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from playground.slack import SlackEmulator
from tests.desk import Desk
from tests.guide.day import day
from tests.guide.page import Page
from tests.lab import images
from tests.lab.redis import RedisServer
from tests.lab.registry import RegistryServer
from tests.lab.swarm import Lab

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "guide.md"


async def main() -> None:
    """Run the day and write its page."""
    with (
        tempfile.TemporaryDirectory() as folder,
        RedisServer(_made(folder, "redis")) as redis,
        Lab(nodes=3, managers=3) as lab,
        RegistryServer(lab, _made(folder, "registry")) as registry,
    ):
        for name, archive in zip(("app:1", "app:2"), images.busy_archives()[:2], strict=True):
            await asyncio.to_thread(registry.push, name, archive)
        async with SlackEmulator(enforce_rates=False) as slack:
            desk = Desk(slack, lab, redis, forked=False)
            files = _made(folder, "stacks")
            try:
                await desk.start_bot(BOT_STACKS_DIR=str(files), BOT_ALERTS_CHANNEL="C0SWARM001")
                page = Page(desk, {registry.address: "registry.example.net"})
                engine = str(lab.client().version()["Version"]).partition("+")[0]
                await day(desk, page, files, registry.address, engine)
            finally:
                await desk.close()
    GUIDE.write_text("\n\n".join(page.parts) + "\n")


def _made(folder: str, name: str) -> Path:
    path = Path(folder) / name
    path.mkdir()
    return path


asyncio.run(main())

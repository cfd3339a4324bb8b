"""A folder of stacks, and what people do with plans."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from playground.slack import Message
from tests.desk import Desk, is_job
from tests.lab.waiting import wait_until

V1, V2 = "lab/busy:1", "lab/busy:2"
SERVICE = """
  {name}:
    image: {image}
    command: {command}
    stop_grace_period: 1s
    networks: {{default: {{}}}}
    deploy:
      endpoint_mode: dnsrr
      replicas: {replicas}
      update_config: {{monitor: 500ms, failure_action: {on_failure}}}
      restart_policy: {{delay: 500ms}}
"""


def service(  # noqa: PLR0917 (a compose file in a line)
    name: str,
    image: str = V1,
    replicas: int = 1,
    command: str = "serve",
    on_failure: str = "pause",
    more: str = "",
) -> str:
    """One service of a compose file; ``more`` are additional lines."""
    said = SERVICE.format(
        name=name, image=image, replicas=replicas, command=command, on_failure=on_failure
    )
    return said + more


def compose(*services: str, end: str = "") -> str:
    """A compose file, on the hosts' network where ``end`` has no networks.

    An overlay network costs two seconds of CPU for each test, and half a second for each container.
    """
    networks = "" if "networks:" in end else "networks: {default: {external: true, name: bridge}}\n"
    return f'version: "3.8"\nservices:{"".join(services)}\n{networks}{end}'


class Folder:
    """The stacks folder of a desk."""

    def __init__(self, desk: Desk, path: Path) -> None:
        self.desk = desk
        self.path = path
        desk.settings["BOT_STACKS_DIR"] = str(path)

    def write(self, text: str, stack: str = "orochi") -> None:
        """Write a stack's file."""
        (self.path / f"{stack}.yml").write_text(text)

    async def deployed(self, text: str, stack: str = "orochi") -> Message:
        """Deploy with `--yes` and wait for the verdict."""
        self.write(text, stack)
        return await self.desk.job(f"deploy {stack} --yes")

    async def plan(self, typed: str = "deploy") -> Message:
        """Request a plan; returns its message."""
        known = {message.ts for message in self.desk.slack.workspace.messages.values()}
        await self.desk.type(typed)
        return await self.desk.slack.wait_for_message(
            lambda m: m.ts not in known and is_job(m), timeout=30
        )

    async def verdict(self, message: Message, seconds: float = 60) -> str:
        """Wait for the end of a plan's job."""
        await self.desk.slack.wait_for_message(
            lambda m: m is message and m.payload["state"] == "finished", timeout=seconds
        )
        return str(message.payload["verdict"])

    async def confirmed(self, message: Message) -> str:
        """Press Confirm and wait for the verdict."""
        await self.desk.slack.press(message, "job.confirm")
        return await self.verdict(message)


async def services(desk: Desk) -> dict[str, dict[str, Any]]:
    """All services as the engine stores them, by name."""
    found = await asyncio.to_thread(desk.lab.client().services)
    return {raw["Spec"]["Name"]: raw for raw in found}


async def specs(desk: Desk) -> dict[str, Any]:
    """The specs of all services; the engine may still continue an update that began before."""
    return {name: raw["Spec"] for name, raw in (await services(desk)).items()}


async def images(desk: Desk) -> dict[str, str]:
    """The image of each service."""
    found = await services(desk)
    return {
        name: raw["Spec"]["TaskTemplate"]["ContainerSpec"]["Image"] for name, raw in found.items()
    }


async def changed_by_hand(desk: Desk, name: str, *options: str) -> None:
    """Change a service without the bot."""
    await desk.docker("service", "update", "--detach", "--no-resolve-image", *options, name)


async def until_image(desk: Desk, name: str, image: str) -> None:
    """Wait until a service's spec has an image."""

    def reached() -> bool:
        found = desk.lab.client().services(filters={"name": name})
        specs = [raw["Spec"] for raw in found if raw["Spec"]["Name"] == name]
        return any(s["TaskTemplate"]["ContainerSpec"]["Image"] == image for s in specs)

    await asyncio.to_thread(wait_until, reached, f"{image} in {name}", seconds=30)


def content(found: Any) -> str:
    """Anything as text, to search for words in it."""
    return json.dumps(found, ensure_ascii=False)


class Tripwire:
    """A proxy to the engine that cuts one write: the engine gets it, the answer is lost.

    ``tripped`` is set when that write was passed on. From then on no connection gets any answer.
    """

    def __init__(
        self, engine: str, path: Path, write: bytes, count: int, *, method: bytes = b"POST"
    ) -> None:
        self.tripped = asyncio.Event()
        self.host = f"unix://{path}"
        self._engine = engine.removeprefix("unix://")
        self._path = str(path)
        self._write = re.compile(method + rb" [^ ]*" + write)
        self._left = count
        self._pumps: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_unix_server(self._serve, self._path)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for pump in self._pumps:
            pump.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)
        for writer in self._writers:
            writer.close()
        closing = (writer.wait_closed() for writer in self._writers)
        await asyncio.gather(*closing, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_unix_connection(self._engine)
        self._writers |= {writer, back}
        for pump in (self._there(reader, back), self._back(there, writer)):
            task = asyncio.create_task(pump)
            self._pumps.add(task)

    async def _there(self, reader: asyncio.StreamReader, engine: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            self._left -= len(self._write.findall(data))
            engine.write(data)
            await engine.drain()
            if self._left <= 0:
                self.tripped.set()
        engine.close()

    async def _back(self, engine: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while (data := await engine.read(65536)) and not self.tripped.is_set():
            writer.write(data)
            await writer.drain()
        if not self.tripped.is_set():
            writer.close()


async def confirm_typed(desk: Desk, message: Message, typed: str | None) -> None:
    """Press *Remove* after something was typed into the field; None: nothing was."""
    values: dict[str, Mapping[str, Any]] = {}
    if typed is not None:
        (field,) = (block for block in message.blocks if block["type"] == "input")
        element = field["element"]
        values = {
            field["block_id"]: {element["action_id"]: {"type": element["type"], "value": typed}}
        }
    await desk.slack.press(message, "job.confirm", values=values)

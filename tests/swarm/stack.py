"""The bot as a stack of the lab's swarm: its unchanged stack file, deployed by the real CLI."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from playground.slack import SlackEmulator
from tests.desk import OPERATOR, Desk
from tests.lab.node import Node
from tests.lab.redis_image import REDIS
from tests.lab.shell import run
from tests.lab.swarm import Lab
from tests.lab.waiting import wait_until

PROJECT = Path(__file__).resolve().parents[2]
FILE = PROJECT / "stack-bot.yml"
IMAGE = "orochi-bot:lab"
NAME = "orochi-bot"
BOT, STORE = f"{NAME}_bot", f"{NAME}_redis"
PASSWORD = 'one "two" \\three $four `five` #six'
"""A Redis password with all characters that shells and configuration files may misread."""


@dataclass(frozen=True)
class Replica:
    """A container of the stack and the node that it is on."""

    node: Node
    container: str


class BotStack(Desk):
    """A desk whose bot and Redis are containers of the swarm; no part of them runs outside it."""

    def __init__(self, slack: SlackEmulator, lab: Lab) -> None:
        self.slack = slack
        self.lab = lab
        self.bots = []
        self.more_files: list[Path] = []
        self.settings = {
            "BOT_IMAGE": IMAGE,
            "BOT_OPERATORS": OPERATOR,
            "BOT_LEASE_SECONDS": "2",
            "BOT_WATCH_SECONDS": "3",
            "REDIS_IMAGE": REDIS,
            "REDIS_NODE": lab.nodes[0].name,
            "SLACK_API_URL": slack.base_url,
        }

    @property
    def secrets(self) -> dict[str, str]:
        """Every secret of the stack file and its value."""
        return {
            "SLACK_BOT_TOKEN": self.slack.tokens.bot,
            "SLACK_APP_TOKEN": self.slack.tokens.app,
            "REDIS_PASSWORD": PASSWORD,
        }

    async def create_secrets(self) -> None:
        """Create them as an operator does."""
        for name, value in self.secrets.items():
            await asyncio.to_thread(self.lab.docker, "secret", "create", name, "-", stdin=value)

    async def deploy(self, **changed: str) -> None:
        """Run `docker stack deploy`, with some settings changed from then on."""
        self.settings |= changed
        env = {**self.settings, "DOCKER_HOST": self.lab.manager.socket}
        files = [f"--compose-file={file}" for file in (FILE, *self.more_files)]
        command = ["docker", "stack", "deploy", "--resolve-image=never", *files, NAME]
        await asyncio.to_thread(run, command, env=env)

    async def wait_ready(self, seconds: float = 180.0) -> None:
        """Return when both replicas are healthy (their tasks run) and connected."""
        await asyncio.to_thread(self.lab.wait_running, STORE, 1, seconds)
        await asyncio.to_thread(self.lab.wait_running, BOT, 2, seconds)
        await self.slack.wait_for_connections(2, seconds)

    def replicas(self, service: str = BOT) -> list[Replica]:
        """The containers of a service that run and should run."""
        client = self.lab.client()
        hosts = {node["ID"]: node["Description"]["Hostname"] for node in client.nodes()}
        tasks = client.tasks(filters={"service": service, "desired-state": "running"})
        return [
            Replica(
                self.lab.node(hosts[task["NodeID"]]),
                task["Status"]["ContainerStatus"]["ContainerID"],
            )
            for task in tasks
            if task["Status"]["State"] == "running"
        ]

    async def processes(self, replica: Replica) -> list[str]:
        """The command lines of all processes in a container while no health check runs."""

        def look() -> list[str]:
            top = replica.node.client().top(replica.container, ps_args="-eo pid,args")
            lines = [row[-1] for row in top["Processes"]]
            # The command line of a process that has just ended is its name in brackets.
            probes = any("/healthz" in line or line.startswith("[") for line in lines)
            return [] if probes else lines

        return await asyncio.to_thread(wait_until, look, "a moment without a probe")

    async def docker_on(self, replica: Replica, *args: str) -> str:
        """The real docker CLI against a container's own engine."""
        return await asyncio.to_thread(self.lab.docker, *args, node=replica.node)

    async def execute(self, replica: Replica, *command: str) -> str:
        """`docker exec`: standard output of a command in a container."""
        return await self.docker_on(replica, "exec", replica.container, *command)

    async def ended(self, replica: Replica) -> int:
        """Wait for the end of a container; its exit code."""
        return int(await self.docker_on(replica, "wait", replica.container))

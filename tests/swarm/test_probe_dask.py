"""A real Dask scheduler with real workers: a scale converges when the workers have registered.

The bot runs in the swarm and reaches the scheduler by its name, on the network of the stack that
it operates, as docs/operations.md tells. The stack is deployed once for all tests of this file.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path

import pytest
import pytest_asyncio

from playground.slack import Message, SlackEmulator
from tests.desk import STACK, finished, is_job
from tests.lab.builder import provide
from tests.lab.dask_image import DASK, DASK_CONTEXT
from tests.lab.redis_image import REDIS, redis_archive
from tests.lab.swarm import Lab
from tests.lab.waiting import wait_until
from tests.swarm.stack import IMAGE, PROJECT, BotStack, Replica

# The first test waits for the image: on a machine without a cache another build may be before it.
pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(900)]

WORKERS = f"{STACK}_worker01"
NETWORK = f"{STACK}_default"
PROBE = "dask://scheduler:8787"
LATE = 3
"""The first slot whose worker starts only when it is told to."""
_WORKER = (
    f'[ "$SLOT" -lt {LATE} ] || until [ -e /tmp/go ]; do sleep 0.1; done; '
    "exec dask worker tcp://scheduler:8786 --no-nanny --nthreads 1"
)


@pytest.fixture(autouse=True)
def _clean_lab() -> None:
    """Nothing, in place of the fixture that cleans after each test: the lab is this file's own."""


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """A lab whose nodes have all images: two managers, for the bot's two replicas."""
    builds = {IMAGE: PROJECT, DASK: DASK_CONTEXT}
    preload = partial(provide, builds=builds, archives={REDIS: redis_archive()})
    with Lab(nodes=2, managers=2, preload=preload) as swarm:
        yield swarm


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[BotStack]:
    """The bot's stack on the network of the stack that it operates; a scheduler, two workers."""
    async with SlackEmulator(strict=True, host=lab.gateway) as slack:
        stack = BotStack(slack, lab)
        stack.more_files.append(networks_file(tmp_path_factory.mktemp("stack")))
        await stack.create_secrets()
        await stack.docker("network", "create", "--driver=overlay", NETWORK)
        await stack.deploy()
        await dask(stack, "scheduler", "dask", "scheduler", alias="scheduler")
        label = ("--label", f"orochi-bot.probe={PROBE}")
        await dask(stack, "worker01", "sh", "-c", _WORKER, replicas=2, options=label)
        await stack.wait_ready()
        yield stack


def networks_file(folder: Path) -> Path:
    """The file that docs/operations.md shows."""
    page = (PROJECT / "docs" / "operations.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    file = folder / "bot-networks.yml"
    file.write_text(next(block for block in blocks if NETWORK in block), encoding="utf-8")
    return file


async def dask(
    stack: BotStack, name: str, *command: str, replicas: int = 1, alias: str = "",
    options: tuple[str, ...] = (),
) -> None:  # fmt: skip
    """A service of the stack on its network. Without virtual IP: not every kernel has IPVS."""
    network = f"name={NETWORK}" + (f",alias={alias}" if alias else "")
    await stack.service(
        name, *command, image=DASK, replicas=replicas,
        options=(
            "--network", network, "--endpoint-mode", "dnsrr", "--update-monitor", "1s",
            "--env", "SLOT={{.Task.Slot}}", *options,
        ),
    )  # fmt: skip


async def let_go(stack: BotStack, slot: int) -> None:
    """Tell the worker that waits in a slot to start."""

    def waiting() -> Replica | None:
        tasks = stack.lab.client().tasks(filters={"service": WORKERS, "desired-state": "running"})
        ids = {
            task["Status"]["ContainerStatus"]["ContainerID"]
            for task in tasks
            if task["Slot"] == slot and task["Status"]["State"] == "running"
        }
        return next((each for each in stack.replicas(WORKERS) if each.container in ids), None)

    replica = await asyncio.to_thread(wait_until, waiting, f"a container in slot {slot}")
    assert replica is not None
    await stack.execute(replica, "touch", "/tmp/go")


def waiting(message: Message, text: str) -> bool:
    """Whether this is the message of a job that is not finished, and says that."""
    return is_job(message) and not finished(message) and text in message.shown_text


async def test_a_scale_converges_only_when_the_workers_have_registered(stack: BotStack) -> None:
    """Three containers run, two are registered: the job goes on until the third has connected."""
    await stack.type("scale 3")
    message = await stack.slack.wait_for_message(
        lambda m: waiting(m, f"3/3 running; 2 of 3 registered at {PROBE}"), timeout=60
    )
    assert message.payload["verdict"] is None
    await let_go(stack, LATE)
    message = await stack.slack.wait_for_message(finished, timeout=60)

    assert message.payload["verdict"] == "converged"
    assert f"3 of 3 registered at {PROBE}" in message.shown_text


async def test_a_restart_counts_the_new_workers_alone(stack: BotStack) -> None:
    """One after the other is replaced. The former third worker had been registered, the new one is
    not until it has connected."""
    before = stack.replicas(WORKERS)
    known = {message.ts for message in stack.slack.workspace.messages.values()}

    await stack.type("restart worker01")
    message = await stack.slack.wait_for_message(
        lambda m: m.ts not in known and waiting(m, "3/3 running; 2 of 3 registered"), timeout=120
    )
    assert message.payload["state"] == "running"
    await let_go(stack, LATE)
    message = await stack.slack.wait_for_message(
        lambda m: m.ts not in known and finished(m), timeout=60
    )

    assert message.payload["verdict"] == "converged"
    assert not any(replica in before for replica in stack.replicas(WORKERS))


async def test_a_scale_down_leaves_as_many_as_are_registered(stack: BotStack) -> None:
    message = await stack.job("scale 1")

    assert message.payload["verdict"] == "converged"
    assert f"1 of 1 registered at {PROBE}" in message.shown_text

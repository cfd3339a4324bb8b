"""The image and the stack file, as they are, on a real swarm.

The stack is deployed once and stays for all tests of this file, which leave it running.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path

import pytest
import pytest_asyncio

from playground.slack import SlackEmulator
from tests.desk import STACK
from tests.lab.builder import provide
from tests.lab.images import busy_archives
from tests.lab.redis_image import REDIS, redis_archive
from tests.lab.registry import RegistryServer, config_of
from tests.lab.swarm import Lab
from tests.lab.waiting import wait_until
from tests.swarm.stack import BOT, IMAGE, PROJECT, STORE, BotStack, Replica

# The first test waits for the image: on a machine without a cache another build may be before it.
pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(900)]


@pytest.fixture(autouse=True)
def _clean_lab() -> None:
    """Nothing, in place of the fixture that cleans after each test: the lab is this file's own."""


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """A lab whose nodes have the image built from the Dockerfile, and Redis'."""
    preload = partial(provide, builds={IMAGE: PROJECT}, archives={REDIS: redis_archive()})
    with Lab(nodes=3, managers=3, preload=preload) as swarm:
        yield swarm


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack(lab: Lab) -> AsyncIterator[BotStack]:
    """The bot's stack at work, and a service of the stack that it operates."""
    async with SlackEmulator(strict=True, host=lab.gateway) as slack:
        stack = BotStack(slack, lab)
        await stack.create_secrets()
        await stack.deploy()
        await stack.service("worker01")
        await stack.wait_ready()
        yield stack


async def test_two_replicas_run_on_two_managers(stack: BotStack) -> None:
    rows = await stack.docker(
        "service",
        "ps",
        "--filter=desired-state=running",
        "--format={{.Node}} {{.CurrentState}}",
        BOT,
    )

    nodes = {row.split()[0] for row in rows.splitlines()}
    assert len(nodes) == 2
    assert all("Running" in row for row in rows.splitlines())


async def test_status_answers(stack: BotStack) -> None:
    answer = await stack.answer("status")

    assert "worker01" in answer
    assert "1/1" in answer


async def test_changes_are_pushed(stack: BotStack) -> None:
    """Both containers may open the control socket without any capability, and through a folder
    that is mounted to be read."""
    status = await stack.answer("status")
    reports = [
        await stack.execute(replica, "python", "-m", "bot", "check") for replica in stack.replicas()
    ]

    assert "live data" in status
    assert "⚠️" not in status
    assert all("changes: pushed by the swarm through" in report for report in reports)


async def test_scale_converges(stack: BotStack) -> None:
    """Said with the metadata that other programs follow."""
    message = await stack.job("scale 5")

    assert message.payload | {"job_id": "any"} == {
        "job_id": "any",
        "action": "scale",
        "target": f"{STACK}_worker01",
        "state": "finished",
        "verdict": "converged",
        "cause": None,
        "running": 5,
        "desired": 5,
    }
    assert (await stack.inspect("worker01"))["Spec"]["Mode"]["Replicated"]["Replicas"] == 5


async def test_a_killed_replica_is_not_missed(stack: BotStack) -> None:
    """The other one takes the next command, and the swarm starts a new one."""
    killed, survivor = stack.replicas()

    await stack.docker_on(killed, "kill", "--signal=KILL", killed.container)
    message = await stack.job("scale 2")

    assert message.payload["verdict"] == "converged"
    await stack.wait_ready()
    now = stack.replicas()
    assert survivor in now
    assert killed not in now


async def test_nothing_shows_a_secret(stack: BotStack) -> None:
    """Neither the services, the containers with their environment and arguments, nor the image."""
    replicas = [*stack.replicas(), *stack.replicas(STORE)]
    shown = [await stack.docker("service", "inspect", BOT, STORE)]
    shown += [await stack.docker("image", "inspect", IMAGE)]
    for replica in replicas:
        shown.append(await stack.docker_on(replica, "inspect", replica.container))
        shown.append(await stack.execute(replica, "cat", "/proc/1/environ", "/proc/1/cmdline"))
        shown.append("\n".join(await stack.processes(replica)))

    leaks = [
        name for name, value in stack.secrets.items() for text in shown
        if value in text or json.dumps(value)[1:-1] in text
    ]  # fmt: skip

    assert leaks == []


async def test_redis_wants_the_password(stack: BotStack) -> None:
    (redis,) = stack.replicas(STORE)

    assert "NOAUTH" in await stack.execute(redis, "redis-cli", "get", "key")


async def test_the_image_runs_one_process(stack: BotStack) -> None:
    processes = [await stack.processes(replica) for replica in stack.replicas()]

    assert processes == [["python -m bot run"]] * 2


async def test_the_image_draws_pictures(stack: BotStack) -> None:
    """With the font that is in it, and nowhere to write to."""
    await stack.type("map")
    message = await stack.slack.wait_for_message(
        lambda m: any(file.name == "swarm.png" for file in m.files), timeout=90
    )

    (file,) = message.files
    assert file.content is not None
    assert file.content.startswith(b"\x89PNG")
    assert "3 nodes" in file.alt_text


async def test_the_bot_has_no_capability_and_cannot_write(stack: BotStack) -> None:
    replica = stack.replicas()[0]

    status = await stack.execute(replica, "cat", "/proc/1/status")
    mounts = await stack.execute(replica, "cat", "/proc/1/mounts")

    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert int(fields["CapEff"], 16) == int(fields["CapBnd"], 16) == 0
    root = next(line.split() for line in mounts.splitlines() if line.split()[1] == "/")
    assert "ro" in root[3].split(",")


async def test_the_docker_cli_inside_reaches_the_manager(stack: BotStack) -> None:
    nodes = await stack.execute(stack.replicas()[0], "docker", "node", "ls", "-q")

    assert len(nodes.split()) == 3


async def test_the_docker_cli_inside_knows_the_newest_schema(stack: BotStack) -> None:
    """Debian's own CLI of this release refuses ``oom_score_adj``, which came with 3.13."""
    file = "version: '3.13'\nservices: {web: {image: 'web:1', oom_score_adj: 100}}\n"
    text = f"printf '%s' \"{file}\" | docker stack config -c -"

    merged = await stack.execute(stack.replicas()[0], "sh", "-c", text)

    assert "image: web:1" in merged


async def test_check_finds_all_well(stack: BotStack) -> None:
    report = await stack.execute(stack.replicas()[0], "python", "-m", "bot", "check")

    assert "MISSING" not in report
    assert "a manager" in report
    assert "Socket Mode: the app token works" in report


async def test_an_update_loses_no_command(stack: BotStack) -> None:
    """One replica after the other, the new one first; those that leave end in good order."""
    before = stack.replicas()

    await stack.deploy(BOT_MAX_REPLICAS="7")
    message = await stack.job("scale 3")

    assert await replaced(stack, before) == [0, 0]
    assert message.payload["verdict"] == "converged"
    assert "7" in await stack.answer("scale 8")


async def replaced(stack: BotStack, before: list[Replica]) -> list[int]:
    """Wait until other replicas run and these have ended; the exit codes of these.

    Until it has ended, a replica that leaves takes commands by the settings that it has.
    """

    def look() -> bool:
        now = stack.replicas()
        return len(now) == 2 and not any(replica in before for replica in now)

    await asyncio.to_thread(wait_until, look, "two new replicas", seconds=60)
    return [await stack.ended(replica) for replica in before]


async def test_a_private_image_with_the_login_as_a_secret(stack: BotStack, tmp_path: Path) -> None:
    """Refused without it; with the example file it is rolled out and rolled back."""
    with RegistryServer(stack.lab, tmp_path, login=True) as registry:
        await asyncio.to_thread(registry.push, "app:2", busy_archives()[1])
        typed = f"update worker01 {registry.address}/app:2"
        refused = await stack.answer(typed)
        assert "without a login" in refused
        assert "Nothing was changed." in refused

        login = config_of(registry.address)
        await asyncio.to_thread(
            stack.lab.docker, "secret", "create", "REGISTRY_AUTH", "-", stdin=login
        )
        stack.more_files = [PROJECT / "examples/private-registry.yml"]
        before = stack.replicas()
        await stack.deploy()
        await replaced(stack, before)
        await stack.wait_ready()
        report = await stack.execute(stack.replicas()[0], "python", "-m", "bot", "check")
        updated = await stack.job(typed)
        back = await stack.job("rollback worker01")

    assert f"registries: {registry.address} as robot: ok" in report
    assert updated.payload["verdict"] == "converged", updated.shown_text
    assert back.payload["verdict"] == "converged", back.shown_text

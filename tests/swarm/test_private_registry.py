"""Images in a registry that needs a login, with the whole bot on a real swarm."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.desk import STACK, Desk
from tests.lab import images
from tests.lab.registry import LOGIN, NEXT_PASSWORD, RegistryServer, config_of
from tests.lab.swarm import Lab
from tests.swarm.changing import images_of, raw, tasks
from tests.swarm.test_scale import said, verdict


@pytest.fixture
async def registry(lab: Lab, tmp_path: Path) -> AsyncIterator[RegistryServer]:
    """A registry that asks for a login, with two versions of an image."""
    folder = tmp_path / "registry"
    folder.mkdir()
    first, second, _ = images.busy_archives()
    with RegistryServer(lab, folder, login=True) as server:
        await asyncio.to_thread(server.push, "app:1", first)
        await asyncio.to_thread(server.push, "app:2", second)
        yield server


def auth(registry: RegistryServer, password: str = LOGIN[1]) -> dict[str, str]:
    """The setting with a login."""
    return {"REGISTRY_AUTH": config_of(registry.address, password)}


def stack(folder: Path, registry: RegistryServer, tag: str = "1", replicas: int = 2) -> Path:
    """A stack's file with one service of the private image."""
    folder.mkdir(exist_ok=True)
    (folder / f"{STACK}.yml").write_text(
        f"version: '3.8'\nservices:\n  worker01:\n    image: {registry.address}/app:{tag}\n"
        "    command: serve\n    stop_grace_period: 1s\n"
        f"    deploy: {{replicas: {replicas}, update_config: {{monitor: 1s}}}}\n"
    )
    return folder


async def checked(desk: Desk, **changed: str) -> list[str]:
    """The lines of `python -m bot check` about registries."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "check",
        env={"PATH": os.environ["PATH"], **desk.settings, **changed},
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    printed, _ = await process.communicate()
    return [line for line in printed.decode().splitlines() if " registries: " in line]


async def test_a_private_image_is_deployed_updated_moved_and_rolled_back(
    empty_desk: Desk, registry: RegistryServer, tmp_path: Path
):
    """On nodes that never saw it, and on another node after a drain."""
    desk, folder = empty_desk, stack(tmp_path / "stacks", registry)
    await desk.start_bot(BOT_STACKS_DIR=str(folder), **auth(registry))
    one, two = (
        f"{registry.address}/app:{tag}@{registry.digest(f'app:{tag}')}" for tag in ("1", "2")
    )

    message = await desk.job("deploy --yes")
    assert verdict(message) == "converged", said(message)
    assert images_of(await tasks(desk, "worker01")) == {one}
    message = await desk.job("update worker01 :2")
    assert verdict(message) == "converged", said(message)
    assert images_of(await tasks(desk, "worker01")) == {two}
    assert verdict(await desk.job("scale 3")) == "converged"
    assert verdict(await desk.job("restart worker01")) == "converged"
    last = desk.lab.nodes[-1].name
    assert verdict(await desk.job(f"drain {last} --yes")) == "converged"
    assert images_of(await tasks(desk, "worker01")) == {two}
    assert verdict(await desk.job("rollback worker01")) == "converged"
    assert LOGIN[1] not in "\n".join(desk.bots[0].lines)


async def test_without_a_login_it_is_said_before_anything_changes(
    empty_desk: Desk, registry: RegistryServer, tmp_path: Path
):
    """By the plan and by the refusal of an update: what to set; and `check` asks the registry."""
    desk, folder = empty_desk, stack(tmp_path / "stacks", registry)
    await desk.start_bot(BOT_STACKS_DIR=str(folder))
    await desk.type("deploy")
    plan = await desk.slack.wait_for_message(
        lambda m: m.payload.get("action") == "deploy" and "Confirm" in m.shown_text, timeout=30
    )
    refused = (
        f"The registry {registry.address} refuses access to `{registry.address}/app:1` without"
    )
    assert refused in said(plan)
    assert "`REGISTRY_AUTH`" in said(plan)
    await desk.service("worker01")
    before = await raw(desk, "worker01")
    answer = await desk.answer(f"update worker01 {registry.address}/app:2")
    assert "without a login" in answer
    assert "`REGISTRY_AUTH`" in answer
    assert "Nothing was changed." in answer
    assert await raw(desk, "worker01") == before

    assert await checked(desk) == ["ok      registries: no logins (REGISTRY_AUTH is empty)"]
    ok = f"ok      registries: {registry.address} as robot: ok"
    assert await checked(desk, **auth(registry)) == [ok]
    (line,) = await checked(desk, **auth(registry, "wrong"))
    assert line.startswith(f"MISSING registries: {registry.address} as robot: ")
    assert "unauthorized" in line or "login" in line


async def test_a_wrong_login_is_named(desk: Desk, registry: RegistryServer):
    """The user is said, the password never."""
    await desk.service("worker01")
    second = await desk.start_bot(**auth(registry, "wr0ng-passw0rd"))
    await desk.bots[0].kill()
    answer = await desk.answer(f"update worker01 {registry.address}/app:2")
    assert f"The registry {registry.address} refuses the login of `robot`" in answer
    assert "Nothing was changed." in answer
    assert "wr0ng-passw0rd" not in answer + "\n".join(second.lines)


async def test_a_changed_login_is_given_to_a_service_whose_image_stays(
    empty_desk: Desk, registry: RegistryServer, tmp_path: Path
):
    """The swarm has the old one: nodes that do not know the image cannot pull it until then."""
    desk, folder = empty_desk, stack(tmp_path / "stacks", registry, replicas=1)
    bot = await desk.start_bot(BOT_STACKS_DIR=str(folder), **auth(registry))
    assert verdict(await desk.job("deploy --yes")) == "converged"
    before = await raw(desk, "worker01")
    registry.change_password()
    assert verdict(await desk.job("scale 3")) == "pull_denied"
    assert await bot.stop() == 0
    await desk.start_bot(**auth(registry, NEXT_PASSWORD))
    renewal = "To give it the registry's present login, with new tasks: `/orochi update worker01"
    assert f"{renewal} --yes`" in await desk.answer("update worker01")

    message = await desk.job("update worker01 --yes")

    assert verdict(message) == "converged", said(message)
    assert f"update worker01 to the present login of {registry.address}" in said(message)
    after = await raw(desk, "worker01")
    assert after["Spec"]["TaskTemplate"].pop("ForceUpdate") == 1
    before["Spec"]["TaskTemplate"].pop("ForceUpdate")
    before["Spec"]["Mode"]["Replicated"]["Replicas"] = 3
    assert after["Spec"] == before["Spec"]


async def test_a_command_of_a_private_image_runs_on_a_node_that_never_saw_it(
    empty_desk: Desk, registry: RegistryServer
):
    """The service has no login, so the node can only pull with the bot's own."""
    desk, new = empty_desk, empty_desk.lab.nodes[-1]
    await desk.start_bot(**auth(registry))
    image = f"{registry.address}/app:1"
    options = (f"--constraint=node.hostname=={new.name}",)
    await desk.service("worker01", replicas=0, image=image, options=options)
    known = [tag for each in new.client().images() for tag in each["RepoTags"] or ()]
    assert image not in known

    message = await desk.job("run worker01 -- echo pulled")

    assert verdict(message) == "completed", said(message)
    assert "pulled" in said(message)
    assert LOGIN[1] not in "\n".join(desk.bots[0].lines)

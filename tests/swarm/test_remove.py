"""``remove STACK``: a stack goes, after its name was typed, and comes back; volumes stay."""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from pathlib import Path

import pytest

from bot.domain.jobs.deploy_plan import Kind
from bot.domain.operations.one_off import LABEL as RUN
from bot.domain.operations.one_off import OF_LABEL as RUN_OF
from bot.domain.operations.stack_removal import OutsideUse
from bot.swarm.connection import Connection
from bot.swarm.stack_objects import DockerStackObjects
from tests.desk import Desk, finished, is_job
from tests.lab.swarm import Lab
from tests.lab.waiting import wait_until
from tests.swarm.alerting import QUIET, incident, incidents
from tests.swarm.deploying import V1, V2, Folder, Tripwire, confirm_typed, service, services
from tests.swarm.test_scale import said

FULL = """version: "3.8"
services:
  web:
    image: lab/busy:1
    command: serve
    stop_grace_period: 1s
    networks: [inside]
    configs: [settings]
    secrets: [key]
    volumes: [data:/data]
    deploy:
      replicas: 1
      placement: {constraints: [node.hostname == photon-machine-01]}
      update_config: {monitor: 500ms}
      restart_policy: {delay: 500ms}
  db:
    image: lab/busy:1
    command: serve
    stop_grace_period: 1s
    networks: [inside]
networks: {inside: {driver: overlay}}
configs: {settings: {file: settings.txt}}
secrets: {key: {file: key.txt}}
volumes: {data: {}}
"""
STUBBORN = 'command: [sh, -c, "trap : TERM; while :; do sleep 1; done"]'
"""A command that does not stop before it is killed."""
LABEL = {"label": "com.docker.stack.namespace=shop"}


@pytest.fixture
async def desk(empty_desk: Desk, folder: Folder) -> Desk:
    """A desk with one bot that may deploy."""
    await empty_desk.start_bot()
    return empty_desk


def write(folder: Folder) -> None:
    """The files of the stack ``shop``."""
    (folder.path / "settings.txt").write_text("colour=blue")
    (folder.path / "key.txt").write_text("a kite")
    folder.write(FULL, "shop")


async def deployed(folder: Folder) -> None:
    """Deploy the stack ``shop``."""
    write(folder)
    message = await folder.deployed(FULL, "shop")
    assert message.payload["verdict"] == "converged", said(message)


def parts(desk: Desk) -> dict[str, list[str]]:
    """The names of all that the stack has in the swarm."""
    client = desk.lab.client()
    found = {
        "services": [each["Spec"]["Name"] for each in client.services(filters=LABEL)],
        "networks": [each["Name"] for each in client.networks(filters=LABEL)],
        "configs": [each["Spec"]["Name"] for each in client.configs(filters=LABEL)],
        "secrets": [each["Spec"]["Name"] for each in client.secrets(filters=LABEL)],
    }
    return {kind: sorted(names) for kind, names in found.items() if names}


def volumes(desk: Desk) -> list[str]:
    """The stack's volumes on the manager; cluster volumes are listed whatever the filter."""
    found = desk.lab.client().volumes(filters=LABEL)["Volumes"] or []
    return [each["Name"] for each in found if each["Name"].startswith("shop_")]


async def test_a_stack_is_removed_and_brought_back(desk: Desk, folder: Folder) -> None:
    """Only with its name; its volume stays, and it comes back with the replicas it had."""
    await deployed(folder)
    await desk.job("scale shop/web=2")
    before = await asyncio.to_thread(parts, desk)

    message = await folder.plan("remove shop/")

    assert "To be removed: 2 services, 1 network, 1 config, 1 secret. 1 volume stays." in said(
        message
    )
    assert "web* (2 replicas)" in said(message)
    assert "Volume stays: shop_data" in said(message)
    assert "`/orochi rollback shop/`" in said(message)
    await confirm_typed(desk, message, None)
    await desk.told(lambda m: "The name of the stack `shop` was not typed." in m.shown_text)
    await confirm_typed(desk, message, "shpo")
    told = await desk.told(lambda m: "That is not the name" in m.shown_text)
    assert "Type `shop` into the field" in told.shown_text
    assert "Nothing was changed." in told.shown_text
    assert await asyncio.to_thread(parts, desk) == before

    await confirm_typed(desk, message, " Shop ")

    assert await folder.verdict(message) == "converged", said(message)
    assert "Removed: 2 services, 1 network, 1 config, 1 secret." in said(message)
    assert "Volume kept: shop_data." in said(message)
    assert await asyncio.to_thread(parts, desk) == {}
    assert await asyncio.to_thread(volumes, desk) == ["shop_data"]
    assert "the stack was removed" in await desk.answer("history shop")
    assert "version 2, removed, by" in await desk.answer("stacks")
    assert "The stack `shop` is not in the swarm any more." in await desk.answer("remove shop")
    assert "To bring it back: `/orochi rollback shop/`" in await desk.answer("status shop/")
    assert "shop" not in await desk.answer("status --all")

    back = await folder.plan("rollback shop/")
    assert "web gets 2 replicas, as before." in said(back)
    assert await folder.confirmed(back) == "converged", said(back)
    after = await asyncio.to_thread(parts, desk)
    assert after == before
    web = (await services(desk))["shop_web"]["Spec"]
    assert web["Mode"]["Replicated"]["Replicas"] == 2
    assert "no version with other files" in await desk.answer("rollback shop/")


async def test_the_button_brings_a_removed_stack_back(desk: Desk, folder: Folder) -> None:
    """Also one that is deployed from its file again."""
    await deployed(folder)
    message = await folder.plan("remove shop")
    await confirm_typed(desk, message, "shop")
    assert await folder.verdict(message) == "converged"
    known = set(desk.slack.workspace.messages)

    await desk.slack.press(message, "job.rollback")
    plan = await desk.slack.wait_for_message(
        lambda m: (m.channel, m.ts) not in known and is_job(m), timeout=30
    )

    assert "2 services are added" in said(plan)
    await desk.slack.press(plan, "job.cancel")
    again = await desk.job("deploy shop --yes")
    assert again.payload["verdict"] == "converged", said(again)


async def test_a_stack_whose_network_another_one_uses_is_kept(desk: Desk, folder: Folder) -> None:
    """Refused with the service and the network, before anything is asked."""
    await deployed(folder)
    options = ("--network=shop_inside", "--label=com.docker.stack.namespace=blog")
    await asyncio.to_thread(desk.lab.create_service, "blog_web", "serve", options=options)

    answer = await desk.answer("remove shop")

    assert "uses the network `shop_inside`" in answer
    assert "`blog_web` is not part of the stack `shop`" in answer
    assert "Nothing was changed." in answer
    assert len((await asyncio.to_thread(parts, desk))["services"]) == 2
    assert "Did you mean `/orochi remove shop`" in await desk.answer("remove shopp")


async def test_a_removal_raises_no_alert_and_resolves_those_of_its_services(
    empty_desk: Desk, folder: Folder
) -> None:
    """The containers that it kills have not failed."""
    desk = empty_desk
    desk.settings |= QUIET
    await desk.start_bot()
    write(folder)
    kills = FULL.replace("command: serve", STUBBORN)
    crashes = service("bad", command="crash 0 7").replace("{default: {}}", "[inside]")
    folder.write(kills.replace("networks: {inside", f"{crashes}networks: {{inside"), "shop")
    await desk.type("deploy shop --yes")
    alert = await incident(desk, "shop_bad")
    await desk.slack.wait_for_message(finished, timeout=60)
    message = await folder.plan("remove shop")

    await confirm_typed(desk, message, "shop")

    assert await folder.verdict(message) == "converged", said(message)
    await incident(desk, "shop_bad", "resolved", also=lambda m: m is alert)
    assert "the service was removed" in alert.shown_text
    assert incidents(desk) == [alert]


async def test_a_removal_waits_for_a_job_of_one_of_its_services(desk: Desk, folder: Folder) -> None:
    """It holds the lanes of the stack and of its services, and a deploy waits for it in turn."""
    await deployed(folder)
    message = await folder.plan("remove shop")
    scale = await folder.plan("scale shop/web 3")
    folder.write(FULL.replace("lab/busy:1", V2), "shop")

    await confirm_typed(desk, message, "shop")
    await desk.slack.wait_for_message(lambda m: m is message and "Queued" in said(m), timeout=20)
    again = await folder.plan("deploy shop --yes")

    assert await folder.verdict(message) == "converged", said(message)
    assert scale.payload["verdict"] == "converged"
    assert await folder.verdict(again) == "converged", said(again)
    assert len((await asyncio.to_thread(parts, desk))["services"]) == 2


async def test_what_came_after_the_plan_makes_it_stale(desk: Desk, folder: Folder) -> None:
    await deployed(folder)
    message = await folder.plan("remove shop")
    options = ("--label=com.docker.stack.namespace=shop",)
    await asyncio.to_thread(desk.lab.create_service, "shop_late", "serve", options=options)

    await confirm_typed(desk, message, "shop")

    assert await folder.verdict(message) == "refused"
    assert "The service shop_late was created since the plan was made." in said(message)
    assert "Nothing was changed." in said(message)
    assert len((await asyncio.to_thread(parts, desk))["services"]) == 3


@pytest.mark.parametrize("write", [rb"/services/\w+", rb"/networks/\w+"])
async def test_a_killed_bots_removal_is_finished(
    empty_desk: Desk, folder: Folder, tmp_path: Path, write: bytes
) -> None:
    """Killed after a removal that it did not note; another replica goes on in the message."""
    desk = empty_desk
    bot = await desk.start_bot()
    await deployed(folder)
    await bot.kill()
    async with Tripwire(
        desk.settings["DOCKER_HOST"], tmp_path / "s", write, 1, method=rb"DELETE"
    ) as wire:
        first = await desk.start_bot(DOCKER_HOST=wire.host)
        message = await folder.plan("remove shop")
        await confirm_typed(desk, message, "shop")
        await asyncio.wait_for(wire.tripped.wait(), 60)
        await first.kill()
    await desk.start_bot()

    assert await folder.verdict(message) == "converged", said(message)
    assert await asyncio.to_thread(parts, desk) == {}
    assert await asyncio.to_thread(volumes, desk) == ["shop_data"]
    back = await folder.plan("rollback shop/")
    assert "2 services are added" in said(back)


async def test_a_cancelled_removal_says_what_is_left(desk: Desk, folder: Folder) -> None:
    """While a container does not stop; the rest can be removed, and all be brought back."""
    write(folder)
    text = FULL.replace("stop_grace_period: 1s", "stop_grace_period: 15s")
    stubborn = text.replace(
        "command: serve", 'command: [sh, -c, "trap : TERM; while :; do sleep 1; done"]'
    )
    await folder.deployed(stubborn, "shop")
    message = await folder.plan("remove shop")
    await confirm_typed(desk, message, "shop")

    def gone() -> bool:
        return "services" not in parts(desk)

    await asyncio.to_thread(wait_until, gone, "the services' removal", seconds=30)
    with suppress(LookupError):
        await desk.slack.press(message, "job.cancel")

    assert await folder.verdict(message) == "cancelled", said(message)
    assert "Removed: 2 services." in said(message)
    left = r"Still there: network shop_inside, config shop_settings-\w{8}, secret shop_key-\w{8}\."
    assert re.search(left, said(message))
    assert "removal cancelled" in await desk.answer("stacks")
    rest = await folder.plan("remove shop")
    assert "To be removed: 1 network, 1 config, 1 secret." in said(rest)
    await confirm_typed(desk, rest, "shop")
    assert await folder.verdict(rest, 90) == "converged", said(rest)
    assert not await asyncio.to_thread(desk.lab.client().networks, names=["shop_inside"])
    back = await folder.plan("rollback shop/")
    assert V1 in said(back)
    assert "1 network" in said(back)


async def test_the_bots_own_stack_is_known_by_its_container(desk: Desk, folder: Folder) -> None:
    """The engine has the container's id in a task of the stack."""
    await deployed(folder)
    client = desk.lab.client()
    (task, *_) = await asyncio.to_thread(client.tasks, {"service": "shop_web"})
    container = task["Status"]["ContainerStatus"]["ContainerID"]
    connection = Connection(desk.settings["DOCKER_HOST"])

    known = [
        (await DockerStackObjects(connection, lambda own=own: own).of("shop")).has_bot  # type: ignore[misc]
        for own in (container, container[:12], "", "0" * 12)
    ]

    connection.close()
    assert known == [True, True, False, False]


async def test_a_command_that_runs_like_a_service_uses_the_stack(lab: Lab) -> None:
    """Also if it uses nothing that would be removed: it may use a volume of the stack."""
    stack = "--label=com.docker.stack.namespace=shop"
    run = (f"--label={RUN}=k3f9ab", f"--label={RUN_OF}=shop_db", "--mode=replicated-job")
    await asyncio.to_thread(lab.create_service, "shop_db", "serve", options=(stack,))
    await asyncio.to_thread(lab.create_service, "shop_run-k3f9ab", "serve", options=run)
    connection = Connection(lab.manager.socket)

    contents = await DockerStackObjects(connection).of("shop")
    connection.close()

    assert [part.name for part in contents.parts] == ["shop_db"]
    assert contents.uses == (OutsideUse("shop_run-k3f9ab", Kind.SERVICE, "shop_db", "k3f9ab"),)

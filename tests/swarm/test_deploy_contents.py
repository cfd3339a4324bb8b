"""A config's file changes: the plan tells it, and a roll back brings the old content back."""

from __future__ import annotations

import asyncio
import hashlib

import pytest
import redis

from tests.desk import Desk
from tests.lab.waiting import wait_until
from tests.swarm.deploying import Folder, compose, service, services
from tests.swarm.test_scale import said

ALL = "configs: {{settings: {{file: settings.txt}}}}\nsecrets: {{password: {{file: {}.txt}}}}\n"
SHOWS = '["sh", "-c", "cat /settings; md5sum < /run/secrets/password; exec serve"]'
CHANGED = "🔧 Config *settings* changed"
OLD, NEW = "colour: red\nsize: 1\n", "colour: blue\nsize: 1\nweight: 2\n"


@pytest.fixture
async def desk(empty_desk: Desk, folder: Folder) -> Desk:
    """A desk with one bot that may deploy a stack with a config and a secret from files."""
    await empty_desk.start_bot()
    write(folder, settings=OLD, password="opensesame-1")
    users = [
        service(name, command=SHOWS, more="    configs: [settings]\n    secrets: [password]\n")
        for name in ("web", "worker")
    ]
    await folder.deployed(compose(*users, service("db"), end=ALL.format("password")))
    return empty_desk


def write(folder: Folder, **texts: str) -> None:
    for name, text in texts.items():
        (folder.path / f"{name}.txt").write_text(text)


async def log_has(desk: Desk, text: str) -> None:
    """Wait until the newest container of `web` has written a text."""

    def reached() -> bool:
        newest = max(
            desk.lab.client().tasks(filters={"service": ["orochi_web"]}),
            key=lambda task: task["CreatedAt"],
        )
        return text in desk.lab.docker("service", "logs", newest["ID"])

    await asyncio.to_thread(wait_until, reached, f"{text!r} in the log of web", seconds=30)


async def objects(desk: Desk) -> set[str]:
    """The names of all configs and secrets."""
    client = desk.lab.client()
    found = await asyncio.to_thread(lambda: [*client.configs(), *client.secrets()])
    return {raw["Spec"]["Name"] for raw in found}


async def test_a_changed_config_is_planned_deployed_and_rolled_back(
    desk: Desk, folder: Folder
) -> None:
    await log_has(desk, "colour: red")
    first = await objects(desk)
    unchanged = (await services(desk))["orochi_db"]["Version"]
    write(folder, settings=NEW)

    plan = await folder.plan()

    told = said(plan)
    assert (
        "🔧 Config *settings* changed (2 lines added, 1 removed): web and worker restart." in told
    )
    assert "2 services change, 1 unchanged." in told
    assert "Created: the config" not in told
    assert "blue" not in told
    assert await folder.confirmed(plan) == "converged"
    await log_has(desk, "colour: blue")
    assert (await services(desk))["orochi_db"]["Version"] == unchanged
    assert "Nothing to deploy" in await desk.answer("deploy", seconds=30)

    back = await folder.plan("rollback orochi/")
    assert (
        "🔧 Config *settings* changed (1 line added, 2 removed): web and worker restart."
        in said(back)
    )
    assert await folder.confirmed(back) == "converged"
    await log_has(desk, "colour: red")
    assert first < await objects(desk)

    write(folder, settings=OLD, password="opensesame-2")
    secret = said(await folder.plan())
    assert "🔧 Secret *password* changed: web and worker restart." in secret
    assert "opensesame" not in secret


async def test_former_content_goes_with_the_last_version_that_has_it(
    desk: Desk, folder: Folder
) -> None:
    """Not before, and not while a service would go back to it, as one then does."""
    first = await objects(desk)
    write(folder, settings=NEW)
    await desk.job("deploy --yes")
    assert (await desk.job("rollback web")).payload["verdict"] == "converged"
    await log_has(desk, "colour: red")
    write(folder, settings="three")
    await desk.job("deploy --yes")
    assert first < await objects(desk)

    await asyncio.to_thread(forget_version, desk, 1)
    write(folder, settings="four")
    await desk.job("deploy --yes")

    assert first - await objects(desk) == {f"orochi_settings-{sha(OLD)}"}
    told = await desk.answer("history")
    assert "|4>*" in told


def forget_version(desk: Desk, number: int) -> None:
    """Remove a version as if there were too many."""
    with redis.Redis.from_url(desk.redis.url, decode_responses=True) as client:
        (key,) = client.scan_iter("*:versions:orochi")
        assert client.zremrangebyscore(key, number, number) == 1


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]

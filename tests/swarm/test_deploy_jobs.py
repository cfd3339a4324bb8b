"""Jobs in stacks: run once by a change, and what depends on them waits for their completion."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from tests.desk import Desk
from tests.lab.waiting import wait_until
from tests.swarm.changing import tasks
from tests.swarm.deploying import V1, V2, Folder, compose, images, service
from tests.swarm.test_scale import said

JOB = """
  migrate:
    image: {image}
    command: [sh, -c, "{script}"]
    networks: {{default: {{}}}}
    deploy:
      mode: {mode}
      endpoint_mode: dnsrr
      restart_policy: {{condition: none}}
"""
WAITS = "    depends_on: [migrate]\n"


@pytest.fixture
async def desk(empty_desk: Desk, folder: Folder) -> Desk:
    """A desk with one bot that may deploy."""
    await empty_desk.start_bot()
    return empty_desk


THROUGH = "    depends_on: [web]\n"


def stack(script: str, image: str = V1, services: str = "") -> str:
    """A job, a service that waits for it, and one that does not; ``services`` is their image."""
    job, services = written(script, image), services or image
    return compose(job, service("web", services, more=WAITS), service("api", services))


def written(script: str, image: str = V1, mode: str = "replicated-job") -> str:
    """A job that runs a script."""
    return JOB.format(image=image, script=script, mode=mode)


async def runs(desk: Desk) -> int:
    """How often the job has run."""
    found = [each for each in await tasks(desk, "migrate") if each["Status"]["State"] == "complete"]
    return len(found)


async def test_a_job_runs_once_for_each_change(desk: Desk, folder: Folder) -> None:
    """What depends on it starts when it has completed; an unchanged deploy does not run it."""
    folder.write(stack("sleep 3"))
    first = await folder.plan()
    assert "web waits until migrate completes." in said(first)
    assert await folder.confirmed(first) == "converged", said(first)
    (done,) = await tasks(desk, "migrate")
    (web,) = await tasks(desk, "web")
    assert web["CreatedAt"] > done["Status"]["Timestamp"]

    again = await desk.answer("deploy", seconds=20)
    assert "matches its file" in again
    assert "migrate has not changed, so it does not run again" in again
    folder.write(stack("sleep 3", services=V2))
    assert await folder.confirmed(await folder.plan()) == "converged"
    assert await runs(desk) == 1

    folder.write(stack("sleep 1", V2))
    assert await folder.confirmed(await folder.plan()) == "converged"
    assert await runs(desk) == 2
    rerun = await desk.job("restart migrate")
    assert rerun.payload["verdict"] == "completed", said(rerun)
    assert await runs(desk) == 3


async def test_what_depends_on_a_job_that_fails_is_held_back(desk: Desk, folder: Folder) -> None:
    await folder.deployed(stack("true"))
    folder.write(stack("echo no such table; exit 3", V2))

    message = await folder.plan()

    assert await folder.confirmed(message) == "failed"
    assert "exit 3" in said(message)
    assert said(message).count("Not changed: migrate did not complete.") == 1
    found = await asyncio.to_thread(desk.lab.client().inspect_service, "orochi_web")
    assert found["Spec"]["TaskTemplate"]["ContainerSpec"]["Image"] == V1


async def test_only_what_depends_on_a_job_that_fails_is_held_back(
    desk: Desk, folder: Folder
) -> None:
    """Directly or through others; the rest is changed, and nothing is removed."""

    def four(job: str, image: str, *more: str) -> str:
        waits = service("web", image, more=WAITS), service("admin", image, more=THROUGH)
        return compose(job, *waits, service("worker", image), *more)

    await folder.deployed(four(written("true"), V1, service("old")))
    folder.write(four(written("exit 3", V2), V2))

    message = await folder.plan()

    assert await folder.confirmed(message) == "failed"
    (held,) = (each for each in said(message).splitlines() if "Not changed: migrate did" in each)
    assert "*admin*, *web*" in held
    assert "Not removed" in said(message)
    assert await images(desk) == {
        "orochi_migrate": V2,
        "orochi_web": V1,
        "orochi_admin": V1,
        "orochi_worker": V2,
        "orochi_old": V1,
    }


async def test_a_job_of_every_node_runs_once_for_each_change(desk: Desk, folder: Folder) -> None:
    """Once on each node; what depends on it waits for all of them."""
    web = service("web", more=WAITS)
    nodes = len(desk.lab.nodes)
    folder.write(compose(written("sleep 2", mode="global-job"), web))
    first = await folder.plan()
    assert "web waits until migrate completes." in said(first)
    assert await folder.confirmed(first) == "converged", said(first)
    done = await tasks(desk, "migrate")
    (started,) = await tasks(desk, "web")
    assert len({each["NodeID"] for each in done}) == nodes
    assert started["CreatedAt"] > max(each["Status"]["Timestamp"] for each in done)

    again = await desk.answer("deploy", seconds=20)
    assert "migrate has not changed, so it does not run again" in again
    assert await runs(desk) == nodes

    folder.write(compose(written("sleep 1", V2, mode="global-job"), web))
    assert await folder.confirmed(await folder.plan()) == "converged"
    again_done = await tasks(desk, "migrate")  # the swarm keeps those of the last run only
    assert {each["Spec"]["ContainerSpec"]["Image"] for each in again_done} == {V2}
    assert not {each["ID"] for each in again_done} & {each["ID"] for each in done}
    assert await runs(desk) == nodes


async def running_job(desk: Desk) -> None:
    """Wait until the job runs."""

    def runs_now() -> bool:
        found = desk.lab.client().tasks(filters={"service": "orochi_migrate"})
        return any(each["Status"]["State"] == "running" for each in found)

    made = partial(wait_until, lambda: "orochi_migrate" in names(desk), "the job", seconds=30)
    await asyncio.to_thread(made)
    await asyncio.to_thread(wait_until, runs_now, "a running job", seconds=30)


def names(desk: Desk) -> list[str]:
    """The names of all services."""
    return [each["Spec"]["Name"] for each in desk.lab.client().services()]


async def test_a_deploy_that_waits_for_a_job_can_be_cancelled(desk: Desk, folder: Folder) -> None:
    """What was changed stays, and what waits is not changed."""
    folder.write(stack("sleep 600"))
    message = await folder.plan()
    await desk.slack.press(message, "job.confirm")
    await running_job(desk)

    await desk.slack.press(message, "job.cancel")

    assert await folder.verdict(message) == "cancelled"
    assert "orochi_web" not in names(desk)
    assert "orochi_api" in names(desk)


async def test_a_killed_bots_deploy_goes_on_waiting(empty_desk: Desk, folder: Folder) -> None:
    """Another replica waits for the same run of the job, then goes on."""
    desk = empty_desk
    first = await desk.start_bot()
    folder.write(stack("sleep 6"))
    message = await folder.plan()
    await desk.slack.press(message, "job.confirm")
    await running_job(desk)

    await desk.start_bot()
    await first.kill()

    assert await folder.verdict(message) == "converged", said(message)
    assert await runs(desk) == 1

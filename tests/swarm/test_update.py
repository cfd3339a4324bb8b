"""`update` with the whole bot on a real swarm, and a real registry."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from playground.slack import Message
from tests.desk import OPERATOR, STACK, Desk
from tests.lab import images
from tests.lab.registry import FAILS, NONSENSE, TOO_MANY, RegistryServer
from tests.swarm.alerting import QUIET, edited, incident
from tests.swarm.changing import images_of, raw, tasks, under_way, until, update, update_state
from tests.swarm.test_scale import said, verdict


def archives() -> tuple[Path, Path]:
    """Two versions of the same programs."""
    first, second, _ = images.busy_archives()
    return first, second


async def running_app(desk: Desk, registry: RegistryServer, name: str = "worker01") -> None:
    """A service with two replicas of `app:1`."""
    await desk.service(name, image=f"{registry.address}/app:1", replicas=2)


def image(found: dict[str, Any]) -> str:
    """The image of a service's spec."""
    named: str = found["Spec"]["TaskTemplate"]["ContainerSpec"]["Image"]
    return named


def buttons(message: Any) -> list[str]:
    """The labels of a message's buttons."""
    return [
        element["text"]["text"]
        for block in message.blocks
        if block["type"] == "actions"
        for element in block["elements"]
    ]


async def test_a_tag_is_found_pinned_rolled_out_and_rolled_back(
    desk: Desk, registry: RegistryServer
):
    """Only the image and its platforms change; then the way back."""
    await running_app(desk, registry)
    before = await raw(desk, "worker01")
    digest = registry.digest("app:2")
    pinned = f"{registry.address}/app:2@{digest}"

    message = await desk.job("update worker01 :2")

    assert verdict(message) == "converged"
    assert message.blocks[0]["text"]["text"] == "✅ Converged: update worker01 to :2"
    assert f"digest `{digest.removeprefix('sha256:')[:12]}`" in said(message)
    assert buttons(message) == ["Roll back"]
    after = await raw(desk, "worker01")
    assert image(after) == pinned
    assert images_of(await tasks(desk, "worker01")) == {pinned}
    template = after["Spec"]["TaskTemplate"]
    assert [each["OS"] for each in template["Placement"].pop("Platforms")] == ["linux"]
    template["ContainerSpec"]["Image"] = image(before)
    template["Placement"] |= before["Spec"]["TaskTemplate"].get("Placement") or {}
    assert after["Spec"] == {
        **before["Spec"],
        "TaskTemplate": {"Placement": {}, **before["Spec"]["TaskTemplate"]},
    }
    assert verdict(await desk.job("rollback worker01")) == "converged"
    assert (await raw(desk, "worker01"))["Spec"] == before["Spec"]


async def test_the_newest_image_of_a_tag_is_taken_once(desk: Desk, registry: RegistryServer):
    """A tag that was pushed again; afterwards there is nothing newer."""
    await running_app(desk, registry)
    first = registry.digest("app:1")
    assert verdict(await desk.job("update worker01")) == "converged"
    assert image(await raw(desk, "worker01")).endswith(f"app:1@{first}")
    answer = await desk.answer("update worker01")
    has = f"`worker01` already has `{registry.address}/app:1`, digest `{first[7:19]}`"
    assert f"{has}; 2/2 running." in answer
    assert "There is nothing newer under its tag." in answer
    assert "Nothing was changed." in answer
    await asyncio.to_thread(registry.push, "app:1", archives()[1])
    second = registry.digest("app:1")
    message = await desk.job("update worker01")
    assert verdict(message) == "converged"
    assert "update worker01 to the newest :1" in message.shown_text
    assert f"{first[7:19]}` → " in said(message)
    assert image(await raw(desk, "worker01")).endswith(f"app:1@{second}")


async def test_several_services_are_one_job(desk: Desk, registry: RegistryServer):
    """Each with its own image; one message, one verdict."""
    await running_app(desk, registry)
    await running_app(desk, registry, "django")
    message = await desk.job("update worker01=:2 django=:2")
    assert verdict(message) == "converged"
    for name in ("worker01", "django"):
        assert images_of(await tasks(desk, name)) == {
            f"{registry.address}/app:2@{registry.digest('app:2')}"
        }


async def test_what_the_registry_does_not_confirm_changes_nothing(
    desk: Desk, registry: RegistryServer
):
    """No such tag, another platform, and a registry in all its troubles."""
    await running_app(desk, registry)
    await asyncio.to_thread(registry.push, "app:arm", images.foreign_archive())
    await asyncio.to_thread(registry.push, "app:gone", images.busy_archives()[2])
    registry.delete("app:gone")
    before = await raw(desk, "worker01")

    async def refused(text: str, *words: str) -> None:
        answer = await desk.answer(text)
        for each in (*words, "Nothing was changed."):
            assert each in answer
        assert await raw(desk, "worker01") == before

    await refused("update worker01 :9", f"has no image `{registry.address}/app:9`")
    await refused("update worker01 :gone", f"has no image `{registry.address}/app:gone`")
    await refused("update worker01 :arm", "has no variant for the nodes of `worker01`", "arm64")
    registry.says(TOO_MANY)
    await refused("update worker01 :2", "rate limit")
    registry.says(NONSENSE)
    await refused("update worker01 :2", "registry")
    registry.says(FAILS)
    await refused("update worker01 :2", "registry")
    registry.take_away()
    await refused("update worker01 :2", "registry", "update orochi_worker01", "--yes")
    await refused("update worker01=:1 orochi_worker01=:2", "is listed twice")
    registry.give_back()
    registry.says(None)
    assert verdict(await desk.job("update worker01 :2")) == "converged"
    before = await raw(desk, "worker01")
    registry.take_away()
    await refused("update worker01 --yes", "`worker01` keeps its image, digest")


async def test_a_silent_registry_keeps_nobody_waiting(desk: Desk, registry: RegistryServer):
    """Others get their answers meanwhile; then the update is refused."""
    await running_app(desk, registry)
    registry.says(b"")
    known = len(desk.slack.workspace.shown_to("U0ANN00001"))
    await desk.type("update worker01 :2")
    assert "worker01" in await desk.answer("status", user="U0BOB00001")
    assert len(desk.slack.workspace.shown_to("U0ANN00001")) == known
    told = await desk.told(lambda m: "did not answer within 6 s" in m.shown_text)
    assert "Nothing was changed." in told.shown_text


async def test_an_image_that_no_registry_has_is_set_with_yes(desk: Desk):
    """It is on every node already, as in a swarm without a registry."""
    await desk.service("worker01", replicas=2)
    assert "--yes" in await desk.answer(f"update worker01 {images.BUSY_NEXT}")
    message = await desk.job(f"update worker01 {images.BUSY_NEXT} --yes")
    assert verdict(message) == "converged"
    assert images_of(await tasks(desk, "worker01")) == {images.BUSY_NEXT}


async def test_a_bad_image_gets_its_reason_and_a_way_back(desk: Desk, registry: RegistryServer):
    """A paused update is not resumed by the same image, but replaced by another one.

    Of four replicas some stay old: the swarm goes on to the next task when one ran for a moment.
    """
    await desk.service(
        "worker01", "sh", "-c", 'test "$VERSION" = 1 || exit 3; exec serve',
        image=f"{registry.address}/app:1", replicas=4, options=("--restart-delay=500ms",),
    )  # fmt: skip
    message = await desk.job("update worker01 :2")
    assert verdict(message) == "paused"
    assert "exit 3" in said(message)
    assert "Roll back" in buttons(message)
    await until(desk, "worker01", lambda now: update_state(now) == "paused")
    answer = await desk.answer("update worker01 :2")
    assert "this is the image that failed" in answer
    message = await desk.job("update worker01 :1")
    assert verdict(message) == "converged"


async def test_the_next_deploy_is_foretold(
    empty_desk: Desk, registry: RegistryServer, tmp_path: Path
):
    """The stack's file names another image: the message says in which line."""
    (tmp_path / f"{STACK}.yml").write_text(
        "version: '3.8'\nservices:\n  worker01:\n"
        f"    image: {registry.address}/app:1\n    command: serve\n"
    )
    await empty_desk.start_bot(BOT_STACKS_DIR=str(tmp_path))
    assert verdict(await empty_desk.job("deploy --yes")) == "converged"
    message = await empty_desk.job("update worker01 :2")
    assert verdict(message) == "converged"
    expected = f"change line 4 of `{STACK}.yml` (`image: {registry.address}/app:1`)"
    assert expected in said(message)
    message = await empty_desk.job("deploy --yes")
    assert verdict(message) == "converged"
    first = f"{registry.address}/app:1@{registry.digest('app:1')}"
    assert image(await raw(empty_desk, "worker01")) == first
    assert verdict(await empty_desk.job("update worker01 :2")) == "converged"
    registry.take_away()
    message = await empty_desk.job("deploy --yes")
    assert image(await raw(empty_desk, "worker01")) == f"{registry.address}/app:1"


async def test_a_killed_bots_update_is_made_once(desk: Desk, registry: RegistryServer):
    """Another replica follows it to its verdict."""
    await running_app(desk, registry)
    second = await desk.start_bot()
    await desk.type("update worker01 :2")
    await under_way(desk)
    await desk.bots[0].kill()
    message = await desk.slack.wait_for_message(
        lambda m: m.payload.get("state") == "finished", timeout=60
    )
    assert second.running
    assert verdict(message) == "converged"
    found = await tasks(desk, "worker01")
    assert len(found) == 4
    assert images_of(found) == {f"{registry.address}/app:2@{registry.digest('app:2')}"}


async def listed(desk: Desk, words: str) -> str:
    """The answer to `images` once it says this: the bot remembers look-ups for some seconds."""
    async with asyncio.timeout(30):
        while words not in (answer := await desk.answer("images", user="U0BOB00001")):
            pass
    return answer


async def test_images_shows_what_runs_and_what_is_newer(desk: Desk, registry: RegistryServer):
    """A pinned image, one that was pushed again, and one whose registry is away."""
    await running_app(desk, registry)
    await running_app(desk, registry, "django")
    assert verdict(await desk.job("update worker01 :2")) == "converged"
    assert verdict(await desk.job("update django")) == "converged"
    before = registry.digest("app:1")[7:14]
    answer = await desk.answer("images")
    assert "2 services: 2 up to date" in answer
    await asyncio.to_thread(registry.push, "app:1", archives()[1])
    answer = await listed(desk, "with a newer image")
    assert f"*django* `app:1` · newer: `{before}` → `{registry.digest('app:1')[7:14]}`" in answer
    assert "`/orochi update orochi_django`" in answer
    registry.take_away()
    answer = await listed(desk, "2 services: 2 unknown")
    assert f"cannot reach the registry {registry.address}" in answer
    assert "has no services" in await desk.answer("images nothing")


async def test_all_newer_images_are_one_plan(desk: Desk, registry: RegistryServer):
    """It names what changes and what could not be looked up; Confirm updates it as one job."""
    await running_app(desk, registry)
    await running_app(desk, registry, "django")
    await desk.service("cache")
    await desk.docker(
        "service", "create", "--detach", "--no-resolve-image", "--mode=replicated-job",
        f"--label=com.docker.stack.namespace={STACK}", f"--name={STACK}_migrate",
        f"{registry.address}/app:1", "true",
    )  # fmt: skip
    assert verdict(await desk.job("update django :2")) == "converged"
    before = {name: await raw(desk, name) for name in ("worker01", "django", "cache")}

    await desk.type("update --all")
    plan = await desk.slack.wait_for_message(
        lambda m: m.payload.get("action") == "update" and "Confirm" in buttons(m), timeout=30
    )
    assert "1 service is pinned to a digest." in said(plan)
    assert "cache stays as it is: " in said(plan)
    assert "migrate stays as it is: It runs to completion" in said(plan)
    assert {name: await raw(desk, name) for name in before} == before
    await desk.slack.press(plan, "job.confirm")
    ts = plan.ts
    message = await desk.slack.wait_for_message(
        lambda m: m.ts == ts and m.payload.get("state") == "finished", timeout=60
    )
    assert verdict(message) == "converged"
    pinned = f"{registry.address}/app:1@{registry.digest('app:1')}"
    assert images_of(await tasks(desk, "worker01")) == {pinned}
    assert (await raw(desk, "django"))["Spec"] == before["django"]["Spec"]
    answer = await desk.answer("update --all --yes")
    assert "No service of `orochi` can get a newer image of its tag." in answer


async def test_a_plan_of_images_is_not_carried_out_on_another_service(
    desk: Desk, registry: RegistryServer
):
    """Somebody set another image while it waited for its confirmation."""
    await running_app(desk, registry)
    await desk.type("update --all")
    plan = await desk.slack.wait_for_message(
        lambda m: m.payload.get("action") == "update" and "Confirm" in buttons(m), timeout=30
    )
    await update(desk, "worker01", f"{registry.address}/app:2")
    await until(desk, "worker01", lambda now: update_state(now) == "completed")
    before = await raw(desk, "worker01")
    await desk.slack.press(plan, "job.confirm")
    message = await desk.slack.wait_for_message(
        lambda m: m.ts == plan.ts and m.payload.get("state") == "finished", timeout=60
    )
    assert verdict(message) == "superseded"
    assert "Someone else changed it since the plan was made. Nothing was changed." in said(message)
    assert (await raw(desk, "worker01"))["Spec"] == before["Spec"]


async def test_an_update_that_was_rolled_back_is_not_made_again(
    desk: Desk, registry: RegistryServer
):
    """Its bot is stopped after the write; the swarm has rolled back when another takes over."""
    await desk.service(
        "worker01", "sh", "-c", 'test "$VERSION" = 1 || exit 3; exec serve',
        image=f"{registry.address}/app:1",
        options=("--update-failure-action=rollback", "--restart-delay=500ms"),
    )  # fmt: skip
    await desk.type("update worker01 :2")
    await until(desk, "worker01", lambda now: update_state(now) != "")
    await desk.bots[0].kill()
    await until(desk, "worker01", lambda now: update_state(now) == "rollback_completed")
    before = await raw(desk, "worker01")
    await desk.start_bot()
    message = await desk.slack.wait_for_message(
        lambda m: m.payload.get("state") == "finished", timeout=60
    )
    assert verdict(message) == "rolled_back"
    after = await raw(desk, "worker01")
    assert after["UpdateStatus"]["StartedAt"] == before["UpdateStatus"]["StartedAt"]


async def test_an_alert_names_the_update_before_it_and_the_job_that_ended_it(
    empty_desk: Desk, registry: RegistryServer
):
    """Both with a link to their messages; the update's *Roll back* is the alert's, too."""
    desk = empty_desk
    await desk.start_bot(**QUIET)
    await running_app(desk, registry)
    updated = await desk.job("update worker01 :2")
    assert verdict(updated) == "converged"
    crash = ("service", "update", "--detach", "--args", "crash 1 7", f"{STACK}_worker01")
    await desk.docker(*crash)
    alert = await incident(desk, f"{STACK}_worker01")
    assert f"*Began after:* update {link_to(updated)} by <@{OPERATOR}>" in said(alert)
    alert = await edited(desk, alert, "Last log lines")
    assert "Roll back" in buttons(alert)
    back = await desk.job("rollback worker01")
    assert verdict(back) == "converged"
    alert = await incident(desk, f"{STACK}_worker01", "resolved", seconds=90)
    assert f"*Resolved after:* rollback {link_to(back)} by <@{OPERATOR}>" in said(alert)
    shown = await desk.answer(f"incidents {alert.payload['incident_id']}")
    assert "Resolved after" in shown
    assert "Its message" in shown


def link_to(message: Message) -> str:
    """The link to a job's message, with its id."""
    address = (
        f"https://emulated.slack.com/archives/{message.channel}/p{message.ts.replace('.', '')}"
    )
    return f"<{address}|{message.payload['job_id']}>"

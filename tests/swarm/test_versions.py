"""Versions of stacks through the whole bot on a real swarm: history, the way back, drift."""

from __future__ import annotations

import asyncio
import re
from contextlib import closing
from pathlib import Path

import pytest
import redis

from bot.domain.swarm.image_name import short_change
from bot.swarm.stacks.bundle import Contents, Seal
from playground.slack import Message
from tests.desk import STACK, Desk, finished
from tests.swarm.changing import NO_IMAGE, VIEWER, raw
from tests.swarm.deploying import (
    V1,
    V2,
    Folder,
    changed_by_hand,
    compose,
    images,
    service,
    services,
    until_image,
)
from tests.swarm.test_scale import said, verdict

WEB, DB = f"{STACK}_web", f"{STACK}_db"


@pytest.fixture
async def desk(empty_desk: Desk, folder: Folder) -> Desk:
    """A desk with one bot that may deploy."""
    await empty_desk.start_bot()
    return empty_desk


def lines(answer: str) -> list[str]:
    """What an answer's blocks say; the summary for notifications stands before them."""
    return [line for line in answer.splitlines()[1:] if line.strip()]


async def plan_of_a_press(desk: Desk, message: Message) -> Message:
    """The plan that the button *Roll back* of a message asks about."""
    known = {each.ts for each in desk.slack.workspace.messages.values()}
    await desk.slack.press(message, "job.rollback")
    return await desk.slack.wait_for_message(
        lambda m: m.ts not in known and m.payload.get("action") == "deploy", timeout=30
    )


async def test_a_deploy_that_changed_nothing_is_no_version_and_offers_no_way_back(
    desk: Desk, folder: Folder
):
    """The engine refuses its first step: there is nothing to be rolled back from."""
    await folder.deployed(compose(service("web")))
    (before, *_) = (await desk.answer("history")).splitlines()
    assert before.startswith("1 version of orochi")
    host = "  default: {external: true, name: host}\n"
    nets = f"networks:\n{host}  other: {{driver: no-such-driver}}\n"
    more = "    networks: {default: {}, other: {}}\n"
    web = service("web", V2).replace("    networks: {default: {}}\n", more)
    message = await folder.deployed(compose(web, end=nets))

    assert message.payload["verdict"] == "failed"
    assert "It was not changed." in said(message)
    assert "job.rollback" not in str(message.blocks)
    assert (await desk.answer("history")).startswith(before)


async def test_history_tells_who_what_and_how_it_ended(desk: Desk, folder: Folder):
    """Also of a stack that was never deployed, and to people who may only look."""
    assert "the bot has not deployed the stack orochi." in await desk.answer("history")
    await folder.deployed(compose(service("web"), service("db")))
    await folder.deployed(compose(service("web", V2), service("db")))
    await folder.deployed(compose(service("web", NO_IMAGE), service("db")))

    told = lines(await desk.answer("history", user=VIEWER))

    assert told[0] == "*Versions of orochi*, newest first:"
    assert re.match(r"\*<\S+\|3>\* · ⏸️ Update paused · \d+ \w+ ago · <@U\w+>$", told[1])
    assert re.match(r" +web \S+ → \S+$", told[2])
    assert re.match(r"\*<\S+\|2>\* · ✅ Converged · \d+ \w+ ago · <@U\w+>$", told[3])
    assert told[4].strip() == f"web {short_change(V1, V2)}"
    assert re.match(r"\*<\S+\|1>\* · ✅ Converged · \d+ \w+ ago · <@U\w+>$", told[5])
    assert told[6].strip() == "2 services"
    assert "rollback` shows a plan to go back to version 2" in told[7]
    assert "has not deployed stack `shop`" in await desk.answer("history shop")


async def test_a_bad_deploy_is_rolled_back_as_a_stack(desk: Desk, folder: Folder):
    """The button shows the plan, Confirm makes it: every spec is as it was, and it is a version."""
    (folder.path / "settings.txt").write_text("one")
    config = "    configs: [settings_1]\n"
    end = "configs: {settings_1: {file: settings.txt}}\n"
    await folder.deployed(compose(service("web", more=config), service("db"), end=end))
    before = {name: each["Spec"] for name, each in (await services(desk)).items()}
    (folder.path / "settings.txt").write_text("two")
    bad = await folder.deployed(
        compose(service("web", NO_IMAGE, more=config.replace("1", "2")), service("db", V2),
                end=end.replace("1", "2"))
    )  # fmt: skip
    assert verdict(bad) == "paused"

    message = await plan_of_a_press(desk, bad)

    assert "roll back orochi to version 1" in said(message)
    assert f"image: `{NO_IMAGE}` → `{V1}`" in said(message)
    assert await folder.confirmed(message) == "converged"
    after = {name: each["Spec"] for name, each in (await services(desk)).items()}
    assert after == before
    told = lines(await desk.answer("history"))
    assert "|3>* · ✅ Converged" in told[1]
    assert told[2].strip() == "the files of version 1"


async def test_rollback_alone_goes_back_and_forth(desk: Desk, folder: Folder):
    """Typed, with a plan; what was added since goes; without the files, as they may be gone."""
    assert "the bot has not deployed it yet" in await desk.answer("rollback")
    await folder.deployed(compose(service("web")))
    await folder.deployed(compose(service("web", V2), service("db")))
    (folder.path / "orochi.yml").unlink()

    message = await folder.plan("rollback")
    assert "*db* will be removed (1 replica)" in said(message)
    assert await folder.confirmed(message) == "converged"
    assert await images(desk) == {WEB: V1}

    assert verdict(await desk.job("rollback --yes")) == "converged"
    assert await images(desk) == {WEB: V2, DB: V1}


async def test_a_press_on_an_older_deploy_is_refused(desk: Desk, folder: Folder):
    await folder.deployed(compose(service("web")))
    bad = await folder.deployed(compose(service("web", NO_IMAGE)))
    await folder.deployed(compose(service("web", V2)))

    await desk.slack.press(bad, "job.rollback")
    await desk.told(
        lambda m: "has been deployed again since; it is now at version 3" in m.shown_text
    )
    assert await images(desk) == {WEB: V2}


async def test_a_service_goes_back_after_a_scale(desk: Desk, folder: Folder):
    """The swarm's previous spec is the scale's; the version's comes back with today's number."""
    await folder.deployed(compose(service("web"), service("db")))
    first = await raw(desk, "web")
    await folder.deployed(compose(service("web", V2), service("db", V2)))
    await desk.job("scale web 3")

    message = await desk.job("rollback web")

    assert (verdict(message), message.payload["running"]) == ("converged", 3)
    assert f"*web* `{V2}` → `{V1}`" in said(message)
    assert await images(desk) == {WEB: V1, DB: V2}
    spec = (await raw(desk, "web"))["Spec"]
    assert spec["Mode"]["Replicated"]["Replicas"] == 3
    assert spec["TaskTemplate"] == first["Spec"]["TaskTemplate"]


async def test_without_another_version_a_scaled_service_is_refused_as_ever(
    desk: Desk, folder: Folder
):
    await folder.deployed(compose(service("web")))
    await desk.job("scale web 2")
    assert "the last change was a scale" in await desk.answer("rollback web")


async def test_what_was_changed_by_hand_is_named_by_field(desk: Desk, folder: Folder):
    """A scale is no drift; files that were never deployed are listed, too."""
    folder.write(compose(service("x")), "shop")
    await folder.deployed(compose(service("web"), service("db"), service("old")))
    told = lines(await desk.answer("stacks", user=VIEWER))
    assert told[0].startswith("🟢 *orochi* · 3 services in the swarm · version 1, converged, by")
    assert told[0].endswith("· as deployed")
    assert told[1] == "⚪ *shop* · not in the swarm · not deployed by the bot"

    await changed_by_hand(desk, WEB, "--image", V2, "--env-add", "DEBUG=1")
    await until_image(desk, WEB, V2)
    await desk.docker("service", "rm", f"{STACK}_old")
    await desk.job("scale db 2")
    told = lines(await desk.answer("stacks"))

    assert told[0].endswith("· *drifted*: 2 changed")
    assert [line.strip(" •") for line in told[1:4]] == [
        "*old* was removed",
        f"*web*: image `{V2}`, deployed `{V1}`; environment DEBUG `1` was added",
        "scaled by hand (a deploy keeps it): db 2 (file: 1)",
    ]


async def test_a_version_whose_files_cannot_be_read_any_more_is_listed_and_refused(
    desk: Desk, folder: Folder
):
    """As after a new bot token, which makes another key."""
    await folder.deployed(compose(service("web")))
    await folder.deployed(compose(service("web", V2)))
    sealed = Seal(b"the token of then").sealed(Contents(STACK, "/x", b"", {}, {}))
    with closing(redis.Redis.from_url(desk.redis.url, decode_responses=True)) as store:
        for key in store.scan_iter("orochi:version:*"):
            store.hset(key, "sealed", sealed.sealed)

    assert "|1>* · ✅ Converged" in await desk.answer("history")
    refused = await desk.answer("rollback")
    assert "The files of that version can no longer be read" in refused
    assert "Nothing was changed" in refused
    assert "drift unknown: The files of that version" in (await desk.answer("stacks"))
    assert await images(desk) == {WEB: V2}


BROKEN = {
    "syntax": (compose(service("web")) + "   - [\n", "is not valid YAML"),
    "an unknown key": (
        compose(service("web", more="    foo: 1\n")),
        "has an unknown key in `services.web`: `foo`",
    ),
    "an unset variable": (
        compose(service("web", more="    environment: {A: $NOBODY}\n")),
        "`NOBODY` is not set, but",
    ),
    "a missing file": (
        compose(service("web", more="    configs: [a]\n"), end="configs: {a: {file: no.txt}}\n"),
        "The file `no.txt` in `orochi.yml` does not exist",
    ),
    "a missing network": (
        compose(service("web"), end="networks: {default: {external: true, name: nonet}}\n"),
        "needs the network `nonet`, which is not in the swarm",
    ),
    "a missing secret": (
        compose(service("web", more="    secrets: [s]\n"), end="secrets: {s: {external: true}}\n"),
        "needs the secret `s` (service `web`), which is not in the swarm",
    ),
    "a config that was changed in place": (
        compose(
            service("web", more="    configs: [c]\n"),
            end="configs: {c: {file: new.txt, name: mine}}\n",
        ),
        "The config `mine` is in the swarm with different content, which cannot be changed.",
    ),
}


async def test_each_broken_file_is_told_and_changes_nothing(desk: Desk, folder: Folder):
    (folder.path / "old.txt").write_text("old")
    (folder.path / "new.txt").write_text("new")
    config = "configs: {c: {file: old.txt, name: mine}}\n"
    await folder.deployed(compose(service("web", more="    configs: [c]\n"), end=config))
    before = await services(desk)
    for what, (text, sentence) in BROKEN.items():
        folder.write(text)
        answer = await desk.answer("deploy", seconds=20)
        assert sentence in answer, what
        assert "Nothing was changed" in answer, what
    assert await services(desk) == before


SHIPPED = Path(__file__).resolve().parents[2] / "examples" / "stacks" / "portainer.yml"
PORTAINER = """
PORTAINER_NODE={node}
PORTAINER_IMAGE=lab/busy:1
PORTAINER_COMMAND=serve
PORTAINER_AGENT_IMAGE=lab/busy:1
PORTAINER_AGENT_COMMAND=serve
DOCKER_SOCKET=/tmp
DOCKER_VOLUMES=/tmp
"""


async def test_portainers_shape_is_deployed(desk: Desk, folder: Folder):
    """The shipped file: an agent on every node, a server on the one manager."""
    node = desk.lab.manager.name
    (folder.path / "portainer.env").write_text(PORTAINER.format(node=node))
    message = await folder.deployed(SHIPPED.read_text(), "portainer")

    assert verdict(message) == "converged", said(message)
    nodes = len(await asyncio.to_thread(desk.lab.client().nodes))
    assert message.payload["running"] == nodes + 1
    assert finished(message)

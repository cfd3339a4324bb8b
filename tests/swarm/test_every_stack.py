"""Services of other stacks, and of none, by name; a channel with a stack of its own."""

from __future__ import annotations

import asyncio
from functools import partial

from playground.slack import Message
from playground.slack.workspace import BOT_USER_ID
from tests.desk import OPERATOR, Desk, finished
from tests.swarm.test_scale import said, verdict


def shows(text: str, message: Message) -> bool:
    """Whether a message shows a text."""
    return text in message.shown_text


async def a_service(desk: Desk, stack: str, name: str, replicas: int = 1, *command: str) -> None:
    """A running service of another stack, or of none."""
    label = (f"--label=com.docker.stack.namespace={stack}",) if stack else ()
    options = ("--update-monitor=1s", "--restart-delay=500ms", *label)
    await asyncio.to_thread(
        desk.lab.create_service,
        name, *(command or ("serve",)), replicas=replicas, options=options,
    )  # fmt: skip
    if not command:
        await asyncio.to_thread(desk.lab.wait_running, name, replicas)


async def replicas(desk: Desk, name: str) -> int:
    """The requested replicas of a service by its full name."""
    number: int = await asyncio.to_thread(
        lambda: desk.lab.client().inspect_service(name)["Spec"]["Mode"]["Replicated"]["Replicas"]
    )
    return number


async def test_services_of_every_stack_are_named_alike(desk: Desk) -> None:
    """Scale, restart, logs, ps and status; what fits two things is listed, and nothing changes."""
    await desk.service("django")
    await a_service(desk, "shop", "shop_web")
    await a_service(desk, "blog", "blog_web")
    await a_service(desk, "", "django")

    scaled = await desk.job("scale shop/web=2 blog_web=2")
    assert verdict(scaled) == "converged", said(scaled)
    assert scaled.payload["target"] == "shop_web,blog_web"
    assert [await replicas(desk, name) for name in ("shop_web", "blog_web")] == [2, 2]

    restarted = await desk.job("restart shop/web")
    assert verdict(restarted) == "converged"
    assert "stack shop" in said(restarted)

    assert "Did you mean `blog/web` or `shop/web`?" in await desk.answer("scale web 3")
    both = await desk.answer("restart django")
    assert "`django` matches `orochi/django` and `/django`" in both
    assert "Nothing was changed" in both
    alone = await desk.job("scale /django 2")
    assert (verdict(alone), await replicas(desk, "django")) == ("converged", 2)

    whole = await desk.answer("rollback shop")
    assert "`shop` is a stack, not a service." in whole
    assert "`/orochi rollback shop/`" in whole
    assert "Its services: `shop/web`." in await desk.answer("restart shop")
    assert "Did you mean `shop/`?" in await desk.answer("rollback sHop/")
    assert "2/2" in await desk.answer("status shop/web")
    assert "shop: 1 service healthy" in await desk.answer("status shop")
    assert "*shop*: 2/2 tasks running\n🟢 web.1 · m-0" in await desk.answer("ps shop/")
    assert "serving version 1" in await desk.answer("logs shop/web")
    every = await desk.answer("status --all")
    assert "3 stacks and services without a stack, none unhealthy" in every
    assert "without a stack" in every


async def test_advice_for_another_stack_is_the_bots_own_command(desk: Desk) -> None:
    await a_service(desk, "shop", "shop_web", 0, "crash", "0", "3")
    failed = await desk.job("scale shop/web 1")

    assert verdict(failed) == "crash_looping"
    assert "`/orochi logs shop_web`" in said(failed)
    assert "1 of 1 service unhealthy: web 0/1" in await desk.answer("status --all")
    assert "Exit 3" in await desk.answer("status shop/")


async def test_a_channel_has_a_stack_of_its_own(empty_desk: Desk) -> None:
    """Its commands are about that stack; what they ask for happens there alone."""
    desk = empty_desk
    channel = desk.slack.workspace.add_channel("shop", members=[OPERATOR, BOT_USER_ID])
    desk.settings |= {"BOT_CHANNEL_STACKS": f"{channel.id}=shop"}
    await desk.start_bot()
    await desk.service("web")
    await a_service(desk, "shop", "shop_web")

    await desk.slack.command("/orochi", "scale web 2", user=OPERATOR, channel=channel.id)
    message = await desk.slack.wait_for_message(finished, timeout=60)

    assert (message.channel, message.payload["target"]) == (channel.id, "shop_web")
    assert (await replicas(desk, "shop_web"), await replicas(desk, "orochi_web")) == (2, 1)
    for typed, right in (("restart", "restart web"), ("scale 5", "scale web 5")):
        await desk.slack.command("/orochi", typed, user=OPERATOR, channel=channel.id)
        await desk.told(partial(shows, f"Try: `/orochi {right}`"))
    await desk.slack.command("/orochi", "status", user=OPERATOR, channel=channel.id)
    await desk.told(lambda m: "shop: 1 service healthy" in m.shown_text)


async def test_advice_for_a_service_without_a_stack_is_a_command_for_it(desk: Desk) -> None:
    """The channel's stack has a service of that name."""
    await desk.service("web")
    await a_service(desk, "", "web", 0, "crash", "0", "3")
    failed = await desk.job("scale /web 1")

    assert verdict(failed) == "crash_looping"
    assert "`/orochi logs /web`" in said(failed)
    assert "matches" in await desk.answer("logs web")
    assert "matches" not in await desk.answer("logs /web")

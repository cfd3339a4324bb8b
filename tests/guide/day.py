"""A day of an operator with three stacks."""

from __future__ import annotations

from pathlib import Path

from tests.desk import Desk
from tests.guide import stacks
from tests.guide.page import Page
from tests.swarm.deploying import changed_by_hand

_INTRO = Path(__file__).with_name("intro.md")


async def day(desk: Desk, page: Page, folder: Path, registry: str, engine: str) -> None:
    """Live through the day; raises ValueError where the bot said something else."""
    page.parts.append(_INTRO.read_text().format(engine=engine).strip())
    _write(folder, registry)
    await _morning(page)
    await _scale(page)
    await _config(page, folder)
    await _one_off(page)
    await _trouble(desk, page)
    await _nodes(page)


def _write(folder: Path, registry: str) -> None:
    (folder / "orochi.yml").write_text(stacks.orochi(registry))
    (folder / "monitoring.yml").write_text(stacks.monitoring(registry))
    (folder / "shop.yml").write_text(stacks.shop(registry))
    (folder / "shop.settings").write_text(stacks.SETTINGS)
    (folder / "shop-db-password.txt").write_text("correct-horse-battery")


async def _morning(page: Page) -> None:
    page.text(
        "## A new swarm",
        "A machine joins with a command that only the operator who asked can see. The audit "
        "log has who asked.",
    )
    await page.answered("join worker")
    await page.answered("nodes")
    page.text(
        "## Three stacks",
        "The plan comes first, from the file `NAME.yml` in the stacks' folder ([how to write "
        "one](deploys.md)). "
        "Nothing happens before *Confirm*; then the same message follows the stack to its "
        "verdict.",
    )
    await page.confirmed(await page.plan("deploy"))
    page.text(
        "The shop's web server depends on its migration, a job: it is added once the job has "
        "completed.",
    )
    await page.confirmed(await page.plan("deploy shop"), most=26)
    page.text("With `--yes` there is no plan to confirm.")
    await page.job("deploy monitoring --yes")
    page.text("One line for each stack, the unhealthy ones first:")
    await page.answered("status --all")
    await page.answered("ps shop/", most=20)


async def _scale(page: Page) -> None:
    page.text(
        "## More workers",
        "`scale 5` is about the default service; `shop/worker` is one of another stack.",
    )
    await page.job("scale 5")
    await page.job("scale shop/worker 2")


async def _config(page: Page, folder: Path) -> None:
    page.text(
        "## A setting changes",
        "Somebody edits `shop.settings`, from which the shop's config is made. The plan says "
        "what changes and "
        "what restarts, never the content.",
    )
    (folder / "shop.settings").write_text(stacks.NEW_SETTINGS)
    await page.confirmed(await page.plan("deploy shop"), most=12)
    page.text("It was not the right banner. Back to the version before:")
    await page.confirmed(await page.plan("rollback shop/"), most=10)
    page.text("## A new image")
    await page.job("update shop/web :2")
    page.text("And an image that the registry does not have:")
    await page.answered("update shop/web :3")


async def _one_off(page: Page) -> None:
    page.text(
        "## A command in a new container",
        "With the image, the environment, the configs and the networks of a service:",
    )
    await page.job("run shop/web -- cat /settings", verdict="completed")


async def _trouble(desk: Desk, page: Page) -> None:
    page.text(
        "## Trouble",
        "A colleague changes the collector in a shell, and it cannot start. The alert comes by "
        "itself:",
    )
    await changed_by_hand(desk, "monitoring_collector", "--args", "crash 2")
    alert = await page.alerted("firing")
    await page.answered("logs monitoring/collector --lines 3")
    page.text("*Roll back* is a button of the alert; typed, it is the same:")
    await page.job("rollback monitoring/collector")
    await desk.slack.wait_for_message(
        lambda m: m is alert and m.payload["state"] == "resolved", timeout=60
    )
    page.text("The alert's own message says that it is over:")
    page.show("(nobody typed anything)", alert)
    await page.answered("incidents")


async def _nodes(page: Page) -> None:
    page.text("## A machine is repaired", "Its tasks go elsewhere first.")
    await page.job("drain photon-machine-03", most=20)
    await page.job("activate photon-machine-03")
    await page.job("restart mailhog")
    page.text(
        "## A stack goes, and comes back",
        "Nothing happens before its name is typed. Volumes stay.",
    )
    await page.removed(await page.plan("remove shop", most=24), "shop")
    page.text("The removal is a version, too, and the one before it can be brought back:")
    await page.confirmed(await page.plan("rollback shop/"), most=12)
    page.text("## Before the evening")
    await page.answered("volumes shop")
    await page.answered("history shop")
    await page.answered("stacks")
    await page.answered("jobs", most=16)

"""The alert of a service that a deploy broke, on a real swarm."""

from __future__ import annotations

from tests.desk import STACK, Desk
from tests.swarm.alerting import QUIET, incident
from tests.swarm.changing import NO_IMAGE
from tests.swarm.deploying import V1, Folder, compose, images, service
from tests.swarm.test_scale import said, verdict
from tests.swarm.test_update import buttons, link_to
from tests.swarm.test_versions import plan_of_a_press

WEB = f"{STACK}_web"


async def test_it_names_the_deploy_and_its_button_goes_back_to_the_version_before(
    empty_desk: Desk, folder: Folder
):
    """The button shows the plan for the whole stack; the alert is resolved after that job."""
    desk = empty_desk
    await desk.start_bot(**QUIET)
    await folder.deployed(compose(service("web")))
    bad = await folder.deployed(compose(service("web", NO_IMAGE)))
    assert verdict(bad) == "paused"

    alert = await incident(desk, WEB, seconds=60)
    assert f"*Began after:* deploy {link_to(bad)}" in said(alert)
    assert "Roll back to version 1" in buttons(alert)

    assert await folder.confirmed(await plan_of_a_press(desk, alert)) == "converged"
    assert await images(desk) == {WEB: V1}
    await incident(desk, WEB, "resolved", seconds=90)

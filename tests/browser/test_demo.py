"""The whole demo as a new user sees it: ``python -m playground`` and its page in a browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from selenium.webdriver.support.ui import Select

from tests.browser.browser import PHONE, Browser
from tests.demo import ALERTS, DemoProcess

Take = Callable[[str], None]
COMPOSER = "[data-composer=channel]"


@pytest.fixture(scope="module")
def shared() -> Iterator[DemoProcess]:
    """The module's demo, with a short quiet period before alerts are resolved."""
    with DemoProcess(BOT_ALERTS_QUIET_SECONDS="1") as made:
        yield made


@pytest.fixture
def demo(request: pytest.FixtureRequest, artefacts: Path | None) -> Iterator[DemoProcess]:
    """The module's demo, repaired at the end; with screenshots, each test has a new one."""
    if artefacts is None:
        found: DemoProcess = request.getfixturevalue("shared")
        yield found
        found.breaks("mend")
    else:
        with DemoProcess() as made:
            yield made


@pytest.fixture
def browser(chromium: Browser, demo: DemoProcess) -> Browser:
    """The browser with empty storage and the demo's page open."""
    chromium.open(demo.url)
    return chromium


@pytest.fixture(autouse=True)
def _no_complaints(browser: Browser) -> Iterator[None]:
    """The browser's console holds no error when a test ends."""
    browser.complaints()
    yield
    assert browser.complaints() == []


def act_as_bob(browser: Browser) -> None:
    Select(browser.find("[data-acting]")).select_by_visible_text("Bob · viewer")


def test_a_scale_is_typed_and_watched_to_its_verdict(browser: Browser, picture: Take) -> None:
    box = browser.find(COMPOSER)
    box.send_keys("/orochi sca")
    browser.find("[role=option]", "/orochi scale")
    picture("demo-typing")
    browser.type_in("le 5")
    browser.find(".message", "Running: scale worker01 to 5")
    picture("demo-running")
    message = browser.find(".message", "Converged: scale worker01 to 5")
    assert "5/5 running" in message.text
    browser.find(".replies button")
    picture("demo-converged")


def test_a_broken_worker_raises_an_alert_that_is_resolved(browser: Browser, picture: Take) -> None:
    browser.click("[aria-label='Break things']")
    browser.click("[data-break=crash_loop]")
    browser.find(".said", "orochi_worker01 crashes until you fix everything.")
    browser.click("nav a", "alerts")
    browser.find(".message", "Firing: worker01")
    picture("demo-alert")
    browser.click("[data-break=mend]")
    browser.find(".message", "Resolved: worker01")
    picture("demo-resolved")


def test_a_deploy_is_confirmed_by_an_operator(browser: Browser, picture: Take) -> None:
    browser.type_in("/orochi deploy")
    plan = browser.find(".message", "Plan: deploy orochi")
    assert "orochi/worker:2.1" in plan.text
    assert "1 service changes" in plan.text.lower()
    picture("demo-plan")
    browser.click("[data-action='job.confirm']")
    browser.click("dialog button", "Confirm")
    browser.find(".message", "Converged: deploy orochi")
    picture("demo-deployed")


def test_a_viewer_is_refused_and_told_why(browser: Browser, picture: Take) -> None:
    act_as_bob(browser)
    browser.type_in("/orochi restart django")
    refusal = browser.find(".message.private", "Nothing was changed")
    assert "Only visible to you" in refusal.text
    picture("demo-viewer")


def test_a_reload_keeps_the_channel_and_the_person(browser: Browser, demo: DemoProcess) -> None:
    demo.breaks("crash_task", service="orochi_worker01")
    act_as_bob(browser)
    browser.click("nav a", "alerts")
    browser.find(".message", "worker01")
    browser.driver.refresh()
    browser.find(".message", "worker01")
    assert browser.find("h1").text == "#alerts"
    assert Select(browser.find("[data-acting]")).first_selected_option.text == "Bob · viewer"


def test_the_swarm_is_drawn_and_listed(browser: Browser, picture: Take) -> None:
    browser.type_in("/orochi map")
    shown = browser.find(".upload img")
    browser.wait(lambda: shown.get_property("naturalWidth") or None)
    picture("demo-map")
    browser.type_in("/orochi status")
    browser.find(".message.private", "8 services")
    picture("demo-status")


def test_the_home_tab_shows_what_fails_and_fits_a_phone(
    browser: Browser, demo: DemoProcess, picture: Take
) -> None:
    demo.type("/orochi scale 3")
    demo.breaks("crash_loop", service="orochi_django")
    demo.message("Firing: django", channel=ALERTS)
    browser.click("nav a", "Orochi Home")
    browser.find(".home", "django")
    picture("demo-home")
    browser.prefer("dark")
    picture("demo-home-dark")
    browser.size(*PHONE)
    picture("demo-home-phone")
    width = int(browser.driver.execute_script("return document.documentElement.scrollWidth"))
    assert width <= PHONE[0]


def test_the_picture_for_the_readme(browser: Browser, demo: DemoProcess, picture: Take) -> None:
    """The picture for the README: a job that converged, and beside it an alert and the panel."""
    demo.type("/orochi scale 5")
    demo.message("scale worker01 to 5: converged")
    browser.type_in("/orochi map")
    shown = browser.find(".upload img")
    browser.wait(lambda: shown.get_property("naturalWidth") or None)
    picture("demo-whole")
    browser.click("nav a", "alerts")
    browser.click("[aria-label='Break things']")
    browser.click("[data-break=crash_task]")
    browser.find(".message", "Last log lines")
    picture("demo-broken")


def test_a_stack_is_removed_only_with_its_name(browser: Browser, picture: Take) -> None:
    """What was typed stays in the field; afterwards the stack is deployed again."""
    browser.type_in("/orochi remove orochi")
    browser.find(".message", "Plan: remove orochi")
    browser.click("[data-action='job.confirm']")
    browser.find(".message.private", "was not typed")
    field = browser.find(".message .field input")
    field.send_keys("oro")
    browser.click("[data-action='job.confirm']")
    browser.find(".message.private", "not the name of the stack")
    field.send_keys("chi")
    picture("demo-remove")
    browser.click("[data-action='job.confirm']")
    browser.find(".message", "Converged: remove orochi")
    browser.type_in("/orochi deploy --yes")
    browser.find(".message", "Converged: deploy orochi")
